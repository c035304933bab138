"""One workflow that this process runs: where it stands, what is written down of it, whether it goes on.

What becomes of a step is in `forward.py`, how all ends in `ending.py`, who calls the functions in
`synchronous.py` and `asynchronous.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cronjobs.core.errors import UnwritableError, WorkflowChangedError, WorkflowError
from cronjobs.core.failure import Failure
from cronjobs.core.workflow import (
    Admitted,
    Begin,
    Intent,
    Journal,
    StepRecord,
    StepState,
    WorkflowFailure,
    WorkflowState,
)
from cronjobs.parameters import Parameters
from cronjobs.workflows.effects import Call, Halt
from cronjobs.workflows.injection import wanted
from cronjobs.workflows.ports import Clock, Container
from cronjobs.workflows.scope import Inside, Scope
from cronjobs.workflows.step_context import StepContext

if TYPE_CHECKING:
    from cronjobs.workflows.step import Step


class WorkflowCancelledError(WorkflowError):
    """Somebody asked for the workflow to be undone."""


class Stop(NamedTuple):
    """Why a workflow goes no further. is_undone: whether it is to be undone, or left as it is."""

    error: BaseException
    is_undone: bool


class Invocation(NamedTuple):
    """A step that is called at its position. names: of the parameters that are injected."""

    step: "Step[..., Any]"
    position: str
    arguments: Sequence[Any]
    keywords: Mapping[str, Any]
    names: Sequence[str]


class Runner(Protocol):
    """Who performs what the rules ask for: in a workflow that awaits, each returns what is to be awaited."""

    def step(
        self, step: "Step[..., Any]", scope: Scope, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> Any:
        """Return a step's result."""

    def parallel(self, scope: Scope, items: Sequence[Any]) -> Any:
        """Return what the branches return, in their order, once all have ended."""


class Execution:
    """One workflow that this process owns."""

    runner: Runner

    def __init__(
        self,
        begin: Begin,
        admitted: Admitted,
        journal: Journal,
        container: Container,
        clock: Clock,
        door: AbstractContextManager[object],
        timeout_seconds: float | None = None,
        is_async: bool = False,
    ) -> None:
        """door: stands around whatever must not be interrupted halfway, or done by two threads at once."""
        self.id = admitted.id
        self.name = begin.name
        self.input = admitted.input
        self.is_async = is_async
        self.is_compensating = admitted.is_compensating or begin.intent is Intent.CANCEL
        # What could not be undone is owed again where somebody asks for it, and not after a crash.
        self.is_asked_for = begin.intent is not Intent.RUN
        self.container = container
        self.clock = clock
        self.stopped: Stop | None = None
        self.on_leaving: Callable[[], None] = lambda: None
        self.errors = [error for error in admitted.errors if error.action == "invoke"]
        self.noted: set[str] = set()  # positions of failures after which the body goes on
        self.door = door
        self.is_over = False
        self._key = admitted.key
        self._journal = journal
        self._timeout_seconds = timeout_seconds
        self._deadline = None if timeout_seconds is None else admitted.started_at + timeout_seconds
        self._records = {record.position: record for record in admitted.steps}
        self._unclaimed = set(self._records)
        self._steps: dict[str, Step[..., Any]] = {}  # {position: the step that was called there}
        self._number = max((record.number for record in admitted.steps), default=0)

    # Whether it goes on

    def remaining_seconds(self) -> float | None:
        """Return how long the workflow may still go forward; None where it has no limit."""
        return None if self._deadline is None else max(0.0, self._deadline - self.clock.now())

    def overrun(self) -> TimeoutError:
        """Return the error of a workflow that has taken too long."""
        return TimeoutError(f"workflow `{self.name}` took longer than {self._timeout_seconds:g}s")

    def stop(self, error: BaseException) -> None:
        """Let the workflow go no further, and have it undone."""
        if self.stopped is None:
            self.stopped = Stop(error, is_undone=True)

    def leave(self, error: BaseException) -> None:
        """Let the workflow go no further, and undo nothing: somebody goes on with it later."""
        if not self.is_left:
            self.stopped = Stop(error, is_undone=False)
            self.on_leaving()

    @property
    def is_left(self) -> bool:
        """Whether the workflow is left as it is."""
        return self.stopped is not None and not self.stopped.is_undone

    def check(self) -> None:
        """Raise Halt where the workflow does not go on."""
        if self.is_over:
            raise WorkflowError(f"the workflow {self.id} has ended: no step can be called in it any more")
        if self.is_stopped():
            raise Halt()

    def is_stopped(self) -> bool:
        """Return whether the workflow does not go on; its time is looked at, too."""
        if self.stopped is None and self.remaining_seconds() == 0.0:
            self.stop(self.overrun())
        return self.stopped is not None

    # Positions

    def claim(self, position: str, name: str) -> None:
        """Note that the body calls something there; Halt where something else is written down there."""
        self.check()
        self._unclaimed.discard(position)
        recorded = self._records.get(position)
        if recorded is not None and recorded.name != name:
            self.leave(self._changed(recorded, f"`{name}`"))
            raise Halt()

    def claimed_less(self) -> WorkflowChangedError | None:
        """Return what to say where the body, at its end, has called less than is written down."""
        if not self._unclaimed:
            return None
        first = min((self._records[position] for position in self._unclaimed), key=lambda each: each.number)
        return self._changed(first, "no step")

    def _changed(self, recorded: StepRecord, now: str) -> WorkflowChangedError:
        return WorkflowChangedError(
            f"workflow `{self.name}` ({self.id}) was begun by other code: at position {recorded.position} it"
            f" called the step `{recorded.name}`, and now it calls {now}",
            hint=f"bring the old code back until it has ended, or `cronjobs workflow cancel {self.id}`",
        )

    # What is written down

    def record_at(self, position: str) -> StepRecord | None:
        """Return what is written down of a position."""
        return self._records.get(position)

    def records(self) -> list[StepRecord]:
        """Return what is written down of every step, in the order in which they began."""
        return sorted(self._records.values(), key=lambda record: record.number)

    def begun(self, called: Invocation) -> StepRecord:
        """Return the record of a step that begins."""
        with self.door:
            self._number += 1
            number = self._number
        return StepRecord(called.position, number, called.step.name, called.step.target, StepState.RUNNING)

    def write(self, record: StepRecord) -> None:
        """Write down where a step stands. Where somebody has asked for it, the workflow is stopped then."""
        if self._through_door(lambda: self._record(record)) and not self.is_over:
            self.stop(WorkflowCancelledError(f"workflow `{self.name}` was cancelled"))

    def write_undoing(self) -> None:
        """Write down that the workflow is being undone, and why."""
        self._through_door(lambda: self._journal.compensate(self._key, self.errors))

    def write_end(self, state: WorkflowState, result: Any, errors: Iterable[WorkflowFailure]) -> None:
        """Write down how the workflow ended."""
        self._through_door(lambda: self._journal.end(self._key, state, result=result, errors=tuple(errors)))

    def _record(self, record: StepRecord) -> bool:
        is_cancelled = self._journal.record(self._key, record)
        self._records[record.position] = record
        return is_cancelled

    def _through_door(self, write: Callable[[], Any]) -> Any:
        """Write; where that fails, nothing can be done any more that would be remembered.

        UnwritableError where it is the value's fault.
        """
        with self.door:
            if self.is_left:
                raise Halt()
            try:
                return write()
            except UnwritableError:
                raise  # there is nothing wrong with the journal
            except Exception as exc:
                self.leave(exc)
                raise Halt() from exc
            except BaseException as exc:
                self.leave(exc)
                raise

    # Calls

    def invocation(
        self, step: "Step[..., Any]", scope: Scope, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> Invocation:
        """Return what a step's call asks for; its position is taken from now on."""
        names = wanted(
            f"step `{step.name}`", step.parameters, arguments, keywords, self.injectable(("context",))
        )
        position = scope.reserve(step.name)
        self._steps[position] = step
        return Invocation(step, position, arguments, keywords, names)

    def step_at(self, position: str) -> "Step[..., Any] | None":
        """Return the step that this process has called at a position."""
        return self._steps.get(position)

    def injectable(self, names: Iterable[str]) -> set[str]:
        """Return the names that functions are given values by, with these among them."""
        return {*names, "container", *self.container.parameters()}

    def call(
        self,
        what: str,
        step: "Step[..., Any]",
        record: StepRecord,
        function: Callable[..., Any],
        parameters: Parameters,
        names: Sequence[str],
        *,
        suffix: str = "",
        **known: Any,
    ) -> Call:
        """Return one attempt to call a function. suffix: of its idempotency key."""
        key = f"{self.id}/{record.position}{suffix}"
        context = StepContext(self.container, self.id, step.name, record.position, record.attempt, key)
        given = {"context": context, "container": self.container, **known}
        return Call(
            what,
            function,
            known={name: given[name] for name in names if name in given},
            injected=tuple(name for name in names if name not in given),
            inside=Inside(self, step.name, key),
            is_async=parameters.is_async,
            timeout_seconds=step.options.timeout_seconds,
        )

    def warn(self, message: str, *arguments: object) -> None:
        """Tell the run's logger, if there is one."""
        logger = self.container.resolve("logger", default=None)
        if logger is not None:
            logger.warning(f"workflow %s: {message}", self.id, *arguments)


def in_words(failure: Failure) -> str:
    """Return a failure as people read it."""
    return f"{failure.type}: {failure.message}" if failure.message else failure.type
