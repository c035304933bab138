"""Times as databases and jobs write them. A time without a zone is UTC, and a date is its midnight."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# In seconds this is the year 5138, in milliseconds 1973: numbers from here on are JavaScript's milliseconds.
_FIRST_MILLISECONDS = 1e11


def instant(value: Any) -> datetime | None:
    """Return what is meant by a datetime, a date, an ISO 8601 text or a Unix time, in UTC; None if nothing.

    Texts may have a space for the `T`, a space before the offset, or `UTC` for it; a text of nine digits or
    more is a Unix time. Numbers are seconds, from 1e11 on milliseconds.
    """
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    return None


def microseconds(value: Any) -> int | None:
    """Return the `instant` of a value as microseconds since 1970, or None: what SQLite compares."""
    moment = instant(value)
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def clock(value: Any) -> time | None:
    """Return the time of day that a `time` or an ISO 8601 text means, without a zone; None if it has one."""
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value.strip())
        except ValueError:
            return None
    return value if isinstance(value, time) and value.tzinfo is None else None


def _of_text(text: str) -> datetime | None:
    if len(text) >= 9 and text.isascii() and text.isdigit():
        return _of_number(int(text)) if len(text) <= 18 else None
    if text.endswith(" UTC"):
        text = text.removesuffix(" UTC") + "Z"
    date_part, _, offset = text.rpartition(" ")
    if offset[:1] in ("+", "-"):
        text = date_part + offset
    try:
        return instant(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _of_number(number: int | float) -> datetime | None:
    seconds, factor = (number, 1000) if abs(number) >= _FIRST_MILLISECONDS else (number, 1_000_000)
    try:
        return _EPOCH + timedelta(microseconds=round(seconds * factor))
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: datetime) -> datetime | None:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
