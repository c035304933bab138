"""iCalendar rules in words: as cron texts would have it, where one says the same."""

from collections.abc import Sequence
from datetime import datetime

from cronjobs.core.schedule import phrases
from cronjobs.core.schedule.cron import Cron
from cronjobs.core.schedule.days import EVERY_YEAR
from cronjobs.core.schedule.fields import LAST_DAY, NTH
from cronjobs.core.schedule.rule import (
    DAILY,
    HOURLY,
    MINUTELY,
    MONTHLY,
    SECONDLY,
    WEEKLY,
    YEARLY,
    Moment,
    Rule,
    read_rule,
)
from cronjobs.core.schedule.wall import EVERY_HOUR, EVERY_MINUTE, EVERY_SECOND

_EPOCH = datetime(1970, 1, 1)
_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
# What cron texts have no fields for.
_BEYOND_CRON = {"byweekno", "byyearday", "bysetpos"}


def words_of_rule(text: str, zone: str, *, has_start: bool) -> str:
    """Return what a rule means.

    has_start: whether the rule begins at a moment that its text does not tell, if it tells none.
    """
    rule = read_rule(text, zone)
    cron = cron_of_rule(rule, has_start=has_start)
    words = "" if cron is None else phrases.sentence(cron)
    if not words or (rule.interval > 1 and not _is_clear(rule, words)):
        return f"{_conditions(text, rule)} (iCalendar rule)"
    start = f" from {_shown(rule.start)}" if rule.start else ""
    if rule.interval > 1:
        words = words.removesuffix(" every day")
        words += f", every {rule.interval} {_UNITS[rule.frequency]}s{start}"
        start = ""
    if rule.limit is not None:
        words += f", {rule.limit} times" if rule.limit > 1 else ", once"
    words += start + (f" until {_shown(rule.until)}" if rule.until else "")
    return f"{words} (iCalendar rule)"


def _is_clear(rule: Rule, words: str) -> bool:
    """Return whether "..., every 2 weeks" behind the words of interval 1 says all, and says it of them."""
    is_of_each_day = rule.frequency == DAILY and words.endswith(" every day")
    return is_of_each_day or (rule.frequency < DAILY and rule.week_start == 0)


def cron_of_rule(rule: Rule, *, has_start: bool) -> Cron | None:
    """Return the cron text, in masks, whose days and times a rule of interval 1 has; None if there is none.

    has_start: as above; what the rule leaves to that moment cannot be told.
    """
    by = rule.by
    is_of_days = rule.names_days or rule.frequency >= DAILY
    is_told = is_of_days and {"byhour", "byminute", "bysecond"} <= set(by)
    # What UTC's clock shows is not what those of the zone show.
    is_start_known = not rule.start.is_utc if rule.start else not has_start
    if _BEYOND_CRON & set(by) or not (is_told or is_start_known):
        return None
    start = rule.start.time if rule.start else _EPOCH
    days = _days(rule, start)
    if days is None:
        return None
    finest = {"byhour": HOURLY, "byminute": MINUTELY, "bysecond": SECONDLY}
    every = {"byhour": EVERY_HOUR, "byminute": EVERY_MINUTE, "bysecond": EVERY_SECOND}
    at_start = {"byhour": start.hour, "byminute": start.minute, "bysecond": start.second}
    hours, minutes, seconds = (
        _mask(by[key]) if key in by else every[key] if rule.frequency >= finest[key] else 1 << at_start[key]
        for key in finest
    )
    return Cron(seconds, minutes, hours, *days, EVERY_YEAR, either_day=False, kind="fixed")


def _days(rule: Rule, start: datetime) -> tuple[int, int, int] | None:
    """Return the masks of day-of-month, month and day-of-week."""
    weekdays = _weekdays(rule, start)
    if weekdays is None or (rule.frequency == WEEKLY and "bymonthday" in rule.by):
        return None
    months = _mask(rule.by["bymonth"]) if "bymonth" in rule.by else phrases.EVERY_MONTH
    dates = phrases.EVERY_DAY_OF_MONTH
    if "bymonthday" in rule.by:
        dates = _mask([day if day > 0 else LAST_DAY - 1 - day for day in rule.by["bymonthday"]])
    elif rule.frequency <= MONTHLY and not rule.names_days:
        dates = 1 << start.day
        if rule.frequency == YEARLY and "bymonth" not in rule.by:
            months = 1 << start.month
    return dates, months, weekdays


def _weekdays(rule: Rule, start: datetime) -> int | None:
    """Return the mask of day-of-week; None if it has no bit for what the rule counts."""
    if not rule.by_weekday:
        is_of_start = rule.frequency == WEEKLY and not rule.names_days
        return 1 << start.isoweekday() % 7 if is_of_start else phrases.EVERY_DAY_OF_WEEK
    if len({day.number is None for day in rule.by_weekday}) > 1:
        return None  # `MO,1WE` are, to dateutil, days that are both
    mask = 0
    for day, number in rule.by_weekday:
        cron_day = (day + 1) % 7
        if number is None:
            mask |= 1 << cron_day
        elif rule.highest_weekday_number == 5 and -1 <= number <= 5:
            mask |= 1 << NTH + 8 * cron_day + max(number, 0)
        else:
            return None
    return mask


def _mask(numbers: Sequence[int]) -> int:
    return sum(1 << number for number in set(numbers))


def _conditions(text: str, rule: Rule) -> str:
    """Return "every 2 hours with BYMONTH=5 and COUNT=3": what the rule says itself."""
    parts = [part for word in text.upper().split() for part in word.removeprefix("RRULE:").split(";")]
    told = [
        part.replace("DTSTART:", "DTSTART=") for part in parts if not part.startswith(("FREQ=", "INTERVAL="))
    ]
    unit = _UNITS[rule.frequency]
    words = f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"
    return words + (f" with {phrases.listed(told)}" if told else "")


def _shown(moment: Moment) -> str:
    clock = "" if moment.is_day else f" {moment.time:%H:%M:%S}".removesuffix(":00")
    return f"{moment.time:%Y-%m-%d}{clock}{' UTC' if moment.is_utc else ''}"
