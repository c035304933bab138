"""What the processes that run jobs are told: of the jobs once, of each run when it is to start."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cronjobs.core.ports import Launch


class JobSetup(NamedTuple):
    """What a process needs to know of a job before it can run it."""

    name: str
    callable: str
    args: Mapping[str, Any]
    env: Mapping[str, str]


class Order(NamedTuple):
    """A run, as its process is told of it: a `Launch` whose job is a place among the set-up's jobs."""

    number: int
    job: int
    run_id: str
    scheduled_for: int
    attempt: int
    execution_number: int
    remaining_executions: int | None

    @classmethod
    def of(cls, launch: Launch, place: int) -> "Order":
        """Return the order for a launch."""
        number, _, run_id, scheduled_for, attempt, execution_number, remaining_executions = launch
        return cls(number, place, run_id, scheduled_for, attempt, execution_number, remaining_executions)
