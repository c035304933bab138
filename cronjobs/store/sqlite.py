"""The state file in SQLite. All its SQL is here and in `migrations`."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cronjobs.core.decide import Facts
from cronjobs.core.errors import StateError, StateLostError
from cronjobs.core.failure import Failure
from cronjobs.core.run import Reason, Run, State, Trigger, Usage
from cronjobs.store.migrations import APPLICATION_ID, MIGRATIONS

if TYPE_CHECKING:  # who reads only, as `status` does, needs neither
    from cronjobs.core.ports import Claim, Definition, Passed
    from cronjobs.processes import Identity

_BUSY_SECONDS = 10.0
_ATTEMPTS = 20
_CHUNK = 500  # bound parameters in one statement; SQLite before 3.32 takes 999

_COLUMNS = (
    "row, job, scheduled_for, manual_number, attempt, trigger, state, reason, execution_number, counting, "
    "dispatcher, claimed_at, started_at, finished_at, pid, start_ticks, exit_code, signal, "
    "error_type, error_message, error_traceback, user_seconds, system_seconds, max_rss_bytes, "
    "skipped_count, first_scheduled_for"
)
_FIELDS = _COLUMNS.split(", ")
_UNFINISHED = "state IN ('claimed', 'waiting', 'running')"  # as the partial index says it, to the letter
_IS_A_RUN = "state NOT IN ('skipped', 'missed')"


class SqliteStore:
    """A `Store`. Each method takes the write lock at once, keeps it for one transaction, and lets go."""

    def __init__(self, path: str, database: sqlite3.Connection, *, notes: Sequence[str] = ()) -> None:
        self.path = path
        self.notes = notes  # what the one who opened it should tell people
        self._database = database
        self._file = _inode(path)
        self._dispatcher: int | None = None
        self._data_version = self._read_data_version()

    @classmethod
    def open(cls, path: str) -> "SqliteStore":
        """Return the store of a state file that may be written, made or brought up to date if need be.

        Raises StateError for a file that cannot be used; such a file is left as it was.
        """
        is_new = not os.path.exists(path) or os.path.getsize(path) == 0
        with _explained(path):
            if not is_new:
                _inspect(path)
            database = _connect(path)
            try:
                mode = _set_journal_mode(database)
                database.execute("PRAGMA synchronous=FULL")
                _migrate(database, path)
            except BaseException:
                database.close()
                raise
        notes = [f"new state file {path}: counts start at zero"] if is_new else []
        if mode != "wal":
            notes.append(f"{path}: its file system cannot do WAL, journal_mode={mode} serves, more slowly")
        return cls(path, database, notes=notes)

    @classmethod
    def read(cls, path: str) -> "SqliteStore | None":
        """Return the store for reading only, or None where there is no state file yet."""
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            return None
        with _explained(path):
            database = _connect_for_reading(path)
            try:
                _refuse_foreign(database, path)
                if _version(database) < len(MIGRATIONS):
                    # Only a writer may bring it up to date; what an older version lacks is read from a copy.
                    database = _migrated_copy(database, path)
            except BaseException:
                database.close()
                raise
        return cls(path, database)

    @classmethod
    def in_memory(
        cls, executions: Mapping[str, int], definitions: Mapping[str, tuple[str, int]]
    ) -> "SqliteStore":
        """Return a store that is gone when it is closed.

        executions, definitions: what it knows of jobs to begin with, as `facts` and `definitions` tell it.
        """
        database = _connect(":memory:")
        _migrate(database, ":memory:")
        database.executemany(
            "INSERT INTO job (name, executions, form, defined_at) VALUES (?, ?, ?, ?)",
            [
                (job, executions.get(job, 0), *definitions.get(job, (None, None)))
                for job in {**executions, **definitions}
            ],
        )
        return cls(":memory:", database)

    # What a scheduler does

    def attach(self, identity: "Identity", *, now: float) -> int:
        """Write down who dispatches runs from here on; return the number that rows name it by."""
        with self._transaction() as database:
            cursor = database.execute(
                "INSERT INTO dispatcher (boot_id, pid, start_ticks, started_at) VALUES (?, ?, ?, ?)",
                (*identity, now),
            )
            self._dispatcher = cursor.lastrowid
        assert self._dispatcher is not None
        return self._dispatcher

    def dispatchers(self) -> dict[int, "Identity"]:
        """Return every dispatcher that unfinished rows name."""
        rows = self._select(
            "SELECT id, boot_id, pid, start_ticks FROM dispatcher"
            f" WHERE id IN (SELECT dispatcher FROM run WHERE {_UNFINISHED})"
        )
        from cronjobs.processes import Identity  # late: as above

        return {row[0]: Identity(*row[1:]) for row in rows}

    def define(self, definitions: Sequence["Definition"], now: int) -> dict[str, int]:
        """Note the jobs there are; return since when each has had its present form."""
        with self._transaction() as database:
            database.executemany(
                "INSERT INTO job (name, form, defined_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET form = excluded.form, defined_at = excluded.defined_at"
                " WHERE job.form IS NOT excluded.form",
                [(definition.job, definition.form, now) for definition in definitions],
            )
            return dict(database.execute("SELECT name, defined_at FROM job WHERE form IS NOT NULL"))

    def facts(self, jobs: Sequence[str]) -> dict[str, Facts]:
        """Return what decisions need, for each of the jobs."""
        found = {job: Facts() for job in jobs}
        for name, executions, counting in self._for_jobs("SELECT name, executions, counting FROM job", jobs):
            if name in found:
                found[name] = Facts(executions, 0, counting)
        for name, unfinished in self._select(
            f"SELECT job, count(*) FROM run WHERE {_UNFINISHED} GROUP BY job"
        ):
            if name in found:
                found[name] = found[name]._replace(unfinished=unfinished)
        return found

    def changed(self) -> bool:
        """Return whether another process has written since this was last asked."""
        before, self._data_version = self._data_version, self._read_data_version()
        return before != self._data_version

    def claim(
        self, claims: Sequence["Claim"], passed: Sequence["Passed"], *, ticked_until: int, now: float
    ) -> tuple[list[Run], list[Run]]:
        """Own occurrences and count them, and write down those decided against."""
        with self._transaction() as database:
            written = [self._pass(database, each, now) for each in passed if each.state == "missed"]
            claimed: list[Run | None] = []
            for claim in claims:
                if claim.is_exclusive and _is_unfinished(database, claim.job):
                    written.append(self._pass(database, _overlapping(claim), now))
                else:
                    claimed.append(self._claim(database, claim, now))
            # After the claims: a skip must not share a row with an earlier one across a run.
            written += [self._pass(database, each, now) for each in passed if each.state == "skipped"]
            database.execute(_TICK, (now, ticked_until))
        return [run for run in claimed if run], [row for row in written if row]

    def claim_manual(self, claim: "Claim", *, counted: bool, now: float) -> Run | Reason:
        """Own a run that somebody asked for by hand; it takes no scheduled occurrence's place."""
        with self._transaction() as database:
            if claim.is_exclusive and _is_unfinished(database, claim.job):
                return Reason.OVERLAP
            number = self._count(database, claim) if counted else (None, None)
            if number is None:
                return Reason.LIMIT
            (manual_number,) = database.execute(
                "SELECT coalesce(max(manual_number), 0) + 1 FROM run WHERE job = ? AND scheduled_for = ?",
                (claim.job, claim.scheduled_for),
            ).fetchone()
            return self._insert(database, claim, now, counted=number, manual_number=manual_number)

    def wait(self, runs: Sequence[Run]) -> None:
        """Write `waiting` for claimed runs that have no room yet."""
        with self._transaction() as database:
            database.executemany(
                "UPDATE run SET state = 'waiting' WHERE row = ?", [(run.row,) for run in runs]
            )

    def start(self, runs: Sequence[Run], outcomes: Sequence[Run] = ()) -> None:
        """Write `running`, with process and start, before the go byte; and outcomes with it."""
        with self._transaction() as database:
            database.executemany(
                "UPDATE run SET state = ?, started_at = ?, pid = ?, start_ticks = ?, dispatcher = ?"
                " WHERE row = ?",
                [
                    (run.state.value, run.started_at, run.pid, run.start_ticks, self._dispatcher, run.row)
                    for run in runs
                ],
            )
            self._finish(database, outcomes)

    def finish(self, runs: Sequence[Run]) -> None:
        """Write final states. A run that never began gives its count back."""
        with self._transaction() as database:
            self._finish(database, runs)

    def tick(self, *, ticked_until: int, now: float) -> None:
        """Write down how far the scheduler has looked, and that it lives."""
        with self._transaction() as database:
            database.execute(_TICK, (now, ticked_until))

    def prune(self, *, before: float, rows_a_job: int) -> int:
        """Forget finished rows from before an instant, and all but a job's newest; return how many."""
        with self._transaction() as database:
            old = database.execute(
                f"DELETE FROM run WHERE NOT {_UNFINISHED} AND scheduled_for < ?", (int(before),)
            ).rowcount
            surplus = 0
            crowded = database.execute(
                "SELECT job FROM run GROUP BY job HAVING count(*) > ?", (rows_a_job,)
            ).fetchall()
            for (job,) in crowded:
                surplus += database.execute(
                    f"DELETE FROM run WHERE job = ? AND NOT {_UNFINISHED} AND scheduled_for < (SELECT"
                    " scheduled_for FROM run WHERE job = ? ORDER BY scheduled_for DESC LIMIT 1 OFFSET ?)",
                    (job, job, rows_a_job - 1),
                ).rowcount
            # A young one may be about to claim.
            database.execute(
                "DELETE FROM dispatcher WHERE id IS NOT ? AND started_at < ? AND id NOT IN"
                " (SELECT dispatcher FROM run WHERE dispatcher IS NOT NULL)",
                (self._dispatcher, before),
            )
            return old + surplus

    # What is found at a start

    def ticked_until(self) -> int | None:
        """Return how far this file's schedulers have looked, or None for a new file."""
        found: int | None = self._one("SELECT ticked_until FROM scheduler")
        return found

    def unfinished(self) -> list[Run]:
        """Return every run that is claimed, waiting or running, oldest first."""
        return self._runs(f"WHERE {_UNFINISHED} ORDER BY scheduled_for, row")

    def adopt(self, runs: Sequence[Run]) -> list[Run]:
        """Take over claimed runs of dispatchers that are gone."""
        with self._transaction() as database:
            database.executemany(
                "UPDATE run SET state = 'claimed', dispatcher = ? WHERE row = ?",
                [(self._dispatcher, run.row) for run in runs],
            )
        return [run._replace(state=State.CLAIMED, dispatcher=self._dispatcher) for run in runs]

    # What people ask

    def ticked_at(self) -> float | None:
        """Return when a scheduler last showed that it lives."""
        found: float | None = self._one("SELECT ticked_at FROM scheduler")
        return found

    def definitions(self) -> dict[str, tuple[str, int]]:
        """Return {job: its form, and since when it has had it}."""
        rows = self._select("SELECT name, form, defined_at FROM job WHERE form IS NOT NULL")
        return {name: (form, defined_at) for name, form, defined_at in rows}

    def last_runs(self, jobs: Sequence[str]) -> dict[str, Run]:
        """Return each job's newest row that stands for a run."""
        newest = (
            f"WHERE job = ? AND {_IS_A_RUN}"
            " ORDER BY scheduled_for DESC, manual_number DESC, attempt DESC LIMIT 1"
        )
        return {job: runs[0] for job in jobs if (runs := self._runs(newest, (job,)))}

    def history(self, *, job: str | None = None, state: str | None = None, limit: int = 50) -> list[Run]:
        """Return rows, newest first."""
        conditions = [("job = ?", job), ("state = ?", state)]
        asked = [(text, value) for text, value in conditions if value is not None]
        where = f"WHERE {' AND '.join(text for text, _ in asked)}" if asked else ""
        order = "ORDER BY scheduled_for DESC, row DESC" if job else "ORDER BY row DESC"
        return self._runs(f"{where} {order} LIMIT ?", (*(value for _, value in asked), limit))

    def reset(self, job: str) -> int:
        """Begin a new counting at zero; return what the count was."""
        with self._transaction() as database:
            found = database.execute("SELECT executions FROM job WHERE name = ?", (job,)).fetchone()
            database.execute(
                "INSERT INTO job (name) VALUES (?) ON CONFLICT (name) DO UPDATE"
                " SET executions = 0, counting = counting + 1",
                (job,),
            )
        return found[0] if found else 0

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    # How

    def _claim(self, database: sqlite3.Connection, claim: "Claim", now: float) -> Run | None:
        if _has_row(database, claim.job, claim.scheduled_for):
            return None
        counted = self._count(database, claim)
        return None if counted is None else self._insert(database, claim, now, counted=counted)

    def _count(self, database: sqlite3.Connection, claim: "Claim") -> tuple[int, int] | None:
        """Count an execution: (its number, the counting), or None where the limit is used up."""
        is_counted = database.execute(
            "UPDATE job SET executions = executions + 1 WHERE name = ? AND (? IS NULL OR executions < ?)",
            (claim.job, claim.limit, claim.limit),
        ).rowcount
        if not is_counted:
            return None
        # Not RETURNING: SQLite knows it from 3.35 on, and RHEL 9 has 3.34.
        counted: tuple[int, int] = database.execute(
            "SELECT executions, counting FROM job WHERE name = ?", (claim.job,)
        ).fetchone()
        return counted

    def _insert(
        self,
        database: sqlite3.Connection,
        claim: "Claim",
        now: float,
        *,
        counted: tuple[int | None, int | None],
        manual_number: int = 0,
    ) -> Run:
        trigger = claim.trigger.value
        owner = (*counted, self._dispatcher, now)
        row = database.execute(
            "INSERT INTO run (job, scheduled_for, manual_number, trigger, state, execution_number, counting,"
            " dispatcher, claimed_at) VALUES (?, ?, ?, ?, 'claimed', ?, ?, ?, ?)",
            (claim.job, claim.scheduled_for, manual_number, trigger, *owner),
        ).lastrowid
        assert row is not None
        return Run(
            *(row, claim.job, claim.scheduled_for, manual_number, 1, claim.trigger, State.CLAIMED, None),
            *owner,
        )

    def _pass(self, database: sqlite3.Connection, passed: "Passed", now: float) -> Run | None:
        """Write occurrences decided against: into the job's newest row if that says the same.

        None if the last of them has a row already: somebody was quicker, or the clock was set back.
        """
        if _has_row(database, passed.job, passed.scheduled_for):
            return None
        newest = database.execute(
            "SELECT row, scheduled_for < ?, state, reason FROM run WHERE job = ? AND manual_number = 0"
            " ORDER BY scheduled_for DESC, attempt DESC LIMIT 1",
            (passed.first_scheduled_for, passed.job),
        ).fetchone()
        if passed.state == "skipped" and newest and newest[1:] == (True, passed.state, passed.reason.value):
            database.execute(
                "UPDATE run SET scheduled_for = ?, skipped_count = skipped_count + ?, finished_at = ?"
                " WHERE row = ?",
                (passed.scheduled_for, passed.skipped_count, now, newest[0]),
            )
            row = newest[0]
        else:
            row = database.execute(
                "INSERT INTO run (job, scheduled_for, trigger, state, reason, finished_at,"
                " skipped_count, first_scheduled_for) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    passed.job,
                    passed.scheduled_for,
                    passed.trigger.value,
                    passed.state,
                    passed.reason.value,
                    now,
                    passed.skipped_count,
                    passed.first_scheduled_for,
                ),
            ).lastrowid
        return _run(database.execute(f"SELECT {_COLUMNS} FROM run WHERE row = ?", (row,)).fetchone())

    def _finish(self, database: sqlite3.Connection, runs: Sequence[Run]) -> None:
        database.executemany(
            "UPDATE run SET state = ?, reason = ?, started_at = ?, finished_at = ?, exit_code = ?,"
            " signal = ?, error_type = ?, error_message = ?, error_traceback = ?,"
            " user_seconds = ?, system_seconds = ?, max_rss_bytes = ?"
            f" WHERE row = ? AND {_UNFINISHED}",
            [
                (
                    run.state.value,
                    run.reason and run.reason.value,
                    run.started_at,
                    run.finished_at,
                    run.exit_code,
                    run.signal,
                    *(map(_storable, run.error) if run.error else (None, None, None)),
                    *(run.usage or (None, None, None)),
                    run.row,
                )
                for run in runs
            ],
        )
        never_began = [
            run
            for run in runs
            if run.started_at is None and run.counting and run.state in (State.MISSED, State.CANCELLED)
        ]
        for run in never_began:
            # From the row, not from `run`: written twice, an end gives its count back once.
            database.execute(
                "UPDATE job SET executions = executions - 1"
                " WHERE name = ? AND counting = (SELECT counting FROM run WHERE row = ?)",
                (run.job, run.row),
            )
            database.execute(
                "UPDATE run SET execution_number = NULL, counting = NULL WHERE row = ?", (run.row,)
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _explained(self.path):
            self._refuse_replaced()
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _refuse_replaced(self) -> None:
        """A file that was unlinked or replaced takes writes that nobody will ever read."""
        if _inode(self.path) != self._file:
            raise StateLostError(
                f"the state file {self.path} was removed or replaced while it was in use",
                hint="put it back and start again; what was recorded since is in the file that is gone",
            )

    def _select(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with _explained(self.path):
            return self._database.execute(sql, parameters).fetchall()

    def _one(self, sql: str) -> Any:
        rows = self._select(sql)
        return rows[0][0] if rows else None

    def _for_jobs(self, select: str, jobs: Sequence[str]) -> Iterator[Any]:
        if len(jobs) > 10 * _CHUNK:
            yield from self._select(select)
            return
        for begin in range(0, len(jobs), _CHUNK):
            chunk = jobs[begin : begin + _CHUNK]
            yield from self._select(f"{select} WHERE name IN ({','.join('?' * len(chunk))})", chunk)

    def _runs(self, clause: str, parameters: Sequence[Any] = ()) -> list[Run]:
        return [_run(row) for row in self._select(f"SELECT {_COLUMNS} FROM run {clause}", parameters)]

    def _read_data_version(self) -> int:
        return int(self._one("PRAGMA data_version"))


def _run(row: Sequence[Any]) -> Run:
    values = dict(zip(_FIELDS, row, strict=True))
    error = Failure(*(values.pop(f"error_{field}") for field in Failure._fields))
    usage = Usage(*(values.pop(field) for field in Usage._fields))
    values["trigger"] = Trigger(values["trigger"])
    values["state"] = State(values["state"])
    values["reason"] = values["reason"] and Reason(values["reason"])
    return Run(
        **values,
        error=None if error.type is None else error,
        usage=None if usage.user_seconds is None else usage,
    )


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _storable(text: str) -> str:
    """Return text without lone surrogates: a file name in an exception may have some, UTF-8 has none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _has_row(database: sqlite3.Connection, job: str, scheduled_for: int) -> bool:
    """Return whether a row stands for an occurrence, alone or with others."""
    sql = (
        "SELECT 1 FROM run WHERE job = ? AND scheduled_for >= ? AND manual_number = 0"
        " AND coalesce(first_scheduled_for, scheduled_for) <= ? LIMIT 1"
    )
    return database.execute(sql, (job, scheduled_for, scheduled_for)).fetchone() is not None


def _is_unfinished(database: sqlite3.Connection, job: str) -> bool:
    sql = f"SELECT 1 FROM run WHERE job = ? AND {_UNFINISHED} LIMIT 1"
    return database.execute(sql, (job,)).fetchone() is not None


def _overlapping(claim: "Claim") -> "Passed":
    from cronjobs.core.ports import Passed  # late: as above

    instant = claim.scheduled_for
    return Passed(claim.job, instant, instant, 1, "skipped", Reason.OVERLAP, claim.trigger)


_TICK = "UPDATE scheduler SET ticked_at = ?, ticked_until = ?"


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, cached_statements=64)


def _connect_for_reading(path: str) -> sqlite3.Connection:
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


def _inspect(path: str) -> None:
    """Raise StateError for a file that is not to be used.

    Read-only: a writable connection, when it is closed, moves a crashed writer's WAL into the file.
    """
    try:
        database = _connect_for_reading(path)
    except sqlite3.OperationalError:
        database = _connect(path)  # half a transaction is in the file: only a writer can take it back
    try:
        _refuse_foreign(database, path)
    finally:
        database.close()


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _refuse_foreign(database: sqlite3.Connection, path: str) -> None:
    """Raise StateError for a file that is damaged, newer, or no state file; write nothing."""
    application = database.execute("PRAGMA application_id").fetchone()[0]
    is_empty = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and not is_empty:
        raise StateError(
            f"{path} is a SQLite database of something else",
            hint="name another file with --state or `state` in [cronjobs]",
        )
    if _version(database) > len(MIGRATIONS):
        raise StateError(
            f"{path} was written by a newer version of cronjobs"
            f" (file version {_version(database)}, known here: {len(MIGRATIONS)})",
            hint="upgrade cronjobs, or name another file with --state",
        )
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StateError(f"{path} is damaged: {verdict}", hint=_DAMAGED)


_DAMAGED = (
    "move it away to start with counts at zero, or bring back a copy;"
    " `sqlite3 FILE .recover` may save what is in it"
)


def _set_journal_mode(database: sqlite3.Connection) -> str:
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


def _migrate(database: sqlite3.Connection, path: str) -> None:
    while (version := _version(database)) < len(MIGRATIONS):
        try:
            database.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[version]}"
                f" PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={version + 1}; COMMIT;"
            )
        except sqlite3.OperationalError:
            if database.in_transaction:
                database.execute("ROLLBACK")
            if _version(database) == version:
                raise  # if not, another process was quicker with the same


def _migrated_copy(database: sqlite3.Connection, path: str) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    database.backup(copy)
    database.close()
    _migrate(copy, path)
    return copy


@contextmanager
def _explained(path: str) -> Iterator[None]:
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
