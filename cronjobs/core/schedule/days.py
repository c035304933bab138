"""Which days match: the calendar from 1970 to 2199 as one bit mask a year. Time of day and zone are not here.

A day is counted from 1970-01-01, which is 0. Bit 0 of a year's mask is January 1.
"""

from bisect import bisect_right
from functools import lru_cache
from itertools import pairwise

FIRST_YEAR = 1970
LAST_YEAR = 2199

_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EVERY_SEVENTH_DAY = sum(1 << day for day in range(0, 366, 7))


class Days:
    """The days that match.

    days_of_month, months, days_of_week: bit v is set if the value v matches; bit 0 is Sunday.
    either: a day matches if its day-of-month or its day-of-week does, instead of both.

    What is asked may lie up to a year outside 1970-2199; what is found does not.
    """

    __slots__ = ("_masks",)

    def __init__(self, days_of_month: int, months: int, days_of_week: int, *, either: bool) -> None:
        self._masks = _year_masks(days_of_month, months, days_of_week, either)

    def __bool__(self) -> bool:
        return any(self._masks)

    def has(self, day: int) -> bool:
        """Return whether the day matches."""
        year = bisect_right(_YEAR_STARTS, day) - 1
        return self._masks[year] >> (day - _YEAR_STARTS[year]) & 1 == 1

    def first_from(self, day: int) -> int | None:
        """Return the first matching day that is not before `day`."""
        year = bisect_right(_YEAR_STARTS, day) - 1
        later = self._masks[year] >> (day - _YEAR_STARTS[year])
        if later:
            return day + (later & -later).bit_length() - 1
        for later_year in range(year + 1, len(self._masks)):
            mask = self._masks[later_year]
            if mask:
                return _YEAR_STARTS[later_year] + (mask & -mask).bit_length() - 1
        return None

    def last_until(self, day: int) -> int | None:
        """Return the last matching day that is not after `day`."""
        year = bisect_right(_YEAR_STARTS, day) - 1
        earlier = self._masks[year] & (2 << (day - _YEAR_STARTS[year])) - 1
        while not earlier and year > 0:
            year -= 1
            earlier = self._masks[year]
        return _YEAR_STARTS[year] + earlier.bit_length() - 1 if earlier else None

    def count(self, start: int, end: int) -> int:
        """Return how many days match from `start` on and before `end`."""
        first_year = bisect_right(_YEAR_STARTS, start) - 1
        last_year = bisect_right(_YEAR_STARTS, end) - 1
        whole_years = sum(mask.bit_count() for mask in self._masks[first_year:last_year])
        return whole_years + self._count_before(end, last_year) - self._count_before(start, first_year)

    def _count_before(self, day: int, year: int) -> int:
        return (self._masks[year] & (1 << (day - _YEAR_STARTS[year])) - 1).bit_count()


def _year_start(year: int) -> int:
    before = year - 1
    return 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477


# With a year at either end in which nothing matches, so that no search has to mind the bounds.
_YEARS = range(FIRST_YEAR - 1, LAST_YEAR + 2)
_YEAR_STARTS = tuple(map(_year_start, _YEARS))
END_DAY = _year_start(LAST_YEAR + 1)


# Thousands of schedules share a handful of day fields, most of them `* * *`.
@lru_cache(maxsize=1024)
def _year_masks(days_of_month: int, months: int, days_of_week: int, either: bool) -> tuple[int, ...]:
    """Return the mask of every year of `_YEARS`, computed once for each of the 14 kinds of year."""
    by_kind: dict[tuple[int, bool], int] = {}
    masks = [0]
    for start, next_start in pairwise(_YEAR_STARTS[1:]):
        kind = ((start + 4) % 7, next_start - start == 366)
        if kind not in by_kind:
            by_kind[kind] = _year_mask(days_of_month, months, days_of_week, either, *kind)
        masks.append(by_kind[kind])
    return (*masks, 0)


def _year_mask(
    days_of_month: int, months: int, days_of_week: int, either: bool, weekday_of_january_1: int, is_leap: bool
) -> int:
    by_date, in_months, start = 0, 0, 0
    for month, usual_length in enumerate(_MONTH_LENGTHS, 1):
        length = 29 if month == 2 and is_leap else usual_length
        if months >> month & 1:
            whole_month = (1 << length) - 1
            by_date |= (days_of_month >> 1 & whole_month) << start
            in_months |= whole_month << start
        start += length
    two_weeks = days_of_week << 7 | days_of_week
    week_from_january_1 = two_weeks >> weekday_of_january_1 & 127
    by_weekday = week_from_january_1 * _EVERY_SEVENTH_DAY & in_months
    return by_date | by_weekday if either else by_date & by_weekday
