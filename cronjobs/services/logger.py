"""The logger that a job is given."""

import logging
import sys
from typing import Any

from cronjobs.context import Context

ROOT = "cronjobs.jobs"


def make_logger(context: Context) -> "logging.LoggerAdapter[logging.Logger]":
    """Return a logger whose records carry `job`, `run_id` and `scheduled_for`.

    Where the job's own modules have set up logging, records go there; otherwise to standard output, from
    INFO on, so that a job's first `logger.info` is seen without any set-up.
    """
    root = logging.getLogger(ROOT)
    if not logging.getLogger().handlers and not root.handlers:
        root.addHandler(_to_stdout())
        root.setLevel(logging.INFO)
    extra: dict[str, Any] = {
        "job": context.job_name,
        "run_id": context.run_id,
        "scheduled_for": context.scheduled_for,
    }
    return logging.LoggerAdapter(root.getChild(context.job_name), extra)


def _to_stdout() -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    return handler
