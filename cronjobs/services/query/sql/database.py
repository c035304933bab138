"""What differs between databases, as one door, so that the same question has the same answer on each."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.types import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Float,
    LargeBinary,
    Numeric,
    String,
    Text,
    Time,
    TypeEngine,
    Uuid,
)

from cronjobs.services.query.schema import Column, Kind, Reader
from cronjobs.services.query.values import Operand

Expression = ColumnElement[Any]
Decoder = Callable[[Any], Any]

TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.INTEGER: BigInteger(),
    Kind.REAL: Float(53),
    Kind.DECIMAL: Numeric(),
    Kind.BOOLEAN: Boolean(),
    Kind.TEXT: String(),
    Kind.BYTES: LargeBinary(),
    Kind.TIME: DateTime(),
    Kind.TIME_WITH_ZONE: DateTime(timezone=True),
    Kind.DATE: DateTime(),  # as its midnight
    Kind.CLOCK: Time(),
    Kind.JSON: JSON(),
    Kind.UUID: Uuid(),
    Kind.OTHER: Text(),
}
"""As what a value is sent to a database that has types."""


class Database(Reader, Protocol):
    """One kind of database. Expressions are SQLAlchemy's; `column` says what is known of the column."""

    @property
    def knows_nulls_last(self) -> bool:
        """Return whether ORDER BY takes NULLS LAST."""
        ...

    def selected(self, expression: Expression, column: Column) -> Expression:
        """Return what to select of a column."""
        ...

    def decoder(self, column: Column) -> Decoder | None:
        """Return what makes a Python value of a selected one that is not None; None where it is one."""
        ...

    def key(self, expression: Expression, column: Column) -> Expression:
        """Return a column to join by, such that DISTINCT keeps all of its values that differ in Python."""
        ...

    def compared(self, expression: Expression, kind: Kind) -> Expression:
        """Return the column as it is compared for equality with operands of that kind."""
        ...

    def ranged(self, expression: Expression, kind: Kind) -> Expression:
        """Return the column as it is compared for greater and less, texts by their code points."""
        ...

    def ordered(self, expression: Expression, column: Column) -> Sequence[tuple[Expression, bool]]:
        """Return what to order by, and of each whether it may be NULL."""
        ...

    def bound(self, column: Column, operand: Operand) -> Expression:
        """Return the operand as a bound parameter."""
        ...

    def one_of(
        self, expression: Expression, column: Column, operands: Sequence[Operand]
    ) -> ColumnElement[bool]:
        """Return whether the column equals one of any number of operands."""
        ...

    def like(self, expression: Expression, pattern: str, *, is_case_sensitive: bool) -> ColumnElement[bool]:
        """Return whether the column is like a pattern."""
        ...
