"""The relations of a table, by name: those along foreign keys, both ways, and those that are declared.

Names, the first rank that knows one wins:
1. declared in `[query.relations]`;
2. to one, by the column: `customer_id` is `customer`, `buyer` is `buyer`;
3. to one, by the other table: `customers` is `customer`;
4. to many, by the other table as it is called, and, where several of its columns point here,
   `orders_by_buyer` for `buyer_id`;
5. to many, by the other table's plural;
6. to one, by the other table as it is called;
7. either, with the other table's schema: `sales.orders`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cronjobs.core.suggest import named
from cronjobs.services.query.mistakes import shown, unknown, wrong
from cronjobs.services.query.names import plurals, singulars
from cronjobs.services.query.schema import (
    ForeignKey,
    Schema,
    Table,
    TableName,
    check_joinable,
    column_of,
)

_KEYS = ("entity", "on", "many")
_PLACE = "query.relations"


class Declared(NamedTuple):
    """A relation as `[query.relations]` declares it. on: (own column, the other's column) pairs."""

    key: str
    source: str
    name: str
    target: str
    on: tuple[tuple[str, str], ...]
    is_many: bool


class Relation(NamedTuple):
    """label: what an error calls it. columns, target_columns: pairs, by position."""

    label: str
    columns: tuple[str, ...]
    target: TableName
    target_columns: tuple[str, ...]
    is_many: bool


Relations = dict[str, tuple[Relation, ...]]
"""{name: the relations that it may mean}: more than one is an ambiguity."""


def declared_relations(relations: Mapping[str, Any]) -> tuple[Declared, ...]:
    """Return what `[query.relations]` declares, or raise QueryError. No database is asked here."""
    if not isinstance(relations, Mapping):
        raise wrong(_PLACE, f"must be a table, not {shown(relations)}")
    return tuple(_declared(key, value) for key, value in relations.items())


def _declared(key: Any, value: Any) -> Declared:
    source, _, name = str(key).rpartition(".")
    if not (source and name):
        raise wrong(_PLACE, f"{named(str(key))} must be entity.name", hint='such as "orders.buyer"')
    place = f"{_PLACE}: {key}"
    if not isinstance(value, Mapping):
        raise wrong(place, f"must be a table with entity and on, not {shown(value)}")
    for word in value:
        if word not in _KEYS:
            raise unknown(place, "key", str(word), _KEYS)
    target = value.get("entity")
    if not isinstance(target, str) or not target:
        raise wrong(place, "entity must name the other table")
    if not isinstance(many := value.get("many", False), bool):
        raise wrong(place, f"many must be true or false, not {shown(many)}")
    return Declared(str(key), source, name, target, tuple(_pairs(value.get("on"), place)), many)


def _pairs(on: Any, place: str) -> Iterator[tuple[str, str]]:
    hint = 'write on = { buyer_email = "email" }'
    if not isinstance(on, Mapping) or not on:
        raise wrong(place, "on must say which columns belong together", hint=hint)
    for own, other in on.items():
        if not isinstance(own, str) or not isinstance(other, str):
            raise wrong(place, f"on names columns, not {shown(other)}", hint=hint)
        yield own, other


def relations_of(table: Table, schema: Schema, declared: Iterable[Declared]) -> Relations:
    """Return the relations of a table."""
    ranks: list[Relations] = [{} for _ in range(6)]
    for each in declared:
        if schema.find(each.source, place=f"{_PLACE}: {each.key}") == table.name:
            _add(ranks[0], [each.name], _resolved(each, table, schema))
    foreign_keys = schema.foreign_keys()
    for foreign_key in foreign_keys:
        if foreign_key.table == table.name:
            _add_to_one(ranks, foreign_key)
    for foreign_key in foreign_keys:
        if foreign_key.target == table.name:
            _add_to_many(ranks, foreign_key, is_alone=_is_alone(foreign_key, foreign_keys))
    merged: Relations = {}
    for rank in ranks:
        merged = {**rank, **merged}
    return merged


def only(relations: Relations, name: str, *, place: str) -> Relation:
    """Return the one relation that a name means, or raise QueryError naming the choices."""
    found = relations[name]
    if len(found) == 1:
        return found[0]
    choices = " or ".join(named(relation.label) for relation in found)
    raise wrong(place, f"the relation {named(name)} may mean {choices}", hint="name one of these")


def checked(relation: Relation, source: Table, target: Table, *, place: str) -> Relation:
    """Return the relation with its columns as the tables spell them, or raise QueryError."""
    own = [column_of(source, name, place=place) for name in relation.columns]
    other = [column_of(target, name, place=place) for name in relation.target_columns]
    for one, another in zip(own, other, strict=True):
        check_joinable(one, another, place=place)
    return relation._replace(
        columns=tuple(column.name for column in own), target_columns=tuple(column.name for column in other)
    )


def _resolved(declared: Declared, table: Table, schema: Schema) -> Relation:
    place = f"{_PLACE}: {declared.key}"
    target = schema.find(declared.target, place=place)
    own, other = zip(*declared.on, strict=True)
    for name in own:
        column_of(table, name, place=f"{place}: {table.name.shown}")
    for name in other:
        column_of(schema.table(target), name, place=f"{place}: {target.shown}")
    return Relation(declared.name, own, target, other, declared.is_many)


def _add_to_one(ranks: list[Relations], foreign_key: ForeignKey) -> None:
    target = foreign_key.target
    label = _stem(foreign_key.columns)
    relation = Relation(label, foreign_key.columns, target, foreign_key.target_columns, is_many=False)
    _add(ranks[1], [label], relation)
    if target != foreign_key.table:  # the table's own name means its rows that point here
        _add(ranks[2], singulars(target.name) or [target.name], relation)
        _add(ranks[5], [target.name, f"{target.schema}.{target.name}"], relation)


def _add_to_many(ranks: list[Relations], foreign_key: ForeignKey, *, is_alone: bool) -> None:
    other = foreign_key.table
    precise = f"{other.name}_by_{_stem(foreign_key.columns)}"
    label = other.name if is_alone else precise
    relation = Relation(label, foreign_key.target_columns, other, foreign_key.columns, is_many=True)
    _add(ranks[3], [other.name] if is_alone else [other.name, precise], relation)
    _add(ranks[4], plurals(other.name), relation)
    _add(ranks[5], [f"{other.schema}.{other.name}"], relation)


def _is_alone(foreign_key: ForeignKey, foreign_keys: Iterable[ForeignKey]) -> bool:
    ways = {
        (each.columns, each.target_columns)
        for each in foreign_keys
        if (each.table, each.target) == (foreign_key.table, foreign_key.target)
    }
    return len(ways) == 1


def _add(rank: Relations, names: Iterable[str], relation: Relation) -> None:
    for name in names:
        known = rank.get(name, ())
        # The same foreign key may be declared twice.
        if not any(each._replace(label="") == relation._replace(label="") for each in known):
            rank[name] = (*known, relation)


def _stem(columns: tuple[str, ...]) -> str:
    return "_and_".join(name.removesuffix("_id") or name for name in columns)
