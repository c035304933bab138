"""What a run knows of itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple


class LastSuccess(NamedTuple):
    """The job's newest run that succeeded: when it began (aware, in UTC), and what it returned."""

    started_at: datetime
    result: Any


class Context:
    """Given to a job that names a parameter `context`.

    scheduled_for: aware, in UTC. remaining_executions: None where the job has no limit.
    idempotency_key: the same for every attempt at the occurrence, and for no other one.
    """

    def __init__(
        self,
        job_name: str,
        run_id: str,
        scheduled_for: datetime,
        attempt: int,
        execution_number: int,
        remaining_executions: int | None,
        *,
        last_success: Callable[[], LastSuccess | None] = lambda: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """last_success: asked once, when it is first needed. should_stop: asked each time."""
        self.job_name = job_name
        self.run_id = run_id
        self.scheduled_for = scheduled_for
        self.attempt = attempt
        self.execution_number = execution_number
        self.remaining_executions = remaining_executions
        self.idempotency_key = run_id.rpartition("#")[0] if attempt > 1 else run_id
        self._ask_last_success = last_success
        self._last_success: tuple[LastSuccess | None] | None = None
        self._should_stop = should_stop

    @property
    def last_success_at(self) -> datetime | None:
        """When the job's last successful run began, aware, in UTC; None if there was none.

        Its beginning, not its end: what changed while it ran is then seen again, and never missed.
        """
        last = self._last()
        return None if last is None else last.started_at

    @property
    def last_result(self) -> Any:
        """What the job's last successful run returned: a value of JSON, else its repr; None without one."""
        last = self._last()
        return None if last is None else last.result

    @property
    def should_stop(self) -> bool:
        """Whether the run has been asked to end: the scheduler is stopping, or its time is over.

        A run that asks is left alone at its timeout for half of `kill_after`, to stop by itself, before it
        is terminated.
        """
        return self._should_stop()

    def __repr__(self) -> str:
        return f"<Context of {self.run_id}>"

    def _last(self) -> LastSuccess | None:
        if self._last_success is None:
            self._last_success = (self._ask_last_success(),)
        return self._last_success[0]
