"""Signals as bytes in a pipe, caught from the first moment of a process on.

Imported before anything else by `cronjobs run`: PID 1 ignores every signal that it has no handler for.
"""

import os
import signal

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class SignalPipe:
    """Receives the signals of this process: `descriptor` becomes readable, `read` names them in order."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def open(cls) -> "SignalPipe":
        """Catch what a scheduler reacts to. The main thread must call it."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for signum in (*STOPPING, signal.SIGUSR1, signal.SIGCHLD):
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:  # else nohup's
                signal.signal(signum, _note)
        return cls(reading)

    def read(self) -> bytes:
        """Return the numbers of the signals that have come, one byte each."""
        try:
            return os.read(self.descriptor, 4096)
        except BlockingIOError:
            return b""


def _note(signum: int, frame: object) -> None:
    """Do nothing: a signal with a handler is written to the wake-up descriptor."""
