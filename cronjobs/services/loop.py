"""The event loop in which a container's async services live."""

import sys
from threading import Condition
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Runner
    from concurrent.futures import Future


class ServiceLoop:
    """An async job's own loop, or for a sync job one that is made when it is first needed.

    own: the job's, once it is known. Any thread may have something run; one of them drives the loop for all.
    """

    def __init__(self) -> None:
        self.own: AbstractEventLoop | None = None
        self._runner: Runner | None = None  # of a sync job
        self._is_driven = False  # a thread runs it
        self._handed: list[Future[Any]] = []  # to that thread, by others
        self._is_stopping = False  # that thread takes no more
        self._door = Condition()

    def run(self, coroutine: Any) -> Any:
        """Return what a coroutine returns, from outside of any event loop."""
        import asyncio
        from contextvars import copy_context  # both late: only where a service is async

        if self.own is not None and self._runner is None and self.own.is_running():
            # A thread of an async job: its services live in the job's loop.
            return asyncio.run_coroutine_threadsafe(coroutine, self.own).result()
        with self._door:
            self._door.wait_for(lambda: not self._is_stopping)
            if self._runner is None:
                self._runner = asyncio.Runner()
                self._runner.get_loop()  # made now: two threads must not make one each
            runner, is_driven = self._runner, self._is_driven
            if is_driven:  # by another thread, which sees it through
                handed = asyncio.run_coroutine_threadsafe(coroutine, runner.get_loop())
                self._handed.append(handed)
            self._is_driven = True
        if is_driven:
            return handed.result()
        try:
            return runner.run(self._drive(coroutine), context=copy_context())
        finally:  # also where a signal ended it
            with self._door:
                self._is_driven = self._is_stopping = False
                self._door.notify_all()

    def close(self) -> None:
        """End the loop, if one was made here."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    async def _drive(self, coroutine: Any) -> Any:
        """Return what a coroutine returns, once what other threads handed over meanwhile is done too."""
        import asyncio  # loaded already, as above

        try:
            return await coroutine
        finally:
            while True:
                with self._door:
                    pending = [each for each in self._handed if not each.done()]
                    self._handed = pending
                    if not pending:
                        self._is_stopping = True  # who comes now waits, and runs the loop next
                        break
                await asyncio.wait([asyncio.wrap_future(each) for each in pending])


def running_loop() -> "AbstractEventLoop | None":
    """Return the event loop that runs in this thread, without loading `asyncio` for it."""
    asyncio = sys.modules.get("asyncio")  # where it is not loaded, no loop of it runs
    return None if asyncio is None else asyncio._get_running_loop()
