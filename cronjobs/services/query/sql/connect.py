"""From a URL to a database that answers: opened late, read-only, with errors that keep the password."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from cronjobs.core.errors import QueryError
from cronjobs.services.query.schema import Memory
from cronjobs.services.query.sql.database import Database

_PSYCOPG = ("postgres", "postgresql", "postgresql+psycopg")
_POOL: dict[str, Any] = {
    "poolclass": QueuePool,
    "pool_size": 4,
    "max_overflow": 0,
    "pool_timeout": None,  # a question waits for its turn; the run has a time limit of its own
    "hide_parameters": True,
}


class Opened(NamedTuple):
    """A database that can be asked; nothing is connected before the first `snapshot`."""

    url: URL
    engine: Engine
    database: Database
    memory: Memory

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection whose statements all see the same moment of the database, and write nothing."""
        with self._connected() as connection, connection.begin():
            yield connection

    def _connected(self) -> Connection:
        try:
            return self.engine.connect()
        except DBAPIError as error:
            reason = " ".join(str(error.orig).split())
            for secret in (self.url.password, self.url.query.get("password")):
                reason = reason.replace(str(secret), "***") if secret else reason
            raise QueryError(f"cannot connect to {shown(self.url)}: {reason}") from None


def opened(url: str) -> Opened:
    """Return the database at `url`, or raise QueryError where it cannot be one."""
    parsed = _parsed(url)
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        from cronjobs.services.query.sql.sqlite import Sqlite

        return Opened(parsed, _sqlite_engine(parsed), Sqlite(), Memory())
    if parsed.get_backend_name() == "postgresql":
        from cronjobs.services.query.sql.postgresql import Postgresql

        return Opened(parsed, _postgresql_engine(parsed), Postgresql(), Memory())
    from cronjobs.services.query.sql.other import Other

    return Opened(parsed, _engine(parsed), Other(), Memory())


def shown(url: URL) -> str:
    """Return where a URL leads, with its password hidden and without its options, which may hold one too."""
    return url.set(query={}).render_as_string()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in _PSYCOPG:
            parsed = parsed.set(drivername="postgresql+psycopg")
        is_async = parsed.get_dialect().is_async
    except NoSuchModuleError:
        name = url.partition(":")[0]
        raise QueryError(f"query.url: SQLAlchemy knows no database `{name}`") from None
    except (ArgumentError, ValueError):
        # The parser's own words may hold a piece of the password.
        hint = "write user:password@host:port/database, with special characters as %XX"
        raise QueryError(f"query.url: this is no URL of a database; {hint}", hint=hint) from None
    except ImportError as error:
        raise _not_installed(url.partition(":")[0], error) from None
    if is_async:
        plain = parsed.get_backend_name()
        raise QueryError(f"query.url: `{parsed.drivername}` works with asyncio only; write `{plain}://`")
    return parsed


def _engine(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, **_POOL, **options)
    except ImportError as error:
        raise _not_installed(url.drivername, error) from None


def _not_installed(driver: str, error: ImportError) -> QueryError:
    hint = 'pip install "cronjobs[postgres]"' if driver == "postgresql+psycopg" else "install it"
    return QueryError(f"query.url: the driver of `{driver}` cannot be imported ({error}): {hint}", hint=hint)


def _postgresql_engine(url: URL) -> Engine:
    options: dict[str, Any] = {"client_encoding": "utf8"}
    if "connect_timeout" not in url.query:
        options["connect_timeout"] = 10
    if url.get_driver_name() == "psycopg":
        options["prepare_threshold"] = None  # what is prepared is lost behind a pooler such as PgBouncer
    return _engine(
        url,
        connect_args=options if url.get_driver_name() in ("psycopg", "psycopg2") else {},
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )


def _sqlite_engine(url: URL) -> Engine:
    from cronjobs.services.query.sql.sqlite import register

    engine = _engine(
        _existing_file(url),
        connect_args={"check_same_thread": False, **({} if "timeout" in url.query else {"timeout": 30})},
        # SQLAlchemy 2.0 makes question marks of names in %(this)s form, those of columns too.
        paramstyle="named",
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        register(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _existing_file(url: URL) -> URL:
    """Return a URL that opens the file only if it is there; SQLite would make an empty one."""
    name = url.database or ""
    if not name or name == ":memory:":
        raise QueryError("query.url: names no file; a database in memory would be empty")
    if name.startswith("file:"):
        return url
    path = Path(name).absolute()
    if not path.is_file():
        raise QueryError(f"query.url: there is no file {path}")
    return url.set(database=f"file:{quote(str(path))}").update_query_dict({"mode": "rw", "uri": "true"})
