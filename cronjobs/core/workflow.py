"""A workflow's record, its steps' records, the only tables by which they change, and who may run one.

The journal that keeps the records stands behind a door: `Journal`. What a workflow does is no business of
this room.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol

from cronjobs.core.failure import Failure


class WorkflowState(StrEnum):
    """Where a workflow stands. `failed`: something of it could not be undone."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    FAILED = "failed"


class StepState(StrEnum):
    """Where a step stands: done, then perhaps undone."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    COMPENSATION_FAILED = "compensation_failed"


# `failed` goes back to `running` only where somebody asks for what is owed to be tried again.
WORKFLOW_TRANSITIONS: dict[WorkflowState, frozenset[WorkflowState]] = {
    WorkflowState.RUNNING: frozenset(
        {WorkflowState.SUCCEEDED, WorkflowState.REVERTED, WorkflowState.FAILED},
    ),
    WorkflowState.FAILED: frozenset({WorkflowState.RUNNING}),
}
# A step in flight may be undone without having ended: whoever ran it is gone. `running` again is its next
# attempt, or the same one once more after a crash.
STEP_TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.RUNNING: frozenset(
        {StepState.RUNNING, StepState.SUCCEEDED, StepState.FAILED, StepState.COMPENSATING},
    ),
    StepState.SUCCEEDED: frozenset({StepState.COMPENSATING}),
    StepState.FAILED: frozenset({StepState.COMPENSATING}),
    StepState.COMPENSATING: frozenset(
        {StepState.COMPENSATING, StepState.COMPENSATED, StepState.COMPENSATION_FAILED},
    ),
    StepState.COMPENSATION_FAILED: frozenset({StepState.COMPENSATING}),
}


class StepRecord(NamedTuple):
    """One step at one place of a workflow.

    position: where in the workflow it was called: "0", "1"; "2.0.1" inside a branch of a `parallel`.
    number: from 1, the order in which the workflow's steps began; undoing goes backwards along it.
    target: `pkg.mod:name` of the step. attempt: the one in flight or the last, from 1; of the compensation
    once that has begun. output, compensation_input: values of JSON. error: of the last attempt that failed.
    """

    position: str
    number: int
    name: str
    target: str
    state: StepState
    attempt: int = 1
    output: Any = None
    compensation_input: Any = None
    error: Failure | None = None


class WorkflowFailure(NamedTuple):
    """One of the errors that a workflow ended with; `step` and `position` are "" where it was none's."""

    step: str
    position: str
    action: Literal["invoke", "compensate"]
    error: Failure


class StepLine(NamedTuple):
    """A step as the journal shows it: with when it began, and when it last changed, in UTC seconds."""

    step: StepRecord
    started_at: float
    changed_at: float


class WorkflowRecord(NamedTuple):
    """A workflow as the journal shows it.

    id: with its `~n`; base_id: without. run_id: of the run that has it, or had it last.
    is_compensating: its steps are being undone, or were. is_cancelled: somebody asked for that.
    steps: in the order of their numbers; empty where they were not asked for.
    """

    id: str
    base_id: str
    name: str
    target: str
    job: str
    run_id: str
    state: WorkflowState
    is_compensating: bool
    is_cancelled: bool
    input: Any
    result: Any
    errors: Sequence[WorkflowFailure]
    started_at: float
    finished_at: float | None
    steps: Sequence[StepLine] = ()


class Transaction(NamedTuple):
    """A workflow as it stands at its end. steps: in the order of their numbers."""

    id: str
    state: WorkflowState
    steps: Sequence[StepRecord]


class Intent(StrEnum):
    """Why a workflow is begun: by a job that calls it, or by hand, to go on with it or to undo it."""

    RUN = "run"
    RETRY = "retry"
    CANCEL = "cancel"


class Begin(NamedTuple):
    """A workflow that a run wants to own.

    id: without the `~n` of a repetition. name, target: the workflow's, `pkg.mod:name`. input: of JSON.
    retention_seconds: how long its record is kept once it is over; None for as long as the history.
    """

    id: str
    name: str
    target: str
    input: Any
    retention_seconds: float | None = None
    intent: Intent = Intent.RUN


class Admitted(NamedTuple):
    """The workflow is the caller's, to begin or to go on with.

    key: its name between the caller and the journal. id: with its `~n`. input: what it was first begun with.
    started_at: UTC seconds. is_compensating: it is being undone. steps: in the order of their numbers.
    """

    key: int
    id: str
    input: Any
    started_at: float
    is_compensating: bool = False
    steps: Sequence[StepRecord] = ()
    errors: Sequence[WorkflowFailure] = ()


class Concluded(NamedTuple):
    """The workflow has succeeded already. errors: of steps that were allowed to fail."""

    id: str
    result: Any
    steps: Sequence[StepRecord] = ()
    errors: Sequence[WorkflowFailure] = ()


class Refused(NamedTuple):
    """The workflow is not the caller's. owner: the run that has it, or "" where nobody does.

    is_known: False where there is no workflow of that id to go on with.
    """

    id: str
    state: WorkflowState
    owner: str = ""
    is_known: bool = True


Admission = Admitted | Concluded | Refused


class Journal(Protocol):
    """Where a workflow's progress is written down. What a method wrote is durable when it returns.

    Raises WorkflowLostError where the workflow is no longer the caller's.
    """

    def begin(self, begin: Begin) -> Admission:
        """Own a workflow, by the four rules of `admission`."""

    def record(self, key: int, step: StepRecord) -> bool:
        """Write down where a step stands; return whether the workflow is to be cancelled."""

    def compensate(self, key: int, errors: Sequence[WorkflowFailure]) -> None:
        """Write down that the workflow is being undone from here on, and why."""

    def end(
        self, key: int, state: WorkflowState, *, result: Any = None, errors: Sequence[WorkflowFailure] = ()
    ) -> None:
        """Write down how the workflow ended."""


def admission(
    state: WorkflowState | None, *, is_owned: bool, intent: Intent
) -> Literal["new", "again", "resume", "undo", "concluded", "refused"]:
    """Return what becomes of a wish to begin, from where the id's newest workflow stands.

    state: None where there is none. is_owned: a run that lives has it.

    `again` is a fresh one under the same id with the next `~n`; `undo` goes on with it, but backwards.
    """
    if state is None:
        return "new" if intent is Intent.RUN else "refused"
    if state is WorkflowState.RUNNING:
        if is_owned:
            return "refused"
        return "undo" if intent is Intent.CANCEL else "resume"
    if state is WorkflowState.SUCCEEDED:
        return "concluded" if intent is Intent.RUN else "refused"
    if state is WorkflowState.REVERTED:
        return "refused" if intent is Intent.CANCEL else "again"
    return "resume" if intent is Intent.RETRY else "refused"


def cancelled() -> WorkflowFailure:
    """Return the error of a workflow that somebody asked to be undone."""
    return WorkflowFailure("", "", "invoke", Failure("WorkflowCancelledError", "it was cancelled by hand"))


def repetition_id(id: str, repetition: int) -> str:
    """Return a workflow's id with its `~n`: none for the first."""
    return id if repetition == 1 else f"{id}~{repetition}"
