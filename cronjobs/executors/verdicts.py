"""What is known of a module after a first look at it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs.core.failure import Failure
from cronjobs.targets import Plan


class Verdict(NamedTuple):
    """What is known of a module after a first import.

    failure: it could not be imported. leftovers: what a fork of a process with this module would not survive.
    failures: {job: why it has no callable}. plans: {job: how to call it}.
    output: what the import printed, its end cut if long.
    """

    module: str
    seconds: float
    failure: Failure | None = None
    leftovers: Sequence[str] = ()
    failures: Mapping[str, Failure] = {}
    plans: Mapping[str, Plan] = {}
    output: str = ""


def verdict_from(found: Mapping[str, Any]) -> Verdict:
    """Return a verdict from what came as JSON."""
    failure = found["failure"]
    failures = {job: Failure(*each) for job, each in found.get("failures", {}).items()}
    plans = {job: Plan(tuple(each[0]), each[1]) for job, each in found.get("plans", {}).items()}
    return Verdict(
        found["module"],
        found["seconds"],
        failure and Failure(*failure),
        tuple(found.get("leftovers", ())),
        failures,
        plans,
        found["output"],
    )
