"""The SQLite store and its file: what it refuses, what it survives, and that it spoils nothing."""

import os
import sqlite3
import subprocess
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from factories import HOUR, NOON, a_claim, a_skip
from powers import answer_as_anybody, needs_setpriv

from cronjobs.core.errors import StateError, StateLostError
from cronjobs.core.failure import Failure
from cronjobs.core.ports import Definition
from cronjobs.core.run import Outcome, State, Trigger, advance, finish
from cronjobs.processes import own_identity
from cronjobs.store import opening
from cronjobs.store.migrations import APPLICATION_ID, MIGRATIONS
from cronjobs.store.sqlite import SqliteStore

CALLER_IS_ROOT = os.geteuid() == 0
TABLES = ("scheduler", "dispatcher", "job", "run")


@pytest.fixture
def file(tmp_path):
    """Where the state file lies, or will lie: alone in a directory of its own."""
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "state.db"


@pytest.fixture
def open_store():
    """A function that opens the store of a file, and attaches to it; all are closed at the end."""
    opened = []

    def open_one(file):
        store = SqliteStore.open(str(file))
        opened.append(store)
        store.attach(own_identity(), now=NOON)
        store.define([Definition("tidy", "hourly")], NOON)
        return store

    yield open_one
    for store in opened:
        store.close()


def claim(store, *instants):
    claims = [a_claim(scheduled_for=instant) for instant in instants or [NOON]]
    return store.claim(claims, [], ticked_until=NOON, now=NOON)[0]


def a_state_file(file, *, rows=3):
    """Make a state file with some rows, closed as a scheduler that ends closes it."""
    store = SqliteStore.open(str(file))
    store.attach(own_identity(), now=NOON)
    store.define([Definition("tidy", "hourly")], NOON)
    claim(store, *(NOON + row * HOUR for row in range(rows)))
    store.close()


def as_after_a_crash(file, *, statement):
    """Have a database's last transaction lie in its WAL only, as a writer that was killed leaves it."""
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute(statement)
        writer.commit()
        left = {each: each.read_bytes() for each in file.parent.iterdir() if not each.name.endswith("-shm")}
    for each in file.parent.iterdir():
        each.unlink()
    for each, content in left.items():
        each.write_bytes(content)
    assert Path(f"{file}-wal").stat().st_size > 0


def content(directory):
    """Return every file of a directory with its bytes."""
    return {each.name: each.read_bytes() for each in directory.iterdir()}


def without_what_readers_make(files):
    """SQLite's readers need shared memory and a WAL to look into, be it an empty one."""
    return {
        name: each
        for name, each in files.items()
        if not name.endswith("-shm") and (each or not name.endswith("-wal"))
    }


def everything(file):
    """Return all rows of all tables."""
    with closing(sqlite3.connect(file)) as database:
        return {table: database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}


def as_after_a_crash_without_wal(file):
    """Have half a transaction lie in the file, and what undoes it in its rollback journal."""
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=TRUNCATE")
        writer.execute("PRAGMA cache_size=1")
        writer.execute("BEGIN")
        writer.execute("UPDATE run SET error_message = hex(randomblob(500))")
        writer.execute("UPDATE job SET executions = 17")
        left = content(file.parent)
        writer.execute("ROLLBACK")
    for name, each in left.items():
        (file.parent / name).write_bytes(each)
    assert left["state.db-journal"]


def is_sound(file):
    with closing(sqlite3.connect(file)) as database:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# Files that are refused


def garbage(file):
    file.write_bytes(b"# my notes\n" * 1000)


def a_short_text(file):
    file.write_bytes(b"notes\n")


def truncated(file):
    a_state_file(file, rows=2000)
    os.truncate(file, file.stat().st_size // 2)


def cut_within_a_page(file):
    a_state_file(file, rows=2000)
    os.truncate(file, file.stat().st_size - 1000)


def overwritten_inside(file):
    a_state_file(file, rows=2000)
    with file.open("r+b") as stream:
        stream.seek(3 * 4096)
        stream.write(b"\xff" * 8192)


def of_someone_else(file):
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE bookmark (url TEXT)")


def of_someone_else_after_a_crash(file):
    as_after_a_crash(file, statement="CREATE TABLE bookmark (url TEXT)")


def of_someone_else_with_an_id(file):
    with closing(sqlite3.connect(file)) as database:
        database.executescript("PRAGMA application_id=252006674; CREATE TABLE bookmark (url TEXT);")


def of_a_newer_version(file):
    a_state_file(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")


def of_a_newer_version_after_a_crash(file):
    a_state_file(file)
    as_after_a_crash(file, statement=f"PRAGMA user_version={len(MIGRATIONS) + 1}")


REFUSED = [
    (garbage, "is not a state file"),
    (a_short_text, "is not a state file"),
    (truncated, "is damaged"),
    (cut_within_a_page, "is damaged"),
    (overwritten_inside, "is damaged"),
    (of_someone_else, "is a SQLite database of something else"),
    (of_someone_else_after_a_crash, "is a SQLite database of something else"),
    (of_someone_else_with_an_id, "is a SQLite database of something else"),
    (of_a_newer_version, "was written by a newer version of cronjobs"),
    (of_a_newer_version_after_a_crash, "was written by a newer version of cronjobs"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[make.__name__ for make, _ in REFUSED])
@pytest.mark.parametrize("access", [SqliteStore.open, SqliteStore.read], ids=["open", "read"])
def test_an_unusable_file_is_refused_with_a_hint_and_left_as_it_was(file, make, message, access):
    make(file)
    before = content(file.parent)

    with pytest.raises(StateError) as refusal:
        access(str(file))

    assert f"{file} {message}" in str(refusal.value)
    assert refusal.value.hint
    assert without_what_readers_make(content(file.parent)) == before


def test_a_directory_is_no_state_file(file):
    file.mkdir()

    with pytest.raises(StateError, match="cannot be opened"):
        SqliteStore.open(str(file))


def test_a_state_file_in_a_directory_that_is_not_there_is_refused_with_a_hint(tmp_path):
    with pytest.raises(StateError, match="cannot be opened") as refusal:
        SqliteStore.open(str(tmp_path / "nowhere" / "state.db"))

    assert "directory must exist" in refusal.value.hint


# Files that are used


def test_a_new_file_is_announced_once(file):
    first, second = SqliteStore.open(str(file)), SqliteStore.open(str(file))

    assert first.notes == [f"new state file {file}: counts start at zero"]
    assert second.notes == []
    first.close()
    second.close()


def test_an_empty_file_is_a_new_one(file):
    file.touch()

    store = SqliteStore.open(str(file))

    assert "counts start at zero" in store.notes[0]
    store.close()


@pytest.mark.parametrize("make", [lambda file: None, Path.touch], ids=["missing", "empty"])
def test_a_reader_makes_no_file(file, make):
    make(file)
    before = content(file.parent)

    assert SqliteStore.read(str(file)) is None

    assert content(file.parent) == before


def test_a_state_file_is_in_wal_mode_and_survives_a_power_cut_at_every_commit(file, open_store):
    store = open_store(file)
    claim(store)

    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_what_was_committed_before_a_crash_is_there_after_it(file, open_store):
    a_state_file(file)
    as_after_a_crash(file, statement="UPDATE job SET executions = 17")

    with closing(SqliteStore.read(str(file))) as reader:
        assert reader.facts(["tidy"])["tidy"].executions == 17
    assert open_store(file).facts(["tidy"])["tidy"].executions == 17


def test_half_a_transaction_is_taken_back_after_a_crash(file, open_store):
    a_state_file(file, rows=2000)
    before = everything(file)
    as_after_a_crash_without_wal(file)

    store = SqliteStore.open(str(file))

    assert store.facts(["tidy"])["tidy"].executions == 2000
    store.close()
    assert everything(file) == before
    assert is_sound(file)


def test_half_a_transaction_is_not_read_as_if_it_were_whole(file):
    a_state_file(file, rows=2000)
    as_after_a_crash_without_wal(file)

    with pytest.raises(StateError) as refusal:
        SqliteStore.read(str(file))

    assert refusal.value.hint


def test_a_reader_reads_while_a_scheduler_writes(file, open_store):
    store = open_store(file)
    reader = SqliteStore.read(str(file))

    claim(store)

    assert reader.facts(["tidy"])["tidy"].executions == 1
    reader.close()


def test_a_reader_writes_nothing(file):
    a_state_file(file)
    reader = SqliteStore.read(str(file))

    with pytest.raises(StateError, match="is read-only"):
        reader.reset("tidy")

    reader.close()


def test_dispatchers_that_open_a_new_file_at_once_all_get_it(tmp_path):
    barrier = threading.Barrier(4)
    problems = []

    def open_and_claim(file, instant):
        barrier.wait()
        try:
            store = SqliteStore.open(str(file))
            store.attach(own_identity(), now=NOON)
            store.define([Definition("tidy", "hourly")], NOON)
            claim(store, instant)
            store.close()
        except StateError as exc:
            problems.append(exc)

    for number in range(10):
        file = tmp_path / f"{number}.db"
        threads = [threading.Thread(target=open_and_claim, args=(file, NOON + n)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert problems == []
        assert len(everything(file)["run"]) == 4


class Overtaken(sqlite3.Connection):
    """A connection that, when it has learned a file's version, is overtaken by another process."""

    file = ""

    def execute(self, sql, *parameters):
        answer = super().execute(sql, *parameters)
        if "user_version" in sql and self.file:
            found, overtaken, self.file = answer.fetchone(), self.file, ""
            SqliteStore.open(overtaken).close()
            return super().execute("SELECT ?", found)
        return answer


def test_a_file_that_another_process_brings_up_to_date_meanwhile_is_up_to_date(file):
    with closing(sqlite3.connect(file, isolation_level=None, factory=Overtaken)) as database:
        database.file = str(file)

        opening.migrate(database, str(file))

        assert opening.version(database) == len(MIGRATIONS)


def test_a_symlinked_file_stays_a_symlink_to_the_one_place_where_all_is(file, tmp_path, open_store):
    link = tmp_path / "link.db"
    link.symlink_to(file)

    by_link = open_store(link)
    claim(by_link)
    by_name = open_store(file)
    claim(by_name, NOON + 1)

    assert by_link.facts(["tidy"])["tidy"].executions == 2
    assert claim(by_link, NOON + 1) == []
    assert link.is_symlink()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("link")] == ["link.db"]


# Files that go away while they are in use


def removed(file):
    file.unlink()


def replaced_by_another(file):
    file.rename(file.with_suffix(".old"))
    a_state_file(file)


def moved_away(file):
    file.rename(file.with_suffix(".old"))


def running(run):
    return advance(run, State.RUNNING, started_at=NOON, pid=1, start_ticks=1)


WRITES = {
    "attach": lambda store, run: store.attach(own_identity(), now=NOON),
    "define": lambda store, run: store.define([Definition("other", "hourly")], NOON),
    "claim": lambda store, run: claim(store, NOON + 1),
    "claim_manual": lambda store, run: store.claim_manual(
        a_claim(trigger=Trigger.MANUAL), counted=True, now=NOON
    ),
    "wait": lambda store, run: store.wait([run]),
    "start": lambda store, run: store.start([running(run)]),
    "finish": lambda store, run: store.finish([finish(run, Outcome(State.CANCELLED, NOON))]),
    "tick": lambda store, run: store.tick(ticked_until=NOON, now=NOON),
    "adopt": lambda store, run: store.adopt([run]),
    "reset": lambda store, run: store.reset("tidy"),
    "prune": lambda store, run: store.prune(before=0, rows_a_job=1),
}


@pytest.mark.parametrize("vanish", [removed, moved_away, replaced_by_another])
@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_into_a_file_that_nobody_will_read_again(file, open_store, vanish, write):
    store = open_store(file)
    (run,) = claim(store)
    vanish(file)

    with pytest.raises(StateLostError, match="was removed or replaced while it was in use") as loss:
        WRITES[write](store, run)

    assert loss.value.hint


def test_a_file_that_is_put_back_can_be_written_again(file, open_store):
    store = open_store(file)
    moved_away(file)
    with pytest.raises(StateLostError):
        claim(store)

    file.with_suffix(".old").rename(file)

    assert len(claim(store)) == 1


# Transactions that fail


def fill_up(store):
    """Leave the database no page to grow by."""
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count={pages}")


def many(first=NOON + 10):
    return [a_claim(scheduled_for=first + number) for number in range(500)]


def test_a_claim_for_which_there_is_no_room_leaves_nothing_and_can_be_tried_again(file, open_store):
    store = open_store(file)
    claim(store)
    before = everything(file)
    fill_up(store)

    with pytest.raises(StateError, match="the disk is full") as refusal:
        store.claim(many(), [a_skip(scheduled_for=NOON + 1)], ticked_until=NOON + 9, now=NOON + 9)

    assert not isinstance(refusal.value, StateLostError)
    assert refusal.value.hint
    assert everything(file) == before
    store._database.execute("PRAGMA max_page_count=1000000")
    runs, rows = store.claim(many(), [a_skip(scheduled_for=NOON + 1)], ticked_until=NOON + 9, now=NOON + 9)
    assert (len(runs), len(rows)) == (500, 1)
    assert store.facts(["tidy"])["tidy"].executions == 501
    assert is_sound(file)


def test_an_outcome_for_which_there_is_no_room_leaves_the_run_unfinished(file, open_store):
    store = open_store(file)
    (run,) = claim(store)
    started = running(run)
    store.start([started])
    fill_up(store)
    outcome = finish(started, Outcome(State.FAILED, NOON, error=Failure("ValueError", "x" * 100_000)))

    with pytest.raises(StateError, match="the disk is full"):
        store.finish([outcome])

    assert store.unfinished() == [started]


@contextmanager
def mounted(*arguments, at):
    """Mount something for a while; the test is skipped where that is not allowed."""
    if not CALLER_IS_ROOT:
        pytest.skip("only root may mount")
    mounting = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True)
    if mounting.returncode:
        pytest.skip(f"mounting is not allowed here: {mounting.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def test_a_full_disk_stops_claims_and_loses_nothing(tmp_path):
    with mounted("-t", "tmpfs", "-o", "size=300k", "tmpfs", at=tmp_path) as disk:
        file = disk / "state.db"
        store = SqliteStore.open(str(file))
        store.attach(own_identity(), now=NOON)
        store.define([Definition("tidy", "hourly")], NOON)
        claimed = 0

        def claim_until_it_is_refused():
            nonlocal claimed
            for number in range(claimed, 100_000):
                claimed += len(claim(store, NOON + number))

        with pytest.raises(StateError, match=r"the disk is full|cannot be read or written") as refusal:
            claim_until_it_is_refused()

        assert not isinstance(refusal.value, StateLostError)
        assert claimed > 10
        assert store.facts(["tidy"])["tidy"].executions == len(store.unfinished()) == claimed
        subprocess.run(["mount", "-o", "remount,size=2m", str(disk)], check=True)
        assert len(claim(store, NOON + 200_000)) == 1
        store.close()
        assert is_sound(file)
        assert len(everything(file)["run"]) == claimed + 1


# Places that may only be read


@contextmanager
def read_only(directory):
    """Let nobody write into a directory for a while, root neither."""
    if CALLER_IS_ROOT:
        with mounted("--bind", str(directory), at=directory):
            subprocess.run(["mount", "-o", "remount,ro,bind", str(directory)], check=True)
            yield
    else:
        directory.chmod(0o555)
        try:
            yield
        finally:
            directory.chmod(0o755)


def test_a_closed_file_in_a_read_only_directory_can_be_read(file):
    a_state_file(file)

    with read_only(file.parent):
        store = SqliteStore.read(str(file))
        executions = store.facts(["tidy"])["tidy"].executions
        store.close()

    assert executions == 3


def test_a_file_that_was_read_before_can_be_read_in_a_read_only_directory(file):
    a_state_file(file)
    SqliteStore.read(str(file)).close()

    with read_only(file.parent):
        store = SqliteStore.read(str(file))
        executions = store.facts(["tidy"])["tidy"].executions
        store.close()

    assert executions == 3


def test_a_file_in_use_can_be_read_where_its_directory_is_read_only(file, open_store):
    store = open_store(file)
    claim(store)

    with read_only(file.parent):
        reader = SqliteStore.read(str(file))
        executions = reader.facts(["tidy"])["tidy"].executions
        reader.close()

    assert executions == 1


def test_a_file_with_a_wal_that_cannot_be_read_is_not_read_without_it(file):
    """What lies in the WAL only would be left out: old counts, given as the present ones."""
    a_state_file(file)
    as_after_a_crash(file, statement="UPDATE job SET executions = 17")

    with read_only(file.parent), pytest.raises(StateError) as refusal:
        SqliteStore.read(str(file))

    assert refusal.value.hint


def test_a_file_in_a_read_only_directory_cannot_be_opened_for_writing(file):
    a_state_file(file)
    before = content(file.parent)

    with read_only(file.parent), pytest.raises(StateError) as refusal:
        SqliteStore.open(str(file))

    assert "writable" in refusal.value.hint
    assert content(file.parent) == before


@needs_setpriv
def test_a_file_that_may_not_be_read_is_refused(file):
    a_state_file(file)
    file.chmod(0)
    program = """
import sys
from cronjobs.core.errors import StateError
from cronjobs.store.sqlite import SqliteStore
try:
    SqliteStore.read(sys.argv[1])
except StateError as error:
    print(error)
"""

    assert "cannot be opened" in answer_as_anybody(program, str(file))


# Versions


def a_file_of_version(file, version):
    """Make a state file as that version left it, with a job, a run and a dispatcher in it."""
    with closing(sqlite3.connect(file)) as database:
        database.executescript("PRAGMA journal_mode=WAL;" + "".join(MIGRATIONS[:version]))
        database.executescript(
            f"""
            PRAGMA application_id={APPLICATION_ID};
            PRAGMA user_version={version};
            UPDATE scheduler SET ticked_at = {NOON}.5, ticked_until = {NOON};
            INSERT INTO dispatcher VALUES (1, 'some-boot', 4711, 99, {NOON});
            INSERT INTO job (name, executions, counting, form, defined_at)
                VALUES ('tidy', 1, 1, 'hourly', {NOON - HOUR});
            INSERT INTO run (job, scheduled_for, trigger, state, execution_number, counting, dispatcher)
                VALUES ('tidy', {NOON}, 'schedule', 'claimed', 1, 1, 1);
            """
        )


def user_version(file):
    with closing(sqlite3.connect(file)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def what_it_knows(store):
    return (store.facts(["tidy"]), store.ticked_until(), [run.id for run in store.unfinished()])


TOMORROW = (*MIGRATIONS, "ALTER TABLE job ADD COLUMN note TEXT; UPDATE job SET note = 'kept';")


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_file_of_every_version_is_brought_up_to_date_with_all_that_is_in_it(file, version):
    a_file_of_version(file, version)

    store = SqliteStore.open(str(file))

    assert store.facts(["tidy"])["tidy"].executions == 1
    assert store.ticked_until() == NOON
    assert [run.id for run in store.unfinished()] == ["tidy@2026-11-23T12:00:00Z"]
    assert store.define([Definition("tidy", "hourly")], NOON + 1) == {"tidy": NOON - HOUR}
    assert store.notes == []
    store.close()
    assert user_version(file) == len(MIGRATIONS)


def test_a_migration_is_applied_once(file, monkeypatch):
    a_state_file(file)
    monkeypatch.setattr(opening, "MIGRATIONS", TOMORROW)

    for _ in range(2):
        SqliteStore.open(str(file)).close()

    assert user_version(file) == len(TOMORROW)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT name, executions, note FROM job").fetchall() == [("tidy", 3, "kept")]


def test_a_reader_of_an_older_file_reads_it_and_leaves_it_as_it_is(file, monkeypatch):
    a_file_of_version(file, len(MIGRATIONS))
    before = file.read_bytes()
    with closing(SqliteStore.read(str(file))) as store:
        known = what_it_knows(store)
    monkeypatch.setattr(opening, "MIGRATIONS", TOMORROW)

    with closing(SqliteStore.read(str(file))) as store:
        assert what_it_knows(store) == known

    assert file.read_bytes() == before


def test_a_migration_that_fails_leaves_the_file_as_it_was(file, monkeypatch):
    a_state_file(file)
    before = everything(file)
    broken = TOMORROW[-1] + "INSERT INTO nowhere VALUES (1);"
    monkeypatch.setattr(opening, "MIGRATIONS", (*TOMORROW[:-1], broken))

    with pytest.raises(StateError, match="nowhere"):
        SqliteStore.open(str(file))

    assert everything(file) == before
    assert user_version(file) == len(MIGRATIONS)
