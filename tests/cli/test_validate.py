"""`validate`: every problem in its place, on standard output, and the verdict."""

import json

import pytest


def test_a_good_file_is_said_to_be_one(place):
    place.define((place.directory / "jobs.toml").read_text().replace("29 2 *", "* * *"))

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


# Warnings

A_JOB = '[jobs.a]\ncallable = "tasks:fail"\n'


def test_warnings_are_shown_and_leave_the_file_valid(place):
    answer = place.type("validate")

    assert (answer.code, answer.err) == (0, "")
    assert answer.lines == [
        'warning[W107]: day-of-month "29" is there in leap years only',
        "  --> jobs.toml:7:17",
        '7 | schedule = "0 3 29 2 *"',
        "  |                 ^^",
        "  = help: `L` is the last day of every February",
        "jobs.toml: 3 jobs, 1 warning",
    ]


def test_strict_lets_warnings_count(place):
    answer = place.type("validate", "--strict")

    assert (answer.code, answer.err) == (1, "jobs.toml: 3 jobs, 1 warning\n")


def test_errors_and_warnings_stand_in_the_order_of_the_file(place):
    place.define(
        f'{A_JOB}schedule = "*/7 * * * *"\n[jobs.b]\ncallable = "tasks:fail"\nschedule = "61 * * * *"\n'
    )

    answer = place.type("validate", "--format", "concise")

    assert answer.code == 1
    assert [line.partition("]")[0] for line in answer.lines] == [
        "jobs.toml:3:13: warning[W104",
        "jobs.toml:6:13: error[E102",
    ]
    assert answer.err == "jobs.toml: 1 problem, 1 warning\n"


def test_json_is_one_document_and_nothing_else(place):
    place.define(f'{A_JOB}schedule = ["0 3 * * *", "0 0 1 * mon,99"]\n')

    answer = place.type("validate", "--format", "json")

    assert (answer.code, answer.err) == (1, "")
    assert answer.document == {
        "problems": [
            {
                "code": "E102",
                "severity": "error",
                "file": "jobs.toml",
                "line": 3,
                "column": 39,
                "end_column": 41,
                "message": "day-of-week 99 is out of range 0-7",
                "hint": "use 0-7 or mon, tue, ...",
            }
        ]
    }


def test_json_of_a_good_file_has_no_problems(place):
    place.define(f'{A_JOB}schedule = "0 3 * * *"\ntimezone = "UTC"\n')

    answer = place.type("validate", CRONJOBS_VALIDATE_FORMAT="json")

    assert (answer.code, answer.out and json.loads(answer.out), answer.err) == (0, {"problems": []}, "")


def test_github_gets_annotations(place):
    place.define(f'{A_JOB}schedule = "61 * * * *"\n')

    answer = place.type("validate", "--format", "github")

    assert answer.lines == [
        "::error file=jobs.toml,line=3,col=13,endColumn=14,title=cronjobs E102"
        "::minute 61 is out of range 0-59%0Ahelp: use 0-59"
    ]
    assert answer.err == "jobs.toml: 1 problem\n"


def test_a_format_that_is_none_is_a_usage_error(place):
    assert place.type("validate", "--format", "xml").code == 2
