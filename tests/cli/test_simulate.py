"""`simulate`: every run of a time, as the scheduler itself would make it."""

import pytest

SPAN = ["--from", "2027-03-27T12:00Z", "--until", "2027-03-28T12:00Z"]
JOBS = """
[defaults]
timezone = "Europe/Berlin"
[jobs.gap]
callable = "tasks:fail"
schedule = "30 2 * * *"
[jobs.limited]
callable = "tasks:fail"
schedule = "0 */4 * * *"
number_of_executions = 3
[jobs.noon]
callable = "tasks:fail"
schedule = ["0 14 * * *", "@reboot"]
exclude = ["2027-03-27"]
"""


def runs(answer):
    return [(run["job"], run["scheduled_for"], run["execution_number"]) for run in answer.document]


def test_clock_changes_limits_and_exclusions_are_in_it(place):
    place.define(JOBS)

    answer = place.type("simulate", *SPAN, "--json")

    assert runs(answer) == [
        ("limited", "2027-03-27T15:00:00Z", 1),
        ("limited", "2027-03-27T19:00:00Z", 2),
        ("limited", "2027-03-27T23:00:00Z", 3),
        ("gap", "2027-03-28T01:00:00Z", 1),
        ("noon", "2027-03-28T12:00:00Z", 1),
    ]
    assert answer.document == place.type("next", *SPAN, "--count", "1000", "--json").document


def test_people_get_the_table_of_next(place):
    place.define(JOBS)

    lines = place.type("simulate", *SPAN).lines

    assert lines[0].split() == ["NEXT", "RUN", "JOB", "EXECUTION"]
    assert lines[4].startswith("2027-03-28 03:00:00+02:00  in ")


def test_a_name_says_whose_runs(place):
    place.define(JOBS)

    answer = place.type("simulate", *SPAN, "--name", "gap", "--json")

    assert runs(answer) == [("gap", "2027-03-28T01:00:00Z", 1)]
    assert place.type("simulate", *SPAN, "--name", "gip").code == 4


def test_counts_start_from_the_state_file_which_stays_as_it_is(place):
    place.define(JOBS)
    for _ in range(2):
        place.type("trigger", "limited", "--counted")
    before = place.type("history", "--json").document

    answer = place.type("simulate", *SPAN, "--name", "limited", "--json")

    assert runs(answer) == [("limited", "2027-03-27T15:00:00Z", 3)]
    assert place.type("history", "--json").document == before
    assert place.type("status", "--json").document[1]["executions"] == 2


def test_from_is_left_out_and_until_is_not(place):
    place.define(JOBS)

    answer = place.type(
        *("simulate", "--from", "2027-03-27T15:00Z", "--until", "2027-03-27T23:00Z", "--json")
    )

    assert [moment for _, moment, _ in runs(answer)] == ["2027-03-27T19:00:00Z", "2027-03-27T23:00:00Z"]


def test_without_until_it_is_a_day(place):
    place.define('[jobs.a]\ncallable = "tasks:fail"\nschedule = "0 * * * *"\ntimezone = "UTC"\n')

    assert len(place.type("simulate", "--json").document) == 24
    assert len(place.type("simulate", "--from", "2027-01-01", "--json").document) == 24


def test_no_state_file_is_made_and_no_job_imported(place):
    (place.directory / "tasks.py").write_text("open('imported', 'w').close()\n")

    assert place.type("simulate").code == 0
    assert sorted(path.name for path in place.directory.iterdir()) == ["jobs.toml", "tasks.py"]


@pytest.mark.parametrize("end", ["2027-03-27T12:00Z", "2020-01-01"])
def test_a_time_that_is_none_has_no_runs(place, end):
    place.define(JOBS)

    assert place.type("simulate", "--from", "2027-03-27T12:00Z", "--until", end, "--json").document == []


def test_a_time_without_runs_is_said_to_have_none(place):
    place.define(JOBS)

    answer = place.type("simulate", "--from", "2027-03-27T12:00Z", "--until", "2027-03-27T12:01Z")

    assert (answer.code, answer.out, answer.err) == (
        0,
        "",
        "no run in that time\nnoon: also due at every start of the scheduler; a simulation is no start\n",
    )


def test_a_start_of_the_scheduler_is_not_in_it_and_that_is_said_to_people(place):
    place.define(JOBS)

    said = place.type("simulate", *SPAN).err

    assert said == "noon: also due at every start of the scheduler; a simulation is no start\n"
    assert place.type("simulate", *SPAN, "--json").err == ""
    assert place.type("simulate", *SPAN, "--name", "gap").err == ""
