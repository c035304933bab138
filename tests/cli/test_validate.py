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
        'warning[W107]: day-of-month "29" exists in leap years only',
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


# Services


SERVICES = """
def mailer(loger): ...
def cart(query): ...
def ring(round): ...
def round_(ring): ...
def fine(logger, container, nothing=None): ...
number = 7
"""


def test_problems_of_services_are_placed_at_their_lines(place):
    (place.directory / "services.py").write_text(SERVICES)
    place.define(
        "[services]\n"
        'mailer = "services:mailer"\n'
        'cart = { factory = "services:cart" }\n'
        'fine = "services:fine"\n'
        'number = "services:number"\n'
        'gone = "services:fin"\n'
        'lost = "srvices:fine"\n'
        'ring = "services:ring"\n'
        'round = "services:round_"\n'
        '[jobs.a]\ncallable = "tasks:fail"\nschedule = "@daily"\n'
    )

    answer = place.type("validate")

    assert answer.code == 1
    starts = [line for line in answer.lines if line.startswith("error[")]
    places = [line.split("jobs.toml:")[1] for line in answer.lines if "-->" in line]
    helps = [line.partition("help: ")[2] for line in answer.lines if "= help:" in line]
    assert list(zip(places, starts, strict=True)) == [
        ("2:11", "error[E305]: services:mailer: nothing gives the parameter `loger` a value"),
        ("3:21", "error[E305]: services:cart: nothing gives the parameter `query` a value"),
        ("5:11", "error[E305]: services:number: it is an int, which cannot be called"),
        ("6:9", "error[E303]: module `services` has no `fin` (did you mean `fine`?)"),
        ("7:9", "error[E301]: no module `srvices` (did you mean `services`?)"),
        ("8:9", "error[E306]: services need each other in a circle: ring -> round -> ring"),
    ]
    assert helps == [
        "did you mean `logger`?",
        'write a table `[query]` with `url = "${DATABASE_URL}"`',
        "let one of them take `container`, and resolve the other when it is used",
    ]


def test_the_parameters_of_jobs_are_held_against_the_services(place):
    (place.directory / "services.py").write_text("def make(): ...\n")
    (place.directory / "tasks.py").write_text(
        "from cronjobs import Container\n"
        "def good(my_mailer, box: Container, other: 'Container | None' = None): ...\n"
        "def bad(my_mailr, ctx, size, colour): ...\n"
    )
    place.define(
        '[services]\nmy-mailer = "services:make"\n'
        '[jobs.good]\ncallable = "tasks:good"\nschedule = "@daily"\n'
        '[jobs.bad]\ncallable = "tasks:bad"\nschedule = "@daily"\nargs = { size = 1, coler = 2 }\n'
    )

    answer = place.type("validate")

    starts = [line for line in answer.lines if line.startswith("error[")]
    places = [line.split("jobs.toml:")[1] for line in answer.lines if "-->" in line]
    helps = [line.partition("help: ")[2] for line in answer.lines if "= help:" in line]
    assert list(zip(places, starts, helps, strict=True)) == [
        ("7:13", "error[E305]: tasks:bad: nothing gives the parameter `my_mailr` a value", helps[0]),
        ("7:13", "error[E305]: tasks:bad: nothing gives the parameter `ctx` a value", helps[1]),
        ("7:13", "error[E305]: tasks:bad: nothing gives the parameter `colour` a value", helps[2]),
        ("9:20", "error[E305]: tasks:bad: no parameter takes the argument `coler`", helps[3]),
    ]
    assert helps == [
        "did you mean `my_mailer`?",
        "did you mean `context`?",
        "give it a default, or a value in `args`: args = { colour = ... }",
        "did you mean `colour`?",
    ]


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ('[services]\nmy-mailer = "services"\nclock = "services:clock"\n', "E209"),
        ('[services]\nmy-mailer = { factory = "services:make", scope = "runs" }\n', "E204"),
        ('[services]\nmy-mailer = 5\nclock = "services:clock"\n', "E203"),
    ],
)
def test_a_services_own_mistake_is_all_that_is_said_of_it(place, table, where):
    (place.directory / "services.py").write_text("def make(): ...\ndef clock(my_mailer): ...\n")
    (place.directory / "tasks.py").write_text("def good(my_mailer): ...\n")
    place.define(f'{table}[jobs.good]\ncallable = "tasks:good"\nschedule = "@daily"\n')

    answer = place.type("validate", "--format", "concise")

    assert answer.code == 1
    assert [line.partition("error[")[2][:4] for line in answer.lines] == [where]


def test_a_querys_own_mistake_is_all_that_is_said_of_it(place):
    (place.directory / "tasks.py").write_text("def good(query): ...\n")
    place.define('[query]\nurl = 5\n[jobs.good]\ncallable = "tasks:good"\nschedule = "@daily"\n')

    answer = place.type("validate", "--format", "concise")

    assert [line.partition("error[")[2][:4] for line in answer.lines] == ["E203"]


# Jobs beside their functions


def test_a_problem_of_a_discovered_job_is_placed_in_its_module(place):
    (place.directory / "nightly.py").write_text(
        "from cronjobs import job\n\n"
        "@job(schedule='@daily', args={'siz': 1})\ndef tidy(size): ...\n\n"
        "@job(schedule='61 * * * *')\ndef sweep(): ...\n"
    )
    place.define('[cronjobs]\ndiscover = ["nightly"]\n')

    answer = place.type("validate")

    assert answer.code == 1
    assert [line for line in answer.lines if "-->" in line] == [
        "  --> nightly.py:3:2",
        "  --> nightly.py:3:25",
        "  --> nightly.py:6:15",
    ]
    assert "3 | @job(schedule='@daily', args={'siz': 1})" in answer.lines


def test_warnings_about_a_discovered_job_are_placed_at_its_decorator(place):
    (place.directory / "nightly.py").write_text(
        "from cronjobs import job\n\n"
        "@job(schedule=['@daily', '0 3 29 2 *'], timezone='UTC')\ndef tidy(): ...\n\n"
        "@job(schedule='0 3 * * *', timezone='UTC')\ndef sweep(): ...\n"
    )
    place.define(
        '[cronjobs]\ndiscover = ["nightly"]\n[defaults]\nkill_after = "1m"\n'
        f'{A_JOB}schedule = "*/7 * * * *"\ntimezone = "UTC"\n'
    )

    answer = place.type("validate", "--format", "concise")

    assert answer.code == 0
    assert [line.partition("]")[0] for line in answer.lines] == [
        "jobs.toml:4:15: warning[W201",
        "jobs.toml:7:13: warning[W104",
        "nightly.py:3:26: warning[W107",
    ]
    assert answer.err == "jobs.toml: 3 jobs, 3 warnings\n"
    assert place.type("validate", "--strict").code == 1


def test_warnings_are_given_where_no_modules_are_looked_at(place):
    place.define(f'[cronjobs]\ndiscover = ["nightly"]\n{A_JOB}schedule = "0 3 29 2 *"\ntimezone = "UTC"\n')

    answer = place.type("validate", "--no-import")

    assert answer.code == 0
    assert answer.lines[-1] == "jobs.toml: 1 job, 1 warning; the modules in `discover` were not looked at"


def test_jobs_in_no_table_do_not_keep_discovered_ones_from_their_warnings(place):
    (place.directory / "nightly.py").write_text(
        "from cronjobs import job\n\n@job(schedule='0 3 29 2 *', timezone='UTC')\ndef tidy(): ...\n"
    )
    place.define('jobs = 5\n[cronjobs]\ndiscover = ["nightly"]\n')

    answer = place.type("validate", "--format", "concise")

    assert answer.code == 1
    assert [line.partition("]")[0] for line in answer.lines] == [
        "jobs.toml:1:8: error[E203",
        "nightly.py:3:15: warning[W107",
    ]


def test_without_imports_discovered_jobs_are_not_counted_and_it_says_so(place):
    (place.directory / "nightly.py").write_text("open('imported', 'w').close()\n")
    place.define('[cronjobs]\ndiscover = ["nightly"]\n')

    answer = place.type("validate", "--no-import")

    assert answer.out == "jobs.toml: 0 jobs, no problems; the modules in `discover` were not looked at\n"
    assert not (place.directory / "imported").exists()


@pytest.mark.parametrize(
    ("query", "where"),
    [('url = "nowhere"\n', "2:8"), ('url = "sqlite:///a.db"\nrelations = { a = 1 }\n', "3:13")],
)
def test_what_the_query_refuses_is_placed_in_its_table(place, query, where):
    place.define(f'[query]\n{query}[jobs.a]\ncallable = "tasks:fail"\nschedule = "@daily"\n')

    answer = place.type("validate")

    assert answer.code == 1
    assert answer.lines[0].startswith("error[E204]: query.")
    assert answer.lines[1].endswith(f"jobs.toml:{where}")


def test_a_file_of_programs_only_has_its_warnings_too(place):
    place.define('[jobs.a]\ncommand = ["true"]\nschedule = "*/7 * * * *"\ntimezone = "UTC"\n')

    answer = place.type("validate", "--format", "concise")

    assert (answer.code, answer.out.count("warning")) == (0, 1)
