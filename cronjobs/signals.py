"""Signals as bytes in a pipe, caught from the first moment of a process on.

Imported before anything else by `cronjobs run`: PID 1 ignores every signal that it has no handler for.
"""

import os
import signal

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_CAUGHT = (*STOPPING, signal.SIGUSR1, signal.SIGCHLD)


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
        for signum in _CAUGHT:
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:  # else nohup's
                signal.signal(signum, _note)
        return cls(reading)

    def read(self) -> bytes:
        """Return the numbers of the signals that have come, one byte each."""
        try:
            return os.read(self.descriptor, 4096)
        except BlockingIOError:
            return b""

    def fork(self) -> int:
        """Fork this process; what signals the child gets is not written to this pipe."""
        # Ctrl-C goes to both: the child's, noted here too, would be the second one, which stops at once.
        former = signal.pthread_sigmask(signal.SIG_BLOCK, _CAUGHT)
        try:
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)
        return pid


def signal_name(signum: int) -> str:
    """Return the name of a signal: `SIGTERM`."""
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"SIG{signum}"  # a real-time signal


def _note(signum: int, frame: object) -> None:
    """Do nothing: a signal with a handler is written to the wake-up descriptor."""
