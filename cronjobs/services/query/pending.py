"""An answer that is still to be awaited."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, NoReturn, TypeVar

from cronjobs.core.errors import QueryError

Answer = TypeVar("Answer")


class Pending(Coroutine[Any, Any, Answer]):
    """Runs `work` in a thread once it is awaited, so that the event loop goes on meanwhile.

    It is a coroutine in all but its making, so that tasks and groups of tasks take it too. Cancelled, it lets
    go of the thread, which ends when the database has answered.
    """

    def __init__(self, work: Callable[[], Answer]) -> None:
        self._work = work
        self._started: Coroutine[Any, Any, Answer] | None = None

    def __await__(self) -> Generator[Any, Any, Answer]:
        return self._coroutine().__await__()

    def send(self, value: Any) -> Any:
        return self._coroutine().send(value)

    def throw(self, *exception: Any) -> Any:
        return self._coroutine().throw(*exception)

    def close(self) -> None:
        if self._started is not None:
            self._started.close()

    @property
    def data(self) -> Any:
        self._refuse("data")

    @property
    def metadata(self) -> Any:
        self._refuse("metadata")

    def _refuse(self, name: str) -> NoReturn:
        hint = f"write (await query.graph(...)).{name}"
        raise QueryError(f"query.graph was not awaited, so there is no `{name}` yet; {hint}", hint=hint)

    def _coroutine(self) -> Coroutine[Any, Any, Answer]:
        if self._started is None:
            self._started = self._run()
        return self._started

    async def _run(self) -> Answer:
        import asyncio  # late: whoever awaits has it already

        return await asyncio.to_thread(self._work)
