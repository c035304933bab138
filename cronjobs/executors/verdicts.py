"""What is known of a module after a first look at it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs.core.run import Failure


class Verdict(NamedTuple):
    """What is known of a module after a first import.

    failure: it could not be imported. failures: {job: why it has no callable}. leftovers: what a fork of a
    process with this module would not survive. output: what the import printed, its end cut if long.
    """

    module: str
    seconds: float
    failure: Failure | None = None
    leftovers: Sequence[str] = ()
    failures: Mapping[str, Failure] = {}
    output: str = ""


def verdict_from(found: Mapping[str, Any]) -> Verdict:
    """Return a verdict from what came as JSON."""
    failure = found["failure"]
    failures = {job: Failure(*each) for job, each in found.get("failures", {}).items()}
    return Verdict(
        found["module"],
        found["seconds"],
        failure and Failure(*failure),
        tuple(found.get("leftovers", ())),
        failures,
        found["output"],
    )
