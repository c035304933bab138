"""Every other database that SQLAlchemy speaks to: the schema from its inspector, types as it has them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, false, inspect, type_coerce, types

from cronjobs.services.query.schema import Column, ForeignKey, Kind, Table, TableName
from cronjobs.services.query.sql.database import TYPES, Decoder, Expression
from cronjobs.services.query.values import Operand

_DECODED = frozenset({Kind.BOOLEAN, Kind.TIME, Kind.TIME_WITH_ZONE, Kind.CLOCK, Kind.JSON, Kind.UUID})
# In this order: an enum is a text to SQLAlchemy, a float a number.
_KINDS: list[tuple[type[types.TypeEngine[object]] | type, Kind]] = [
    (types.Enum, Kind.OTHER),
    (types.Uuid, Kind.UUID),
    (types.JSON, Kind.JSON),
    (types.Boolean, Kind.BOOLEAN),
    (types.Integer, Kind.INTEGER),
    (types.Float, Kind.REAL),
    (types.Numeric, Kind.DECIMAL),
    (types.String, Kind.TEXT),
    (types.DateTime, Kind.TIME),
    (types.Date, Kind.DATE),
    (types.Time, Kind.CLOCK),
    (types.LargeBinary, Kind.BYTES),
]


class Other:
    """The door to a database without a file of its own here."""

    knows_nulls_last = False

    def names(self, connection: Connection) -> Sequence[TableName]:
        inspector = inspect(connection)
        return [TableName(None, name) for name in (*inspector.get_table_names(), *inspector.get_view_names())]

    def foreign_keys(self, connection: Connection, names: Sequence[TableName]) -> Sequence[ForeignKey]:
        known = {name.name: name for name in names}
        return [
            ForeignKey(
                known[table],
                tuple(key["constrained_columns"]),
                known[key["referred_table"]],
                tuple(key["referred_columns"]),
            )
            for (_, table), keys in inspect(connection).get_multi_foreign_keys().items()
            for key in keys
            if table in known and key["referred_table"] in known and key["referred_schema"] is None
        ]

    def table(self, connection: Connection, name: TableName) -> Table:
        inspector = inspect(connection)
        key = inspector.get_pk_constraint(name.name)["constrained_columns"]
        columns = {
            column["name"]: _column(column["name"], column["type"], is_nullable=column.get("nullable", True))
            for column in inspector.get_columns(name.name)
        }
        return Table(name, columns, tuple(key))

    def selected(self, expression: Expression, column: Column) -> Expression:
        return type_coerce(expression, TYPES[column.kind]) if column.kind in _DECODED else expression

    def decoder(self, column: Column) -> Decoder | None:
        return None

    def key(self, expression: Expression, column: Column) -> Expression:
        return expression

    def compared(self, expression: Expression, kind: Kind) -> Expression:
        return expression

    def ranged(self, expression: Expression, kind: Kind) -> Expression:
        return expression

    def ordered(self, expression: Expression, column: Column) -> Sequence[tuple[Expression, bool]]:
        return [(expression, column.is_nullable)]

    def bound(self, column: Column, operand: Operand) -> Expression:
        value = operand.value
        if operand.kind in (Kind.TIME, Kind.DATE):
            value = value.replace(tzinfo=None)
        return bindparam(None, value, type_=TYPES[operand.kind])

    def one_of(
        self, expression: Expression, column: Column, operands: Sequence[Operand]
    ) -> ColumnElement[bool]:
        return expression.in_([self.bound(column, operand) for operand in operands]) if operands else false()

    def like(self, expression: Expression, pattern: str, *, is_case_sensitive: bool) -> ColumnElement[bool]:
        parameter = bindparam(None, pattern, type_=types.String())
        match = expression.like if is_case_sensitive else expression.ilike
        return match(parameter, escape="\\")


def _column(name: str, declared: types.TypeEngine[object], *, is_nullable: bool) -> Column:
    kind = next((kind for known, kind in _KINDS if isinstance(declared, known)), Kind.OTHER)
    if kind is Kind.TIME and getattr(declared, "timezone", False):
        kind = Kind.TIME_WITH_ZONE
    return Column(name, kind, is_nullable, repr(declared))
