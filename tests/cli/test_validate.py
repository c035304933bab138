"""`validate`: every problem in its place, on standard output, and the verdict."""

import pytest


def test_a_good_file_is_said_to_be_one(place):
    answer = place.type("validate")

    assert (answer.code, answer.out, answer.err) == (0, "jobs.toml: 3 jobs, no problems\n", "")


def test_problems_of_the_text_and_of_the_callables_come_at_once_in_the_order_of_the_file(place):
    place.define(
        '[jobs.a]\ncallable = "taks:greet"\nschedule = "* * * * *"\n'
        '[jobs.b]\ncallable = "tasks:fial"\nschedule = "1-70 * * * *"\n'
        '[jobs.c]\ncallable = "tasks:greet"\nschedule = "* * * * *"\n'
    )

    answer = place.type("validate")

    assert answer.code == 1
    assert answer.err == "jobs.toml: 4 problems\n"
    starts = [line for line in answer.lines if line.startswith("error[") or "-->" in line]
    assert [line.partition(":")[0] for line in starts[::2]] == [
        "error[E301]",
        "error[E303]",
        "error[E102]",
        "error[E305]",
    ]
    assert [line.split(":", 1)[1] for line in starts[1::2]] == ["2:13", "5:13", "6:15", "8:13"]


def test_a_problem_has_its_line_a_caret_and_a_hint(place):
    place.define('[jobs.tidy]\ncallable = "tasks:fail"\nschedule = "61 * * * *"\n')

    assert place.type("validate").lines == [
        "error[E102]: minute 61 is out of range 0-59",
        "  --> jobs.toml:3:13",
        '3 | schedule = "61 * * * *"',
        "  |             ^^",
        "  = help: use 0-59",
    ]


def test_an_error_inside_a_module_comes_with_its_traceback(place):
    (place.directory / "tasks.py").write_text("import json\njson.nothing\n")
    place.define('[jobs.a]\ncallable = "tasks:fail"\nschedule = "@daily"\n')

    answer = place.type("validate")

    assert answer.lines[0].startswith("error[E302]: importing `tasks` failed: AttributeError")
    assert "  | Traceback (most recent call last):" in answer.lines
    assert f'  |   File "{place.directory}/tasks.py", line 2, in <module>' in answer.lines


def test_no_import_looks_at_the_file_alone(place):
    (place.directory / "tasks.py").write_text("open('imported', 'w').close()\n")

    answer = place.type("validate", "--no-import")

    assert answer.code == 0
    assert not (place.directory / "imported").exists()


def test_it_writes_no_state_and_runs_no_job(place):
    place.type("validate")

    assert not place.state.exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["validate", "sub/other.toml"], "sub/other.toml"),
        (["-f", "sub/other.toml", "validate"], "sub/other.toml"),
        (["-f", "none.toml", "validate", "sub/other.toml"], "sub/other.toml"),
    ],
)
def test_the_file_is_named_as_seen_from_here(place, words, named):
    (place.directory / "sub").mkdir()
    (place.directory / "sub" / "other.toml").write_text(
        '[jobs.a]\ncallable = "nowhere:fail"\nschedule = "@daily"\n'
    )

    answer = place.type(*words)

    assert answer.code == 1
    assert f" --> {named}:2:13" in answer.lines[1]
    assert answer.err == f"{named}: 1 problem\n"


def test_a_missing_file_is_a_problem_too(place):
    answer = place.type("validate", "none.toml")

    assert answer.code == 1
    assert answer.lines[0] == f"error[E001]: there is no file {place.directory}/none.toml"


def test_a_line_without_end_is_shown_in_part(place):
    place.define(f'[jobs.a]\ncallable = "{"x" * 5000}:f"\nschedule = "@daily"\nlimit = 3 # {"y" * 5000}\n')

    answer = place.type("validate", "--no-import")

    assert max(map(len, answer.lines)) < 200
