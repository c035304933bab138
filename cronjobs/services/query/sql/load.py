"""A plan's rows, one statement for the entity and one for each relation, however many rows there are.

A relation's statement joins the related table with the keys of its parents, which it finds by the parents'
own statement as a subquery: no keys travel back and forth, and their number has no limit.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import ColumnClause, Connection, FromClause, Select, and_, func, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.sql import quoted_name

from cronjobs.services.query.plan import SOFT_DELETED, Branch, Plan, Question, natural_order
from cronjobs.services.query.schema import Column, Table
from cronjobs.services.query.sql.conditions import Conditions
from cronjobs.services.query.sql.database import Database, Decoder, Expression

Key = tuple[Any, ...]
Rows = Callable[[Sequence[Expression]], Select[Any]]
"""Selects the given columns of the rows that a plan's parents are."""


def load(
    question: Question, database: Database, connection: Connection
) -> tuple[list[dict[str, Any]], int | None]:
    """Return the rows, and the count of all that the filters let through where only a part was asked for."""
    return _Loading(question, database, connection, count()).all()


class _Loading(NamedTuple):
    question: Question
    database: Database
    connection: Connection
    numbers: "count[int]"

    def all(self) -> tuple[list[dict[str, Any]], int | None]:
        question = self.question
        source = self.source(question.plan.table)
        condition = and_(
            *self.hiding(source, question.plan.table),
            Conditions(self.database, source).sql(question.condition),
        )

        def selecting(columns: Sequence[Expression]) -> Select[Any]:
            return select(*columns).select_from(source).where(condition)

        total = None
        if question.page.is_part:
            total = self.connection.scalar(selecting([func.count()]))
        order = self.order(source, question.order)

        def paged(columns: Sequence[Expression]) -> Select[Any]:
            if not question.page.is_part:
                return selecting(columns)
            page = selecting(columns).order_by(*order)
            return page.limit(question.page.take).offset(question.page.skip)

        statement = paged if question.page.is_part else lambda columns: selecting(columns).order_by(*order)
        _, rows = self.rows(question.plan, source, [], statement, paged)
        return rows, total

    def rows(
        self, plan: Plan, source: FromClause, keys: Sequence[Expression], statement: Rows, parents: Rows
    ) -> tuple[list[Key], list[dict[str, Any]]]:
        """Return the plan's rows with their relations, and beside each its values of `keys`.

        statement: selects the rows, in order. parents: selects them too, in any order, for the relations.
        """
        selected = [self.database.selected(source.c[column.name], column) for column in plan.columns]
        # Joined by what is stored, not by what is made of it.
        links = [source.c[name] for branch in plan.branches for name in branch.relation.columns]
        labelled = [each.label(f"c{number}") for number, each in enumerate([*keys, *selected, *links])]
        found = self.connection.execute(statement(labelled)).all()
        related = [self.branch(branch, source, parents) if found else {} for branch in plan.branches]
        make = _maker(plan, len(keys), [self.database.decoder(column) for column in plan.columns], related)
        return [tuple(row[: len(keys)]) for row in found], [make(row) for row in found]

    def branch(self, branch: Branch, parent: FromClause, parents: Rows) -> dict[Key, Any]:
        """Return a relation's rows: {the parent's values of its columns: dict, or list of dicts}."""
        relation, plan = branch.relation, branch.plan
        own = [branch.source.columns[name] for name in relation.columns]
        keys_of_parents = [self.database.key(parent.c[column.name], column) for column in own]
        links = [key.label(f"k{number}") for number, key in enumerate(keys_of_parents)]
        distinct = self.distinct(parents(links), len(links))
        keys = list(distinct.c)
        source = self.source(plan.table)
        joined = distinct.join(
            source,
            and_(*(source.c[name] == key for name, key in zip(relation.target_columns, keys, strict=True))),
        )

        def selecting(columns: Sequence[Expression]) -> Select[Any]:
            return select(*columns).select_from(joined).where(*self.hiding(source, plan.table))

        order = self.order(source, natural_order(plan.table))
        found = self.rows(plan, source, keys, lambda columns: selecting(columns).order_by(*order), selecting)
        return _grouped(*found, is_many=relation.is_many)

    def distinct(self, rows: Select[Any], width: int) -> FromClause:
        page = rows.subquery(f"p{next(self.numbers)}")
        return select(*list(page.c)[:width]).distinct().subquery(f"k{next(self.numbers)}")

    def source(self, table: Table) -> FromClause:
        columns: list[ColumnClause[Any]] = [sql_column(quoted_name(name, True)) for name in table.columns]
        schema = None if table.name.schema is None else quoted_name(table.name.schema, True)
        plain = sql_table(quoted_name(table.name.name, True), *columns, schema=schema)
        return plain.alias(f"t{next(self.numbers)}")

    def hiding(self, source: FromClause, table: Table) -> list[Expression]:
        is_hiding = SOFT_DELETED in table.columns and not self.question.with_deleted
        return [source.c[SOFT_DELETED].is_(None)] if is_hiding else []

    def order(self, source: FromClause, order: Sequence[tuple[Column, bool]]) -> list[Expression]:
        """Return what to order by, None last whatever the direction."""
        found: list[Expression] = []
        for column, is_descending in order:
            plain = source.c[column.name]
            for expression, may_be_none in self.database.ordered(plain, column):
                directed = expression.desc() if is_descending else expression.asc()
                # Only where there is need: an index that says nothing of NULL would not be used.
                if may_be_none and self.database.knows_nulls_last:
                    directed = directed.nulls_last()
                elif may_be_none:
                    found.append(expression.is_(None))
                found.append(directed)
        return found


def _maker(
    plan: Plan, first: int, decoders: Sequence[Decoder | None], related: Sequence[dict[Key, Any]]
) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """Return what makes a dict of a row: keys, then the plan's columns from `first` on, then links."""
    fields = [
        (column.name, first + number, decoder)
        for number, (column, decoder) in enumerate(zip(plan.columns, decoders, strict=True))
    ]
    links, begin = [], first + len(plan.columns)
    for branch, rows in zip(plan.branches, related, strict=True):
        end = begin + len(branch.relation.columns)
        links.append((branch.name, begin, end, rows, branch.relation.is_many))
        begin = end

    def make(row: Sequence[Any]) -> dict[str, Any]:
        made: dict[str, Any] = dict.fromkeys(plan.names)
        for name, position, decode in fields:
            value = row[position]
            made[name] = value if value is None or decode is None else decode(value)
        for name, begin, end, rows, is_many in links:
            found = rows.get(tuple(row[begin:end]))
            made[name] = [] if found is None and is_many else found
        return made

    return make


def _grouped(keys: Sequence[Key], rows: Sequence[dict[str, Any]], *, is_many: bool) -> dict[Key, Any]:
    grouped: dict[Key, Any] = {}
    for key, row in zip(keys, rows, strict=True):
        if is_many:
            grouped.setdefault(key, []).append(row)
        else:
            grouped.setdefault(key, row)
    return grouped
