"""The logger that a job is given."""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from cronjobs.context import Context

ROOT = "cronjobs.jobs"


class JobLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records have the attributes `job`, `run_id` and `scheduled_for` (aware, in UTC).

    Parts of a job that take a while can be told as activities: begun, on their way, and how they ended after
    how long. The records of an activity have its id as `activity`.
    """

    def __init__(
        self, logger: logging.Logger, extra: Mapping[str, object], monotonic: Callable[[], float]
    ) -> None:
        """monotonic: seconds, of a clock that only goes forward."""
        super().__init__(logger, extra)
        self._monotonic = monotonic
        self._begun: dict[str, float] = {}  # the activities that have not ended
        self._count = 0

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        """Give a record what all records of this logger have, and keep what the caller adds."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs

    def activity(self, message: str) -> str:
        """Say that something begins; return the id by which it is told on."""
        self._count += 1
        activity = f"{self._count}"
        self._begun[activity] = self._monotonic()
        self._tell(logging.INFO, activity, message)
        return activity

    def progress(self, activity: str, message: str) -> None:
        """Say how an activity is getting on."""
        self._tell(logging.INFO, activity, message)

    def success(self, activity: str, message: str) -> None:
        """Say that an activity has ended well, and how long it took."""
        self._tell(logging.INFO, activity, message + self._elapsed(activity))

    def failure(self, activity: str, message: str) -> None:
        """Say that an activity has failed, and after how long."""
        self._tell(logging.ERROR, activity, message + self._elapsed(activity))

    def _elapsed(self, activity: str) -> str:
        """End an activity; return what its last message says of it."""
        begun = self._begun.pop(activity, None)
        # What was never begun, or has ended already, is told all the same: a log line is no reason to fail.
        return " (of an unknown activity)" if begun is None else f" ({self._monotonic() - begun:.3f} s)"

    def _tell(self, level: int, activity: str, message: str) -> None:
        # As an argument: a message may hold a `%`. The caller's line, not this file's, is the record's.
        self.log(level, "%s", message, extra={"activity": activity}, stacklevel=3)


def make_logger(context: Context, monotonic: Callable[[], float]) -> JobLogger:
    """Return the logger of a run.

    Where the job's own modules have set up logging, records go there; otherwise to standard output, from
    INFO on, so that a job's first `logger.info` is seen without any set-up.
    """
    root = logging.getLogger(ROOT)
    if not logging.getLogger().handlers and not root.handlers:
        root.addHandler(_to_stdout())
        root.setLevel(logging.INFO)
    extra = {"job": context.job_name, "run_id": context.run_id, "scheduled_for": context.scheduled_for}
    return JobLogger(root.getChild(context.job_name), extra, monotonic)


def _to_stdout() -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    return handler
