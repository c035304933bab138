"""What a filter's value means next to a column: checked, and turned into one Python type a kind."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from math import isfinite, isnan
from typing import Any, NamedTuple
from uuid import UUID

from cronjobs.core.errors import QueryError
from cronjobs.core.suggest import named
from cronjobs.services.query.mistakes import shown, wrong
from cronjobs.services.query.schema import TIMES, Column, Kind
from cronjobs.services.query.times import clock, instant


class Operand(NamedTuple):
    """A value, and the kind as which it and its column are compared."""

    kind: Kind
    value: Any


class _Unfit(Exception):
    """The value does not fit the kind; the text, where there is one, says why."""


def operand(column: Column, value: Any, *, place: str) -> Operand:
    """Return the value as what it is compared, or raise QueryError.

    The types: int or Decimal for whole and decimal numbers, float, bool, str, bytes, aware datetimes in UTC
    for all kinds of times, `time`, UUID. In a column of text or numbers that may hold times (SQLite), a
    datetime or a date compares as a time; so does an ISO text if the column is called `..._at`.
    """
    kind = Kind.TIME_WITH_ZONE if _is_meant_as_time(column, value) else column.kind
    try:
        return Operand(kind, _CONVERSIONS[kind](value))
    except _Unfit as unfit:
        raise _complaint(column, value, str(unfit), place) from None
    except ValueError:  # a signalling NaN
        raise _complaint(column, value, "", place) from None


def _complaint(column: Column, value: Any, reason: str, place: str) -> QueryError:
    complaint = f"{named(column.name)} holds {column.kind.value}, not {shown(value)}"
    return wrong(place, complaint + (f" ({reason})" if reason else ""))


def _is_meant_as_time(column: Column, value: Any) -> bool:
    if not column.is_loose:
        return False
    if isinstance(value, date):
        return True
    return isinstance(value, str) and column.name.endswith("_at") and _is_iso(value)


def _is_iso(text: str) -> bool:
    return "-" in text and instant(text) is not None


def _exact_number(value: Any) -> int | Decimal:
    if isinstance(value, float | Decimal):
        if not isfinite(value):
            raise _Unfit
        number = Decimal(repr(float(value))) if isinstance(value, float) else value
        return int(number) if number == number.to_integral_value() and abs(number) < 2**63 else number
    return _integer(value)


def _integer(value: Any) -> int:
    if not hasattr(value, "__index__"):
        raise _Unfit
    return int(value)


def _float(value: Any) -> float:
    if not isinstance(value, float | Decimal):
        value = _integer(value)
    try:
        number = float(value)
    except OverflowError:
        number = float("inf") if value > 0 else float("-inf")
    if isnan(number):
        raise _Unfit("it equals nothing")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or (hasattr(value, "__index__") and int(value) in (0, 1)):
        return bool(value)
    raise _Unfit


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unfit
    text = str.__str__(value)  # the text itself, of an enum's member too
    if "\0" in text:
        raise _Unfit("PostgreSQL has no texts with a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Unfit("it is no valid Unicode") from None
    return text


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise _Unfit
    return bytes(value)


def _time(value: Any) -> datetime:
    moment = instant(value) if isinstance(value, date | str) else None
    if moment is None:
        raise _Unfit("a datetime, a date or an ISO 8601 text is meant")
    return moment


def _clock(value: Any) -> Any:
    moment = clock(value)
    if moment is None:
        raise _Unfit('a time without a zone or a text like "10:30" is meant')
    return moment


def _uuid(value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(_text(value))
    except ValueError:
        raise _Unfit from None


def _json(value: Any) -> Any:
    raise _Unfit("JSON is compared with None only")


def _anything(value: Any) -> Any:
    for convert in (_integer, _float, _text, _bytes):
        try:
            return convert(value)
        except _Unfit:
            continue
    raise _Unfit


_CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {
    Kind.INTEGER: _exact_number,
    Kind.DECIMAL: _exact_number,
    Kind.REAL: _float,
    Kind.BOOLEAN: _boolean,
    Kind.TEXT: _text,
    Kind.BYTES: _bytes,
    **dict.fromkeys(TIMES, _time),
    Kind.CLOCK: _clock,
    Kind.JSON: _json,
    Kind.UUID: _uuid,
    Kind.ANY: _anything,
    Kind.OTHER: _text,
}
