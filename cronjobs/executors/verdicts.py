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

    def plain(self) -> dict[str, Any]:
        """Return what `verdict_from` takes, in values that JSON has."""
        grouped = {"plans": grouped_plans(self.plans), "service_plans": grouped_plans(self.service_plans)}
        return self._asdict() | grouped


def grouped_plans(plans: Mapping[str, Plan]) -> list[tuple[Plan, list[str]]]:
    """Return each plan once with the names that have it: a handful of ways to call thousands of jobs."""
    names: dict[Plan, list[str]] = {}
    for name, plan in plans.items():
        names.setdefault(plan, []).append(name)
    return list(names.items())


def verdict_from(found: Mapping[str, Any]) -> Verdict:
    """Return a verdict from its plain form."""
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
    plans = {
        name: plan
        for plan, names in ((Plan.read(each), names) for each, names in found.get(f"{of}plans", ()))
        for name in names
    }
    misfits = {name: [Misfit(*each) for each in all] for name, all in found.get(f"{of}misfits", {}).items()}
    return failures, plans, misfits
