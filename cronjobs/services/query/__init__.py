"""Rows of the user's own database as plain dicts: `query.graph(...)`. How to use it stands in docs/query.md.

    query = make_query("sqlite:///shop.db")
    query.graph("orders", ["id", "customer.email"], {"total": {"$gte": 100}}, {"take": 10}).data

Relations that the schema does not declare are named in `jobs.toml`, an entity and a name of one's own to the
left, the other entity and the columns that belong together to the right; to one row unless `many` says so:

    [query.relations]
    "orders.buyer" = { entity = "customers", on = { buyer_email = "email" } }
    "customers.purchases" = { entity = "orders", on = { email = "buyer_email" }, many = true }

Times: the column's declared type decides. A time without a zone, in a column or in a filter, is UTC; a date
is its midnight. SQLite has no times of its own, so there texts of any ISO 8601 form and Unix times are read
as times in columns declared as such, and, where a filter compares them with a datetime or a date, in columns
of text and numbers too; in those that are called `..._at`, with an ISO text as well.

Nothing here imports SQLAlchemy; everything in `sql/` does, and is imported by the first `graph`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cronjobs.services.query.graph import Query, Result

__all__ = ["Query", "Result", "make_query"]

_NONE: Mapping[str, Any] = MappingProxyType({})


def make_query(url: str, relations: Mapping[str, Any] = _NONE) -> Query:
    """Return a `Query` on the database at `url`; nothing is connected before the first `graph`.

    url: as SQLAlchemy has them. relations: the table `[query.relations]`. Raise QueryError where either has
    the wrong shape.
    """
    return Query(url, relations)
