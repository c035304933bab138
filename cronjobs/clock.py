"""The only reader of time."""

import sys
import time


class SystemClock:
    """A `Clock` that reads the machine's."""

    def now(self) -> float:
        """Return the wall clock, in UTC seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that only ever grow, by the time that really passes while the machine is awake."""
        return time.monotonic()

    def suspended(self) -> float:
        """Return for how many seconds the machine has been suspended, ever; 0 where that cannot be known."""
        if sys.platform != "linux":
            return 0.0
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
