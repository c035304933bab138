"""Workflows that are `def`: steps are called where the body calls them, branches run in threads."""

from _thread import RLock
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from cronjobs.core.errors import WorkflowError
from cronjobs.workflows.alarm import Limit, alarm, is_main_thread
from cronjobs.workflows.effects import Broken, Call, Cut, Halt, Outcome, Pause, Returned
from cronjobs.workflows.ending import Ended, finish
from cronjobs.workflows.execution import Execution
from cronjobs.workflows.forward import forward
from cronjobs.workflows.gate import Gate
from cronjobs.workflows.scope import Inside, Scope, here

if TYPE_CHECKING:
    from threading import Event

    from cronjobs.workflows.step import Step

T = TypeVar("T")

MOST_THREADS = 32
_INJECTING = RLock()  # a container is not made for threads


class SynchronousRunner:
    """Performs what the rules ask for, in the thread that asks."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._gates: set[Gate] = set()
        self._interruption: Event | None = None
        self._limit: Limit | None = None
        execution.runner = self
        execution.on_leaving = self._interrupt

    def run(self, body: Callable[..., Any], known: Mapping[str, Any], injected: Sequence[str]) -> Ended:
        """Return how the workflow ended."""
        with alarm.shut() if is_main_thread() else nullcontext():
            outcome = None
            if not self._execution.is_compensating:
                given = self._execution.container.inject(injected) if injected else {}
                outcome = self._body(lambda: body(**known, **given))
            return self._drive(finish(self._execution, outcome))

    def _body(self, body: Callable[[], Any]) -> Outcome:
        execution = self._execution
        remaining = execution.remaining_seconds()
        if remaining is not None and is_main_thread():
            self._limit = Limit(remaining, execution.overrun())
        try:
            with _at(Scope(execution)):
                value = alarm.call(body, self._limit) if is_main_thread() else body()
            return Returned(plain(f"workflow `{execution.name}`", value))
        except Cut as cut:
            return Broken(self._stopped_by(cut), "cut")
        except (Exception, Halt) as exc:
            return Broken(exc)
        except BaseException as exc:
            execution.leave(exc)
            raise

    def step(
        self, step: "Step[..., Any]", scope: Scope, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> Any:
        """Return a step's result."""
        with alarm.shut() if is_main_thread() else nullcontext():
            if step.parameters.is_async:
                raise WorkflowError(
                    f"the step `{step.name}` is `async def`, and the workflow around it is not",
                    hint="write the workflow `async def`, and `await` its steps",
                )
            if self._limit is not None and self._limit.has_fired:
                self._execution.stop(self._limit.error)
            called = self._execution.invocation(step, scope, arguments, keywords)
            return self._drive(forward(self._execution, called))

    def parallel(self, scope: Scope, items: Sequence[Any]) -> list[Any]:
        """Return what the branches return, in their order, once all have ended."""
        for item in items:
            if not callable(item):
                raise WorkflowError(
                    f"parallel() was given a value of type `{type(item).__name__}`: what it is to call at"
                    " the same time must not be called before",
                    hint="write `parallel(lambda: charge(1), lambda: charge(2))`",
                )
        with alarm.shut() if is_main_thread() else nullcontext():
            position = scope.reserve("parallel")
            scopes = [scope.branch(position, index) for index in range(len(items))]
            branches = [partial(self._branch, item, at) for item, at in zip(items, scopes, strict=True)]
            outcomes = self._in_threads(branches)
            return results_of(outcomes)

    def _branch(self, item: Callable[[], Any], scope: Scope) -> Outcome:
        try:
            with _at(scope):
                return Returned(plain("a branch of parallel()", item()))
        except (Exception, Halt) as exc:
            return Broken(exc)
        except BaseException as exc:
            self._execution.leave(exc)
            return Broken(exc)

    def _in_threads(self, branches: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
        import threading  # late: it makes the fork of a process slower

        self._interruption = self._interruption or threading.Event()
        outcomes: list[Outcome] = [Broken(Halt())] * len(branches)
        waiting = iter([(index, copy_context(), branch) for index, branch in enumerate(branches)])

        def work() -> None:
            for index, context, branch in waiting:
                outcomes[index] = context.run(branch)

        threads = [threading.Thread(target=work) for _ in range(min(MOST_THREADS, len(branches)))]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException as exc:  # the process is told to end, or no thread can be begun
            self._execution.leave(exc)
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            raise
        return outcomes

    def _interrupt(self) -> None:
        """End what goes on in other threads: waits at once, steps at their next bytecode."""
        if self._interruption is not None:
            self._interruption.set()
        for gate in tuple(self._gates):
            gate.cut(Halt())

    # What the rules ask for

    def _drive(self, rules: Generator[Call | Pause, Outcome | None, T]) -> T:
        answer: Outcome | None = None
        while True:
            try:
                asked = rules.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # typeshed does not know generators' ends
            if isinstance(asked, Call):
                answer = self._call(asked)
            else:
                self._pause(asked.seconds)
                answer = None

    def _pause(self, seconds: float) -> None:
        execution = self._execution
        remaining = None if execution.is_over else execution.remaining_seconds()
        try:
            execution.clock.sleep(
                seconds if remaining is None else min(seconds, remaining), self._interruption
            )
        except BaseException as exc:
            execution.leave(exc)
            raise

    def _call(self, call: Call) -> Outcome:
        execution = self._execution
        try:
            with _INJECTING:
                given = execution.container.inject(call.injected) if call.injected else {}
            with _at(call.inside):
                return self._called(call, lambda: call.function(*call.arguments, **call.known, **given))
        except Exception as exc:
            return Broken(exc)
        except BaseException as exc:
            execution.leave(exc)
            raise

    def _called(self, call: Call, function: Callable[[], Any]) -> Outcome:
        if not is_main_thread():
            return self._called_elsewhere(call, function)
        limit = None
        if call.timeout_seconds is not None:
            limit = Limit(call.timeout_seconds, call.overrun())
        try:
            value = alarm.call(function, limit, is_alone=self._execution.is_over)
        except Cut as cut:
            if limit is not None and cut.limit is limit:
                return Broken(limit.error, "timed_out")
            return Broken(self._stopped_by(cut), "cut")
        return Returned(plain(call.what, value))

    def _called_elsewhere(self, call: Call, function: Callable[[], Any]) -> Outcome:
        execution, gate = self._execution, Gate()
        end = nearest_limit(execution, call)
        self._gates.add(gate)
        try:
            if execution.is_left:
                raise Halt()
            with _cut_after(gate, end):
                return Returned(plain(call.what, gate.run(function)))
        except Cut:
            if end is None or gate.error is not end[1].error:
                raise Halt() from None
            if end[1].how == "cut":
                execution.stop(end[1].error)
            return end[1]
        finally:
            self._gates.discard(gate)

    def _stopped_by(self, cut: Cut) -> BaseException:
        """Stop the workflow for a limit that is not a step's; return what it fails with."""
        error = cut.limit.error if isinstance(cut.limit, Limit) else self._execution.overrun()
        self._execution.stop(error)
        return error


def nearest_limit(execution: Execution, call: Call) -> tuple[float, Broken] | None:
    """Return after how many seconds a call is cut, and how it ends then; None where it has no limit."""
    limits = []
    if call.timeout_seconds is not None:
        limits.append((call.timeout_seconds, Broken(call.overrun(), "timed_out")))
    remaining = None if execution.is_over else execution.remaining_seconds()
    if remaining is not None:
        limits.append((remaining, Broken(execution.overrun(), "cut")))
    return min(limits, key=lambda limit: limit[0], default=None)


def results_of(outcomes: Sequence[Outcome]) -> list[Any]:
    """Return what branches returned; raise the first failure, what does not let the body go on before all."""
    broken = [outcome.error for outcome in outcomes if isinstance(outcome, Broken)]
    for error in (*(each for each in broken if not isinstance(each, Exception)), *broken):
        raise error
    return [outcome.value for outcome in outcomes if isinstance(outcome, Returned)]


@contextmanager
def _cut_after(gate: Gate, end: tuple[float, Broken] | None) -> Iterator[None]:
    if end is None:
        yield
        return
    from threading import Timer  # there already: this is not the main thread

    timer = Timer(end[0], gate.cut, [end[1].error])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _at(place: Scope | Inside) -> Iterator[None]:
    before = here.get()
    here.set(place)
    try:
        yield
    finally:
        here.set(before)


def plain(what: str, value: Any) -> Any:
    """Return a value that nothing needs to await; TypeError for another one."""
    if not hasattr(value, "__await__"):
        return value
    if hasattr(value, "close"):
        value.close()
    raise TypeError(f"{what} is `def` and returned something to await; write it `async def`")
