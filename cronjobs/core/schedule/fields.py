"""The fields of a cron text: their names, bounds and named values, and the bits that their values have.

A field is one mask. Bit v stands for the value v; what depends on the month has bits beyond the values.
"""

from collections.abc import Mapping
from typing import NamedTuple

FIRST_YEAR = 1970
LAST_YEAR = 2199

# Day-of-month: `L-n` is bit LAST_DAY + n, with `L` for n = 0; `nW` is bit NEAREST + n, with `LW` for n = 0.
LAST_DAY = 32
NEAREST = 64
# Day-of-week: `d#n` is bit NTH + 8 * d + n, with `dL` and `d#L` for n = 0. Sunday is 0 there, never 7.
NTH = 8


class Field(NamedTuple):
    """A field; `values` holds what some of its values are also called: {name in lower case: value}."""

    name: str
    low: int
    high: int
    values: Mapping[str, int]


class Word(NamedTuple):
    """A piece of a text; `column` is 1-based, of its first character in the whole text."""

    text: str
    column: int


def _named(names: str, first: int) -> Mapping[str, int]:
    values = {name: value for value, name in enumerate(names.split(), first)}
    return values | {name[:3]: value for name, value in values.items()}


_MONTHS = "january february march april may june july august september october november december"
_WEEKDAYS = "sunday monday tuesday wednesday thursday friday saturday"

SECOND = Field("second", 0, 59, {})
MINUTE = Field("minute", 0, 59, {})
HOUR = Field("hour", 0, 23, {})
DAY_OF_MONTH = Field("day-of-month", 1, 31, {})
MONTH = Field("month", 1, 12, _named(_MONTHS, 1))
DAY_OF_WEEK = Field("day-of-week", 0, 7, _named(_WEEKDAYS, 0))

YEAR = Field("year", FIRST_YEAR, LAST_YEAR, {})

FIELDS = (SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR)
