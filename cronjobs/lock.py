"""Who schedules from a state file: one process at a time, which others can find and wake."""

import errno
import fcntl
import json
import os
import signal
import time
from typing import Literal

from cronjobs.core.errors import StateError
from cronjobs.processes import Identity, is_alive


class StateLock:
    """The right to schedule from a state file, held until the process ends, however it ends."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, state: str, identity: Identity, *, patience_seconds: float = 0.5) -> "StateLock":
        """Return the lock on a state file; StateError, naming the holder's pid, if another has it.

        Somebody who asks `is_locked` holds the lock for a moment: hence the patience.
        """
        path = lock_path(state)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise StateError(f"cannot open the lock file {path}: {exc.strerror}", hint=_CANNOT_OPEN) from exc
        deadline = time.monotonic() + patience_seconds
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                holder = read_holder(state)
                os.close(descriptor)
                raise StateError(
                    f"a scheduler already runs on {state}"
                    + (f": process {holder.pid}" if holder else " (its lock file does not name it)"),
                    hint="stop it first, or give this one a state file of its own with --state",
                )
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(identity._asdict()).encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the right back."""
        os.close(self._descriptor)


_CANNOT_OPEN = "the state file's directory must exist and be writable; --state names another place"


def lock_path(state: str) -> str:
    """Return where the lock of a state file lies: one place, whatever name the file is reached by."""
    return os.path.realpath(state) + ".lock"


def is_locked(state: str) -> bool:
    """Return whether a scheduler runs on a state file."""
    try:
        descriptor = os.open(lock_path(state), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def read_holder(state: str) -> Identity | None:
    """Return who wrote the lock file last, or None if it names nobody."""
    try:
        with open(lock_path(state), "rb") as file:
            return Identity(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as exc:
        if exc.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise StateError(
            f"the file system does not support locks: {exc.strerror}",
            hint="keep the state file on a local disk; --state names another place",
        ) from exc
    return True


def wake_scheduler(state: str) -> Literal["woken", "out of sight", "none"]:
    """Have the scheduler of a state file look at it at once, if there is one and its process is visible."""
    if not is_locked(state):
        return "none"
    holder = read_holder(state)
    if holder is None or not is_alive(holder):
        return "out of sight"
    try:
        os.kill(holder.pid, signal.SIGUSR1)
    except (PermissionError, ProcessLookupError):  # another user's, or it has just ended
        return "out of sight"
    return "woken"
