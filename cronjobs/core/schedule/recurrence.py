"""`RRULE:` texts (iCalendar, RFC 5545) as wall times: dateutil tells the days, the rest is as in cron texts.

dateutil counts from DTSTART, however long ago that was, and to the end of the year 9999, if nothing matches.
So it is asked for the days of single years only, by a rule without an interval and with everything filled in
that DTSTART stood for; which periods the interval leaves out is computed here.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from math import gcd
from typing import Any

from dateutil.rrule import rrule, weekday

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.cron import check_characters
from cronjobs.core.schedule.days import Days, year_start
from cronjobs.core.schedule.fields import FIRST_YEAR, LAST_YEAR
from cronjobs.core.schedule.rule import (
    DAILY,
    HOURLY,
    MINUTELY,
    MONTHLY,
    SECONDLY,
    WEEKLY,
    YEARLY,
    Frequency,
    Moment,
    Rule,
    read_rule,
    wrong,
)
from cronjobs.core.schedule.search import ZonedSchedule
from cronjobs.core.schedule.wall import (
    DAY_SECONDS,
    END_OF_WALL,
    EVERY_HOUR,
    EVERY_MINUTE,
    EVERY_SECOND,
    NO_DAY,
    NO_EARLIER_WALL,
    NO_LATER_WALL,
    WallSet,
    WallTimes,
    lowest,
    seconds_in,
    whole_days,
)
from cronjobs.core.schedule.zone import timeline

_EPOCH = datetime(1970, 1, 1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EVERY_DAY_OF_YEAR = (1 << 366) - 1
# All kinds of year are among them. dateutil stops looking after the year 9999, and only there: so late in
# time, a rule that finds nothing soon comes to its end.
# But for the very last year: of a week that ends after it, dateutil finds no day, but a ValueError.
_LAST_28_YEARS = range(9971, 9999)


def parse_recurrence(text: str, zone: str, starts_at: int | None) -> ZonedSchedule:
    """Return the schedule that a rule means. A ScheduleError tells what is wrong with it.

    starts_at: stands for DTSTART where the text has none.
    """
    check_characters(text)
    periods = timeline(zone, "fixed")

    def wall_at(instant: int) -> datetime:
        return _EPOCH + timedelta(seconds=instant + periods.period(instant).offset)

    def wall_of(moment: Moment) -> datetime:
        return wall_at(_seconds(moment.time)) if moment.is_utc else moment.time

    rule = read_rule(text, zone)
    if rule.start is None and starts_at is None:
        _refuse_what_needs_a_start(rule, text)
    start = wall_of(rule.start) if rule.start else _EPOCH if starts_at is None else wall_at(starts_at)
    last = END_OF_WALL - 1
    if rule.until:
        last = _seconds(wall_of(rule.until)) + (DAY_SECONDS - 1 if rule.until.is_day else 0)
    times = _limited(rule, Clipped(_unlimited(rule, start), _seconds(start), last))
    if not times.has_any(0, END_OF_WALL):
        message = f"the rule has no moment from {FIRST_YEAR} to {LAST_YEAR}"
        hint = "its parts must hold together, and UNTIL must not come before DTSTART"
        raise ScheduleError(message, code="never", hint=hint)
    return ZonedSchedule(text, zone, "fixed", times, periods)


class Clipped:
    """Wall times from `first` to `last`, both included."""

    __slots__ = ("_first", "_last", "_times")

    def __init__(self, times: WallSet, first: int, last: int) -> None:
        self._times = times
        self._first = max(first, 0)
        self._last = min(last, END_OF_WALL - 1)

    def until(self, last: int) -> "Clipped":
        """Return those that do not come after another `last`."""
        return Clipped(self._times, self._first, last)

    def first_from(self, wall: int) -> int:
        """Return the first wall time that is not before `wall`, or NO_LATER_WALL."""
        if wall > self._last:
            return NO_LATER_WALL
        found = self._times.first_from(max(wall, self._first))
        return found if found <= self._last else NO_LATER_WALL

    def last_until(self, wall: int) -> int:
        """Return the last wall time that is not after `wall`, or NO_EARLIER_WALL."""
        if wall < self._first:
            return NO_EARLIER_WALL
        found = self._times.last_until(min(wall, self._last))
        return found if found >= self._first else NO_EARLIER_WALL

    def has_any(self, start: int, end: int) -> bool:
        """Return whether there is a wall time from `start` on and before `end`."""
        return self.first_from(start) < end

    def count(self, start: int, end: int) -> int:
        """Return how many wall times there are from `start` on and before `end`, `start` <= `end`."""
        start, end = max(start, self._first), min(end, self._last + 1)
        return self._times.count(start, end) if start < end else 0

    def between(self, start: int, end: int) -> Iterator[int]:
        """Yield the wall times from `start` on and before `end`, in order."""
        return self._times.between(max(start, self._first), min(end, self._last + 1))

    def within(self) -> WallTimes:
        """Return days and times of day among which these all are."""
        return self._times.within()


class InPhase:
    """Those of `times` that lie in every so manieth hour, minute or second.

    unit_seconds: how long one of these is.
    step_seconds: from one that counts to the next.
    origin: a wall time at which one that counts begins.
    """

    __slots__ = ("_days", "_origin", "_step_seconds", "_times", "_unit_seconds")

    def __init__(self, times: WallTimes, unit_seconds: int, step_seconds: int, origin: int) -> None:
        self._days = _days_with_phase(times, unit_seconds, step_seconds, origin)
        self._times = times
        self._unit_seconds = unit_seconds
        self._step_seconds = step_seconds
        self._origin = origin

    def first_from(self, wall: int) -> int:
        """Return the first wall time that is not before `wall`, or NO_LATER_WALL."""
        for midnight, times in self._days_between(wall, END_OF_WALL):
            if times:
                return midnight + lowest(times)
        return NO_LATER_WALL

    def last_until(self, wall: int) -> int:
        """Return the last wall time that is not after `wall`, or NO_EARLIER_WALL."""
        day, second = divmod(wall, DAY_SECONDS)
        earlier = self._times_on(day) & (2 << second) - 1
        if not earlier:
            last_day = self._days.last_until(day - 1)
            if last_day is None:
                return NO_EARLIER_WALL
            day, earlier = last_day, self._times_on(last_day)
        return day * DAY_SECONDS + earlier.bit_length() - 1

    def has_any(self, start: int, end: int) -> bool:
        """Return whether there is a wall time from `start` on and before `end`."""
        return any(times for _, times in self._days_between(start, end))

    def count(self, start: int, end: int) -> int:
        """Return how many wall times there are from `start` on and before `end`, day by day."""
        return sum(times.bit_count() for _, times in self._days_between(start, end))

    def between(self, start: int, end: int) -> Iterator[int]:
        """Yield the wall times from `start` on and before `end`, in order."""
        for midnight, times in self._days_between(start, end):
            for second in seconds_in(times):
                yield midnight + second

    def within(self) -> WallTimes:
        """Return days and times of day among which these all are."""
        return self._times

    def _days_between(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the midnight and the seconds that match, as a mask, of every day."""
        for day in self._days.between(start // DAY_SECONDS, -(-end // DAY_SECONDS)):
            midnight = day * DAY_SECONDS
            times = self._times_on(day)
            if midnight < start:
                times &= -1 << start - midnight
            if end - midnight < DAY_SECONDS:
                times &= (1 << end - midnight) - 1
            yield midnight, times

    def _times_on(self, day: int) -> int:
        if not self._days.has(day):
            return 0
        first = (self._origin - day * DAY_SECONDS) % self._step_seconds
        return _repeated_mask(self._unit_seconds, self._step_seconds) << first & self._times.time_mask()


def _days_with_phase(times: WallTimes, unit_seconds: int, step_seconds: int, origin: int) -> Days:
    """Return the days on which some of `times` are in phase; the arguments are those of InPhase.

    After `period` days the phase is the same again. Of these, a time of day is in phase on one or on none.
    """
    common = gcd(step_seconds, DAY_SECONDS)
    period = step_seconds // common
    inverse = pow(DAY_SECONDS // common, -1, period)
    found: set[int] = set()
    for second in seconds_in(times.time_mask()):
        distance = origin - second + second % unit_seconds
        if distance % common == 0:
            found.add(distance // common * inverse % period)
            if len(found) == period:
                break
    # Twice and more, for a year that begins late in a period.
    pattern = sum(1 << day for day in found) * sum(1 << day for day in range(0, period + 366, period))

    def year_mask(year: int) -> int:
        return times.days.mask(year) & pattern >> year_start(year) % period

    return Days(year_mask)


@lru_cache(maxsize=16)
def _repeated_mask(unit_seconds: int, step_seconds: int) -> int:
    """Return a day's seconds that lie in a unit of which one begins at midnight and after every step."""
    mask = (1 << unit_seconds) - 1
    covered_seconds = step_seconds
    while covered_seconds < DAY_SECONDS:
        mask |= mask << covered_seconds
        covered_seconds *= 2
    return mask & (1 << DAY_SECONDS) - 1


def _limited(rule: Rule, times: Clipped) -> Clipped:
    """Return the first COUNT of the wall times."""
    if rule.limit is None:
        return times
    counted = list(islice(times.between(0, END_OF_WALL), rule.limit))
    return times.until(counted[-1]) if counted else times


def _unlimited(rule: Rule, start: datetime) -> WallSet:
    """Return the wall times of a rule without its bounds."""
    arguments = _arguments(rule, start)
    masks = {
        size: sum(1 << value for value in set(arguments[key])) if key in arguments else every
        for size, key, every in (
            (3600, "byhour", EVERY_HOUR),
            (60, "byminute", EVERY_MINUTE),
            (1, "bysecond", EVERY_SECOND),
        )
    }
    if rule.frequency > DAILY and rule.interval > 1:
        return _with_interval(rule, start, masks)
    return WallTimes(_days(rule, start), masks[3600], masks[60], masks[1])


def _with_interval(rule: Rule, start: datetime, masks: dict[int, int]) -> WallSet:
    """Return the wall times of every so manieth hour, minute or second.

    masks: the hours, minutes and seconds of a rule without an interval, by how many seconds one of them has.
    """
    unit = {HOURLY: 3600, MINUTELY: 60, SECONDLY: 1}[rule.frequency]
    origin = _seconds(start) // unit * unit
    step = unit * rule.interval
    is_plain = False
    for size, whole in ((1, 60), (60, 3600), (3600, DAY_SECONDS)):
        if size >= unit and step % size == 0:
            # Whatever the day, the seconds, minutes or hours that count have the same remainder.
            common = gcd(step, whole)
            masks[size] &= sum(1 << at // size for at in range(origin // size * size % common, whole, common))
            is_plain = is_plain or common == step
    if not all(masks.values()):
        return whole_days(NO_DAY)
    times = WallTimes(_days(rule, start), masks[3600], masks[60], masks[1])
    return times if is_plain else InPhase(times, unit, step, origin)


def _days(rule: Rule, start: datetime) -> Days:
    """Return the days on which a rule may have times."""
    arguments = _arguments(rule, start) | {"byhour": 0, "byminute": 0, "bysecond": 0}
    frequency = rule.frequency
    if frequency > DAILY:
        # The interval counts hours or less.
        rule = rule._replace(frequency=DAILY, interval=1)
    if frequency >= DAILY:
        # The same days, but a year at a time: day by day, dateutil takes long to find that there is none.
        frequency = YEARLY
        if {1, -1}.isdisjoint(arguments.pop("bysetpos", [1])):
            return NO_DAY
        if not rule.names_days:
            arguments["byweekday"] = range(7)
    known: dict[tuple[int, ...], int] = {}

    def year_mask(year: int) -> int:
        kind = _kind_of_year(year)
        if kind not in known:
            _look_up(frequency, rule.week_start, arguments, kind, known)
        return known[kind] & _days_in_phase(rule, start, year)

    return Days(year_mask)


def _look_up(
    frequency: Frequency,
    week_start: int,
    arguments: dict[str, Any],
    kind: tuple[int, ...],
    known: dict[tuple[int, ...], int],
) -> None:
    """Add to `known` the days in a kind of year, and that there are none in those that were passed."""
    shown = next(year for year in _LAST_28_YEARS if _kind_of_year(year) == kind)
    mask = 0
    begin = datetime(shown, 1, 1)
    next_year = 9999
    if frequency == WEEKLY:
        begin -= timedelta(days=(begin.weekday() - week_start) % 7)
    try:
        for time in rrule(frequency, dtstart=begin, **arguments):
            if time.year > shown:
                next_year = time.year
                break
            if time.year == shown:
                mask |= 1 << time.timetuple().tm_yday - 1
    except ValueError:  # dateutil goes on beyond the last year that datetime knows
        pass
    known |= {_kind_of_year(year): 0 for year in range(shown + 1, next_year)}
    known[kind] = mask


def _kind_of_year(year: int) -> tuple[int, ...]:
    """Return what the days of a rule depend on; the numbers of weeks do on the year before, too."""
    start, next_start = year_start(year), year_start(year + 1)
    return start % 7, start - year_start(year - 1), next_start - start


def _days_in_phase(rule: Rule, start: datetime, year: int) -> int:
    """Return the days of a year that lie in periods of the rule, as a mask."""
    if rule.interval == 1:
        return _EVERY_DAY_OF_YEAR
    if rule.frequency == YEARLY:
        return 0 if (year - start.year) % rule.interval else _EVERY_DAY_OF_YEAR
    mask = 0
    if rule.frequency == MONTHLY:
        for month in range(12):
            if (year * 12 + month - start.year * 12 - start.month + 1) % rule.interval == 0:
                first = date(year, month + 1, 1).timetuple().tm_yday - 1
                mask |= ((1 << monthrange(year, month + 1)[1]) - 1) << first
        return mask
    # Counted in days, from the day on which the first period begins.
    length = 7 if rule.frequency == WEEKLY else 1
    origin = start.toordinal() - ((start.weekday() - rule.week_start) % 7 if length == 7 else 0)
    january_1, december_31 = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    step = length * rule.interval
    for begin in range(january_1 - (january_1 - origin) % step, december_31 + 1, step):
        period = (1 << length) - 1
        mask |= period << begin - january_1 if begin >= january_1 else period >> january_1 - begin
    return mask


def _arguments(rule: Rule, start: datetime) -> dict[str, Any]:
    """Return dateutil's arguments, with what it would take from DTSTART: that is about to be moved."""
    arguments: dict[str, Any] = {"wkst": rule.week_start, **rule.by}
    if rule.by_weekday:
        arguments["byweekday"] = _weekdays(rule)
    if rule.frequency < HOURLY:
        arguments.setdefault("byhour", [start.hour])
    if rule.frequency < MINUTELY:
        arguments.setdefault("byminute", [start.minute])
    if rule.frequency < SECONDLY:
        arguments.setdefault("bysecond", [start.second])
    if not rule.names_days:
        if rule.frequency == YEARLY:
            arguments.setdefault("bymonth", [start.month])
        if rule.frequency in (YEARLY, MONTHLY):
            arguments["bymonthday"] = [start.day]
        if rule.frequency == WEEKLY:
            arguments["byweekday"] = [weekday(start.weekday())]
    return arguments


def _weekdays(rule: Rule) -> list[weekday]:
    if not any(day.number for day in rule.by_weekday):
        return [weekday(day) for day, _ in rule.by_weekday]
    # Where some days have numbers and others none, dateutil wants a day to be both: so all get numbers.
    every = range(1, rule.highest_weekday_number + 1)
    return [
        weekday(day, n) for day, number in rule.by_weekday for n in (every if number is None else [number])
    ]


def _refuse_what_needs_a_start(rule: Rule, text: str) -> None:
    lacking = ""
    if rule.interval > 1:
        lacking = "INTERVAL counts"
    elif rule.limit is not None:
        lacking = "COUNT counts"
    elif rule.frequency <= WEEKLY and not rule.names_days:
        lacking = "the day is counted"
    if lacking:
        hint = "add DTSTART=20260101T090000 to the rule, or `starts_at` to the job"
        raise wrong(f"{lacking} from a DTSTART that is not there", text.upper().find("RRULE:") + 1, hint)


def _seconds(time: datetime) -> int:
    return (time.toordinal() - _EPOCH_DAY) * DAY_SECONDS + time.hour * 3600 + time.minute * 60 + time.second
