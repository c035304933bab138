"""A tree of conditions as SQL."""

import operator
from typing import NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, false, or_, true

from cronjobs.services.query.filters import (
    Compares,
    Condition,
    Equals,
    Every,
    IsLike,
    IsNull,
    IsOneOf,
    Not,
    Some,
)
from cronjobs.services.query.sql.database import Database

_COMPARISONS = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


class Conditions(NamedTuple):
    """Writes conditions on the columns of one source of rows."""

    database: Database
    source: FromClause

    def sql(self, condition: Condition) -> ColumnElement[bool]:
        """Return the condition as SQL; where it is NULL, it is not met."""
        match condition:
            case Every(parts):
                return and_(true(), *(self.sql(part) for part in parts))
            case Some(parts):
                return or_(false(), *(self.sql(part) for part in parts))
            case Not(part):
                # Not "NOT": unknown is not met, so its negation is.
                return self.sql(part).self_group().is_not(true())
            case _:
                return self.leaf(condition)

    def leaf(self, condition: IsNull | Equals | IsOneOf | Compares | IsLike) -> ColumnElement[bool]:
        column = condition.column
        expression = self.source.c[column.name]
        match condition:
            case IsNull():
                return expression.is_(None)
            case Equals(_, operand):
                compared = self.database.compared(expression, operand.kind)
                return compared == self.database.bound(column, operand)
            case IsOneOf(_, operands):
                compared = self.database.compared(expression, operands[0].kind)
                return self.database.one_of(compared, column, operands)
            case Compares(_, name, operand):
                ranged = self.database.ranged(expression, operand.kind)
                found: ColumnElement[bool] = _COMPARISONS[name](ranged, self.database.bound(column, operand))
                return found
            case IsLike(_, pattern, is_case_sensitive):
                compared = self.database.compared(expression, column.kind)
                return self.database.like(compared, pattern, is_case_sensitive=is_case_sensitive)
