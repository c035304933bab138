"""A journal in memory, by the same rules as a durable one: for workflows outside of runs, and for tests."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from cronjobs.core.errors import WorkflowLostError
from cronjobs.core.workflow import (
    STEP_TRANSITIONS,
    WORKFLOW_TRANSITIONS,
    Admission,
    Admitted,
    Begin,
    Concluded,
    Refused,
    StepRecord,
    StepState,
    WorkflowFailure,
    WorkflowState,
    admission,
    repetition_id,
)
from cronjobs.workflows.clock import SystemClock
from cronjobs.workflows.ports import Clock


class WorkflowRecord(NamedTuple):
    """A workflow as a journal has it. steps: {position: record}, in the order in which they began."""

    key: int
    begin: Begin
    repetition: int
    owner: str
    started_at: float
    state: WorkflowState = WorkflowState.RUNNING
    is_compensating: bool = False
    is_cancelled: bool = False
    result: Any = None
    errors: Sequence[WorkflowFailure] = ()
    steps: dict[str, StepRecord] = {}  # noqa: RUF012  # replaced, never changed

    @property
    def id(self) -> str:
        """The id with its `~n`."""
        return repetition_id(self.begin.id, self.repetition)

    def is_unfinished(self) -> bool:
        """Return whether it goes on, or is to."""
        return self.state is WorkflowState.RUNNING


class _Shared:
    """What the journals of several processes have in common."""

    def __init__(self) -> None:
        self.workflows: dict[int, WorkflowRecord] = {}
        self.dead: set[str] = set()


class MemoryJournal:
    """A journal of one owner. `as_owner` is the same journal as another process sees it."""

    def __init__(
        self, owner: str = "this process", *, clock: Clock | None = None, _shared: _Shared | None = None
    ) -> None:
        self.owner = owner
        self._clock = clock or SystemClock()
        self._shared = _shared or _Shared()

    def as_owner(self, owner: str) -> "MemoryJournal":
        """Return the journal as another process has it."""
        self._shared.dead.discard(owner)
        return MemoryJournal(owner, clock=self._clock, _shared=self._shared)

    def die(self) -> None:
        """Let this owner be gone: others may go on with what it has not ended."""
        self._shared.dead.add(self.owner)

    def cancel(self, id: str) -> None:
        """Ask for a workflow to be undone; its owner is told when it next writes."""
        for record in self._of(id)[-1:]:
            self._keep(record._replace(is_cancelled=True))

    def workflows(self) -> list[WorkflowRecord]:
        """Return every workflow, in the order in which they began."""
        return list(self._shared.workflows.values())

    # The journal

    def begin(self, begin: Begin) -> Admission:
        """Own a workflow, by the four rules of `admission`."""
        last = next(iter(self._of(begin.id)[-1:]), None)
        is_owned = last is not None and last.owner not in (self.owner, *self._shared.dead)
        verdict = admission(last and last.state, is_owned=is_owned, intent=begin.intent)
        if verdict == "new" or last is None:
            if verdict == "refused":
                return Refused(begin.id, WorkflowState.RUNNING, is_known=False)
            return self._new(begin, 1)
        if verdict == "refused":
            return Refused(last.id, last.state, last.owner if is_owned else "")
        if verdict == "concluded":
            return Concluded(last.id, last.result, _steps(last), last.errors)
        if verdict == "again":
            given = begin.input if begin.intent == "run" else last.begin.input
            return self._new(begin._replace(input=given), last.repetition + 1)
        if last.state is not WorkflowState.RUNNING:
            last = _moved(last, WorkflowState.RUNNING)
        is_compensating = last.is_compensating or verdict == "undo"
        return self._admitted(last._replace(owner=self.owner, is_compensating=is_compensating))

    def record(self, key: int, step: StepRecord) -> bool:
        """Write down where a step stands; return whether the workflow is to be cancelled."""
        record = self._owned(key)
        before = record.steps.get(step.position)
        if before is None and step.state is not StepState.RUNNING:
            raise ValueError(f"{record.id}: the step at {step.position} begins as {step.state}")
        if before is not None and step.state not in STEP_TRANSITIONS.get(before.state, ()):
            raise ValueError(
                f"{record.id}: the step at {step.position} is {before.state}, and cannot become {step.state}"
            )
        kept = step._replace(output=_copy(step.output), compensation_input=_copy(step.compensation_input))
        self._keep(record._replace(steps={**record.steps, step.position: kept}))
        return record.is_cancelled

    def compensate(self, key: int, errors: Sequence[WorkflowFailure]) -> None:
        """Write down that the workflow is being undone from here on, and why."""
        self._keep(self._owned(key)._replace(is_compensating=True, errors=tuple(errors)))

    def end(
        self, key: int, state: WorkflowState, *, result: Any = None, errors: Sequence[WorkflowFailure] = ()
    ) -> None:
        """Write down how the workflow ended."""
        record = _moved(self._owned(key), state)
        self._keep(record._replace(result=_copy(result), errors=tuple(errors)))

    def _new(self, begin: Begin, repetition: int) -> Admitted:
        key = len(self._shared.workflows) + 1
        begin = begin._replace(input=_copy(begin.input))
        return self._admitted(WorkflowRecord(key, begin, repetition, self.owner, self._clock.now()))

    def _admitted(self, record: WorkflowRecord) -> Admitted:
        self._keep(record)
        return Admitted(
            record.key,
            record.id,
            _copy(record.begin.input),
            record.started_at,
            record.is_compensating,
            _steps(record),
            record.errors,
        )

    def _of(self, id: str) -> list[WorkflowRecord]:
        return [each for each in self._shared.workflows.values() if each.begin.id == id]

    def _owned(self, key: int) -> WorkflowRecord:
        record = self._shared.workflows[key]
        if record.owner != self.owner or self.owner in self._shared.dead:
            raise WorkflowLostError(f"workflow {record.id} has been taken over by {record.owner}")
        return record

    def _keep(self, record: WorkflowRecord) -> None:
        self._shared.workflows[record.key] = record


def _moved(record: WorkflowRecord, state: WorkflowState) -> WorkflowRecord:
    if state not in WORKFLOW_TRANSITIONS.get(record.state, ()):
        raise ValueError(f"{record.id}: a workflow that is {record.state} cannot become {state}")
    return record._replace(state=state)


def _steps(record: WorkflowRecord) -> tuple[StepRecord, ...]:
    return tuple(sorted(record.steps.values(), key=lambda step: step.number))


def _copy(value: Any) -> Any:
    """Return what a durable journal would give back."""
    return json.loads(json.dumps(value, allow_nan=False))
