"""Filters as a tree of conditions: read and checked here, turned into SQL elsewhere.

A filter is true or false, never unknown: a row without a value (NULL) equals None only, differs from
everything else, and is neither greater nor less nor like anything.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Union

from cronjobs.core.suggest import named
from cronjobs.services.query.mistakes import shown, unknown, wrong
from cronjobs.services.query.schema import Column, Kind, Table
from cronjobs.services.query.values import Operand, operand

_LOGICAL = ("$and", "$or", "$not")
_ORDERED = ("$gt", "$gte", "$lt", "$lte")
_LIKE = ("$like", "$ilike")
OPERATORS = ("$eq", "$ne", "$in", "$nin", *_ORDERED, *_LIKE, *_LOGICAL)
_ALSO = {
    **dict.fromkeys(("=", "==", "$equals"), "$eq"),
    **dict.fromkeys(("!=", "<>", "$neq"), "$ne"),
    **dict.fromkeys((">=", "$ge"), "$gte"),
    **dict.fromkeys(("<=", "$le"), "$lte"),
    **dict.fromkeys(("$contains", "$regex", "$startswith", "$endswith"), "$like"),
    ">": "$gt",
    "<": "$lt",
    "$notin": "$nin",
}
_LIKEABLE = frozenset({Kind.TEXT, Kind.ANY, Kind.OTHER})


class IsNull(NamedTuple):
    column: Column


class Equals(NamedTuple):
    column: Column
    operand: Operand


class IsOneOf(NamedTuple):
    """operands: of one kind, at least one."""

    column: Column
    operands: tuple[Operand, ...]


class Compares(NamedTuple):
    """operator: `$gt`, `$gte`, `$lt` or `$lte`."""

    column: Column
    operator: str
    operand: Operand


class IsLike(NamedTuple):
    """pattern: with `%` and `_`, and a backslash before one that is meant itself."""

    column: Column
    pattern: str
    is_case_sensitive: bool


class Every(NamedTuple):
    """True if there are no parts."""

    parts: tuple["Condition", ...]


class Some(NamedTuple):
    """False if there are no parts."""

    parts: tuple["Condition", ...]


class Not(NamedTuple):
    part: "Condition"


Condition = Union[IsNull, Equals, IsOneOf, Compares, IsLike, Every, Some, Not]  # noqa: UP007 - a forward name


def condition(filters: Any, table: Table, relations: Collection[str]) -> Condition:
    """Return what `filters` demand of the table's rows, or raise QueryError.

    relations: the names of the table's relations, which filters cannot use yet.
    """
    return _Reading(table, relations).every(filters)


class _Reading(NamedTuple):
    table: Table
    relations: Collection[str]

    @property
    def place(self) -> str:
        return f"{self.table.name.shown}: filters"

    def every(self, filters: Any) -> Condition:
        if not isinstance(filters, Mapping):
            raise wrong(self.place, f"must be a mapping, not {shown(filters)}")
        return _joined([self.entry(key, value) for key, value in filters.items()])

    def entry(self, key: Any, value: Any) -> Condition:
        if not isinstance(key, str):
            raise wrong(self.place, f"a field must be a name, not {shown(key)}")
        if key in self.table.columns:
            return self.of_column(self.table.columns[key], value)
        if key == "$not":
            return Not(self.every(value))
        if key in _LOGICAL:
            parts = tuple(self.every(part) for part in self.parts(key, value))
            return Every(parts) if key == "$and" else Some(parts)
        raise self.unknown_key(key)

    def unknown_key(self, key: str) -> Exception:
        if key.startswith("$"):
            if key in OPERATORS:
                return wrong(self.place, f'{named(key)} belongs to a field: {{"field": {{"{key}": ...}}}}')
            return unknown(self.place, "operator", key, OPERATORS, also=_ALSO)
        if key in self.relations or key.partition(".")[0] in self.relations:
            return wrong(
                self.place,
                f"{named(key)} is of a relation, and only the entity's own fields can be filtered",
                hint="filter the related entity in a query of its own",
            )
        return unknown(self.place, "field", key, self.table.columns)

    def parts(self, key: str, value: Any) -> Collection[Any]:
        if not isinstance(value, list | tuple):
            raise wrong(self.place, f"{key} takes a list, not {shown(value)}")
        return value

    def of_column(self, column: Column, value: Any) -> Condition:
        if isinstance(value, Mapping):
            if not value:
                raise wrong(f"{self.place}: {column.name}", "an empty mapping says nothing")
            return _joined([self.operation(column, key, each) for key, each in value.items()])
        if _is_several(value):
            return self.one_of(column, value)
        return self.equals(column, value)

    def operation(self, column: Column, operator: Any, value: Any) -> Condition:
        if operator in ("$eq", "$ne"):
            found = self.equals(column, value)
        elif operator in ("$in", "$nin"):
            found = self.one_of(column, value)
        elif operator in _ORDERED:
            return self.compares(column, operator, value)
        elif operator in _LIKE:
            return self.like(column, value, is_case_sensitive=operator == "$like")
        elif operator == "$not":
            return Not(self.of_column(column, value))
        elif operator in _LOGICAL:
            parts = tuple(self.of_column(column, part) for part in self.parts(operator, value))
            return Every(parts) if operator == "$and" else Some(parts)
        else:
            raise unknown(f"{self.place}: {column.name}", "operator", str(operator), OPERATORS, also=_ALSO)
        return Not(found) if operator in ("$ne", "$nin") else found

    def equals(self, column: Column, value: Any) -> Condition:
        if value is None:
            return IsNull(column)
        if _is_several(value) and not isinstance(value, str):
            raise wrong(
                f"{self.place}: {column.name}", f"one value is meant, not {shown(value)}", hint="use $in"
            )
        return Equals(column, operand(column, value, place=self.place))

    def one_of(self, column: Column, values: Any) -> Condition:
        if not _is_several(values):
            raise wrong(f"{self.place}: {column.name}", f"a list is meant, not {shown(values)}")
        by_kind: dict[Kind, list[Operand]] = {}
        for value in values:
            if value is not None:
                each = operand(column, value, place=self.place)
                by_kind.setdefault(each.kind, []).append(each)
        found: list[Condition] = [IsOneOf(column, tuple(operands)) for operands in by_kind.values()]
        if any(value is None for value in values):
            found.append(IsNull(column))
        return found[0] if len(found) == 1 else Some(tuple(found))

    def compares(self, column: Column, operator: str, value: Any) -> Condition:
        if value is None:
            raise wrong(f"{self.place}: {column.name}", f"nothing is greater or less than None ({operator})")
        return Compares(column, operator, operand(column, value, place=self.place))

    def like(self, column: Column, pattern: Any, *, is_case_sensitive: bool) -> Condition:
        place = f"{self.place}: {column.name}"
        if column.kind not in _LIKEABLE:
            raise wrong(place, f"holds {column.kind.value}, and only texts are like a pattern")
        if not isinstance(pattern, str):
            raise wrong(place, f"a pattern is a text, not {shown(pattern)}")
        text = operand(column._replace(kind=Kind.TEXT, is_loose=False), pattern, place=self.place).value
        if (len(text) - len(text.rstrip("\\"))) % 2:
            raise wrong(
                place, "the pattern ends in a single backslash", hint="write two for one that is meant"
            )
        return IsLike(column, text, is_case_sensitive)


def _joined(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _is_several(value: Any) -> bool:
    is_one = isinstance(value, str | bytes | bytearray | memoryview | Mapping)
    return isinstance(value, Collection) and not is_one
