"""A log's way out, which never holds up whoever writes: to a terminal, a pipe or a file."""

import os
import select
import stat
from collections.abc import Callable
from typing import Protocol

_KEPT_BYTES = 4 << 20  # what nobody reads is kept up to here, and then dropped


class Waiter(Protocol):
    """Calls back when a descriptor can be written."""

    def add(self, descriptor: int, callback: Callable[[], None], *, writable: bool) -> None: ...

    def remove(self, descriptor: int) -> None: ...

    def __contains__(self, descriptor: int) -> bool: ...


class Writer:
    """Keeps lines until they can be written without waiting."""

    def __init__(self, descriptor: int, waiter: Waiter) -> None:
        self._descriptor = descriptor
        self._waiter = waiter
        self._kept = bytearray()
        self._dropped_lines = 0
        self.is_broken = False  # nobody will ever read it
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)

    def write(self, line: str) -> None:
        """Take a line, without its end."""
        if self.is_broken:
            return
        if len(self._kept) > _KEPT_BYTES:
            self._dropped_lines += 1
            return
        if self._dropped_lines:
            line = f"({self._dropped_lines} lines of this log were dropped: nobody read it)\n{line}"
            self._dropped_lines = 0
        self._kept += line.encode("utf-8", "backslashreplace") + b"\n"

    def flush(self) -> None:
        """Write as much as can be written now; the rest follows by itself."""
        while self._kept and not self.is_broken:
            if not self._can_take():
                if self._descriptor not in self._waiter:
                    self._waiter.add(self._descriptor, self.flush, writable=True)
                return
            self._write_some()
        self._waiter.remove(self._descriptor)

    def _can_take(self) -> bool:
        if self._is_file:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def _write_some(self) -> None:
        # A pipe that is writable takes this much at once, however full it is.
        size = len(self._kept) if self._is_file else select.PIPE_BUF
        try:
            written = os.write(self._descriptor, self._kept[:size])
        except BlockingIOError:
            return
        except OSError as exc:  # the reader is gone, or the disk is full
            self.is_broken = isinstance(exc, BrokenPipeError)
            self._dropped_lines += self._kept.count(b"\n")
            self._kept.clear()
            return
        del self._kept[:written]
