"""The JSON documents: their keys, exactly, and how times and durations stand in them."""

import json
import re

import pytest

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")

RUN = [
    "id",
    "job",
    "scheduled_for",
    "attempt",
    "trigger",
    "state",
    "reason",
    "started_at",
    "finished_at",
    "duration_seconds",
    "exit_code",
    "signal",
    "error",
    "execution_number",
    "user_seconds",
    "system_seconds",
    "max_rss_bytes",
    "result",
]
STATUS = [
    "job",
    "schedule",
    "timezone",
    "executions",
    "number_of_executions",
    "remaining_executions",
    "enabled",
    "paused",
    "running",
    "last_run",
    "next_run",
]


def test_next_lists_runs_with_job_instant_and_number(place):
    answer = place.type("next", "--from", "2027-01-04T00:00Z", "--json")

    assert answer.document == [
        {"job": "fail", "scheduled_for": "2027-01-04T03:30:00Z", "execution_number": 1},
        {"job": "greet", "scheduled_for": "2028-02-29T03:00:00Z", "execution_number": 1},
    ]
    assert answer.err == ""


def test_status_has_an_object_a_job_in_the_order_of_the_file(place):
    document = place.type("status", "--json").document

    assert [list(job) for job in document] == [STATUS] * 3
    assert document[0] == {
        "job": "greet",
        "schedule": ["0 3 29 2 *"],
        "timezone": "UTC",
        "executions": 0,
        "number_of_executions": 3,
        "remaining_executions": 3,
        "enabled": True,
        "paused": False,
        "running": 0,
        "last_run": None,
        "next_run": "2028-02-29T03:00:00Z",
    }
    assert (document[1]["number_of_executions"], document[1]["remaining_executions"]) == (None, None)
    assert (document[2]["enabled"], document[2]["next_run"]) == (False, None)


def test_the_last_run_of_status_is_the_run_of_history(place):
    place.type("trigger", "fail")

    (run,) = place.type("history", "--json").document
    status = place.type("status", "--json").document

    assert status[1]["last_run"] == run


def test_history_says_all_of_a_run_that_failed(place):
    place.type("trigger", "fail")

    (run,) = place.type("history", "--json").document

    assert list(run) == RUN
    assert run["id"] == f"fail@{run['scheduled_for']}~1"
    assert (run["job"], run["attempt"], run["trigger"], run["state"]) == ("fail", 1, "manual", "failed")
    assert (run["reason"], run["exit_code"], run["signal"]) == (None, 1, None)
    assert list(run["error"]) == ["type", "message", "traceback"]
    assert (run["error"]["type"], run["error"]["message"]) == ("ValueError", "no beans\nand no tea")
    assert run["error"]["traceback"].startswith("Traceback (most recent call last):")
    for key in ("scheduled_for", "started_at", "finished_at"):
        assert INSTANT.fullmatch(run[key])
    assert 0 < run["duration_seconds"] < 30


def test_history_of_a_success_has_null_for_what_did_not_happen(place):
    place.type("trigger", "greet")

    (run,) = place.type("history", "--json").document

    assert (run["state"], run["exit_code"], run["signal"], run["error"]) == ("succeeded", 0, None, None)


def test_history_is_chosen_by_name_state_and_limit_and_is_newest_first(place):
    for name in ("greet", "fail", "greet"):
        place.type("trigger", name)

    def jobs(*words):
        return [run["job"] for run in place.type("history", "--json", *words).document]

    assert jobs() == ["greet", "fail", "greet"]
    assert jobs("--name", "greet") == ["greet", "greet"]
    assert jobs("--state", "failed") == ["fail"]
    assert jobs("--limit", "2") == ["greet", "fail"]
    assert jobs("--state", "timed_out") == []


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["next", "--json", "--name", "gret"], 4, "no job 'gret' in {}/jobs.toml", "did you mean `greet`?"),
        (
            ["history", "--name", "gret", "--json"],
            4,
            "no job 'gret' in {}/jobs.toml",
            "did you mean `greet`?",
        ),
        (
            ["-f", "none.toml", "status", "--json"],
            3,
            "there is no file {}/none.toml",
            "`-f FILE` names another one; without it, ./jobs.toml is read",
        ),
        (
            ["-f", "two.toml", "status", "--json"],
            3,
            "two.toml has 2 problems",
            "`cronjobs validate` shows them",
        ),
        (
            ["next", "--json", "--from", "rubbish"],
            2,
            "invalid value for '--from': 'rubbish' is no time;"
            " write it like 2026-11-24T15:00 or 2026-11-24T15:00Z",
            "`cronjobs next --help` says what it takes",
        ),
    ],
)
def test_a_failure_is_one_document_with_message_and_hint(place, words, code, message, hint):
    (place.directory / "two.toml").write_text("[jobs.a]\n")

    answer = place.type(*words)

    assert answer.code == code
    assert answer.document == {"error": {"message": message.format(place.directory), "hint": hint}}
    assert answer.err == ""


def test_the_log_of_run_is_a_json_object_a_line_the_schedule_included(place):
    place.define(
        '[jobs.once]\ncallable = "tasks:fail"\nschedule = "* * * * * *"\nnumber_of_executions = 1\n'
        'timezone = "UTC"\n'
    )

    answer = place.type("run", "--exit-when-done", "--log-format", "json")

    events = [json.loads(line) for line in answer.lines]
    assert answer.code == 0
    assert all(list(event)[:4] == ["time", "level", "event", "message"] for event in events)
    assert all(INSTANT.fullmatch(event["time"]) for event in events)
    (coming,) = [event for event in events if event["event"] == "next_run"]
    assert (coming["job"], coming["execution_number"]) == ("once", 1)
    (finished,) = [event for event in events if event["event"] == "run_finished"]
    assert (finished["job"], finished["state"], finished["level"]) == ("once", "failed", "error")
    assert finished["run_id"] == f"once@{finished['scheduled_for']}"
    assert "about to fail" in [event["message"] for event in events if event.get("stream") == "stderr"]
