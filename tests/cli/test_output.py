"""How output looks in a terminal, and what happens where nobody can read it."""

import re

import pytest

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

WIDE = """
[defaults]
timezone = "America/St_Johns"

[jobs.a-job-whose-name-is-as-long-as-they-come-in-practice]
callable = "tasks:fail"
schedule = "1,2,3,4,5,17,23,42 3-9 1,15 2-5,7 *"

[jobs.greet]
callable = "tasks:greet"
schedule = "0 3 29 2 *"
number_of_executions = 3
args = { name = "world" }
"""


@pytest.fixture
def ran(place):
    """A place in which two jobs have run, one of them in vain."""
    place.define(WIDE)
    place.type("trigger", "greet")
    place.type("trigger", "a-job-whose-name-is-as-long-as-they-come-in-practice")
    return place


@pytest.mark.parametrize("columns", [80, 100, 200])
@pytest.mark.parametrize("command", ["status", "next"])
def test_a_table_fits_the_terminal(ran, command, columns):
    lines = COLOUR.sub("", ran.in_terminal(command, columns=columns)).splitlines()

    assert len(lines) == 3
    assert max(map(len, lines)) <= columns


def test_a_narrow_status_still_says_how_the_last_run_went_and_when_the_next_one_is(ran):
    head, failed, greeted = COLOUR.sub("", ran.in_terminal("status")).splitlines()

    assert re.split("  +", head) == ["JOB", "SCHEDULE", "LAST RUN", "EXECUTIONS", "NEXT RUN"]
    assert re.split("  +", failed)[2].startswith("failed: Val")
    assert re.split("  +", greeted)[0] == "greet"
    assert re.split("  +", greeted)[2].startswith("succeeded")
    assert re.split("  +", greeted)[3] == "0/3"
    assert re.split("  +", greeted)[4].startswith("in ")


def test_what_goes_to_a_file_is_not_cut(ran):
    (_, failed, greeted) = ran.type("status").lines

    assert failed.startswith("a-job-whose-name-is-as-long-as-they-come-in-practice  1,2,3,4,5,17,23,42 3-9")
    assert re.search(r"0/3 +2028-02-29 03:00:00-03:30 in \d+ d", greeted)


def test_history_cuts_messages_and_keeps_what_identifies_a_run(ran):
    ran.define('[jobs.fail]\ncallable = "tasks:fail"\nschedule = "@daily"\n')
    (ran.directory / "tasks.py").write_text("def fail():\n    raise ValueError('beans ' * 50)\n")
    ran.type("trigger", "fail")

    shown = COLOUR.sub("", ran.in_terminal("history", "--name", "fail"))

    (_, row) = shown.splitlines()
    assert len(row) <= 80
    assert re.match(r"fail@\S+Z~1  manual   failed: ValueError  ", row)
    assert row.endswith("…")


def test_a_message_cannot_move_the_cursor(place):
    (place.directory / "tasks.py").write_text("def fail():\n    raise ValueError('\\x1b[2J\\rall is well')\n")
    place.type("trigger", "fail")

    assert r"\x1b[2J\x0dall is well" in place.in_terminal("history", columns=200)


@pytest.mark.parametrize(
    ("words", "variables", "is_coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
        (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"CRONJOBS_COLOR": "never"}, False),
    ],
)
@pytest.mark.parametrize("command", ["history", "status"])
def test_a_terminal_gets_colours_unless_it_is_told_otherwise(ran, command, words, variables, is_coloured):
    shown = ran.in_terminal(*words, command, **variables)

    assert bool(COLOUR.search(shown)) is is_coloured
    assert "failed" in shown


@pytest.mark.parametrize(("words", "is_coloured"), [([], False), (["--color", "always"], True)])
def test_a_file_gets_colours_only_if_asked(ran, words, is_coloured):
    assert bool(COLOUR.search(ran.type(*words, "history").out)) is is_coloured


@pytest.mark.parametrize(("words", "is_coloured"), [([], True), (["--color", "never"], False)])
def test_the_log_of_run_has_colours_in_a_terminal(place, words, is_coloured):
    place.define('[jobs.once]\ncallable = "tasks:fail"\nschedule = "* * * * * *"\nnumber_of_executions = 1\n')

    shown = place.in_terminal(*words, "run", "--exit-when-done")

    assert bool(COLOUR.search(shown)) is is_coloured
    assert "ValueError: no beans" in shown


# Where nobody reads


@pytest.mark.parametrize(
    "words", ["--help", "next --name fail --count 5000", "next --name fail --count 5000 --json", "status"]
)
def test_a_broken_pipe_ends_quietly(place, words):
    answer = place.shell(f'"$@" {words} | head -n 1; echo "${{PIPESTATUS[0]}}"')

    assert answer.lines[-1] == "0"
    assert answer.err == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "words", ["next", "status", "validate", "trigger greet", "reset greet", "completion zsh"]
)
def test_a_closed_stream_is_none_that_a_command_fails_of(place, words, closed):
    answer = place.shell(f'"$@" {words} {closed}')

    assert answer.code == 0
    assert "Traceback" not in answer.err


def test_a_full_disk_is_said_and_is_no_error_of_our_own(place):
    answer = place.shell('"$@" next >/dev/full')

    assert answer.code == 1
    assert answer.err.splitlines()[-1] == "error: No space left on device"


@pytest.mark.parametrize("command", ["run", "next"])
def test_an_error_that_cannot_be_said_is_one_all_the_same(place, command):
    assert place.shell(f'"$@" -f none.toml {command} 2>/dev/full').code == 1


def test_a_run_whose_output_nobody_reads_is_run_and_recorded(place):
    answer = place.shell('"$@" trigger greet >/dev/full')

    assert answer.code == 0
    assert [run["state"] for run in place.type("history", "--json").document] == ["succeeded"]


def test_what_an_encoding_lacks_is_escaped(place):
    (place.directory / "tasks.py").write_text("def fail():\n    raise ValueError('tea → no beans')\n")
    place.type("trigger", "fail")

    answer = place.type("history", PYTHONIOENCODING="latin-1")

    assert answer.code == 0
    assert r"tea \u2192 no beans" in answer.out
