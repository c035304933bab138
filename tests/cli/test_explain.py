"""`explain`: what a schedule means, when it fires, and why it is none."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import environment

from cronjobs.cli.main import Surroundings, group

VECTORS = Path(__file__).parents[1] / "core" / "vectors"
PUBLIC = json.loads((VECTORS / "public.json").read_text(encoding="utf-8"))
INVALID = json.loads((VECTORS / "invalid.json").read_text(encoding="utf-8"))


def told(*words):
    """Return exit code and document of `explain --json`, asked in this process."""
    surroundings = Surroundings(as_json=True)
    done = CliRunner().invoke(group, ["explain", *words, "--json"], obj=surroundings, standalone_mode=False)
    assert done.exception is None, done.output
    return done.return_value, json.loads(done.stdout)


def words_for(case):
    count = max(1, len(case["expected"]))
    return [
        *(case["expr"], "--timezone", case["tz"]),
        *("--from", case["start"], "--count", str(count)),
    ]


def in_utc(written):
    return datetime.fromisoformat(written).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("case", PUBLIC, ids=lambda case: f"{case['id']} {case['expr']} {case['tz']}")
def test_the_fires_are_those_of_the_collected_cases(case):
    code, document = told(*words_for(case))

    if case["expected"]:
        assert (code, document["fires"]) == (0, [in_utc(written) for written in case["expected"]])
    else:
        assert (code, document["error"]["code"]) == (1, "never")


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case["why"])
def test_what_is_no_schedule_is_refused_with_its_place(case):
    code, document = told(case["expr"])

    assert code == 1
    assert document["error"].keys() == {"code", "message", "hint", "column"}
    assert document["error"]["code"] != "never"
    assert 1 <= document["error"]["column"] <= len(case["expr"]) + 1


@pytest.mark.parametrize("case", PUBLIC[::60], ids=lambda case: case["id"])
def test_a_process_gives_the_same_fires(place, case):
    answer = place.type("explain", *words_for(case), "--json")

    assert (answer.code, answer.err) == (0, "")
    assert answer.document["fires"] == [in_utc(written) for written in case["expected"]]


@pytest.mark.parametrize("text", ["", " ", "-5 * * * *", "-h * * * *", "--name 1 2 3 4", "60 * * * *", "nö"])
def test_a_process_refuses_too(place, text):
    answer = place.type("explain", text, "--json")

    assert (answer.code, answer.err) == (1, "")
    assert answer.document["error"]["message"]


def test_the_document_says_what_it_means(place):
    answer = place.type(
        *("explain", "0 0 1 * mon", "--from", "2026-11-24", "--count", "2", "--timezone", "UTC", "--json")
    )

    assert answer.document == {
        "expression": "0 0 1 * mon",
        "kind": "fixed",
        "description": "at 00:00 on day 1 of the month or on Monday (one is enough)",
        "timezone": "UTC",
        "clock_changes": "a time that is skipped fires right after the change, one that comes twice fires the"
        " first time; a change of more than three hours is a new clock",
        "fires": ["2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"],
        "warnings": [
            'day-of-month "1" and day-of-week "mon" are both restricted: a day needs only one of them;'
            " for days that are both, write `+mon`"
        ],
    }


def test_people_get_words_fires_in_the_zone_warnings_and_other_readings(place):
    answer = place.type(
        *("explain", "30 2 * * sun", "--timezone", "Europe/Berlin", "--from", "2027-03-22", "--count", "2")
    )

    assert answer.code == 0
    assert answer.lines[:5] == [
        "30 2 * * sun",
        "means    at 02:30 on Sunday",
        "kind     fixed: a time that is skipped fires right after the change, one that comes twice fires the"
        " first time; a change of more than three hours is a new clock",
        "zone     Europe/Berlin",
        "fires",
    ]
    assert answer.lines[5].startswith("  2027-03-28 03:00:00+02:00  ")
    assert answer.lines[6].startswith("  2027-04-04 02:30:00+02:00  ")
    assert any(line.startswith("  - 2027-03-28 02:30 and 2028-") for line in answer.lines)
    assert any("Quartz wants" in line for line in answer.lines)


def test_people_get_a_caret_below_the_mistake(place):
    answer = place.type("explain", "0 0 1-32 * *")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "error: day-of-month 32 is out of range 1-31\n  0 0 1-32 * *\n        ^^\nhint: use 1-31\n"
    )


def test_long_sentences_are_wrapped_on_a_terminal(place):
    shown = place.in_terminal("explain", "0 0 1 * mon", columns=60, TERM="dumb")

    assert max(map(len, shown.splitlines())) <= 60


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("@every 1h30m", ["2027-01-04T01:30:00Z", "2027-01-04T03:00:00Z"]),
        ("@reboot", []),
        ("0 0 0 1 1 * 2026", []),
        ("RRULE:FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0", ["2027-01-04T09:00:00Z", "2027-01-05T09:00:00Z"]),
    ],
)
def test_every_kind_of_text_is_explained(text, fires):
    code, document = told(text, "--from", "2027-01-04T00:00Z", "--count", "2", "--timezone", "UTC")

    assert (code, document["fires"]) == (0, fires)


def test_what_is_over_is_no_error_but_a_warning():
    _, document = told("0 0 0 1 1 * 2026", "--from", "2027-01-04T00:00Z", "--timezone", "UTC")

    assert document["warnings"][0].startswith("the schedule no longer fires: its last moment was 2026-01-01")


def test_from_is_left_out_and_meant_in_the_zone():
    _, document = told("0 0 * * *", "--timezone", "Asia/Tokyo", "--from", "2027-01-04", "--count", "1")

    assert document["fires"] == ["2027-01-04T15:00:00Z"]


def test_words_that_were_not_quoted_are_one_text():
    _, document = told("@every", "5m", "--timezone", "UTC")

    assert document["expression"] == "@every 5m"


def test_a_name_is_lent_to_the_hash_with_the_files_seed_and_the_jobs_zone(place):
    place.define('[jobs.a]\ncallable = "tasks:fail"\nschedule = "@daily"\ntimezone = "Asia/Tokyo"\n')
    plain = place.type("explain", "H H * * *", "--name", "a", "--json").document
    nobody = place.type("explain", "H H * * *", "--json").document
    place.define('[cronjobs]\nhash_seed = "x"\n[jobs.a]\ncallable = "tasks:fail"\nschedule = "@daily"\n')
    seeded = place.type("explain", "H H * * *", "--name", "a", "--json").document

    assert plain["timezone"] == "Asia/Tokyo"
    assert len({each["description"] for each in (plain, nobody, seeded)}) == 3
    assert "`--name JOB` lends one" in nobody["warnings"][0]
    assert not any("--name" in warning for warning in plain["warnings"])


def test_a_name_that_the_file_does_not_have_is_no_job(place):
    answer = place.type("explain", "H * * * *", "--name", "gret", "--json")

    assert answer.code == 4
    assert answer.document["error"]["hint"] == "did you mean `greet`?"


def test_without_a_name_no_file_is_read(place):
    place.define("this is no TOML")

    assert place.type("explain", "0 3 * * *").code == 0
    assert place.type("explain", "0 3 * * *", "--name", "a").code == 3


def test_without_any_file_the_name_alone_is_lent(place):
    (place.directory / "jobs.toml").unlink()

    answer = place.type("explain", "H * * * *", "--name", "a", "--json")

    assert answer.code == 0
    assert place.type("-f", "none.toml", "explain", "H * * * *", "--name", "a").code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--timezone", "Europe/Berln"], "did you mean `Europe/Berlin`?"),
        (["--from", "rubbish"], "'rubbish' is no time"),
        (["--count", "0"], "0 is not in the range"),
    ],
)
def test_options_that_mean_nothing_are_usage_errors(place, words, said):
    answer = place.type("explain", "0 3 * * *", *words)

    assert answer.code == 2
    assert said in answer.err


PROBE = (
    "import sys; sys.argv[1:] = ['explain', *sys.argv[1:]];"
    " from cronjobs.__main__ import main; code = main(); print(code, *sys.modules, file=sys.stderr)"
)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("*/5 9-17 * * mon-fri", set()),
        ("@daily", set()),
        ("5-5 * * * *", {"croniter", "dateutil"}),
        ("RRULE:FREQ=DAILY", {"dateutil"}),
    ],
)
def test_what_all_crons_read_alike_is_told_without_asking_croniter(place, text, needed):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, text, "--timezone", "UTC"],
        cwd=place.directory,
        env=environment({}),
        capture_output=True,
        text=True,
    )
    code, *modules = done.stderr.split()

    assert code == "0"
    assert {"asyncio", "croniter", "dateutil", "sqlite3", "tomllib"} & set(modules) == needed
