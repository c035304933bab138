"""PostgreSQL: the schema from its catalogue, values with their types, texts by their code points."""

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, any_, bindparam, cast, collate, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import REAL, Text, TypeEngine

from cronjobs.services.query.schema import Column, ForeignKey, Kind, Table, TableName
from cronjobs.services.query.sql.database import TYPES, Decoder, Expression
from cronjobs.services.query.values import Operand

_GREATEST_FLOAT4, _LEAST_FLOAT4 = 3.4e38, 1.2e-38

_NAMES = """
SELECT n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)
ORDER BY n.nspname, c.relname
"""
# conparentid: partitions repeat the keys of the table that they are parts of.
_FOREIGN_KEYS = """
SELECT k.oid, own_schema.nspname, own.relname, own_column.attname,
       other_schema.nspname, other.relname, other_column.attname
FROM pg_catalog.pg_constraint AS k
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey))
  WITH ORDINALITY AS pair(own, other, position)
JOIN pg_catalog.pg_class AS own ON own.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS own_schema ON own_schema.oid = own.relnamespace
JOIN pg_catalog.pg_attribute AS own_column ON own_column.attrelid = own.oid AND own_column.attnum = pair.own
JOIN pg_catalog.pg_class AS other ON other.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS other_schema ON other_schema.oid = other.relnamespace
JOIN pg_catalog.pg_attribute AS other_column
  ON other_column.attrelid = other.oid AND other_column.attnum = pair.other
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY own_schema.nspname, own.relname, k.conname, k.oid, pair.position
"""
# typbasetype: the type below a domain.
_COLUMNS = """
SELECT a.attname, coalesce(base.typname, t.typname), a.attnotnull,
       pg_catalog.array_position(i.indkey::smallint[], a.attnum)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type AS base ON base.oid = t.typbasetype AND t.typtype = 'd'
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = :schema AND c.relname = :name AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_KINDS = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), Kind.INTEGER),
    **dict.fromkeys(("float4", "float8"), Kind.REAL),
    "numeric": Kind.DECIMAL,
    "bool": Kind.BOOLEAN,
    **dict.fromkeys(("text", "varchar", "bpchar", "name"), Kind.TEXT),
    "bytea": Kind.BYTES,
    "timestamp": Kind.TIME,
    "timestamptz": Kind.TIME_WITH_ZONE,
    "date": Kind.DATE,
    "time": Kind.CLOCK,
    **dict.fromkeys(("json", "jsonb"), Kind.JSON),
    "uuid": Kind.UUID,
}


class Postgresql:
    """The door to PostgreSQL."""

    knows_nulls_last = True

    def names(self, connection: Connection) -> Sequence[TableName]:
        return [TableName(*row) for row in connection.execute(text(_NAMES))]

    def foreign_keys(self, connection: Connection, names: Sequence[TableName]) -> Sequence[ForeignKey]:
        known = {(name.schema, name.name): name for name in names}
        grouped: dict[tuple[Any, ...], list[tuple[str, str]]] = {}
        for number, schema, table, own, other_schema, other_table, other in connection.execute(
            text(_FOREIGN_KEYS)
        ):
            ends = (number, (schema, table), (other_schema, other_table))
            grouped.setdefault(ends, []).append((own, other))
        return [
            ForeignKey(
                known[table],
                tuple(own for own, _ in pairs),
                known[target],
                tuple(other for _, other in pairs),
            )
            for (_, table, target), pairs in grouped.items()
            if table in known and target in known
        ]

    def table(self, connection: Connection, name: TableName) -> Table:
        rows = list(connection.execute(text(_COLUMNS), {"schema": name.schema, "name": name.name}))
        columns = {
            column: Column(column, _KINDS.get(declared, Kind.OTHER), not is_not_null, declared)
            for column, declared, is_not_null, _ in rows
        }
        key = sorted((position, column) for column, _, _, position in rows if position is not None)
        return Table(name, columns, tuple(column for _, column in key))

    def selected(self, expression: Expression, column: Column) -> Expression:
        return expression

    def decoder(self, column: Column) -> Decoder | None:
        # The session may be in any zone; a job sees UTC.
        return _in_utc if column.kind is Kind.TIME_WITH_ZONE else None

    def key(self, expression: Expression, column: Column) -> Expression:
        return expression

    def compared(self, expression: Expression, kind: Kind) -> Expression:
        return cast(expression, Text) if kind is Kind.OTHER else expression

    def ranged(self, expression: Expression, kind: Kind) -> Expression:
        compared = self.compared(expression, kind)
        return collate(compared, "C") if kind in (Kind.TEXT, Kind.OTHER) else compared

    def ordered(self, expression: Expression, column: Column) -> Sequence[tuple[Expression, bool]]:
        if column.kind is Kind.JSON:
            return [(collate(cast(expression, Text), "C"), column.is_nullable)]
        return [(self.ranged(expression, column.kind), column.is_nullable)]

    def bound(self, column: Column, operand: Operand) -> Expression:
        (value,), kind = _plain(column, [operand])
        parameter = bindparam(None, value, type_=kind)
        return cast(parameter, REAL) if _fits_float4(column, value) else parameter

    def one_of(
        self, expression: Expression, column: Column, operands: Sequence[Operand]
    ) -> ColumnElement[bool]:
        values, kind = _plain(column, operands)
        if column.declared == "float4":
            values = [value for value in values if _fits_float4(column, value)]
        array: Expression = bindparam(None, values, type_=ARRAY(kind))
        if column.declared == "float4":
            array = cast(array, ARRAY(REAL))
        return expression == any_(array)

    def like(self, expression: Expression, pattern: str, *, is_case_sensitive: bool) -> ColumnElement[bool]:
        parameter = bindparam(None, pattern, type_=Text())
        return expression.like(parameter) if is_case_sensitive else expression.ilike(parameter)


def _plain(column: Column, operands: Sequence[Operand]) -> tuple[list[Any], TypeEngine[Any]]:
    """Return the values as PostgreSQL gets them, and their common type."""
    kind, values = operands[0].kind, [operand.value for operand in operands]
    if kind in (Kind.TIME, Kind.DATE):
        return [value.replace(tzinfo=None) for value in values], TYPES[kind]
    if kind in (Kind.INTEGER, Kind.DECIMAL):
        if all(isinstance(value, int) and -(2**63) <= value < 2**63 for value in values):
            return values, TYPES[Kind.INTEGER]
        return [Decimal(value) for value in values], TYPES[Kind.DECIMAL]
    return values, TYPES[kind]


def _fits_float4(column: Column, value: Any) -> bool:
    """Return whether to compare in single precision, where 0.1 is what was stored as 0.1."""
    if column.declared != "float4":
        return False
    size: float = abs(value)
    return size == 0 or size == float("inf") or _LEAST_FLOAT4 < size < _GREATEST_FLOAT4


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC)
