"""Which wall-clock seconds match: days and times of day, with no zone.

A wall time is counted in seconds from 1970-01-01 00:00:00 on a clock that never jumps.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

from cronjobs.core.schedule.cron import Cron
from cronjobs.core.schedule.days import END_DAY, Days, days

DAY_SECONDS = 86400
END_OF_WALL = END_DAY * DAY_SECONDS
EVERY_HOUR = (1 << 24) - 1
EVERY_MINUTE = EVERY_SECOND = (1 << 60) - 1
NO_DAY = Days(lambda year: 0)
# As many bits are taken off a day's mask one by one.
_FEW = 8
# Further away than any wall time, on the side where a search found nothing.
NO_LATER_WALL = END_OF_WALL * 2
NO_EARLIER_WALL = -END_OF_WALL


class WallSet(Protocol):
    """A set of wall times. Arguments may lie up to a year outside 1970-2199; what is found does not."""

    def first_from(self, wall: int) -> int:
        """Return the first wall time that is not before `wall`, or NO_LATER_WALL."""

    def last_until(self, wall: int) -> int:
        """Return the last wall time that is not after `wall`, or NO_EARLIER_WALL."""

    def has_any(self, start: int, end: int) -> bool:
        """Return whether there is a wall time from `start` on and before `end`."""

    def count(self, start: int, end: int) -> int:
        """Return how many wall times there are from `start` on and before `end`, `start` <= `end`."""

    def between(self, start: int, end: int) -> Iterator[int]:
        """Yield the wall times from `start` on and before `end`, in order."""

    def within(self) -> "WallTimes":
        """Return days and times of day among which these all are."""


class WallTimes:
    """The wall times of the matching days at which hour, minute and second match too."""

    __slots__ = ("_first_time", "_last_time", "_minutes", "_seconds", "days", "hours", "seconds_of_hour")

    def __init__(self, days: Days, hours: int, minutes: int, seconds: int) -> None:
        self.days = days
        self.seconds_of_hour = _seconds_of_hour(minutes, seconds)
        self.hours = hours
        self._minutes = minutes
        self._seconds = seconds
        self._first_time = self._last_time = lowest(hours) * 3600 + self.seconds_of_hour[0]
        if self.has_rounds:
            self._last_time = (hours.bit_length() - 1) * 3600 + self.seconds_of_hour[-1]

    @property
    def has_rounds(self) -> bool:
        """Whether a matching day has more than one time."""
        return len(self.seconds_of_hour) > 1 or self.hours & (self.hours - 1) != 0

    def first_from(self, wall: int) -> int:
        """Return the first wall time that is not before `wall`, or NO_LATER_WALL."""
        day, time = divmod(wall, DAY_SECONDS)
        if time <= self._last_time and self.days.has(day):
            hour, second = divmod(time, 3600)
            if self.hours >> hour & 1 and second <= self.seconds_of_hour[-1]:
                return wall - second + self.seconds_of_hour[bisect_left(self.seconds_of_hour, second)]
            later_hours = self.hours >> (hour + 1)
            return wall - second + (1 + lowest(later_hours)) * 3600 + self.seconds_of_hour[0]
        next_day = self.days.first_from(day + 1)
        return NO_LATER_WALL if next_day is None else next_day * DAY_SECONDS + self._first_time

    def last_until(self, wall: int) -> int:
        """Return the last wall time that is not after `wall`, or NO_EARLIER_WALL."""
        day, time = divmod(wall, DAY_SECONDS)
        if time >= self._first_time and self.days.has(day):
            hour, second = divmod(time, 3600)
            if self.hours >> hour & 1 and second >= self.seconds_of_hour[0]:
                return wall - second + self.seconds_of_hour[bisect_right(self.seconds_of_hour, second) - 1]
            earlier_hours = self.hours & (1 << hour) - 1
            hour_found = day * 24 + earlier_hours.bit_length() - 1
            return hour_found * 3600 + self.seconds_of_hour[-1]
        previous_day = self.days.last_until(day - 1)
        return NO_EARLIER_WALL if previous_day is None else previous_day * DAY_SECONDS + self._last_time

    def round(self) -> tuple[int, tuple[int, ...]]:
        """Return (length, seconds): what matches in a matching hour, or day, if there are many in it."""
        if len(self.seconds_of_hour) > 1:
            return 3600, self.seconds_of_hour
        return DAY_SECONDS, tuple(hour * 3600 + self.seconds_of_hour[0] for hour in _values(self.hours))

    def has_any(self, start: int, end: int) -> bool:
        """Return whether there is a wall time from `start` on and before `end`."""
        return self.first_from(start) < end

    def count(self, start: int, end: int) -> int:
        """Return how many wall times there are from `start` on and before `end`, `start` <= `end`."""
        start_day, start_time = divmod(start, DAY_SECONDS)
        end_day, end_time = divmod(end, DAY_SECONDS)
        whole_days = self.days.count(start_day, end_day) * self._count_times_before(DAY_SECONDS)
        last_day = self._count_times_before(end_time) if self.days.has(end_day) else 0
        first_day = self._count_times_before(start_time) if self.days.has(start_day) else 0
        return whole_days + last_day - first_day

    def between(self, start: int, end: int) -> Iterator[int]:
        """Yield the wall times from `start` on and before `end`, in order."""
        hours = [hour * 3600 for hour in _values(self.hours)]
        for day in self.days.between(start // DAY_SECONDS, -(-end // DAY_SECONDS)):
            midnight = day * DAY_SECONDS
            for hour in hours:
                base = midnight + hour
                if base >= start and base + 3600 <= end:
                    for second in self.seconds_of_hour:
                        yield base + second
                elif base + 3600 > start and base < end:
                    for second in self.seconds_of_hour:
                        if start <= base + second < end:
                            yield base + second

    @property
    def has_every_time(self) -> bool:
        """Whether every second of a matching day matches."""
        return self.hours == EVERY_HOUR and len(self.seconds_of_hour) == 3600

    def hour_mask(self) -> int:
        """Return the matching seconds of a matching hour as a mask."""
        return _hour_mask(self._minutes, self._seconds)

    def time_mask(self) -> int:
        """Return the matching seconds of a matching day as a mask; bit 0 is midnight."""
        return _time_mask(self.hours, self._minutes, self._seconds)

    def within(self) -> "WallTimes":
        """Return these."""
        return self

    def _count_times_before(self, time: int) -> int:
        hour, second = divmod(time, 3600)
        whole_hours = (self.hours & (1 << hour) - 1).bit_count() * len(self.seconds_of_hour)
        return whole_hours + (self.hours >> hour & 1) * bisect_left(self.seconds_of_hour, second)


def wall_times(cron: Cron) -> WallTimes:
    """Return the wall times that match a cron text."""
    found = days(cron.days_of_month, cron.months, cron.days_of_week, cron.years, cron.either_day)
    # A Cron that matches no day is refused where it is parsed.
    return WallTimes(found or NO_DAY, cron.hours, cron.minutes, cron.seconds)


def whole_days(days: Days) -> WallTimes:
    """Return every wall time of the matching days."""
    return WallTimes(days, EVERY_HOUR, EVERY_MINUTE, EVERY_SECOND)


def seconds_in(times: int) -> Iterator[int]:
    """Yield the seconds of a day that a mask has, in order."""
    if times.bit_count() <= _FEW:
        while times:
            yield lowest(times)
            times &= times - 1
        return
    # As text: taking many bits off so long a number is a thousand times slower.
    bits = f"{times:b}"[::-1]
    second = bits.find("1")
    while second >= 0:
        yield second
        second = bits.find("1", second + 1)


def lowest(mask: int) -> int:
    """Return the index of the lowest bit that is set."""
    return (mask & -mask).bit_length() - 1


# Most schedules share a few of these: the whole hour, every fifth minute, every second.
@lru_cache(maxsize=1024)
def _seconds_of_hour(minutes: int, seconds: int) -> tuple[int, ...]:
    return tuple(minute * 60 + second for minute in _values(minutes) for second in _values(seconds))


@lru_cache(maxsize=1024)
def _hour_mask(minutes: int, seconds: int) -> int:
    return sum(seconds << minute * 60 for minute in _values(minutes))


@lru_cache(maxsize=128)
def _time_mask(hours: int, minutes: int, seconds: int) -> int:
    hour_mask = _hour_mask(minutes, seconds)
    return sum(hour_mask << hour * 3600 for hour in _values(hours))


def _values(mask: int) -> list[int]:
    return [value for value in range(mask.bit_length()) if mask >> value & 1]
