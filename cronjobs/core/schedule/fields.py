"""The fields of a cron text: their names, bounds and named values."""

from collections.abc import Mapping
from typing import NamedTuple


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

FIELDS = (SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
