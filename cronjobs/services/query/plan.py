"""What one call will load: its columns and, branch by branch, its relations. No data is read here."""

from typing import NamedTuple

from cronjobs.core.suggest import named
from cronjobs.services.query.arguments import Page
from cronjobs.services.query.filters import Condition, condition
from cronjobs.services.query.mistakes import unknown, wrong
from cronjobs.services.query.relations import Declared, Relation, Relations, checked, only, relations_of
from cronjobs.services.query.schema import Column, Kind, Schema, Table

SOFT_DELETED = "deleted_at"


class Plan(NamedTuple):
    """columns: those that the caller sees, in the order of the fields. names: the result's keys, in order."""

    table: Table
    columns: tuple[Column, ...]
    branches: tuple["Branch", ...]
    names: tuple[str, ...]


class Branch(NamedTuple):
    """name: the key under which the relation's rows are found. source: the table that it starts from."""

    name: str
    source: Table
    relation: Relation
    plan: Plan


class Question(NamedTuple):
    """All of one call. order: (column, is descending) pairs; together they put the rows into one order."""

    plan: Plan
    condition: Condition
    page: Page
    order: tuple[tuple[Column, bool], ...]
    with_deleted: bool


class Planner(NamedTuple):
    schema: Schema
    declared: tuple[Declared, ...]

    def question(
        self, entity: str, fields: tuple[str, ...], filters: object, page: Page, *, with_deleted: bool
    ) -> Question:
        """Return the whole plan of a call, or raise QueryError for a word in it that means nothing."""
        table = self.schema.table(self.schema.find(entity))
        self.check_declared()
        relations = relations_of(table, self.schema, self.declared)
        plan = self.plan(table, fields, relations)
        demanded = condition({} if filters is None else filters, table, relations)
        return Question(plan, demanded, page, _order(table, page), with_deleted)

    def check_declared(self) -> None:
        """Raise QueryError if a declared relation belongs to no table: it would never be found missing."""
        for each in self.declared:
            self.schema.find(each.source, place=f"query.relations: {each.key}")

    def plan(self, table: Table, fields: tuple[str, ...], relations: Relations) -> Plan:
        columns: dict[str, Column] = {}
        branches: dict[str, list[str]] = {}
        names: dict[str, None] = {}
        for field in fields:
            found = _columns(table, field)
            if found:
                columns.update((column.name, column) for column in found)
                names.update((column.name, None) for column in found)
            else:
                name, rest = _split(table, field, relations)
                branches.setdefault(name, []).append(rest)
                names[name] = None
        return Plan(
            table,
            tuple(columns.values()),
            tuple(self.branch(table, name, rests, relations) for name, rests in branches.items()),
            tuple(names),
        )

    def branch(self, table: Table, name: str, fields: list[str], relations: Relations) -> Branch:
        place = f"{table.name.shown}: fields"
        relation = only(relations, name, place=place)
        target = self.schema.table(relation.target)
        relation = checked(relation, table, target, place=f"{place}: {name}")
        further = relations_of(target, self.schema, self.declared)
        return Branch(name, table, relation, self.plan(target, tuple(fields), further))


def natural_order(table: Table) -> tuple[tuple[Column, bool], ...]:
    """Return the order by primary key; by all columns where there is none, such as in a view."""
    return tuple((table.columns[name], False) for name in table.key or table.columns)


def _columns(table: Table, field: str) -> list[Column]:
    if field in table.columns:
        return [table.columns[field]]
    return list(table.columns.values()) if field == "*" else []


def _split(table: Table, field: str, relations: Relations) -> tuple[str, str]:
    """Return a path's first relation and what is asked of it; names may hold dots themselves."""
    if field in relations:
        return field, "*"
    dots = [position for position, character in enumerate(field) if character == "."]
    for dot in reversed(dots):
        if field[:dot] in relations and field[dot + 1 :]:
            return field[:dot], field[dot + 1 :]
    place = f"{table.name.shown}: fields"
    if dots:
        raise unknown(place, "relation", field[: dots[0]], relations)
    raise unknown(place, "field", field, [*table.columns, *relations])


def _order(table: Table, page: Page) -> tuple[tuple[Column, bool], ...]:
    """Return the wanted order, and after it what tells equal rows apart."""
    order = [(_ordering_column(table, name), is_descending) for name, is_descending in page.order]
    present = {column for column, _ in order}
    order += [
        (column, is_descending) for column, is_descending in natural_order(table) if column not in present
    ]
    return tuple(order)


def _ordering_column(table: Table, name: str) -> Column:
    place = f"{table.name.shown}: order"
    if name not in table.columns:
        raise unknown(place, "field", name, table.columns)
    if table.columns[name].kind is Kind.JSON:
        raise wrong(place, f"{named(name)} holds JSON, which has no order")
    return table.columns[name]
