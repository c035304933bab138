"""The real time. Nothing else in this folder reads it."""

import time

from cronjobs.workflows.ports import Flag


class SystemClock:
    """The clock of everything but tests."""

    def now(self) -> float:
        """Return the wall clock, in UTC seconds."""
        return time.time()

    def sleep(self, seconds: float, interruption: Flag | None) -> None:
        """Wait, until the flag is set at most."""
        if interruption is None:
            time.sleep(seconds)
        else:
            interruption.wait(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Wait, and let others go on."""
        import asyncio  # late: a workflow without a coroutine does without it

        await asyncio.sleep(seconds)


def monotonic() -> float:
    """Return seconds that only ever grow."""
    return time.monotonic()
