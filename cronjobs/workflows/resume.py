"""Going on with a workflow by hand, without the job that began it."""

from collections.abc import Awaitable
from typing import Any

from cronjobs.core.errors import WorkflowChangedError
from cronjobs.core.workflow import Intent
from cronjobs.targets import TargetError, import_module
from cronjobs.workflows.clock import SystemClock
from cronjobs.workflows.ports import Clock, Container
from cronjobs.workflows.workflow import BoundWorkflow, Workflow, WorkflowResult, workflow_of


def resume(
    target: str, id: str, container: Container, intent: Intent, *, clock: Clock | None = None
) -> WorkflowResult[Any] | Awaitable[WorkflowResult[Any]]:
    """Return what became of the workflow, to await if it is `async def`; its failure is no exception here.

    target: `pkg.mod:name` of the workflow, as its record has it. WorkflowRefusedError where it is not to be
    gone on with, WorkflowChangedError where it is not there.
    """
    bound = BoundWorkflow(_workflow(target, id), container, clock or SystemClock())
    begun: WorkflowResult[Any] | Awaitable[WorkflowResult[Any]] = bound.start(
        id, None, raise_on_error=False, intent=intent
    )
    return begun


def _workflow(target: str, id: str) -> Workflow[Any]:
    reason = ""
    if workflow_of(target) is None:
        try:
            import_module(target.partition(":")[0])
        except TargetError as exc:
            reason = f" ({exc})"
    found = workflow_of(target)
    if found is None:
        raise WorkflowChangedError(
            f"workflow {id}: `{target}`, which it was begun as, is not there any more{reason}",
            hint="bring it back, then try again",
        )
    return found
