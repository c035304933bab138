"""What a job's author sees: `Query` and the `Result` of a `graph`."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from cronjobs.core.errors import QueryError
from cronjobs.services.loop import running_loop
from cronjobs.services.query.pending import Pending

if TYPE_CHECKING:
    from cronjobs.services.query.relations import Declared
    from cronjobs.services.query.sql.connect import Opened


class Result(NamedTuple):
    """data: the rows; a relation's rows are dicts in them (None without one) or lists of dicts.

    metadata: `{"count", "skip", "take"}` where skip or take was given, else empty. count: of all rows that
    the filters let through.
    """

    data: list[dict[str, Any]]
    metadata: dict[str, int | None]

    def __await__(self) -> Generator[Any, None, "Result"]:
        """Return itself, so that `await` does no harm where there was nothing to wait for."""
        yield from ()
        return self


class Query:
    """Asks one database. One object may be used from several threads."""

    def __init__(self, url: str, relations: Mapping[str, Any]) -> None:
        self._url = _checked_url(url)
        self._declared = _declared(relations)
        self._lock = Lock()
        self._opened: Opened | None = None
        self._is_closed = False

    def graph(
        self,
        entity: str,
        fields: Iterable[str] = ("*",),
        filters: Mapping[str, Any] | None = None,
        pagination: Mapping[str, Any] | None = None,
        with_deleted: bool = False,
    ) -> "Result | Pending[Result]":
        """Return the rows of an entity; where an event loop runs, an awaitable of them.

        entity: a table or view, in the singular or the plural, `schema.table` outside of the search path.
        fields: columns, `*`, `relation.column`, `relation.*`, to any depth.
        filters: see docs/query.md. pagination: `skip`, `take`, `order` (`{"created_at": "DESC"}`).
        with_deleted: whether to show rows whose `deleted_at` is set, those of relations included.

        Rows come in the wanted order, equal ones by primary key; None last. All statements see one moment of
        the database. The same row of a relation is the same dict under all rows that refer to it. Raise
        QueryError, before any row is read where it is the question that is wrong.
        """
        answer = partial(self._answer, entity, fields, filters, pagination, with_deleted)
        return Pending(answer) if running_loop() is not None else answer()

    def close(self) -> None:
        """Close the connections; later questions are refused."""
        with self._lock:
            self._is_closed = True
            if self._opened is not None:
                self._opened.engine.dispose()

    def _answer(self, entity: Any, fields: Any, filters: Any, pagination: Any, with_deleted: Any) -> Result:
        # Late, all of them: a job that asks nothing must not pay for them.
        from cronjobs.services.query import arguments
        from cronjobs.services.query.plan import Planner
        from cronjobs.services.query.schema import Schema

        entity = arguments.checked_entity(entity)
        fields = arguments.checked_fields(fields, place=entity)
        page = arguments.checked_page(pagination, place=entity)
        with_deleted = arguments.checked_flag(with_deleted, "with_deleted", place=entity)
        opened = self._open()
        from cronjobs.services.query.sql.load import load

        with _database_errors(entity), opened.snapshot() as connection:
            schema = Schema(opened.database, connection, opened.memory)
            planner = Planner(schema, self._declared)
            question = planner.question(entity, fields, filters, page, with_deleted=with_deleted)
            data, count = load(question, opened.database, connection)
        metadata = {"count": count, "skip": page.skip or 0, "take": page.take} if page.is_part else {}
        return Result(data, metadata)

    def _open(self) -> "Opened":
        with self._lock:
            if self._is_closed:
                raise QueryError("this query is closed; ask within the run that it was made for")
            if self._opened is None:
                _check_installed()
                from cronjobs.services.query.sql.connect import opened  # late: imports SQLAlchemy

                self._opened = opened(self._url)
            return self._opened


def _checked_url(url: Any) -> str:
    if not isinstance(url, str) or "://" not in url:
        hint = 'write such as "sqlite:///shop.db" or "postgresql://user@host/database"'
        raise QueryError(f"query.url: no database is named; {hint}", hint=hint)
    return url


def _declared(relations: Mapping[str, Any]) -> "tuple[Declared, ...]":
    if isinstance(relations, Mapping) and not relations:
        return ()
    from cronjobs.services.query.relations import declared_relations  # late: most schemas declare their own

    return declared_relations(relations)


def _check_installed() -> None:
    try:
        import sqlalchemy  # noqa: F401 - the extra's package, late
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        hint = 'pip install "cronjobs[query]"'
        raise QueryError(f"query needs SQLAlchemy, which is not installed: {hint}", hint=hint) from None


@contextmanager
def _database_errors(entity: str) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise QueryError(f"{entity}: the database refused: {' '.join(str(cause).split())}") from error
