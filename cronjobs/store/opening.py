"""Opening a state file: what is refused, what is brought up to date, and SQLite's complaints in our words."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from cronjobs.core.errors import StateError, StateLostError
from cronjobs.store.migrations import APPLICATION_ID, MIGRATIONS

_BUSY_SECONDS = 10.0
_ATTEMPTS = 20


def connect(path: str) -> sqlite3.Connection:
    """Open for writing; a file that is not there is made."""
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, cached_statements=64)


def connect_for_reading(path: str) -> sqlite3.Connection:
    """Open for reading; in a directory that is read-only, WAL's companions cannot be made."""
    uri = "file:" + os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    database = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        database.close()
        if _has_more_than(path):
            raise
        database = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None)
    except BaseException:
        database.close()
        raise
    return database


def _has_more_than(path: str) -> bool:
    """Return whether a part of the last transactions, or of their undoing, is in a file beside it."""
    wal, journal = (os.path.realpath(path) + end for end in ("-wal", "-journal"))
    return os.path.exists(wal) or (os.path.exists(journal) and os.path.getsize(journal) > 0)


def inspect(path: str) -> None:
    """Raise StateError for a file that is not to be used.

    Read-only: a writable connection, when it is closed, moves a crashed writer's WAL into the file.
    """
    try:
        database = connect_for_reading(path)
    except sqlite3.OperationalError:
        database = connect(path)  # half a transaction is in the file: only a writer can take it back
    try:
        refuse_foreign(database, path)
    finally:
        database.close()


def version(database: sqlite3.Connection) -> int:
    """Return how many migrations a file has seen."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def is_outdated(database: sqlite3.Connection) -> bool:
    """Return whether an older version wrote the file."""
    return version(database) < len(MIGRATIONS)


def refuse_foreign(database: sqlite3.Connection, path: str) -> None:
    """Raise StateError for a file that is damaged, newer, or no state file; write nothing."""
    application = database.execute("PRAGMA application_id").fetchone()[0]
    is_empty = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and not is_empty:
        raise StateError(
            f"{path} is a SQLite database of something else",
            hint="name another file with --state or `state` in [cronjobs]",
        )
    if version(database) > len(MIGRATIONS):
        raise StateError(
            f"{path} was written by a newer version of cronjobs"
            f" (file version {version(database)}, known here: {len(MIGRATIONS)})",
            hint="upgrade cronjobs, or name another file with --state",
        )
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StateError(f"{path} is damaged: {verdict}", hint=_DAMAGED)


_DAMAGED = (
    "move it away to start with counts at zero, or bring back a copy;"
    " `sqlite3 FILE .recover` may save what is in it"
)


def set_journal_mode(database: sqlite3.Connection) -> str:
    """Turn on WAL, or where the file system cannot do that, TRUNCATE; return which."""
    for attempt in range(_ATTEMPTS):
        try:
            mode = str(database.execute("PRAGMA journal_mode=WAL").fetchone()[0])
            break
        except sqlite3.OperationalError:
            if attempt + 1 == _ATTEMPTS:
                raise
            # Others open the new file too. The pragma does not wait for them; this does.
            database.executescript("BEGIN IMMEDIATE; ROLLBACK;")
    if mode == "wal":
        return mode
    return str(database.execute("PRAGMA journal_mode=TRUNCATE").fetchone()[0])


def migrate(database: sqlite3.Connection, path: str) -> None:
    """Bring a file up to date, or make a new one."""
    # Asked once for both: between two questions, another process may have done the rest.
    while (present := version(database)) < len(MIGRATIONS):
        try:
            database.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[present]}"
                f" PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={present + 1}; COMMIT;"
            )
        except sqlite3.OperationalError:
            if database.in_transaction:
                database.execute("ROLLBACK")
            if version(database) == present:
                raise  # if not, another process was quicker with the same


def migrated_copy(database: sqlite3.Connection, path: str) -> sqlite3.Connection:
    """Return a copy in memory that is up to date; the original is closed."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    database.backup(copy)
    database.close()
    migrate(copy, path)
    return copy


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn what SQLite raises into a StateError that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        kind, message, hint = _explain(str(exc), path)
        raise kind(message, hint=hint) from exc
    except OSError as exc:
        raise StateError(f"{path}: {exc.strerror}") from exc


def _explain(text: str, path: str) -> tuple[type[StateError], str, str]:
    for fragment, kind, message, hint in _EXPLANATIONS:
        if fragment in text:
            return kind, f"{path} {message} ({text})", hint
    return StateError, f"{path}: {text}", ""


_EXPLANATIONS = (
    ("not a database", StateLostError, "is not a state file", _DAMAGED),
    ("malformed", StateLostError, "is damaged", _DAMAGED),
    ("disk I/O", StateError, "cannot be read or written", "look at the disk and the system's log"),
    ("full", StateError, "cannot grow: the disk is full", "free some space; what was recorded is safe"),
    ("locked", StateError, "is locked by another process", "see who holds it (`fuser FILE`), and try again"),
    ("readonly", StateError, "is read-only", "make the file and its directory writable, or use --state"),
    (
        "unable to open",
        StateError,
        "cannot be opened",
        "its directory must exist and be writable; --state names another place",
    ),
)
