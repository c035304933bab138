"""Whether the arguments of a `graph` have the right shapes. What their words mean is found elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs.core.suggest import named
from cronjobs.services.query.mistakes import shown, unknown, wrong

_KEYS = ("skip", "take", "order")
_ALSO = {"limit": "take", "offset": "skip", "first": "take", "orderby": "order", "sort": "order"}
_DIRECTIONS = {"asc": False, "desc": True}
_MOST = 2**63 - 1


class Page(NamedTuple):
    """order: (field, is descending) pairs. skip, take: None where they were not given."""

    skip: int | None = None
    take: int | None = None
    order: tuple[tuple[str, bool], ...] = ()

    @property
    def is_part(self) -> bool:
        return self.skip is not None or self.take is not None


def checked_entity(entity: Any) -> str:
    """Return the entity's name, or raise QueryError."""
    if not isinstance(entity, str) or not entity:
        raise wrong("query", f"entity must be a table's name, not {shown(entity)}")
    return str.__str__(entity)


def checked_fields(fields: Any, *, place: str) -> tuple[str, ...]:
    """Return the fields, or raise QueryError where they are not several names."""
    if isinstance(fields, str):
        raise wrong(place, f"fields must be a list, not {shown(fields)}", hint=f"write [{fields!r}]")
    if not isinstance(fields, Sequence | set | frozenset):
        raise wrong(place, f"fields must be a list of names, not {shown(fields)}")
    for field in fields:
        if not isinstance(field, str) or not field:
            raise wrong(place, f"a field must be a name, not {shown(field)}")
    if not fields:
        raise wrong(place, "fields is empty", hint='leave it out, or write ["*"], for all of them')
    return tuple(str.__str__(field) for field in fields)


def checked_flag(value: Any, name: str, *, place: str) -> bool:
    """Return a flag, or raise QueryError."""
    if not isinstance(value, bool):
        raise wrong(place, f"{name} must be True or False, not {shown(value)}")
    return value


def checked_page(pagination: Any, *, place: str) -> Page:
    """Return the page that `pagination` asks for, or raise QueryError."""
    place = f"{place}: pagination"
    if pagination is None:
        return Page()
    if not isinstance(pagination, Mapping):
        raise wrong(place, f"must be a mapping of skip, take and order, not {shown(pagination)}")
    for key in pagination:
        if key not in _KEYS:
            raise unknown(place, "key", str(key), _KEYS, also=_ALSO)
    return Page(
        _number(pagination, "skip", place),
        _number(pagination, "take", place),
        tuple(_order(pagination.get("order"), place)),
    )


def _number(pagination: Mapping[str, Any], key: str, place: str) -> int | None:
    value = pagination.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__") or not 0 <= value <= _MOST:
        raise wrong(place, f"{key} must be a whole number from 0 on, not {shown(value)}")
    return int(value)


def _order(order: Any, place: str) -> Iterable[tuple[str, bool]]:
    if order is None:
        return
    if not isinstance(order, Mapping):
        raise wrong(
            place, f"order must be a mapping, not {shown(order)}", hint='write {"created_at": "DESC"}'
        )
    for field, direction in order.items():
        if not isinstance(field, str):
            raise wrong(place, f"order must name fields, not {shown(field)}")
        if not isinstance(direction, str) or direction.lower() not in _DIRECTIONS:
            raise wrong(place, f'{named(field)} is ordered "ASC" or "DESC", not {shown(direction)}')
        yield str.__str__(field), _DIRECTIONS[direction.lower()]
