"""Schedules in plain words, for a line of a table."""

from collections.abc import Sequence

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.cron import Cron, parse_cron

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_EVERY_DAY_OF_MONTH = (1 << 32) - 2
_EVERY_MONTH = (1 << 13) - 2
_EVERY_DAY_OF_WEEK = (1 << 7) - 1
_EVERY_HOUR = (1 << 24) - 1
_EVERY_MINUTE = (1 << 60) - 1

_MONDAY_TO_FRIDAY = 0b0111110
_MOST_ITEMS = 3


def describe(text: str) -> str:
    """Return "every 5 minutes" or "at 03:00 on Monday"; the text itself where a few words do not tell it all.

    A text that is no schedule comes back as it is, too.
    """
    try:
        cron = parse_cron(text)
    except ScheduleError:
        return text
    times, days = _repeated(cron) or _times(cron), _days(cron)
    return text if times is None or days is None else times + days


def _repeated(cron: Cron) -> str | None:
    """Return "every ..." if all fires are equally far apart, across midnight as well."""
    if cron.hours == _EVERY_HOUR and cron.minutes == _EVERY_MINUTE:
        return _every(cron.seconds, "second", of=60) or ("every minute" if cron.seconds == 1 else None)
    if cron.hours == _EVERY_HOUR and cron.seconds == 1:
        return _every(cron.minutes, "minute", of=60) or ("every hour" if cron.minutes == 1 else None)
    if cron.minutes == cron.seconds == 1:
        return _every(cron.hours, "hour", of=24)
    return None


def _every(mask: int, unit: str, *, of: int) -> str | None:
    values = _values(mask)
    step = values[1] if len(values) > 1 else of
    if step == of or of % step or values != list(range(0, of, step)):
        return None
    return f"every {unit}" if step == 1 else f"every {step} {unit}s"


def _times(cron: Cron) -> str | None:
    hours, minutes, seconds = _values(cron.hours), _values(cron.minutes), _values(cron.seconds)
    if len(hours) * len(minutes) * len(seconds) > _MOST_ITEMS:
        return None
    times = [(hour, minute, second) for hour in hours for minute in minutes for second in seconds]
    shown = 2 if seconds == [0] else 3
    return "at " + _listed([":".join(f"{part:02}" for part in time[:shown]) for time in times])


def _days(cron: Cron) -> str | None:
    """Return " on ..." or, for every day, nothing; None where both day fields or a month are restricted."""
    if cron.months != _EVERY_MONTH:
        return None
    if cron.days_of_month != _EVERY_DAY_OF_MONTH:
        days = [str(day) for day in _values(cron.days_of_month)]
        if cron.days_of_week != _EVERY_DAY_OF_WEEK or len(days) > 1:
            return None
        return f" on day {days[0]} of the month"
    if cron.days_of_week == _EVERY_DAY_OF_WEEK:
        return ""
    if cron.days_of_week == _MONDAY_TO_FRIDAY:
        return " from Monday to Friday"
    weekdays = [_WEEKDAYS[value] for value in _values(cron.days_of_week)]
    return None if len(weekdays) > _MOST_ITEMS else " on " + _listed(weekdays)


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _values(mask: int) -> list[int]:
    return [value for value in range(mask.bit_length()) if mask >> value & 1]
