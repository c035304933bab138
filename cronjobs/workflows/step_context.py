"""What a step knows of itself."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cronjobs.workflows.ports import Container


class StepContext:
    """Given to a step, and to a compensation, that names a parameter `context`.

    attempt: from 1, of this step or compensation. position: where in its workflow it was called.
    idempotency_key: the same for every attempt of the step at its place, and for nothing else; the
    compensation has another one.
    """

    def __init__(
        self,
        container: "Container",
        workflow_id: str,
        step_name: str,
        position: str,
        attempt: int,
        idempotency_key: str,
    ) -> None:
        self.container = container
        self.workflow_id = workflow_id
        self.step_name = step_name
        self.position = position
        self.attempt = attempt
        self.idempotency_key = idempotency_key

    @property
    def job_name(self) -> str | None:
        """The name of the job that runs the workflow; None outside of runs."""
        return self._of_run("job_name", None)  # type: ignore[no-any-return]  # what the run's context holds

    @property
    def run_id(self) -> str | None:
        """The run's id; None outside of runs."""
        return self._of_run("run_id", None)  # type: ignore[no-any-return]  # as above

    @property
    def scheduled_for(self) -> datetime | None:
        """The occurrence's instant, aware, in UTC; None outside of runs."""
        return self._of_run("scheduled_for", None)  # type: ignore[no-any-return]  # as above

    @property
    def should_stop(self) -> bool:
        """Whether the run has been asked to end."""
        return bool(self._of_run("should_stop", False))

    def _of_run(self, name: str, default: Any) -> Any:
        return getattr(self.container.resolve("context", default=None), name, default)

    def __repr__(self) -> str:
        return f"<StepContext of {self.idempotency_key}>"
