"""How a run ends: what may end its function, and what it then says."""

import sys
from typing import NamedTuple

from cronjobs.core.failure import Failure


class Terminated(SystemExit):
    """Raised in a job by SIGTERM, so that its clean-up runs."""


class Unbound(Exception):
    """The job's function cannot be called; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Ending(NamedTuple):
    """How a job's function ended; `result` is what it returned, as JSON, or None."""

    code: int
    failure: Failure | None = None
    is_terminated: bool = False  # it was told to end
    result: str | None = None


def print_traceback(exc: BaseException | None) -> None:
    if exc is not None:
        from cronjobs.failures import format_traceback

        print_line(format_traceback(exc))


def print_line(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except (OSError, ValueError):
        pass  # the job closed its standard error: the record of the run has it all the same
