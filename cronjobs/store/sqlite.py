"""The state file in SQLite. All its SQL is here and in `migrations`."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cronjobs.core.decide import Facts
from cronjobs.core.errors import StateLostError
from cronjobs.core.failure import Failure
from cronjobs.core.run import Reason, Run, State, Trigger, Usage
from cronjobs.store.migrations import UNFINISHED
from cronjobs.store.opening import (
    connect,
    connect_for_reading,
    explained,
    inspect,
    is_outdated,
    migrate,
    migrated_copy,
    refuse_foreign,
    set_journal_mode,
)

if TYPE_CHECKING:  # who reads only, as `status` does, needs neither
    from cronjobs.core.ports import Claim, Definition, Passed
    from cronjobs.core.questions import Entry, Reply
    from cronjobs.core.workflow import WorkflowRecord
    from cronjobs.processes import Identity

_CHUNK = 500  # bound parameters in one statement; SQLite before 3.32 takes 999

_COLUMNS = (
    "row, job, scheduled_for, manual_number, attempt, trigger, state, reason, execution_number, counting, "
    "dispatcher, claimed_at, started_at, finished_at, pid, start_ticks, exit_code, signal, "
    "error_type, error_message, error_traceback, user_seconds, system_seconds, max_rss_bytes, "
    "skipped_count, first_scheduled_for, result"
)
_FIELDS = _COLUMNS.split(", ")
_IS_A_RUN = "state NOT IN ('skipped', 'missed')"
_IS_NOT_LAST_SUCCESS = "row NOT IN (SELECT max(row) FROM run WHERE state = 'succeeded' GROUP BY job)"
# A row's number is given again once the row is gone, and must not make a stranger a workflow's owner.
_HAS_NO_WORKFLOW = "row NOT IN (SELECT run FROM workflow WHERE state = 'running')"
_IS_FORGETTABLE = f"NOT {UNFINISHED} AND {_IS_NOT_LAST_SUCCESS} AND {_HAS_NO_WORKFLOW}"


class SqliteStore:
    """A `Store`. Each method takes the write lock at once, keeps it for one transaction, and lets go."""

    def __init__(
        self, path: str, database: sqlite3.Connection, *, notes: Sequence[str] = (), is_wal: bool = False
    ) -> None:
        self.path = path
        self.notes = notes  # what the one who opened it should tell people
        self._database = database
        self._file = _inode(path)
        self._is_wal = is_wal
        self._dispatcher: int | None = None
        self._data_version = self._read_data_version()

    @classmethod
    def open(cls, path: str) -> "SqliteStore":
        """Return the store of a state file that may be written, made or brought up to date if need be.

        Raises StateError for a file that cannot be used; such a file is left as it was.
        """
        is_new = not os.path.exists(path) or os.path.getsize(path) == 0
        with explained(path):
            if not is_new:
                inspect(path)
            database = connect(path)
            try:
                mode = set_journal_mode(database)
                database.execute("PRAGMA synchronous=FULL")
                migrate(database, path)
            except BaseException:
                database.close()
                raise
        notes = [f"new state file {path}: counts start at zero"] if is_new else []
        if mode != "wal":
            notes.append(f"{path}: its file system cannot do WAL, journal_mode={mode} serves, more slowly")
        return cls(path, database, notes=notes, is_wal=mode == "wal")

    @classmethod
    def read(cls, path: str) -> "SqliteStore | None":
        """Return the store for reading only, or None where there is no state file yet."""
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            return None
        with explained(path):
            database = connect_for_reading(path)
            try:
                refuse_foreign(database, path)
                if is_outdated(database):
                    # Only a writer may bring it up to date; what an older version lacks is read from a copy.
                    database = migrated_copy(database, path)
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
        database = connect(":memory:")
        migrate(database, ":memory:")
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
            f" WHERE id IN (SELECT dispatcher FROM run WHERE {UNFINISHED})"
        )
        from cronjobs.processes import Identity  # late: as above

        return {row[0]: Identity(*row[1:]) for row in rows}

    def define(self, definitions: Iterable["Definition"], now: int, *, after: int = -1) -> dict[str, int]:
        """Note the jobs there are; return since when each has had its present form, if that is after `after`.

        Both are UTC seconds.
        """
        with self._transaction() as database:
            database.executemany(
                "INSERT INTO job (name, form, defined_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET form = excluded.form, defined_at = excluded.defined_at"
                " WHERE job.form IS NOT excluded.form",
                ((definition.job, definition.form, now) for definition in definitions),
            )
            recent = "SELECT name, defined_at FROM job WHERE form IS NOT NULL AND defined_at > ?"
            return dict(database.execute(recent, (after,)))

    def facts(self, jobs: Sequence[str]) -> dict[str, Facts]:
        """Return what decisions need, for each of the jobs."""
        found = dict.fromkeys(jobs, Facts())
        alike: dict[Facts, Facts] = {}  # so that thousands of jobs share a handful of facts
        for name, executions, counting in self._for_jobs("SELECT name, executions, counting FROM job", jobs):
            if name in found:
                facts = Facts(executions, 0, counting)
                found[name] = alike.setdefault(facts, facts)
        for name, unfinished in self._select(
            f"SELECT job, count(*) FROM run WHERE {UNFINISHED} GROUP BY job"
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
        """Write down how far the scheduler has looked, and that it lives.

        A power cut may take it back: then the next start looks at some time again in which nothing was due.
        """
        with self._unflushed(), self._transaction() as database:
            database.execute(_TICK, (now, ticked_until))

    def prune(self, *, before: float, rows_a_job: int) -> int:
        """Forget finished rows from before an instant, and all but a job's newest; return how many.

        A job's last success stays, however old: its next run may ask for it. So does a run whose workflow is
        not over.
        """
        with self._transaction() as database:
            old = database.execute(
                f"DELETE FROM run WHERE scheduled_for < ? AND {_IS_FORGETTABLE}",
                (int(before),),
            ).rowcount
            surplus = 0
            crowded = database.execute(
                "SELECT job FROM run GROUP BY job HAVING count(*) > ?", (rows_a_job,)
            ).fetchall()
            for (job,) in crowded:
                surplus += database.execute(
                    "DELETE FROM run WHERE job = ? AND scheduled_for < (SELECT scheduled_for FROM run"
                    " WHERE job = ? ORDER BY scheduled_for DESC LIMIT 1 OFFSET ?)"
                    f" AND {_IS_FORGETTABLE}",
                    (job, job, rows_a_job - 1),
                ).rowcount
            # A young one may be about to claim.
            database.execute(
                "DELETE FROM dispatcher WHERE id IS NOT ? AND started_at < ? AND id NOT IN"
                " (SELECT dispatcher FROM run WHERE dispatcher IS NOT NULL)",
                (self._dispatcher, before),
            )
            return old + surplus

    # What runs ask for

    def journal(self, entries: Sequence[tuple[Run, "Entry"]], *, now: float) -> "list[Reply]":
        """Write what runs say of their workflows; return the reply to each. Not the owner's: `Lost`."""
        from cronjobs.store import workflows  # late: only for jobs that have some

        with self._transaction() as database:
            return [workflows.write(database, run, entry, now) for run, entry in entries]

    def workflow_owner(self, id: str) -> Run | None:
        """Return the run that has the newest workflow of an id, if both are unfinished."""
        from cronjobs.store import workflows  # late: as above

        with explained(self.path):
            row = workflows.owner(self._database, id)
        owners = [] if row is None else self._runs(f"WHERE row = ? AND {UNFINISHED}", (row,))
        return owners[0] if owners else None

    def last_success(self, job: str) -> Run | None:
        """Return the job's newest run that succeeded."""
        newest = "ORDER BY scheduled_for DESC, manual_number DESC, attempt DESC LIMIT 1"
        found = self._runs(f"WHERE job = ? AND state = 'succeeded' {newest}", (job,))
        return found[0] if found else None

    def prune_workflows(self, *, now: float, keep_seconds: float) -> int:
        """Forget workflows that are over, each after its own retention or else this; return how many."""
        from cronjobs.store import workflows  # late: as above

        with self._transaction() as database:
            return workflows.prune(database, now=now, keep_seconds=keep_seconds)

    # What is found at a start

    def ticked_until(self) -> int | None:
        """Return how far this file's schedulers have looked, or None for a new file."""
        found: int | None = self._one("SELECT ticked_until FROM scheduler")
        return found

    def first_free(self, job: str, instant: int) -> int:
        """Return the first second, from an instant on, for which no row of a job stands."""
        with explained(self.path):
            while _has_row(self._database, job, instant):
                instant += 1
        return instant

    def unfinished(self) -> list[Run]:
        """Return every run that is claimed, waiting or running, oldest first."""
        return self._runs(f"WHERE {UNFINISHED} ORDER BY scheduled_for, row")

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

    def workflows(
        self, *, state: str | None = None, job: str | None = None, limit: int = 50
    ) -> "list[WorkflowRecord]":
        """Return workflows, newest first, without their steps."""
        from cronjobs.store import workflows  # late: as above

        with explained(self.path):
            return workflows.records(self._database, state=state, job=job, limit=limit)

    def workflow(self, id: str) -> "WorkflowRecord | None":
        """Return a workflow with its steps, by its id with `~n`, or the newest of an id without."""
        from cronjobs.store import workflows  # late: as above

        with explained(self.path):
            return workflows.record(self._database, id)

    def request_workflow_cancel(self, id: str) -> bool:
        """Ask the run that has a workflow to undo it; False where no unfinished run has it."""
        from cronjobs.store import workflows  # late: as above

        with self._transaction() as database:
            return workflows.request_cancel(database, id)

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
            " user_seconds = ?, system_seconds = ?, max_rss_bytes = ?, result = ?"
            f" WHERE row = ? AND {UNFINISHED}",
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
                    run.result,
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
        with explained(self.path):
            self._refuse_replaced()
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _unflushed(self) -> Iterator[None]:
        """Commit without waking up the disk, where that can be undone by a power cut, but harm nothing."""
        if not self._is_wal:
            yield
            return
        self._select("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            self._select("PRAGMA synchronous=FULL")

    def _refuse_replaced(self) -> None:
        """A file that was unlinked or replaced takes writes that nobody will ever read."""
        if _inode(self.path) != self._file:
            raise StateLostError(
                f"the state file {self.path} was removed or replaced while it was in use",
                hint="put it back and start again; what was recorded since is in the file that is gone",
            )

    def _select(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with explained(self.path):
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
    sql = f"SELECT 1 FROM run WHERE job = ? AND {UNFINISHED} LIMIT 1"
    return database.execute(sql, (job,)).fetchone() is not None


def _overlapping(claim: "Claim") -> "Passed":
    from cronjobs.core.ports import Passed  # late: as above

    instant = claim.scheduled_for
    return Passed(claim.job, instant, instant, 1, "skipped", Reason.OVERLAP, claim.trigger)


_TICK = "UPDATE scheduler SET ticked_at = ?, ticked_until = ?"
