"""What a run gives a job, by parameter name, described by its shape: the jobs depend on no scheduler.

Only what the shop's jobs use; a run's context has more.
"""

from datetime import datetime
from logging import Logger, LoggerAdapter
from typing import Any, Protocol, TypeAlias

JobLogger: TypeAlias = "LoggerAdapter[Logger]"


class Container(Protocol):
    """Services by key."""

    def resolve(self, key: str) -> Any:
        """Return the service of that key."""


class Context(Protocol):
    """Which run this is."""

    @property
    def scheduled_for(self) -> datetime:
        """The moment the run stands for, aware: of a late run it lies in the past."""

    @property
    def execution_number(self) -> int:
        """Counted from 1."""

    @property
    def remaining_executions(self) -> int | None:
        """How many more there will be; None without a limit."""
