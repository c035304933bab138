"""`@workflow`: a body that calls steps, and how it is begun."""

import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar, overload

from cronjobs.core.errors import (
    UnwritableError,
    WorkflowError,
    WorkflowFailedError,
    WorkflowRefusedError,
)
from cronjobs.core.workflow import (
    Admission,
    Admitted,
    Begin,
    Concluded,
    Intent,
    Refused,
    Transaction,
    WorkflowFailure,
    WorkflowState,
)
from cronjobs.workflows.clock import SystemClock
from cronjobs.workflows.effects import Halt
from cronjobs.workflows.ending import Ended
from cronjobs.workflows.execution import Execution, in_words
from cronjobs.workflows.injection import input_name, parameters_of, wanted
from cronjobs.workflows.ledger import Ledger, journal_of, ledger_of
from cronjobs.workflows.ports import Clock, Container
from cronjobs.workflows.scope import here
from cronjobs.workflows.settings import refuse_nameless, refuse_unknown, seconds_of
from cronjobs.workflows.synchronous import SynchronousRunner
from cronjobs.workflows.values import NotJsonError, through_json

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


class WorkflowResult(NamedTuple, Generic[T]):
    """What became of a workflow. result: None where it failed.

    errors: of steps that were allowed to fail; where the workflow failed, everything that went wrong.
    """

    result: T
    errors: Sequence[WorkflowFailure]
    transaction: Transaction


class Workflow(Generic[R]):
    """A workflow; called with a container it can be run. `function` is what it was made of."""

    def __init__(self, function: Callable[..., Any], options: "WorkflowOptions") -> None:
        refuse_nameless("@workflow", function)
        self.function = function
        self.options = options
        self.name = options.name or function.__name__
        self.target = f"{function.__module__}:{function.__qualname__}"
        self.parameters = parameters_of(function)
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        _WORKFLOWS[self.target] = self

    def __call__(self, container: Container, *, _clock: Clock | None = None) -> "BoundWorkflow[R]":
        """Return the workflow with what its steps get their services from."""
        if not hasattr(container, "inject"):
            raise WorkflowError(
                f"the workflow `{self.name}` was called with a value of type `{type(container).__name__}`",
                hint=f"write `{self.__name__}(container).run(input)`",
            )
        place = here.get()
        clock = _clock or (container.clock if place is None else place.execution.clock) or SystemClock()
        return BoundWorkflow(self, container, clock)

    def __repr__(self) -> str:
        return f"<workflow {self.name}: {self.target}>"


class BoundWorkflow(Generic[R]):
    """A workflow and a container."""

    def __init__(self, workflow: Workflow[R], container: Container, clock: Clock) -> None:
        self._workflow = workflow
        self._container = container
        self._clock = clock
        self._journal = journal_of(container, clock)
        self._ledger: Ledger = ledger_of(self._journal)

    def run(self, input: Any = None, *, workflow_id: str | None = None, raise_on_error: bool = True) -> R:
        """Run the workflow, or go on with it; return what became of it, to await if it is `async def`.

        input: a value of JSON. workflow_id: the same id is done once, whoever runs it; by default one that
        is the same in each attempt of the run. raise_on_error: WorkflowFailedError where it failed.
        """
        workflow = self._workflow
        try:
            plain = through_json(input)
        except NotJsonError as exc:
            raise WorkflowError(f"the input of workflow `{workflow.name}` is not JSON: {exc}") from None
        if plain is not None and self._input_name() not in workflow.parameters.names:
            raise WorkflowError(
                f"the workflow `{workflow.name}` was given an input, and has no parameter `input`"
            )
        id = self._default_id() if workflow_id is None else _checked_id(workflow_id)
        return self.start(id, plain, raise_on_error=raise_on_error)

    def start(self, id: str, input: Any, *, raise_on_error: bool = True, intent: Intent = Intent.RUN) -> R:
        """Do as `run` does, for any intent."""
        workflow = self._workflow
        options = workflow.options
        injectable = {self._input_name(), "container", *self._container.parameters()}
        names = wanted(f"workflow `{workflow.name}`", workflow.parameters, (), {}, injectable)
        begin = Begin(id, workflow.name, workflow.target, input, options.retention_seconds, intent)
        if workflow.parameters.is_async:
            return self._asynchronously(begin, names, raise_on_error)  # type: ignore[return-value]  # R of `async def`
        return self._synchronously(begin, names, raise_on_error)  # type: ignore[return-value]  # R of `def`

    def _input_name(self) -> str:
        injectable = {"container", *self._container.parameters()}
        return input_name("input", self._workflow.parameters, injectable)

    def _default_id(self) -> str:
        workflow = self._workflow.name
        place = here.get()
        if place is not None:
            return place.child_id(workflow)
        context = self._container.resolve("context", default=None)
        if context is None:
            return f"{workflow}-{os.urandom(8).hex()}"
        run: str = context.idempotency_key
        return f"{run}/{workflow}#{self._ledger.next_call(run, workflow)}"

    def _synchronously(self, begin: Begin, names: Sequence[str], raise_on_error: bool) -> WorkflowResult[Any]:
        with self._ledger.active(begin.id) as is_free:
            execution = self._begin(begin, is_free)
            if not isinstance(execution, Execution):
                return execution
            runner = SynchronousRunner(execution)
            known, injected = self._given(execution, names)
            try:
                ended = runner.run(self._workflow.function, known, injected)
            except Halt:
                raise _left(execution) from None
            return self._result(ended, raise_on_error)

    async def _asynchronously(
        self, begin: Begin, names: Sequence[str], raise_on_error: bool
    ) -> WorkflowResult[Any]:
        from cronjobs.workflows.asynchronous import AsynchronousRunner  # late: with asyncio behind it

        place = here.get()
        with self._ledger.active(begin.id) as is_free:
            execution = self._begin(begin, is_free)
            if not isinstance(execution, Execution):
                return execution
            runner = AsynchronousRunner(execution, place.execution if place is not None else None)
            known, injected = self._given(execution, names)
            try:
                ended = await runner.run(self._workflow.function, known, injected)
            except Halt:
                raise _left(execution) from None
            return self._result(ended, raise_on_error)

    def _begin(self, begin: Begin, is_free: bool) -> Execution | WorkflowResult[Any]:
        if not is_free:
            raise WorkflowRefusedError(f"workflow {begin.id} is running in this process already")
        with self._ledger.door:
            admission = self._admission(begin)
        if isinstance(admission, Refused):
            raise _refusal(admission, begin.intent)
        if isinstance(admission, Concluded):
            transaction = Transaction(admission.id, WorkflowState.SUCCEEDED, tuple(admission.steps))
            return WorkflowResult(through_json(admission.result), tuple(admission.errors), transaction)
        return self._execution(begin, admission)

    def _admission(self, begin: Begin) -> Admission:
        try:
            return self._journal.begin(begin)
        except UnwritableError as exc:
            message = f"the input of workflow `{begin.name}` cannot be written down: {exc}"
            raise UnwritableError(message, hint=exc.hint) from None

    def _execution(self, begin: Begin, admitted: Admitted) -> Execution:
        execution = Execution(
            begin,
            admitted,
            self._journal,
            self._container,
            self._clock,
            self._ledger.door,
            self._workflow.options.timeout_seconds,
            self._workflow.parameters.is_async,
        )
        logger = self._container.resolve("logger", default=None) if admitted.steps else None
        if logger is not None:
            logger.debug("workflow %s: goes on after %d steps", admitted.id, len(admitted.steps))
        return execution

    def _given(self, execution: Execution, names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        own = {self._input_name(): through_json(execution.input), "container": self._container}
        return {name: own[name] for name in names if name in own}, [name for name in names if name not in own]

    def _result(self, ended: Ended, raise_on_error: bool) -> WorkflowResult[Any]:
        transaction = ended.transaction
        if raise_on_error and transaction.state is not WorkflowState.SUCCEEDED:
            raise _failure(self._workflow.name, ended) from ended.cause
        return WorkflowResult(through_json(ended.result), ended.errors, transaction)


def _checked_id(id: str) -> str:
    try:
        is_usable = isinstance(id, str) and bool(id.encode())
    except UnicodeEncodeError:  # as of a strange file name
        is_usable = False
    if not is_usable:
        raise WorkflowError(f"workflow_id={id!r} is no id", hint="a text that is not empty")
    return id


def _left(execution: Execution) -> BaseException:
    assert execution.stopped is not None
    return execution.stopped.error


def _failure(name: str, ended: Ended) -> WorkflowFailedError:
    id, state = ended.transaction.id, ended.transaction.state
    became = "was undone" if state is WorkflowState.REVERTED else "could not be undone altogether"
    return WorkflowFailedError(
        f"workflow `{name}` ({id}) failed and {became}: {_all_told(ended.errors)}",
        errors=ended.errors,
        transaction=ended.transaction,
        hint="" if state is WorkflowState.REVERTED else f"once that can work: `cronjobs workflow retry {id}`",
    )


def _all_told(failures: Sequence[WorkflowFailure]) -> str:
    """Return the failures in words; those of siblings that failed alike are told once."""
    places: dict[tuple[str, str], list[str]] = {}
    for failure in failures:
        what = "step" if failure.action == "invoke" else "compensation of"
        who = f"{what} `{failure.step}` at " if failure.step else ""
        places.setdefault((who, in_words(failure.error)), []).append(failure.position)
    return "; ".join(
        f"{who}{', '.join(positions)}: {words}" if who else words
        for (who, words), positions in places.items()
    )


def _refusal(refused: Refused, intent: Intent) -> WorkflowRefusedError:
    id, hint = refused.id, ""
    if not refused.is_known:
        return WorkflowRefusedError(f"there is no workflow {id}", hint="`cronjobs workflow list` names them")
    if refused.state is WorkflowState.RUNNING:
        why = f"is running in the run {refused.owner}"
    elif refused.state is WorkflowState.FAILED:
        why = "has failed, and could not be undone altogether"
        hint = f"look at it with `cronjobs workflow show {id}`, then `cronjobs workflow retry {id}`"
    else:
        became = "has succeeded" if refused.state is WorkflowState.SUCCEEDED else "was undone already"
        why = f"{became}: there is nothing to {intent}"
    return WorkflowRefusedError(f"workflow {id} {why}", hint=hint)


class WorkflowOptions:
    """How a workflow is run; it makes a workflow of a function."""

    def __init__(
        self,
        name: str | None = None,
        timeout: float | str | None = None,
        retention: float | str | None = None,
    ) -> None:
        self.name = name
        self.timeout_seconds = None if timeout is None else seconds_of("timeout", timeout)
        self.retention_seconds = None if retention is None else seconds_of("retention", retention)

    @overload
    def __call__(  # type: ignore[overload-overlap]  # what is awaited is meant first
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> Workflow[Coroutine[Any, Any, WorkflowResult[T]]]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Workflow[WorkflowResult[T]]: ...
    def __call__(self, function: Callable[..., Any], /) -> Workflow[Any]:
        """Return the function as a workflow."""
        return Workflow(function, self)


@overload
def workflow(  # type: ignore[overload-overlap]  # what is awaited is meant first
    function: Callable[P, Coroutine[Any, Any, T]], /
) -> Workflow[Coroutine[Any, Any, WorkflowResult[T]]]: ...
@overload
def workflow(function: Callable[P, T], /) -> Workflow[WorkflowResult[T]]: ...
@overload
def workflow(
    *, name: str | None = None, timeout: float | str | None = None, retention: float | str | None = None
) -> WorkflowOptions: ...
def workflow(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a workflow of a function; bare, or with options.

    timeout: seconds, or a text like `10m`, that it may go forward, all its attempts together. retention: how
    long its record is kept once it is over; by default as long as the history of runs.
    """
    try:
        chosen = WorkflowOptions(**options)
    except TypeError:
        refuse_unknown("@workflow", options, WorkflowOptions)
        raise
    return chosen if function is None else chosen(function)


_WORKFLOWS: dict[str, Workflow[Any]] = {}  # {target: the workflow}


def workflow_of(target: str) -> Workflow[Any] | None:
    """Return the workflow that was made as `pkg.mod:name` in this process; None where none was."""
    return _WORKFLOWS.get(target)
