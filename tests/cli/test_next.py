"""`next`: which runs it lists, from when on, and how it reads a time."""

from datetime import UTC, datetime, timedelta

import pytest


def instants(answer):
    return [run["scheduled_for"] for run in answer.document]


def test_it_lists_the_next_run_of_every_job_soonest_first_and_says_of_the_others_why_not(place):
    answer = place.type("next", "--from", "2027-01-04T00:00Z")

    assert [line.split("  ")[0] for line in answer.lines] == [
        "NEXT RUN",
        "2027-01-04 04:30:00+01:00",
        "2028-02-29 03:00:00+00:00",
    ]
    assert answer.lines[1].endswith("  fail")
    assert answer.lines[2].endswith("  greet  1/3")
    assert answer.err == "off: disabled\n"


def test_with_a_name_it_lists_five_unless_told_how_many(place):
    assert len(place.type("next", "--name", "fail", "--json").document) == 5
    assert len(place.type("next", "--name", "fail", "--count", "7", "--json").document) == 7
    assert len(place.type("next", "--count", "2", "--json").document) == 4


def test_executions_that_are_used_up_are_not_listed(place):
    place.type("trigger", "greet", "--counted")

    answer = place.type("next", "--name", "greet", "--json")

    assert [run["execution_number"] for run in answer.document] == [2, 3]


def test_a_job_that_is_done_is_not_listed(place):
    for _ in range(3):
        place.type("trigger", "greet", "--counted")

    answer = place.type("next", "--name", "greet")

    assert (answer.code, answer.out, answer.err) == (0, "", "greet: done 3/3\n")


def test_a_disabled_job_is_not_listed(place):
    answer = place.type("next", "--name", "off")

    assert (answer.code, answer.out, answer.err) == (0, "", "off: disabled\n")
    assert place.type("next", "--name", "off", "--json").document == []


def test_from_is_left_out_and_until_is_not(place):
    answer = place.type(
        *("next", "--name", "fail", "--from", "2027-01-04T03:30Z", "--until", "2027-01-06T03:30Z", "--json")
    )

    assert instants(answer) == ["2027-01-05T03:30:00Z", "2027-01-06T03:30:00Z"]


def test_nothing_in_that_time_is_said(place):
    answer = place.type("next", "--name", "fail", "--from", "2027-01-04", "--until", "2027-01-04T00:01")

    assert (answer.code, answer.out, answer.err) == (0, "", "fail: no run in that time\n")


def test_without_from_it_begins_now(place):
    before = datetime.now(UTC)
    place.define('[jobs.often]\ncallable = "tasks:fail"\nschedule = "* * * * * *"\n')

    (instant, *_) = instants(place.type("next", "--json"))

    assert before < datetime.fromisoformat(instant) < datetime.now(UTC) + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("text", "zone", "first"),
    [
        ("2027-01-04T03:29:59Z", "UTC", "2027-01-04T03:30:00Z"),
        ("2027-01-04T03:29:59.5Z", "UTC", "2027-01-04T03:30:00Z"),
        ("2027-01-04T03:30:00.5Z", "UTC", "2027-01-05T03:30:00Z"),
        ("2027-01-04T05:30+02:00", "UTC", "2027-01-05T03:30:00Z"),
        ("2027-01-04T05:30+02:01", "UTC", "2027-01-04T03:30:00Z"),
        ("2027-01-04T03:30", "UTC", "2027-01-05T03:30:00Z"),
        ("2027-01-04T04:30", "Europe/Berlin", "2027-01-05T03:30:00Z"),
        ("2027-01-04T04:29", "Europe/Berlin", "2027-01-04T03:30:00Z"),
        ("2027-01-04", "UTC", "2027-01-04T03:30:00Z"),
        ("2027-01-04", "America/New_York", "2027-01-05T03:30:00Z"),
        ("20270104", "UTC", "2027-01-04T03:30:00Z"),
        ("Jan 4 2027 3:29 am", "UTC", "2027-01-04T03:30:00Z"),
        ("4 January 2027 03:31 UTC", "UTC", "2027-01-05T03:30:00Z"),
    ],
)
def test_a_time_is_iso_8601_or_what_dateutil_reads_in_the_machines_zone(place, text, zone, first):
    assert instants(place.type("next", "--name", "fail", "--from", text, "--json", TZ=zone))[0] == first


@pytest.mark.parametrize("text", ["rubbish", "2027-13-01", "25:00", "2027-01-04 03:00 XYZ", "tomorrow"])
def test_what_is_no_time_is_refused(place, text):
    answer = place.type("next", "--from", text)

    assert answer.code == 2
    assert f"'{text}' is no time; write it like 2026-11-24T15:00 or 2026-11-24T15:00Z" in answer.err


def test_a_time_without_offset_needs_a_zone_that_exists(place):
    answer = place.type("next", "--from", "2027-01-04", TZ="Nowhere/Land")

    assert answer.code == 2
    assert "a time without an offset needs a zone, and TZ=Nowhere/Land is none" in answer.err
    assert place.type("next", "--from", "2027-01-04T00:00Z", TZ="Nowhere/Land").code == 0


def test_it_neither_imports_jobs_nor_makes_a_state_file(place):
    (place.directory / "tasks.py").write_text("open('imported', 'w').close()\n")

    for command in ("next", "status", "history"):
        assert place.type(command).code == 0

    assert sorted(path.name for path in place.directory.iterdir()) == ["jobs.toml", "tasks.py"]


# Schedules of every kind

SCHEDULES = """
[defaults]
timezone = "UTC"
[jobs.several]
callable = "tasks:fail"
schedule = ["0 9 * * *", "0 9,17 * * sat"]
starts_at = 2027-01-02
ends_at = 2027-01-09T17:00:00
exclude = ["2027-01-04..2027-01-06", "calendar:off"]
[jobs.often]
callable = "tasks:fail"
schedule = "@every 90m"
[jobs.first]
callable = "tasks:fail"
schedule = "@reboot"
[calendars]
off = [2027-01-07, "* 0-12 8 1 *"]
"""


def test_bounds_exclusions_and_several_texts_are_taken_into_account(place):
    place.define(SCHEDULES)

    answer = place.type("next", "--name", "several", "--count", "9", "--from", "2027-01-01T00:00Z", "--json")

    assert instants(answer) == [
        *("2027-01-02T09:00:00Z", "2027-01-02T17:00:00Z", "2027-01-03T09:00:00Z"),
        *("2027-01-09T09:00:00Z", "2027-01-09T17:00:00Z"),
    ]


def test_a_job_that_never_started_counts_elapsed_time_from_there(place):
    place.define(SCHEDULES)

    answer = place.type("next", "--name", "often", "--count", "2", "--from", "2027-01-01T00:00Z", "--json")

    assert instants(answer) == ["2027-01-01T01:30:00Z", "2027-01-01T03:00:00Z"]


def test_a_job_that_has_been_started_counts_elapsed_time_from_its_first_start(place):
    place.define(SCHEDULES)
    place.type("trigger", "often")
    (row,) = place.type("history", "--json").document
    first_start = datetime.fromisoformat(row["scheduled_for"])

    (run,) = place.type("next", "--name", "often", "--count", "1", "--json").document

    assert datetime.fromisoformat(run["scheduled_for"]) - first_start == timedelta(minutes=90)


def test_a_job_that_waits_for_a_start_says_so(place):
    place.define(SCHEDULES)

    answer = place.type("next", "--name", "first")

    assert (answer.code, answer.out, answer.err) == (0, "", "first: at every start of the scheduler\n")


def test_status_shows_every_text_and_when_it_comes(place):
    place.define(SCHEDULES)

    several, often, first = place.type("status", "--json").document
    lines = place.type("status").lines

    assert several["schedule"] == ["0 9 * * *", "0 9,17 * * sat"]
    assert several["next_run"] == "2027-01-02T09:00:00Z"
    assert often["next_run"] is not None
    assert first["next_run"] is None
    assert "at 09:00; at 09:00 and 17:00 on Saturday" in lines[1]
    assert lines[3].endswith("at the next start")
