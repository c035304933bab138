"""Workflows that are `async def`: steps are awaited, those that are `def` run in threads meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextvars import Context, copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from cronjobs.core.errors import WorkflowError
from cronjobs.workflows.effects import Broken, Call, Cut, Halt, Outcome, Pause, Returned
from cronjobs.workflows.ending import Ended, finish
from cronjobs.workflows.execution import Execution, Invocation
from cronjobs.workflows.forward import forward
from cronjobs.workflows.gate import Gate
from cronjobs.workflows.scope import Inside, Scope, here
from cronjobs.workflows.synchronous import MOST_THREADS, plain, results_of

if TYPE_CHECKING:
    from cronjobs.workflows.step import Step

T = TypeVar("T")


class AsynchronousRunner:
    """Performs what the rules ask for, in the loop that runs the workflow."""

    def __init__(self, execution: Execution, parent: Execution | None = None) -> None:
        """parent: the workflow in whose body or step this one is run."""
        self._execution = execution
        self._parent = parent
        self._flying: set[asyncio.Task[Any]] = set()  # those that are inside a step now
        self._landed = asyncio.Event()
        self._threads = asyncio.Semaphore(MOST_THREADS)
        self._outer: asyncio.Task[Any] | None = None
        self._cancels = 0
        self._unheard: Exception | None = None
        self._unbegun: dict[str, Coroutine[Any, Any, Any]] = {}  # {"`charge` at 0": nobody awaits it yet}
        self._is_body_over = False
        execution.runner = self
        execution.on_leaving = self._cancel_others

    async def run(self, body: Callable[..., Any], known: Mapping[str, Any], injected: Sequence[str]) -> Ended:
        """Return how the workflow ended."""
        self._outer = asyncio.current_task()
        self._cancels = self._outer.cancelling() if self._outer else 0
        outcome = None
        if not self._execution.is_compensating:
            given = await self._execution.container.inject_async(injected) if injected else {}
            outcome = await self._body(lambda: body(**known, **given))
        return await self._drive(finish(self._execution, outcome))

    async def _body(self, body: Callable[[], Any]) -> Outcome:
        # In a task of its own: what cancels that one is the workflow's code or a limit, what cancels the
        # one around it comes from outside.
        execution = self._execution
        inner = asyncio.create_task(body(), context=_context_at(Scope(execution)))
        try:
            await asyncio.wait({inner}, timeout=execution.remaining_seconds())
            if not inner.done():
                execution.stop(execution.overrun())
                self._cancel(inner)
            await self._quiet(inner)
        except GeneratorExit as exc:  # the loop is gone: nothing can be awaited any more
            execution.leave(exc)
            raise
        except BaseException as exc:
            if not self._is_parent_stopped():
                execution.leave(exc)
            elif self._parent is not None and self._parent.stopped is not None:
                execution.stop(self._parent.stopped.error)
            self._cancel(inner)
            await self._quiet(inner)
            if execution.is_left:
                _retrieve(inner)
                raise
        return self._outcome_of(inner)

    async def _quiet(self, inner: "asyncio.Task[Any]") -> None:
        """Wait until the body and every step that it began have ended."""
        while not inner.done():
            await asyncio.wait({inner})
        if inner.cancelled() or (error := inner.exception()):
            # What was begun beside it ends the step that it is in, and begins no other.
            self._execution.stop(asyncio.CancelledError() if inner.cancelled() else error or Halt())
        self._is_body_over = True
        await asyncio.sleep(0)  # what the body has just begun begins
        while self._flying:
            self._landed.clear()
            await self._landed.wait()

    def _forgotten(self) -> WorkflowError | None:
        """Return what to say of steps that were called and never awaited, and so were not done."""
        # What was cancelled before it began, or closed, has no frame any more.
        forgotten = [what for what, each in self._unbegun.items() if getattr(each, "cr_frame", None)]
        _close(list(self._unbegun.values()))
        self._unbegun.clear()
        if not forgotten:
            return None
        return WorkflowError(
            f"workflow `{self._execution.name}` has called and never awaited {', '.join(forgotten)}",
            hint="write `await` before the call",
        )

    def _outcome_of(self, inner: "asyncio.Task[Any]") -> Outcome:
        forgotten = self._forgotten()
        if inner.cancelled():
            return Broken(asyncio.CancelledError(), "cancelled")
        error = inner.exception()
        if error is None:
            failure = self._unheard or forgotten
            return Returned(inner.result()) if failure is None else Broken(failure)
        if isinstance(error, Exception | Halt) or _is_of_exceptions(error):
            return Broken(error)
        self._execution.leave(error)
        raise error

    def _cancel(self, *tasks: "asyncio.Task[Any]") -> None:
        current = asyncio.current_task()
        for task in {*tasks, *self._flying}:
            if task is not current:
                task.cancel()

    def _cancel_others(self) -> None:
        try:
            self._cancel()
        except RuntimeError:
            pass  # there is no loop any more

    def _is_parent_stopped(self) -> bool:
        stopped = self._parent.stopped if self._parent is not None else None
        return stopped is not None and stopped.is_undone

    def _is_from_outside(self) -> bool:
        if self._execution.is_left:
            return True
        is_cancelled = self._outer is not None and self._outer.cancelling() > self._cancels
        return is_cancelled and not self._is_parent_stopped()

    # What a body calls

    def step(
        self, step: "Step[..., Any]", scope: Scope, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> Coroutine[Any, Any, Any]:
        """Return what is to be awaited for a step's result; its position is taken now."""
        called = self._execution.invocation(step, scope, arguments, keywords)
        what = f"`{called.step.name}` at {called.position}"
        flight = self._unbegun[what] = self._fly(called, what)
        return flight

    async def _fly(self, called: Invocation, what: str) -> Any:
        self._unbegun.pop(what, None)
        task = asyncio.current_task()
        assert task is not None
        self._flying.add(task)
        try:
            return await self._drive(forward(self._execution, called))
        except Exception as exc:
            if self._is_body_over:
                self._unheard = self._unheard or exc
            raise
        finally:
            self._flying.discard(task)
            self._landed.set()

    def parallel(self, scope: Scope, items: Sequence[Any]) -> Coroutine[Any, Any, list[Any]]:
        """Return what is to be awaited for the results of all; its position is taken now."""
        try:
            for item in items:
                if not callable(item) and not hasattr(item, "__await__"):
                    raise WorkflowError(
                        f"parallel() was given a value of type `{type(item).__name__}`: it takes what can be"
                        " awaited or called",
                        hint="write `parallel(charge(1), charge(2))`, or `parallel(*several)`",
                    )
            position = scope.reserve("parallel")
        except BaseException:
            _close(items)
            raise
        what = f"`parallel` at {position}"
        branches = [(item, scope.branch(position, index)) for index, item in enumerate(items)]
        together = self._unbegun[what] = self._together(branches, what)
        return together

    async def _together(self, branches: Sequence[tuple[Any, Scope]], what: str) -> list[Any]:
        self._unbegun.pop(what, None)
        tasks = [asyncio.create_task(_branch(item), context=_context_at(at)) for item, at in branches]

        def end_others(task: "asyncio.Task[Any]") -> None:
            if self._execution.is_left:
                for each in tasks:
                    each.cancel()

        for task in tasks:
            task.add_done_callback(end_others)
        try:
            if tasks:
                await asyncio.wait(tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                _retrieve(task)
            raise
        finally:
            _close([item for item, _ in branches])
        return results_of([_ended(task) for task in tasks])

    # What the rules ask for

    async def _drive(self, rules: Generator[Call | Pause, Outcome | None, T]) -> T:
        answer: Outcome | None = None
        while True:
            try:
                asked = rules.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # typeshed does not know generators' ends
            answer = await self._guarded(self._call(asked) if isinstance(asked, Call) else self._pause(asked))

    async def _guarded(self, performed: Coroutine[Any, Any, Outcome | None]) -> Outcome | None:
        execution = self._execution
        try:
            return await performed
        except asyncio.CancelledError as exc:
            if self._is_from_outside():
                execution.leave(exc)
                raise
            if execution.stopped is not None and not execution.is_over:
                return Broken(execution.stopped.error, "cut")
            return Broken(exc, "cancelled")
        except Exception as exc:
            return Broken(exc)
        except BaseException as exc:
            execution.leave(exc)
            raise

    async def _pause(self, pause: Pause) -> None:
        await self._execution.clock.sleep_async(pause.seconds)

    async def _call(self, call: Call) -> Outcome:
        given = await self._execution.container.inject_async(call.injected) if call.injected else {}
        known = {**call.known, **given}
        if not call.is_async:
            return await self._in_thread(call, lambda: call.function(*call.arguments, **known))
        before = here.get()
        here.set(call.inside)
        try:
            async with asyncio.timeout(call.timeout_seconds) as limit:
                return Returned(await call.function(*call.arguments, **known))
        except TimeoutError as exc:
            return Broken(call.overrun(), "timed_out") if limit.expired() else Broken(exc)
        finally:
            here.set(before)

    async def _in_thread(self, call: Call, function: Callable[[], Any]) -> Outcome:
        """Call a function in a thread of its own; it has ended when this returns, cut or not."""
        gate = Gate()
        async with self._threads:
            limit = None
            if call.timeout_seconds is not None:
                limit = Broken(call.overrun(), "timed_out")
                loop = asyncio.get_running_loop()
                timer = loop.call_later(call.timeout_seconds, gate.cut, limit.error)
            ending = _begin(_context_at(call.inside), lambda: plain(call.what, gate.run(function)))
            cancelled = None
            while not ending.done():
                try:
                    await asyncio.wait({ending})
                except asyncio.CancelledError as exc:
                    cancelled = exc
                    gate.cut(exc)
            if limit is not None:
                timer.cancel()
        if cancelled is not None:
            raise cancelled
        outcome = ending.result()
        if isinstance(outcome, Broken) and isinstance(outcome.error, Cut) and limit is not None:
            return limit
        if isinstance(outcome, Broken) and not isinstance(outcome.error, Exception):
            raise outcome.error
        return outcome


def _begin(context: Context, function: Callable[[], Any]) -> "asyncio.Future[Outcome]":
    """Begin to call a function in a thread of its own; return what its outcome will be in."""
    loop = asyncio.get_running_loop()
    ending: asyncio.Future[Outcome] = loop.create_future()

    def work() -> None:
        try:
            outcome: Outcome = Returned(context.run(function))
        except BaseException as exc:  # user code
            outcome = Broken(exc)
        loop.call_soon_threadsafe(ending.set_result, outcome)

    Thread(target=work, daemon=True).start()
    return ending


def _close(items: Sequence[Any]) -> None:
    """Close the coroutines that have not begun, so that nobody is told that they were forgotten."""
    for item in items:
        if hasattr(item, "cr_frame") and not (item.cr_running or item.cr_suspended):
            item.close()


async def _branch(item: Any) -> Any:
    value = item() if callable(item) else item
    return await value if hasattr(value, "__await__") else value


def _ended(task: "asyncio.Task[Any]") -> Outcome:
    if task.cancelled():
        return Broken(asyncio.CancelledError(), "cancelled")
    error = task.exception()
    return Returned(task.result()) if error is None else Broken(error)


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Take notice of how a task ended, so that the loop does not complain that nobody did."""
    if task.done() and not task.cancelled():
        task.exception()


def _is_of_exceptions(error: BaseException) -> bool:
    """Return whether an exception group holds nothing that ends the run from outside."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_of_exceptions(each) for each in error.exceptions)
    return isinstance(error, Exception | Halt)


def _context_at(place: Scope | Inside) -> Context:
    context = copy_context()
    context.run(here.set, place)
    return context
