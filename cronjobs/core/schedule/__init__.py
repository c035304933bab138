"""Schedules: text that yields instants. Other parts of the package import from here what `__all__` names."""

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.bounds import bounded
from cronjobs.core.schedule.exclusions import excluding
from cronjobs.core.schedule.explain import describe
from cronjobs.core.schedule.parse import Dialect, parse_schedule
from cronjobs.core.schedule.search import Schedule

__all__ = ["Dialect", "Schedule", "ScheduleError", "bounded", "describe", "excluding", "parse_schedule"]
