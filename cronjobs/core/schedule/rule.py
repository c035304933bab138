"""`RRULE:` texts (iCalendar, RFC 5545) as they are read: which moments they mean is not known here."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple, TypeVar

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.cron import words_of
from cronjobs.core.schedule.fields import FIRST_YEAR, LAST_YEAR, Word
from cronjobs.core.suggest import did_you_mean, quoted

Value = TypeVar("Value")

# In dateutil's order: a frequency is the index of its name.
Frequency = Literal[0, 1, 2, 3, 4, 5, 6]
FREQUENCIES: dict[str, Frequency] = {
    "YEARLY": 0,
    "MONTHLY": 1,
    "WEEKLY": 2,
    "DAILY": 3,
    "HOURLY": 4,
    "MINUTELY": 5,
    "SECONDLY": 6,
}
YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY = FREQUENCIES.values()

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MOST_COUNTED = 1000

# Key -> lowest, highest, whether they may count from the end.
_LISTS = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
_NUMBERS = {"INTERVAL": (1, 9999), "COUNT": (1, _MOST_COUNTED)}
_KEYS = ("FREQ", "DTSTART", "UNTIL", "WKST", "BYDAY", *_NUMBERS, *_LISTS)
_MOMENT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z)?)?")
_BYDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,5}")


class Moment(NamedTuple):
    """A written moment; `is_day` has no time of day, `is_utc` is no wall time."""

    time: datetime
    is_day: bool
    is_utc: bool


class Weekday(NamedTuple):
    """A weekday, 0 for Monday; `number` counts it in its month or year, None is every one."""

    day: int
    number: int | None


class Rule(NamedTuple):
    """What a text says. `by` holds its lists of numbers: {key in lower case: values}."""

    frequency: Frequency
    interval: int
    limit: int | None  # COUNT
    until: Moment | None
    start: Moment | None
    week_start: int
    by: Mapping[str, list[int]]
    by_weekday: list[Weekday]

    @property
    def highest_weekday_number(self) -> int:
        """How often a weekday can come in what BYDAY counts in: a month or a year."""
        return 5 if self.frequency == MONTHLY or "bymonth" in self.by else 53

    @property
    def names_days(self) -> bool:
        """Whether it tells the days itself, instead of leaving them to DTSTART."""
        return bool(self.by_weekday) or any(key in self.by for key in ("byweekno", "byyearday", "bymonthday"))


def read_rule(text: str, zone: str) -> Rule:
    """Return what a text says. A ScheduleError tells the first mistake in it."""
    parts: dict[str, Word] = {}
    for word in words_of(text):
        name, _, value = word.text.partition(":")
        place = Word(value, word.column + len(name) + 1)
        property_name, *parameters = name.upper().split(";")
        if property_name == "DTSTART":
            _check_zone(name, parameters, word, zone)
            parts["DTSTART"] = place
        elif property_name == "RRULE" and not parameters:
            parts |= _parts(place)
        else:
            hint = "a text is `RRULE:FREQ=...`, perhaps after `DTSTART:...`; `exclude` takes days away"
            raise wrong(f"{quoted(word.text)} is not supported", word.column, hint)
    if "FREQ" not in parts:
        raise wrong("the rule has no FREQ", 1, "`RRULE:FREQ=DAILY;BYHOUR=3` is every day at 03:00")
    rule = _rule(parts)
    _check_company(rule, parts)
    return rule


def _check_zone(name: str, parameters: Sequence[str], word: Word, zone: str) -> None:
    for parameter in parameters:
        if parameter != f"TZID={zone.upper()}" and parameter not in ("VALUE=DATE-TIME", "VALUE=DATE"):
            hint = "the time zone is set beside the text"
            raise wrong(f"{quoted(name)} is not in the zone of the schedule", word.column, hint)


def _parts(text: Word) -> dict[str, Word]:
    """Return the parts of a rule by their keys in upper case."""
    parts: dict[str, Word] = {}
    column = text.column
    for part in text.text.split(";"):
        key, sign, value = part.partition("=")
        key = key.upper()
        if not sign or key not in _KEYS:
            hint = did_you_mean(key, _KEYS) or "use " + " ".join(_KEYS)
            raise wrong(f"{quoted(part)} is no part of a rule", column, hint)
        if key in parts:
            raise wrong(f"{key} is there twice", column, "write its values as one list")
        parts[key] = Word(value.upper(), column + len(key) + 1)
        column += len(part) + 1
    return parts


def _rule(parts: Mapping[str, Word]) -> Rule:
    frequency = parts["FREQ"]
    if frequency.text not in FREQUENCIES:
        hint = did_you_mean(frequency.text, FREQUENCIES) or "use one of " + " ".join(FREQUENCIES)
        raise wrong(f"{quoted(frequency.text)} is no frequency", frequency.column, hint)
    week_start = parts.get("WKST", Word("MO", 1))
    if week_start.text not in _WEEKDAYS:
        hint = "use one of " + " ".join(_WEEKDAYS)
        raise wrong(f"{quoted(week_start.text)} is no day to start a week", week_start.column, hint)
    numbers = {key: _integer(key, parts[key], *bounds) for key, bounds in _NUMBERS.items() if key in parts}
    by = {
        key.lower(): _each(parts[key], partial(_integer, key, low=low, high=high, from_end=from_end))
        for key, (low, high, from_end) in _LISTS.items()
        if key in parts
    }
    return Rule(
        FREQUENCIES[frequency.text],
        numbers.get("INTERVAL", 1),
        numbers.get("COUNT"),
        _moment(parts["UNTIL"]) if "UNTIL" in parts else None,
        _moment(parts["DTSTART"]) if "DTSTART" in parts else None,
        _WEEKDAYS.index(week_start.text),
        by,
        _each(parts["BYDAY"], _weekday) if "BYDAY" in parts else [],
    )


def _check_company(rule: Rule, parts: Mapping[str, Word]) -> None:
    """Refuse parts that do not go together."""
    if rule.limit is not None and rule.until:
        raise wrong("COUNT and UNTIL exclude each other", parts["COUNT"].column, "keep one of them")
    if "byweekno" in rule.by and rule.frequency != YEARLY:
        raise wrong("BYWEEKNO needs FREQ=YEARLY", parts["BYWEEKNO"].column, "write FREQ=YEARLY, or days")
    if any(day.number for day in rule.by_weekday) and rule.frequency > MONTHLY:
        hint = "only FREQ=MONTHLY and FREQ=YEARLY count weekdays"
        raise wrong("BYDAY has a number before a day", parts["BYDAY"].column, hint)
    if any(abs(day.number or 1) > rule.highest_weekday_number for day in rule.by_weekday):
        hint = "a month has a weekday five times at most"
        raise wrong("BYDAY has a number above 5", parts["BYDAY"].column, hint)
    times = [rule.by.get(key, [0]) for key in ("byhour", "byminute", "bysecond")]
    if "bysetpos" in rule.by and (rule.frequency > DAILY or any(len(set(values)) > 1 for values in times)):
        hint = "write FREQ=DAILY or longer, and one rule for each time: `schedule` may be a list"
        raise wrong("BYSETPOS would choose among times of day", parts["BYSETPOS"].column, hint)
    if set(rule.by) == {"bysetpos"} and not rule.by_weekday:
        column = parts["BYSETPOS"].column
        raise wrong("BYSETPOS has nothing to choose from", column, "add BYDAY or another list")
    months, days = rule.by.get("bymonth", range(1, 13)), rule.by.get("bymonthday", [1])
    if all(abs(day) > _MONTH_LENGTHS[month - 1] for month in months for day in days):
        hint = "the last day of a month is BYMONTHDAY=-1"
        column = parts["BYMONTHDAY"].column
        raise ScheduleError("no month of the rule is so long", code="never", column=column, hint=hint)


def _each(words: Word, read: Callable[[Word], Value]) -> list[Value]:
    found = []
    column = words.column
    for item in words.text.split(","):
        found.append(read(Word(item, column)))
        column += len(item) + 1
    return found


def _integer(key: str, word: Word, low: int, high: int, *, from_end: bool = False) -> int:
    value = int(word.text) if _INTEGER.fullmatch(word.text) else None
    if value is None or not low <= (abs(value) if from_end else value) <= high:
        negative = f", or -{high} to -{low} from the end" if from_end else ""
        raise wrong(
            f"{key} {quoted(word.text)} is out of range", word.column, f"use {low} to {high}{negative}"
        )
    return value


def _weekday(word: Word) -> Weekday:
    match = _BYDAY.fullmatch(word.text)
    number = int(match[1]) if match and match[1] else None
    if match is None or number == 0 or abs(number or 1) > 53:
        hint = "a day is MO to SU; 2MO is the second Monday of its month or year, -1FR the last Friday"
        raise wrong(f"BYDAY {quoted(word.text)} is no day", word.column, hint)
    return Weekday(_WEEKDAYS.index(match[2]), number)


def _moment(word: Word) -> Moment:
    match = _MOMENT.fullmatch(word.text)
    hint = "a moment is 20260501 or 20260501T090000, in UTC with a Z behind"
    if match is None:
        raise wrong(f"{quoted(word.text)} is no moment", word.column, hint)
    numbers = [int(part or 0) for part in match.groups()[:6]]
    try:
        time = datetime(*numbers)  # type: ignore[arg-type]  # six numbers; mypy counts no list
    except ValueError as error:
        raise wrong(f"{quoted(word.text)} is no moment: {error}", word.column, hint) from None
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise wrong(f"{quoted(word.text)} is not in the years {FIRST_YEAR}-{LAST_YEAR}", word.column, hint)
    return Moment(time, is_day=match[4] is None, is_utc=match[7] is not None)


def wrong(message: str, column: int, hint: str) -> ScheduleError:
    """Return the error of a rule that says something wrong."""
    return ScheduleError(message, code="rule", column=column, hint=hint)
