"""The shop's database: where it lies, how it comes to be, and the service `shop`. No job lives here."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql")


def data_directory() -> Path:
    """Return the directory of everything the jobs make; it exists afterwards.

    The environment variable SHOP_DATA names it; without one it is `data` beside this file.
    """
    directory = Path(os.environ.get("SHOP_DATA") or SCHEMA.with_name("data"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def database_path() -> Path:
    """Return the path of the database's file, which need not exist yet; `[query]` names the same one."""
    return data_directory() / "shop.db"


def open_shop() -> Iterator[sqlite3.Connection]:
    """Make the service `shop`: the open database, filled on its first use.

    Every statement is a transaction of its own, but for those inside of `transaction(shop)`.
    """
    # Jobs may use it in threads (health does), though in one at a time.
    connection = sqlite3.connect(database_path(), timeout=10, isolation_level=None, check_same_thread=False)
    with closing(connection) as shop:
        shop.row_factory = sqlite3.Row
        shop.execute("PRAGMA foreign_keys = ON")
        fill_once(shop)
        # What comes after is clean-up, and runs at the run's end, whatever ended it.
        yield shop


@contextmanager
def transaction(shop: sqlite3.Connection) -> Iterator[None]:
    """Make one transaction of what is inside: all of it is kept, or after an exception nothing."""
    with shop:
        # Immediate: two jobs that read first and write later would each wait for the other.
        shop.execute("BEGIN IMMEDIATE")
        yield


def fill_once(shop: sqlite3.Connection) -> None:
    """Run `schema.sql` if nobody has; whoever looks meanwhile sees no shop or the whole one."""
    if is_filled(shop):
        return
    with transaction(shop):
        # Asked again under the lock: of several jobs that start at once, the first fills the shop.
        if not is_filled(shop):
            # Not executescript, which would commit before the first statement and let go of the lock.
            for statement in statements(SCHEMA.read_text(encoding="utf-8")):
                shop.execute(statement)


def is_filled(shop: sqlite3.Connection) -> bool:
    """Return whether `schema.sql` has run: its last line sets the version."""
    return bool(shop.execute("PRAGMA user_version").fetchone()[0])


def statements(script: str) -> Iterator[str]:
    """Yield the statements of an SQL script, in which every statement ends with its line."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def stored(moment: datetime) -> str:
    """Return a moment as the database writes it: UTC, whole seconds, in an order that text has too."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
