"""A run that is a program: what its process does between go and exec."""

# As `child` does: `signal` wraps what it returns in enums.
import _signal  # type: ignore[import-not-found]  # typeshed leaves it out
import os
import sys
from typing import NoReturn

from cronjobs.core.failure import Failure
from cronjobs.executors.orders import JobSetup
from cronjobs.executors.wire import encode

# What a shell ends with where it cannot run a program.
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
# Python ignores them, and what is ignored stays so across exec.
_IGNORED_BY_PYTHON = (_signal.SIGPIPE, getattr(_signal, "SIGXFSZ", _signal.SIGPIPE))


def become(job: JobSetup, channel: int) -> NoReturn:
    """Become the job's program; where that is not possible, end, and say why over the channel."""
    for signum in _IGNORED_BY_PYTHON:
        _signal.signal(signum, _signal.SIG_DFL)
    program = job.command[0]
    try:
        os.execvpe(program, job.command, os.environ)
    except OSError as exc:
        code = _NOT_FOUND if isinstance(exc, FileNotFoundError | NotADirectoryError) else _NOT_EXECUTABLE
        failure = Failure(type(exc).__name__, f"{program}: {exc.strerror}")
    except ValueError as exc:  # a NUL in an argument
        code, failure = _NOT_EXECUTABLE, Failure("ValueError", f"{program}: {exc}")
    sys.stderr.write(f"{failure.message}\n")
    sys.stderr.flush()
    os.write(channel, encode({"failure": failure}))
    os._exit(code)
