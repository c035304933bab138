"""SQLite: a schema of loose types, times in texts and numbers, patterns that do not tell `a` from `A`.

Functions of our own read what SQLite has no type for, the same on the way in, in comparisons and in orders.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, collate, false, func, select, text
from sqlalchemy.types import NullType

from cronjobs.services.query.schema import TIMES, Column, ForeignKey, Kind, Table, TableName
from cronjobs.services.query.sql.database import Decoder, Expression
from cronjobs.services.query.times import clock, instant, microseconds
from cronjobs.services.query.values import Operand

_UNTYPED = NullType()
_MOST_PARAMETERS = 200
_DECLARED = re.compile(r"([^(]*)(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?")

_NAMES = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
)
_FOREIGN_KEYS = """
SELECT m.name, f.id, f."table", f."from", f."to"
FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f
WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq
"""
# hidden = 1: the hidden columns of virtual tables.
_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(:name) WHERE hidden <> 1 ORDER BY cid'

_KINDS = {
    **dict.fromkeys(("BOOLEAN", "BOOL"), Kind.BOOLEAN),
    **dict.fromkeys(("DATETIME", "TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE", "DATETIME2"), Kind.TIME),
    **dict.fromkeys(
        (
            "TIMESTAMPTZ",
            "TIMESTAMP WITH TIME ZONE",
            "DATETIME WITH TIME ZONE",
            "DATETIMETZ",
            "DATETIMEOFFSET",
        ),
        Kind.TIME_WITH_ZONE,
    ),
    "DATE": Kind.DATE,
    **dict.fromkeys(("TIME", "TIME WITHOUT TIME ZONE"), Kind.CLOCK),
    **dict.fromkeys(("JSON", "JSONB"), Kind.JSON),
    **dict.fromkeys(("UUID", "GUID"), Kind.UUID),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "NUMBER", "MONEY"), Kind.DECIMAL),
    **dict.fromkeys(("BYTEA", "BINARY", "VARBINARY"), Kind.BYTES),
    "": Kind.ANY,
}
# SQLite's own rules of affinity, in its order; what is left may hold anything.
_AFFINITIES = [
    (("INT",), Kind.INTEGER),
    (("CHAR", "CLOB", "TEXT"), Kind.TEXT),
    (("BLOB",), Kind.BYTES),
    (("REAL", "FLOA", "DOUB"), Kind.REAL),
]
_LOOSE = frozenset({Kind.TEXT, Kind.INTEGER, Kind.REAL, Kind.DECIMAL, Kind.ANY})


class Sqlite:
    """The door to SQLite."""

    knows_nulls_last = True

    def names(self, connection: Connection) -> Sequence[TableName]:
        return [TableName(None, name) for (name,) in connection.execute(text(_NAMES))]

    def foreign_keys(self, connection: Connection, names: Sequence[TableName]) -> Sequence[ForeignKey]:
        # SQLite finds tables in any case, and leaves keys to tables that do not exist (yet).
        known = {name.name.casefold(): name for name in names}
        grouped: dict[tuple[str, int, str], list[tuple[str, str | None]]] = {}
        for table, number, target, own, other in connection.execute(text(_FOREIGN_KEYS)):
            grouped.setdefault((table, number, target), []).append((own, other))
        found = []
        for (table, _, target), pairs in grouped.items():
            if target.casefold() in known:
                name = known[target.casefold()]
                others = tuple(other for _, other in pairs if other is not None)
                others = others or self.table(connection, name).key
                if len(others) == len(pairs):
                    own_columns = tuple(own for own, _ in pairs)
                    found.append(ForeignKey(known[table.casefold()], own_columns, name, others))
        return found

    def table(self, connection: Connection, name: TableName) -> Table:
        rows = list(connection.execute(text(_COLUMNS), {"name": name.name}))
        columns = {
            column: _column(column, declared, is_nullable=not (is_not_null or position))
            for column, declared, is_not_null, position in rows
        }
        key = sorted((position, column) for column, _, _, position in rows if position)
        return Table(name, columns, tuple(column for _, column in key))

    def selected(self, expression: Expression, column: Column) -> Expression:
        return expression

    def decoder(self, column: Column) -> Decoder | None:
        if column.kind is Kind.DECIMAL:
            return _decimal_decoder(column.scale)
        return _DECODERS.get(column.kind)

    def key(self, expression: Expression, column: Column) -> Expression:
        # Of "Ann" and "ann", NOCASE would keep one, and the other would find nothing.
        return collate(expression, "BINARY") if column.kind is Kind.TEXT else expression

    def compared(self, expression: Expression, kind: Kind) -> Expression:
        if kind in _FUNCTIONS_OF_KINDS:
            name = _FUNCTIONS_OF_KINDS[kind]
            called: Expression = getattr(func, name)(expression, type_=_UNTYPED)
            return called
        return collate(expression, "BINARY") if kind is Kind.TEXT else expression

    def ranged(self, expression: Expression, kind: Kind) -> Expression:
        return self.compared(expression, kind)

    def ordered(self, expression: Expression, column: Column) -> Sequence[tuple[Expression, bool]]:
        plain = self.compared(expression, column.kind)
        # What our functions cannot read, they answer with NULL.
        by_itself = (plain, column.is_nullable or column.kind in _FUNCTIONS_OF_KINDS)
        if column.kind in (Kind.TEXT, Kind.ANY) and column.name.endswith("_at"):
            return [(self.compared(expression, Kind.TIME), True), by_itself]
        return [by_itself]

    def bound(self, column: Column, operand: Operand) -> Expression:
        return bindparam(None, _plain(operand), type_=_UNTYPED)

    def one_of(
        self, expression: Expression, column: Column, operands: Sequence[Operand]
    ) -> ColumnElement[bool]:
        values = list({_plain(operand): None for operand in operands})
        if not values:
            return false()
        if len(values) <= _MOST_PARAMETERS:
            return expression.in_([bindparam(None, value, type_=_UNTYPED) for value in values])
        # More than SQLite takes parameters, maybe: one text of JSON is one.
        items = func.json_each(bindparam(None, _packed(values), type_=_UNTYPED)).table_valued("value")
        return expression.in_(select(func.cronjobs_unpacked(items.c.value, type_=_UNTYPED)))

    def like(self, expression: Expression, pattern: str, *, is_case_sensitive: bool) -> ColumnElement[bool]:
        # GLOB is SQLite's pattern that tells `a` from `A`, and may use an index.
        glob = glob_of(pattern if is_case_sensitive else lowered(pattern))
        compared = expression if is_case_sensitive else func.cronjobs_lower(expression, type_=_UNTYPED)
        return compared.bool_op("GLOB")(bindparam(None, glob, type_=_UNTYPED))


def register(connection: Any) -> None:
    """Give a new connection of the `sqlite3` module our functions, and take its right to write."""
    # Ours is the BEGIN: the module's own would leave reading statements outside of a transaction.
    connection.isolation_level = None
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, 1, function, deterministic=True)
    # Not mode=ro: that could neither roll back what a crash left half done nor leave a WAL file tidy.
    connection.execute("PRAGMA query_only = ON").close()


def kind_of(declared: str) -> Kind:
    """Return the kind that a declared type means, such as VARCHAR(20)."""
    name = " ".join(_DECLARED.sub(r"\1", declared, count=1).upper().split())
    if name in _KINDS:
        return _KINDS[name]
    for words, kind in _AFFINITIES:
        if any(word in name for word in words):
            return kind
    return Kind.ANY


def glob_of(pattern: str) -> str:
    """Return the GLOB pattern that means the same as a LIKE pattern whose escape is the backslash."""
    result, is_escaped = [], False
    for character in pattern:
        if character == "\\" and not is_escaped:
            is_escaped = True
            continue
        if character in "%_" and not is_escaped:
            result.append("*" if character == "%" else "?")
        else:
            result.append(f"[{character}]" if character in "*?[" else character)
        is_escaped = False
    return "".join(result)


def lowered(value: Any) -> Any:
    """Return a text with each letter in lower case by itself, as PostgreSQL does; other values unchanged."""
    if not isinstance(value, str) or value.isascii():
        return value.lower() if isinstance(value, str) else value
    return "".join(low if len(low := character.lower()) == 1 else character for character in value)


def _column(name: str, declared: str, *, is_nullable: bool) -> Column:
    kind = kind_of(declared)
    match = _DECLARED.match(declared)
    precision, scale = match.groups()[1:] if match else (None, None)
    digits = int(scale or 0) if precision else None
    return Column(name, kind, is_nullable, declared, digits, is_loose=kind in _LOOSE)


def _plain(operand: Operand) -> Any:
    """Return what SQLite compares for an operand."""
    kind, value = operand
    if kind in TIMES:
        return microseconds(value)
    if kind is Kind.CLOCK:
        return _clock_text(value)
    if kind is Kind.UUID:
        return value.hex
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal) or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        return _as_float(value)
    return value


def _as_float(number: int | Decimal) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _packed(values: Sequence[Any]) -> str:
    """Return values as JSON that loses nothing: floats and bytes as hexadecimal texts."""
    return json.dumps([_packed_one(value) for value in values])


def _packed_one(value: Any) -> Any:
    if isinstance(value, float):
        return "f" + value.hex()
    if isinstance(value, bytes):
        return "b" + value.hex()
    return "t" + value if isinstance(value, str) else value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    letter, rest = value[0], value[1:]
    if letter == "f":
        return float.fromhex(rest)
    return bytes.fromhex(rest) if letter == "b" else rest


def _clock_text(value: Any) -> str | None:
    moment = clock(value)
    return None if moment is None else moment.isoformat("microseconds")


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(bytes=value) if isinstance(value, bytes) else UUID(value)
    except (ValueError, AttributeError, TypeError):
        return None


def _uuid_text(value: Any) -> str | None:
    found = _uuid(value)
    return None if found is None else found.hex


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "cronjobs_time": microseconds,
    "cronjobs_clock": _clock_text,
    "cronjobs_uuid": _uuid_text,
    "cronjobs_lower": lowered,
    "cronjobs_unpacked": _unpacked,
}
_FUNCTIONS_OF_KINDS = {
    **dict.fromkeys(TIMES, "cronjobs_time"),
    Kind.CLOCK: "cronjobs_clock",
    Kind.UUID: "cronjobs_uuid",
}


# What cannot be read as what the column says comes as it is stored: better seen than lost.


def _read(convert: Callable[[Any], Any]) -> Decoder:
    def decode(value: Any) -> Any:
        found = convert(value)
        return value if found is None else found

    return decode


def _naive(value: Any) -> datetime | None:
    moment = instant(value)
    return None if moment is None else moment.replace(tzinfo=None)


def _date(value: Any) -> Any:
    moment = instant(value)
    return None if moment is None else moment.date()


def _boolean(value: Any) -> bool | None:
    return bool(value) if isinstance(value, int | float) else None


def _json(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _decimal_decoder(scale: int | None) -> Decoder:
    digits = None if scale is None else Decimal(1).scaleb(-scale)
    context = Context(prec=1000)

    def decode(value: Any) -> Any:
        try:
            number = Decimal(str(value))
            return number if digits is None else number.quantize(digits, context=context)
        except InvalidOperation:
            return value

    return decode


_DECODERS: dict[Kind, Decoder] = {
    Kind.BOOLEAN: _read(_boolean),
    Kind.TIME: _read(_naive),
    Kind.TIME_WITH_ZONE: _read(instant),
    Kind.DATE: _read(_date),
    Kind.CLOCK: _read(clock),
    Kind.JSON: _json,
    Kind.UUID: _read(_uuid),
}
