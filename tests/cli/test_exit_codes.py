"""What each exit code stands for, and that what went wrong is said with its way out."""

import signal
import sqlite3
from contextlib import closing

import pytest
from powers import AS_ANYBODY, needs_setpriv


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["next"],
        ["status"],
        ["list"],
        ["history"],
        ["validate"],
        ["trigger", "greet"],
        ["reset", "greet"],
        ["completion", "bash"],
    ],
    ids=" ".join,
)
def test_0_is_done(place, words):
    assert place.type(*words).code == 0


def test_1_is_a_run_that_failed(place):
    assert place.type("trigger", "fail").code == 1


def test_1_is_a_file_with_problems(place):
    place.define('[jobs.greet]\ncallable = "tasks:greet"\nschedule = "61 * * * *"\n')

    assert place.type("validate").code == 1


def test_1_is_a_scheduler_that_does_not_live(place):
    answer = place.type("status", "--check")

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err == f"not ok: no scheduler runs on {place.state}\n"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["nxt"], "no command 'nxt'", "did you mean `next`?"),
        (["xyzzy"], "no command 'xyzzy'", "`cronjobs --help` lists the commands"),
        (["next", "--nmae", "greet"], "--nmae", "`cronjobs next --help` says what it takes"),
        (["next", "--count", "0"], "'--count'", "`cronjobs next --help` says what it takes"),
        (["next", "--from", "rubbish"], "'rubbish' is no time", "`cronjobs next --help` says what it takes"),
        (["history", "--state", "done"], "'done' is not one of", "`cronjobs history --help` says"),
        (["run", "--grace", "5"], "the number 5 has no unit", "`cronjobs run --help` says what it takes"),
        (["trigger"], "missing argument", "`cronjobs trigger --help` says what it takes"),
        (["next", "extra"], "extra", "`cronjobs next --help` says what it takes"),
        (["next", "-f", "x"], "-f", "it stands before the command: `cronjobs -f ... next`"),
        (["completion", "tcsh"], "tcsh", "`cronjobs completion --help` says what it takes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_2_is_a_word_that_means_nothing(place, words, message, hint):
    answer = place.type(*words)

    assert answer.code == 2
    assert answer.out == ""
    assert message in answer.err
    assert f"hint: {hint}" in answer.err


def test_2_is_no_word_at_all_and_the_help_goes_where_errors_go(place):
    answer = place.type()

    assert answer.code == 2
    assert answer.out == ""
    assert answer.err == place.type("--help").out


@pytest.mark.parametrize(
    "words", [["next"], ["status"], ["history"], ["trigger", "x"], ["reset", "x"], ["run"]]
)
def test_3_is_a_configuration_that_is_missing(place, words):
    (place.directory / "jobs.toml").unlink()

    answer = place.type(*words)

    assert answer.code == 3
    assert answer.out == ""
    assert "error[E001]" in answer.err
    assert "`-f FILE` names another" in answer.err


def test_3_is_a_configuration_with_problems_and_each_is_shown_in_its_place(place):
    place.define('[jobs.greet]\ncallable = "tasks:greet"\nschedule = "61 * * * *"\nlimit = 3\n')

    answer = place.type("next")

    assert answer.code == 3
    assert answer.out == ""
    assert answer.err.splitlines() == [
        "error[E102]: minute 61 is out of range 0-59",
        "  --> jobs.toml:3:13",
        '3 | schedule = "61 * * * *"',
        "  |             ^^",
        "  = help: use 0-59",
        "error[E201]: unknown key `limit`",
        "  --> jobs.toml:4:1",
        "4 | limit = 3",
        "  | ^^^^^",
        "  = help: did you mean `number_of_executions`?",
    ]


@pytest.mark.parametrize(
    "words",
    [["next", "--name", "gret"], ["history", "--name", "gret"], ["trigger", "gret"], ["reset", "gret"]],
)
def test_4_is_a_job_that_does_not_exist(place, words):
    answer = place.type(*words)

    assert answer.code == 4
    assert answer.out == ""
    assert answer.err.splitlines() == [
        f"error: no job 'gret' in {place.directory}/jobs.toml",
        "hint: did you mean `greet`?",
    ]


def test_a_job_that_has_left_the_file_still_has_its_history(place):
    place.type("trigger", "greet")
    place.define('[jobs.other]\ncallable = "tasks:fail"\nschedule = "@daily"\n')

    answer = place.type("history", "--name", "greet", "--json")

    assert [run["job"] for run in answer.document] == ["greet"]


ALL_THAT_READ_IT = [
    ["next"],
    ["status"],
    ["status", "--check"],
    ["history"],
    ["trigger", "greet"],
    ["reset", "greet"],
    ["run"],
]


@pytest.mark.parametrize("words", ALL_THAT_READ_IT, ids=" ".join)
def test_5_is_a_state_file_of_something_else_and_it_is_left_alone(place, words):
    place.state.write_bytes(b"no database " * 500)

    answer = place.type(*words)

    assert answer.code == 5
    assert answer.out == ""
    assert "is not a state file" in answer.err
    assert "hint: move it away" in answer.err
    assert place.state.read_bytes() == b"no database " * 500


@pytest.mark.parametrize("words", ALL_THAT_READ_IT, ids=" ".join)
def test_5_is_a_state_file_of_a_newer_version(place, words):
    place.type("reset", "greet")
    with closing(sqlite3.connect(place.state)) as database:
        database.execute("PRAGMA user_version = 99")

    answer = place.type(*words)

    assert answer.code == 5
    assert "newer version" in answer.err
    assert "hint: upgrade cronjobs" in answer.err


@pytest.mark.parametrize("words", [["trigger", "greet"], ["reset", "greet"], ["run"]], ids=" ".join)
def test_5_is_a_state_file_that_cannot_be_made(place, words):
    answer = place.type("--state", "nowhere/state.db", *words)

    assert answer.code == 5
    assert "directory must exist and be writable" in answer.err


@needs_setpriv
@pytest.mark.parametrize(
    ("words", "code"),
    [("status", 0), ("next", 0), ("history", 0), ("validate", 0), ("trigger greet", 5), ("reset greet", 5)],
)
def test_a_read_only_directory_can_be_looked_at(place, words, code):
    place.type("reset", "greet")
    place.directory.chmod(0o555)

    answer = place.shell(f'{" ".join(AS_ANYBODY)} "$@" {words}')

    place.directory.chmod(0o755)
    assert answer.code == code
    assert ("is read-only" in answer.err) is (code == 5)


def test_6_is_a_job_whose_concurrency_forbids_it(place):
    place.define('[jobs.hang]\ncallable = "tasks:hang"\nschedule = "@yearly"\n')
    first = place.start("trigger", "hang")
    assert first.stdout.readline() == "begun\n"

    second = place.type("trigger", "hang")

    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 128 + signal.SIGTERM
    first.stdout.close()
    assert second.code == 6
    assert second.err.splitlines() == [
        "error: a run of hang is not finished, and its concurrency is `forbid`",
        'hint: wait for it (`cronjobs status` shows it), or set concurrency = "allow"',
    ]


def test_6_is_a_counted_run_of_a_job_that_has_used_up_its_executions(place):
    for _ in range(3):
        assert place.type("trigger", "greet", "--counted").code == 0

    answer = place.type("trigger", "greet", "--counted")

    assert answer.code == 6
    assert "used up its number_of_executions (3)" in answer.err
    assert "hint: `cronjobs reset greet` begins a new count" in answer.err
    assert place.type("trigger", "greet").code == 0


@pytest.fixture
def broken(place):
    """A Python whose TOML reader cannot be imported."""
    (place.directory / "broken").mkdir()
    (place.directory / "broken" / "tomllib.py").write_text('raise RuntimeError("no TOML today")\n')
    return {"PYTHONPATH": str(place.directory / "broken")}


def test_70_is_an_error_of_our_own_with_its_traceback_and_where_to_report_it(place, broken):
    answer = place.type("next", **broken)

    assert answer.code == 70
    assert answer.out == ""
    assert answer.err.startswith("Traceback (most recent call last):")
    assert (
        "error: RuntimeError: no TOML today\nhint: this is an error of cronjobs itself; please report it"
        in (answer.err)
    )


def test_70_is_said_in_json_too(place, broken):
    answer = place.type("next", "--json", **broken)

    assert answer.code == 70
    assert answer.document["error"]["message"] == "RuntimeError: no TOML today"
    assert "Traceback" in answer.err


def test_they_stand_in_the_help(place):
    lines = place.type("--help").lines

    codes = [line.split()[0] for line in lines[lines.index("  Exit codes:") + 1 :]]
    assert codes == ["0", "1", "2", "3", "4", "5", "6", "70", "130,"]
