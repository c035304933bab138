"""Which days match: the calendar from 1970 to 2199 as one bit mask a year. Time of day and zone are not here.

A day is counted from 1970-01-01, which is 0. Bit 0 of a year's mask is January 1.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache

from cronjobs.core.schedule.fields import FIRST_YEAR, LAST_DAY, LAST_YEAR, NEAREST, NTH

EVERY_YEAR = (1 << LAST_YEAR - FIRST_YEAR + 1) - 1

_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EVERY_SEVENTH_DAY = sum(1 << day for day in range(0, 366, 7))
_WEEK = (1 << 7) - 1


class Days:
    """The days that match.

    year_mask: from a year of 1970-2199 to its mask. It is asked once for a year, and only for those that
        somebody wants to know about.

    What is asked may lie up to a year outside 1970-2199; what is found does not.
    """

    __slots__ = ("_masks", "_year_mask")

    def __init__(self, year_mask: Callable[[int], int]) -> None:
        self._year_mask = year_mask
        # By the year's place in _YEAR_STARTS. In the first and the last nothing matches, so that no search
        # has to mind the bounds.
        self._masks = {0: 0, _LAST_INDEX: 0}

    def __bool__(self) -> bool:
        return any(map(self._mask, range(_LAST_INDEX)))

    def mask(self, year: int) -> int:
        """Return the mask of a year of 1969-2200."""
        return self._mask(year - FIRST_YEAR + 1)

    def has(self, day: int) -> bool:
        """Return whether the day matches."""
        index = bisect_right(_YEAR_STARTS, day) - 1
        return self._mask(index) >> (day - _YEAR_STARTS[index]) & 1 == 1

    def first_from(self, day: int) -> int | None:
        """Return the first matching day that is not before `day`."""
        index = bisect_right(_YEAR_STARTS, day) - 1
        later = self._mask(index) >> (day - _YEAR_STARTS[index])
        if later:
            return day + (later & -later).bit_length() - 1
        for later_index in range(index + 1, _LAST_INDEX):
            mask = self._mask(later_index)
            if mask:
                return _YEAR_STARTS[later_index] + (mask & -mask).bit_length() - 1
        return None

    def last_until(self, day: int) -> int | None:
        """Return the last matching day that is not after `day`."""
        index = bisect_right(_YEAR_STARTS, day) - 1
        earlier = self._mask(index) & (2 << (day - _YEAR_STARTS[index])) - 1
        while not earlier and index > 0:
            index -= 1
            earlier = self._mask(index)
        return _YEAR_STARTS[index] + earlier.bit_length() - 1 if earlier else None

    def between(self, start: int, end: int) -> Iterator[int]:
        """Yield the matching days from `start` on and before `end`."""
        day = self.first_from(start)
        while day is not None and day < end:
            yield day
            day = self.first_from(day + 1)

    def count(self, start: int, end: int) -> int:
        """Return how many days match from `start` on and before `end`."""
        first = bisect_right(_YEAR_STARTS, start) - 1
        last = bisect_right(_YEAR_STARTS, end) - 1
        whole_years = sum(self._mask(index).bit_count() for index in range(first, last))
        return whole_years + self._count_before(end, last) - self._count_before(start, first)

    def _count_before(self, day: int, index: int) -> int:
        return (self._mask(index) & (1 << (day - _YEAR_STARTS[index])) - 1).bit_count()

    def _mask(self, index: int) -> int:
        mask = self._masks.get(index)
        if mask is None:
            mask = self._masks[index] = self._year_mask(index + FIRST_YEAR - 1)
        return mask


# Thousands of schedules share a handful of day fields, most of them `* * *`.
@lru_cache(maxsize=1024)
def days(days_of_month: int, months: int, days_of_week: int, years: int, either: bool) -> Days | None:
    """Return the days that match the masks of a cron text; None if there are none.

    either: a day matches if its day-of-month or its day-of-week does, instead of both.
    """
    by_kind: dict[tuple[int, bool], int] = {}

    def year_mask(year: int) -> int:
        if not years >> (year - FIRST_YEAR) & 1:
            return 0
        kind = kind_of_year(year)
        if kind not in by_kind:
            by_kind[kind] = _year_mask(days_of_month, months, days_of_week, either, *kind)
        return by_kind[kind]

    found = Days(year_mask)
    return found if found else None


def kind_of_year(year: int) -> tuple[int, bool]:
    """Return the weekday of January 1, 0 for Sunday, and whether the year is a leap year."""
    start, next_start = year_start(year), year_start(year + 1)
    return (start + 4) % 7, next_start - start == 366


def year_of(day: int) -> tuple[int, int]:
    """Return the year that a day lies in, and which day of it it is, from 0."""
    index = bisect_right(_YEAR_STARTS, day) - 1
    return index + FIRST_YEAR - 1, day - _YEAR_STARTS[index]


def year_start(year: int) -> int:
    """Return the day that January 1 is."""
    before = year - 1
    return 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477


_YEAR_STARTS = tuple(map(year_start, range(FIRST_YEAR - 1, LAST_YEAR + 2)))
_LAST_INDEX = len(_YEAR_STARTS) - 1
END_DAY = year_start(LAST_YEAR + 1)


def _year_mask(
    days_of_month: int, months: int, days_of_week: int, either: bool, weekday_of_january_1: int, is_leap: bool
) -> int:
    by_date, by_nth, in_months, start = 0, 0, 0, 0
    for month, usual_length in enumerate(_MONTH_LENGTHS, 1):
        length = 29 if month == 2 and is_leap else usual_length
        if months >> month & 1:
            first_weekday = (weekday_of_january_1 + start) % 7
            by_date |= _dates(days_of_month, first_weekday, length) << start
            by_nth |= _nth_weekdays(days_of_week >> NTH, first_weekday, length) << start
            in_months |= (1 << length) - 1 << start
        start += length
    two_weeks = (days_of_week & _WEEK) << 7 | days_of_week & _WEEK
    week_from_january_1 = two_weeks >> weekday_of_january_1 & _WEEK
    by_weekday = week_from_january_1 * _EVERY_SEVENTH_DAY & in_months | by_nth
    return by_date | by_weekday if either else by_date & by_weekday


def _dates(days_of_month: int, first_weekday: int, length: int) -> int:
    """Return the days of a month that a day-of-month matches; bit 0 is day 1."""
    dates = days_of_month >> 1 & (1 << length) - 1
    if days_of_month >> LAST_DAY:
        for from_end in range(length):
            if days_of_month >> (LAST_DAY + from_end) & 1:
                dates |= 1 << length - from_end - 1
        for day in range(length + 1):
            if days_of_month >> (NEAREST + day) & 1:
                dates |= 1 << _nearest_weekday(day or length, first_weekday, length, is_last=not day) - 1
    return dates


def _nearest_weekday(day: int, first_weekday: int, length: int, *, is_last: bool) -> int:
    """Return the day from Monday to Friday next to a day of the same month; the one before, if is_last."""
    weekday = (first_weekday + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else 3
    if weekday == 0:
        return day - 2 if is_last or day == length else day + 1
    return day


def _nth_weekdays(nth_weekdays: int, first_weekday: int, length: int) -> int:
    """Return the days of a month that are one of its `d#n`; bit 0 is day 1."""
    found = 0
    while nth_weekdays:
        bit = (nth_weekdays & -nth_weekdays).bit_length() - 1
        nth_weekdays &= nth_weekdays - 1
        weekday, nth = divmod(bit, 8)
        first = (weekday - first_weekday) % 7
        day = first + 7 * (nth - 1) if nth else first + (length - 1 - first) // 7 * 7
        if day < length:
            found |= 1 << day
    return found
