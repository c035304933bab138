"""Limits of time for code in the main thread: an alarm that raises Cut in it.

The alarm rings in the user's code only. While the workflow's own code runs it is shut, and what was due then
is raised when the user's code goes on.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from cronjobs.workflows.clock import monotonic
from cronjobs.workflows.effects import Cut

T = TypeVar("T")


class Limit:
    """A moment after which code is cut, once. error: what it then has failed with."""

    def __init__(self, seconds: float, error: Exception) -> None:
        self.ends_at = monotonic() + seconds
        self.error = error
        self.has_fired = False


class Alarm:
    """The process's only one, since there is one timer."""

    def __init__(self) -> None:
        self._limits: list[Limit] = []  # the outermost first
        self._first = 0  # of the limits that are minded now
        self._is_open = False
        self._kept: tuple[Any, float, float] | None = (
            None  # what the timer was used for before, and since when
        )

    def shut(self) -> "Shut":
        """Keep the alarm from ringing in a `with` block."""
        return Shut(self)

    def call(self, function: Callable[[], T], limit: Limit | None, *, is_alone: bool = False) -> T:
        """Return what a function of the user's returns; it may end in Cut, with the limit that it ran into.

        What it raises after it was cut is Cut, too.

        is_alone: no limit but its own is minded.
        """
        first, count = self._first, len(self._limits)
        self._first = count if is_alone else first
        if limit is not None:
            self._add(limit)
        try:
            try:
                self._is_open = True
                self._ring_if_due()
                return function()
            except Exception as exc:
                # Where Cut comes into the middle of a lock's own code, say, another exception comes out.
                fired = next((each for each in self._limits[self._first :] if each.has_fired), None)
                if fired is None:
                    raise
                raise Cut(fired) from exc
            finally:  # which may itself be rung at: the outer one is not, since the alarm is shut by then
                self._is_open = False
        finally:
            self._first = first
            if limit is not None:
                self._remove(count)

    def reopen(self, is_open: bool) -> None:
        """Open the alarm again, if it was open before it was shut."""
        self._is_open = is_open
        if is_open:
            self._ring_if_due()

    def close(self) -> bool:
        """Shut the alarm; return whether it was open."""
        was_open, self._is_open = self._is_open, False
        return was_open

    def _add(self, limit: Limit) -> None:
        import signal  # late: for a workflow or a step that has a limit

        if not self._limits:
            handler = signal.signal(signal.SIGALRM, self._ring)
            self._kept = (handler, signal.setitimer(signal.ITIMER_REAL, 0)[0], monotonic())
        self._limits.append(limit)
        self._wind()

    def _remove(self, count: int) -> None:
        import signal

        del self._limits[count:]
        if self._limits or self._kept is None:
            self._wind()
            return
        handler, seconds, since = self._kept
        self._kept = None
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if seconds:
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, seconds - (monotonic() - since)))

    def _wind(self) -> None:
        import signal

        ends = [limit.ends_at for limit in self._limits[self._first :] if not limit.has_fired]
        seconds = max(1e-6, min(ends) - monotonic()) if ends else 0
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _ring(self, signum: int, frame: object) -> None:
        if self._is_open:
            self._ring_if_due()

    def _ring_if_due(self) -> None:
        if not self._limits[self._first :]:
            return
        now = monotonic()
        for limit in self._limits[self._first :]:
            if not limit.has_fired and limit.ends_at <= now:
                limit.has_fired = True
                self._is_open = False  # until the workflow's own code has seen it
                raise Cut(limit)
        self._wind()


class Shut:
    """The workflow's own code runs; nothing interrupts it but what ends the process."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._was_open = False

    def __enter__(self) -> None:
        self._was_open = self._alarm.close()

    def __exit__(self, *_: object) -> None:
        self._alarm.reopen(self._was_open)


alarm = Alarm()


def is_main_thread() -> bool:
    """Return whether signals are handled in this thread."""
    threading = sys.modules.get("threading")
    return threading is None or threading.current_thread() is threading.main_thread()
