"""Factories that yield: the service comes out first, and what follows the `yield` is its clean-up."""

from collections.abc import Generator
from typing import Any

from cronjobs.core.errors import ServiceError


class Unfinished:
    """A factory that has yielded its service, or is about to.

    begin: where its code stands before anything of it has run.
    """

    __slots__ = ("begin", "generator", "has_yielded", "is_async", "key")

    def __init__(self, key: str, generator: Any, *, is_async: bool) -> None:
        self.key = key
        self.generator = generator
        self.begin = (generator.ag_frame if is_async else generator.gi_frame).f_lasti
        self.is_async = is_async
        self.has_yielded = False


def first_of(generator: Generator[Any, None, None]) -> Any:
    """Return the service that a factory yields."""
    try:
        return next(generator)
    except StopIteration:
        raise ServiceError("its factory yielded nothing") from None


async def first_of_async(generator: Any) -> Any:
    """Return the service that an async factory yields."""
    try:
        return await anext(generator)
    except StopAsyncIteration:
        raise ServiceError("its factory yielded nothing") from None


def finish(unfinished: Unfinished) -> None:
    """Let a factory clean up; nothing happens if it has not begun, or failed."""
    generator = unfinished.generator
    if generator.gi_frame is None:
        return  # it failed while it made the service
    if generator.gi_frame.f_lasti == unfinished.begin:
        generator.close()
        return
    try:
        next(generator)
    except StopIteration:
        return
    except BaseException as exc:  # user code
        exc.add_note(f"in the clean-up of the service `{unfinished.key}`")
        raise
    generator.close()
    raise _yields_twice(unfinished.key)


async def finish_async(unfinished: Unfinished) -> None:
    """Let an async factory clean up, as above."""
    generator = unfinished.generator
    if generator.ag_frame is None:
        if unfinished.has_yielded:
            raise _closed_by_its_loop(unfinished.key)
        return  # as above
    if generator.ag_frame.f_lasti == unfinished.begin:
        await generator.aclose()
        return
    try:
        await anext(generator)
    except StopAsyncIteration:
        return
    except BaseException as exc:  # user code
        exc.add_note(f"in the clean-up of the service `{unfinished.key}`")
        raise
    await generator.aclose()
    raise _yields_twice(unfinished.key)


def _closed_by_its_loop(key: str) -> ServiceError:
    return ServiceError(
        f"the service `{key}` was not cleaned up: the event loop that it was made in ended before the run",
        hint="make the job `async def`, or write `container.wait_for(...)` instead of `asyncio.run(...)`",
    )


def _yields_twice(key: str) -> ServiceError:
    return ServiceError(f"the factory of `{key}` yields twice", hint="what it yields is the service")
