"""What is known of a module after a first look at it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs.core.failure import Failure
from cronjobs.signatures import Misfit, Plan


class Verdict(NamedTuple):
    """What is known of a module after a first import.

    failure: it could not be imported. leftovers: what a fork of a process with this module would not survive.
    failures: {job: why it has no callable}. plans: {job: how to call it}.
    misfits: {job: each reason, where there may be several}.
    service_failures, service_plans, service_misfits: the same of factories, by the services' keys.
    output: what the import printed, its end cut if long.
    """

    module: str
    seconds: float
    failure: Failure | None = None
    leftovers: Sequence[str] = ()
    failures: Mapping[str, Failure] = {}
    plans: Mapping[str, Plan] = {}
    misfits: Mapping[str, Sequence[Misfit]] = {}
    service_failures: Mapping[str, Failure] = {}
    service_plans: Mapping[str, Plan] = {}
    service_misfits: Mapping[str, Sequence[Misfit]] = {}
    output: str = ""


def verdict_from(found: Mapping[str, Any]) -> Verdict:
    """Return a verdict from what came as JSON."""
    failure = found["failure"]
    return Verdict(
        found["module"],
        found["seconds"],
        failure and Failure(*failure),
        tuple(found.get("leftovers", ())),
        *_callables(found, ""),
        *_callables(found, "service_"),
        found["output"],
    )


def _callables(found: Mapping[str, Any], of: str) -> tuple[Any, Any, Any]:
    failures = {name: Failure(*each) for name, each in found.get(f"{of}failures", {}).items()}
    same: dict[Plan, Plan] = {}  # thousands of jobs are called in a handful of ways
    plans = {
        name: same.setdefault(plan := Plan.read(each), plan)
        for name, each in found.get(f"{of}plans", {}).items()
    }
    misfits = {name: [Misfit(*each) for each in all] for name, all in found.get(f"{of}misfits", {}).items()}
    return failures, plans, misfits
