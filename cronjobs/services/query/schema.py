"""What is known of a database: its tables, their columns and keys. How it is read stands in `sql/`."""

from collections.abc import Sequence
from enum import Enum
from threading import Lock
from typing import Any, NamedTuple, Protocol

from cronjobs.core.suggest import named
from cronjobs.services.query.mistakes import unknown, wrong
from cronjobs.services.query.names import plurals, singulars


class Kind(Enum):
    """What a column holds, the same word on every database; the value is how an error calls it."""

    INTEGER = "whole numbers"
    REAL = "floating-point numbers"
    DECIMAL = "decimal numbers"
    BOOLEAN = "true or false"
    TEXT = "text"
    BYTES = "bytes"
    TIME = "times"
    TIME_WITH_ZONE = "times with a zone"
    DATE = "dates"
    CLOCK = "times of day"
    JSON = "JSON"
    UUID = "UUIDs"
    ANY = "anything"  # SQLite's columns without a type
    OTHER = "values of another type"  # enums, arrays, ranges, addresses: compared by their text


TIMES = frozenset({Kind.TIME, Kind.TIME_WITH_ZONE, Kind.DATE})
NUMBERS = frozenset({Kind.INTEGER, Kind.REAL, Kind.DECIMAL})


class TableName(NamedTuple):
    """is_plain: whether the name alone, without its schema, finds the table."""

    schema: str | None
    name: str
    is_plain: bool = True

    @property
    def shown(self) -> str:
        return self.name if self.is_plain else f"{self.schema}.{self.name}"


class Column(NamedTuple):
    """declared: the type as the database writes it. scale: digits after the point, None if unlimited.

    is_loose: whether times may be written here although the type does not say so (SQLite).
    """

    name: str
    kind: Kind
    is_nullable: bool
    declared: str
    scale: int | None = None
    is_loose: bool = False


class Table(NamedTuple):
    """columns: {name: Column}, in the table's order. key: the primary key's columns, or nothing."""

    name: TableName
    columns: dict[str, Column]
    key: tuple[str, ...]


class ForeignKey(NamedTuple):
    table: TableName
    columns: tuple[str, ...]
    target: TableName
    target_columns: tuple[str, ...]


class Reader(Protocol):
    """Reads a schema over an open connection; each call may cost a statement or two."""

    def names(self, connection: Any) -> Sequence[TableName]: ...

    def foreign_keys(self, connection: Any, names: Sequence[TableName]) -> Sequence[ForeignKey]: ...

    def table(self, connection: Any, name: TableName) -> Table: ...


class Memory:
    """What one `Query` has read of its schema so far; shared by its threads, under `lock`."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.names: tuple[TableName, ...] | None = None
        self.foreign_keys: tuple[ForeignKey, ...] | None = None
        self.tables: dict[TableName, Table] = {}


class Schema(NamedTuple):
    """The schema as one call sees it: from memory, or over the call's own connection where that is new."""

    reader: Reader
    connection: Any
    memory: Memory

    def names(self) -> tuple[TableName, ...]:
        """Return every table and view."""
        with self.memory.lock:
            if self.memory.names is None:
                self.memory.names = tuple(self.reader.names(self.connection))
            return self.memory.names

    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        """Return every foreign key."""
        names = self.names()
        with self.memory.lock:
            if self.memory.foreign_keys is None:
                self.memory.foreign_keys = tuple(self.reader.foreign_keys(self.connection, names))
            return self.memory.foreign_keys

    def table(self, name: TableName) -> Table:
        """Return the table with its columns."""
        with self.memory.lock:
            if name not in self.memory.tables:
                self.memory.tables[name] = self.reader.table(self.connection, name)
            return self.memory.tables[name]

    def find(self, entity: str, *, place: str = "query") -> TableName:
        """Return the table that an entity's name means: the exact name first, then its singular or plural.

        place: where the name stands, for the error.
        """
        exact = _called(entity, self.names())
        if exact:
            return exact[0]
        for forms in (plurals, singulars):
            for form in _forms_of_last_word(entity, forms):
                if found := _called(form, self.names()):
                    return found[0]
        raise unknown(place, "entity", entity, [name.shown for name in self.names()])


def column_of(table: Table, name: str, *, place: str) -> Column:
    """Return the column of that name; as databases do, in another case if there is no exact one."""
    if name in table.columns:
        return table.columns[name]
    folded = [column for column in table.columns.values() if column.name.casefold() == name.casefold()]
    if len(folded) == 1:
        return folded[0]
    raise unknown(place, "column", name, table.columns)


def check_joinable(one: Column, other: Column, *, place: str) -> None:
    """Raise QueryError where two columns cannot be compared with each other."""
    are_numbers = one.kind in NUMBERS and other.kind in NUMBERS
    is_any = Kind.ANY in (one.kind, other.kind)
    if Kind.JSON in (one.kind, other.kind) or not (one.kind == other.kind or are_numbers or is_any):
        raise wrong(
            place,
            f"{named(one.name)} holds {one.kind.value} and {named(other.name)} {other.kind.value}",
            hint="a relation joins columns of one type",
        )


def _called(text: str, names: Sequence[TableName]) -> list[TableName]:
    plain = [name for name in names if name.is_plain and name.name == text]
    return plain or [
        name for name in names if name.schema is not None and f"{name.schema}.{name.name}" == text
    ]


def _forms_of_last_word(entity: str, forms: Any) -> list[str]:
    schema, dot, name = entity.rpartition(".")
    return [schema + dot + form for form in forms(name)] if name else []
