"""What happens to one due occurrence: every rule, in the order in which they apply."""

from typing import Literal, NamedTuple

from cronjobs.core.job import Concurrency, Job
from cronjobs.core.run import Reason


class Facts(NamedTuple):
    """What the state file knows of a job at one tick."""

    executions: int = 0
    unfinished: int = 0  # its runs that are claimed, waiting or running
    counting: int = 1


class Decision(NamedTuple):
    """`reason` says why an occurrence is skipped."""

    action: Literal["start", "skip", "retire"]
    reason: Reason | None = None


def decide(job: Job, facts: Facts) -> Decision:
    """Return what is to be done with an occurrence of the job that is due now."""
    if remaining(job, facts.executions) == 0:
        return Decision("retire", Reason.LIMIT)
    if job.concurrency is Concurrency.FORBID and facts.unfinished:
        return Decision("skip", Reason.OVERLAP)
    return Decision("start")


def remaining(job: Job, executions: int) -> int | None:
    """Return how many executions the job has left, or None where it has no limit."""
    if job.number_of_executions is None:
        return None
    return max(0, job.number_of_executions - executions)
