"""Time as workflows know it: what a clock is that can also be waited by."""

from typing import Protocol


class Flag(Protocol):
    """Something that is set once, from another thread: a `threading.Event`."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, so many seconds at most; return whether it is."""


class Clock(Protocol):
    """The wall clock, and waiting by it."""

    def now(self) -> float:
        """Return the wall clock, in UTC seconds."""

    def sleep(self, seconds: float, interruption: Flag | None) -> None:
        """Wait, until the flag is set at most. A signal's exception ends it, too, in the main thread."""

    async def sleep_async(self, seconds: float) -> None:
        """Wait, and let others go on."""
