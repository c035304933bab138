"""A log's way out, which never holds up whoever writes: to a terminal, a pipe or a file."""

import os
import select
import stat
from collections.abc import Callable
from typing import Protocol

_KEPT_BYTES = 4 << 20  # what nobody reads is kept up to here, and then dropped
_FLUSHED_BYTES = 1 << 16  # more is not kept back while it can be written


class Waiter(Protocol):
    """Calls back when a descriptor can be written."""

    def add(self, descriptor: int, callback: Callable[[], None], *, writable: bool) -> None: ...

    def remove(self, descriptor: int) -> None: ...

    def __contains__(self, descriptor: int) -> bool: ...


class Writer:
    """Keeps lines until they can be written without waiting."""

    def __init__(self, descriptor: int, waiter: Waiter, monotonic: Callable[[], float]) -> None:
        self._descriptor = descriptor
        self._waiter = waiter
        self._monotonic = monotonic
        self._kept = bytearray()
        self._written = 0  # how much of the kept is out already
        self._is_torn = False  # whether what is out ends within a line
        self._dropped = 0
        self.is_broken = False  # nobody will ever read it
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)

    def write(self, line: str) -> None:
        """Take a line, without its end."""
        if self.is_broken:
            return
        if len(self._kept) - self._written > _KEPT_BYTES:
            self._dropped += 1
            return
        if self._written > _KEPT_BYTES:
            del self._kept[: self._written]
            self._written = 0
        if self._is_torn and not self._kept:
            self._kept += b"\n"  # the rest of that line was dropped
        self._kept += line.encode("utf-8", "backslashreplace") + b"\n"
        if len(self._kept) - self._written > _FLUSHED_BYTES:
            self.flush()

    def take_dropped(self) -> int:
        """Return how many lines were dropped since this was last asked, once there is room to say so."""
        if not self._dropped or len(self._kept) - self._written > _KEPT_BYTES:
            return 0
        dropped, self._dropped = self._dropped, 0
        return dropped

    def flush(self) -> None:
        """Write as much as can be written now; the rest follows by itself."""
        while self._written < len(self._kept):
            if not self._can_take():
                if self._descriptor not in self._waiter:
                    self._waiter.add(self._descriptor, self.flush, writable=True)
                return
            self._write_some()
        self._kept.clear()
        self._written = 0
        self._waiter.remove(self._descriptor)

    def drain(self, patience_seconds: float) -> None:
        """Write all that is kept, and wait for a reader that falls behind, but not longer than this."""
        deadline = self._monotonic() + patience_seconds
        self.flush()
        while self._written < len(self._kept) and (left := deadline - self._monotonic()) > 0:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll(left * 1000)
            self.flush()

    def _can_take(self) -> bool:
        if self._is_file:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def _write_some(self) -> None:
        # A pipe that is writable takes PIPE_BUF bytes at once, however full it is.
        end = len(self._kept) if self._is_file else self._written + select.PIPE_BUF
        try:
            self._written += os.write(self._descriptor, self._kept[self._written : end])
            self._is_torn = self._kept[self._written - 1 : self._written] != b"\n"
        except BlockingIOError:
            return
        except OSError as exc:  # the reader is gone, or the disk is full
            self.is_broken = isinstance(exc, BrokenPipeError)
            self._dropped += self._kept.count(b"\n", self._written)
            self._written = len(self._kept)
