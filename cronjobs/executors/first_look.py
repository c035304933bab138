"""The first look at the modules of jobs and services, seen from the scheduler: `probe` is what looks."""

import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

from cronjobs.core.ports import Clock
from cronjobs.executors import wire
from cronjobs.executors.pool import spawn
from cronjobs.executors.verdicts import Verdict, verdict_from
from cronjobs.executors.watch import Watch
from cronjobs.processes import kill_group

# For so long, a zygote waits for the first look at modules that it might serve too.
_HEAD_START_SECONDS = 1.0


class FirstLook:
    """A process that imports each module once, elsewhere, and tells what came of it."""

    def __init__(
        self,
        watch: Watch,
        clock: Clock,
        on_verdict: Callable[[Verdict], None],
        on_end: Callable[[], None],
    ) -> None:
        """Nothing is started yet. on_end: called once all has been looked at, or the process is gone."""
        self._watch = watch
        self._clock = clock
        self._on_verdict = on_verdict
        self._on_end = on_end
        self._pid = 0
        self._control: socket.socket | None = None
        self._begun_at = 0.0  # monotonic

    def begin(self, setup: Mapping[str, Any]) -> None:
        """Look at the modules of a set-up's jobs and services."""
        ours, theirs = wire.packets()
        with theirs:
            whole = {**setup, "parallel": cores()}
            self._pid = spawn("cronjobs.executors.probe", wire.write_setup(whole), theirs.fileno())
        self._watch.add(ours.fileno(), self._listen)
        self._control = ours
        self._begun_at = self._clock.monotonic()

    @property
    def head_start_until(self) -> float | None:
        """The monotonic instant until which zygotes wait; None where nothing is looked at any more."""
        return None if self._control is None else self._begun_at + _HEAD_START_SECONDS

    def has_head_start(self) -> bool:
        """Return whether zygotes are to wait."""
        until = self.head_start_until
        return until is not None and self._clock.monotonic() < until

    def close(self) -> None:
        """End the process, if it is not over."""
        if self._control is not None:
            kill_group(self._pid, signal.SIGKILL)

    def _listen(self) -> None:
        assert self._control is not None
        try:
            message = wire.receive_at_length(self._control)
        except (OSError, ValueError):
            message = None
        if message is not None:
            self._on_verdict(verdict_from(message))
            return
        self._watch.remove(self._control.fileno())
        self._control.close()
        self._control = None
        self._on_end()


def cores() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
