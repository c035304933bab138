"""Where in a workflow the running code is: what gives steps their positions."""

from contextvars import ContextVar
from typing import TYPE_CHECKING

from cronjobs.core.errors import WorkflowError

if TYPE_CHECKING:
    from cronjobs.workflows.execution import Execution


class Scope:
    """The body of a workflow, or one branch of a `parallel`; it counts what is called in it.

    prefix: "" for the body, "2.0." for the first branch of the `parallel` at "2".
    """

    def __init__(self, execution: "Execution", prefix: str = "") -> None:
        self.execution = execution
        self._prefix = prefix
        self._next = 0

    def reserve(self, name: str) -> str:
        """Return the position of what is called now, whenever it is awaited.

        What has half-finished is gone through again by these positions: `name` must be the same as then.
        """
        position = f"{self._prefix}{self._next}"
        self._next += 1
        self.execution.claim(position, name)
        return position

    def branch(self, position: str, index: int) -> "Scope":
        """Return the scope of one branch."""
        return Scope(self.execution, f"{position}.{index}.")

    def child_id(self, workflow: str) -> str:
        """Return the id of a workflow that is begun here."""
        return f"{self.execution.id}/{workflow}#{self.reserve(f'workflow {workflow}')}"


class Inside:
    """The inside of a step: no place for other steps, but for workflows of their own."""

    def __init__(self, execution: "Execution", step: str, key: str) -> None:
        self.execution = execution
        self.step = step
        self._key = key
        self._next = 0

    def child_id(self, workflow: str) -> str:
        """Return the id of a workflow that is begun here."""
        self._next += 1
        return f"{self._key}/{workflow}#{self._next}"


here: ContextVar[Scope | Inside | None] = ContextVar("cronjobs_workflow", default=None)


def scope_for(what: str, way_out: str) -> Scope:
    """Return the scope of the running code; WorkflowError where there is none.

    what: "the step `x`". way_out: what to do instead, in words.
    """
    scope = here.get()
    if isinstance(scope, Scope):
        return scope
    if isinstance(scope, Inside):
        raise WorkflowError(f"{what} was called inside the step `{scope.step}`; {way_out}")
    raise WorkflowError(f"{what} was called outside of a workflow's body; {way_out}")
