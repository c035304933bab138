"""The only reader of time."""

import time


class SystemClock:
    """A `Clock` that reads the machine's."""

    def now(self) -> float:
        """Return the wall clock, in UTC seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that only ever grow, by the time that really passes."""
        return time.monotonic()
