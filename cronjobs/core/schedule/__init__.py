"""Schedules: text that yields instants. Other parts of the package import from here what `__all__` names."""

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.cron import parse_cron
from cronjobs.core.schedule.explain import describe
from cronjobs.core.schedule.search import Schedule, ZonedSchedule
from cronjobs.core.schedule.wall import WallTimes
from cronjobs.core.schedule.zone import timeline

__all__ = ["Schedule", "ScheduleError", "describe", "parse_schedule"]


def parse_schedule(text: str, zone: str = "UTC") -> Schedule:
    """Return the schedule that a cron text means in a time zone.

    text: five fields, six with seconds in front, or a nickname such as `@daily`.
    zone: a key of zoneinfo.

    Raises ScheduleError for a text that is none, or that no day of 1970-2199 can satisfy, and for an
    unknown zone.
    """
    cron = parse_cron(text)
    return ZonedSchedule(text, zone, cron.kind, WallTimes(cron), timeline(zone, cron.kind))
