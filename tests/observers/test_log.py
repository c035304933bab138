"""What the scheduler's log says of each event, to people and to machines."""

import json

import pytest
from factories import HOUR, NOON, a_run

from cronjobs.core.events import (
    Coming,
    Note,
    OutputLine,
    RunFinished,
    RunSkipped,
    RunStarted,
    SchedulePrinted,
)
from cronjobs.core.failure import Failure
from cronjobs.core.run import Reason, State, Trigger, Usage
from cronjobs.observers.log import LEVELS, JsonLog, TextLog

NOW = NOON + 0.25
AT = "2026-11-23 13:00:00+01:00"


class Lines:
    """Keeps a log's lines, as a pipe that is read at once would."""

    def __init__(self):
        self.written = []
        self.dropped = 0

    def write(self, line):
        self.written.append(line)

    def take_dropped(self):
        dropped, self.dropped = self.dropped, 0
        return dropped

    def flush(self):
        pass


@pytest.fixture
def lines():
    return Lines()


def text_log(lines, **options):
    return TextLog(lines, now=lambda: NOW, zone="Europe/Berlin", **options)


def json_log(lines, **options):
    return JsonLog(lines, now=lambda: NOW, **options)


RUNNING = a_run(
    state=State.RUNNING, execution_number=2, counting=1, claimed_at=NOON, started_at=NOON + 0.125, pid=4711
)
SUCCEEDED = RUNNING._replace(
    state=State.SUCCEEDED, finished_at=NOON + 90.125, exit_code=0, usage=Usage(1.0, 0.5, 1 << 20)
)
FAILED = RUNNING._replace(
    state=State.FAILED,
    finished_at=NOON + 1.375,
    exit_code=1,
    error=Failure("ValueError", "no such cart\nnor another", "Traceback ..."),
)
EXITED = RUNNING._replace(state=State.FAILED, finished_at=NOON + 1.375, exit_code=3)
CRASHED = RUNNING._replace(state=State.FAILED, finished_at=NOON + 1.375, signal="SIGSEGV")
TIMED_OUT = RUNNING._replace(state=State.TIMED_OUT, finished_at=NOON + 20.125, signal="SIGKILL")
STOPPED = RUNNING._replace(
    state=State.CANCELLED, reason=Reason.SHUTDOWN, finished_at=NOON + 20.125, signal="SIGTERM"
)
GIVEN_UP = a_run(state=State.CANCELLED, reason=Reason.SHUTDOWN, finished_at=NOON + 5)
LOST = RUNNING._replace(state=State.LOST, finished_at=NOON + 20.125, reason=Reason.ZYGOTE)
SKIPPED = a_run(
    state=State.SKIPPED,
    reason=Reason.OVERLAP,
    finished_at=NOON,
    skipped_count=1,
    first_scheduled_for=NOON,
)
MISSED = a_run(
    state=State.MISSED,
    reason=Reason.TOO_LATE,
    trigger=Trigger.CATCH_UP,
    finished_at=NOON,
    skipped_count=25,
    first_scheduled_for=NOON - 24 * HOUR,
)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (RunStarted(RUNNING, 3), ["tidy  started (execution 2/3)"]),
        (RunStarted(RUNNING, None), ["tidy  started"]),
        (RunStarted(RUNNING._replace(trigger=Trigger.CATCH_UP), None), ["tidy  started (catch_up)"]),
        (
            RunStarted(RUNNING._replace(trigger=Trigger.CATCH_UP), 3),
            ["tidy  started (execution 2/3, catch_up)"],
        ),
        (
            RunStarted(RUNNING._replace(trigger=Trigger.MANUAL, execution_number=None), 3),
            ["tidy  started (manual)"],
        ),
        (RunFinished(SUCCEEDED), ["tidy  succeeded after 1 min 30 s"]),
        (RunFinished(FAILED), ["tidy  error: failed after 1.25 s: ValueError: no such cart"]),
        (RunFinished(EXITED), ["tidy  error: failed after 1.25 s: exit code 3"]),
        (RunFinished(CRASHED), ["tidy  error: failed after 1.25 s: ended by SIGSEGV"]),
        (RunFinished(TIMED_OUT), ["tidy  error: timed out after 20 s: ended by SIGKILL"]),
        (RunFinished(STOPPED), ["tidy  warning: cancelled (shutdown) after 20 s: ended by SIGTERM"]),
        (RunFinished(GIVEN_UP), ["tidy  warning: cancelled (shutdown)"]),
        (RunFinished(LOST), ["tidy  error: lost (zygote) after 20 s"]),
        (RunSkipped(SKIPPED), ["tidy  warning: skipped (overlap): the run before it is not finished"]),
        (
            RunSkipped(SKIPPED._replace(skipped_count=3)),
            ["tidy  warning: skipped (overlap): the run before it is not finished, 3 in a row"],
        ),
        (
            RunSkipped(MISSED),
            ["tidy  warning: missed 25 from 2026-11-22T12:00:00Z to 2026-11-23T12:00:00Z (too_late)"],
        ),
        (OutputLine(RUNNING, "stdout", "12 carts"), ["tidy  | 12 carts"]),
        (OutputLine(RUNNING, "stderr", "careful"), ["tidy  ! careful"]),
        (Note("info", "stopped", "stopped"), ["stopped"]),
        (Note("error", "claim_failed", "nothing is started"), ["error: nothing is started"]),
        (
            Note("error", "import_failed", "No module named 'shop'\nTraceback:\n  line 1", "tidy"),
            ["tidy  error: No module named 'shop'", "tidy  | Traceback:", "tidy  |   line 1"],
        ),
    ],
)
def test_people_read_a_line_with_time_job_and_what_happened(lines, event, expected):
    text_log(lines).observe(event)

    assert lines.written == [f"{AT}  {line}" for line in expected]


COMING = SchedulePrinted(
    [
        Coming("tidy", NOON + 300, "Europe/Berlin", 2, 3),
        Coming("report", NOON + HOUR, "UTC", 1, None),
        Coming("old", None, "UTC", 4, 3, "done 3/3"),
    ]
)


def test_people_read_the_coming_runs_as_a_table(lines):
    text_log(lines).observe(COMING)

    assert lines.written == [
        "NEXT RUN                             JOB     EXECUTION",
        "2026-11-23 13:05:00+01:00  in 5 min  tidy    2/3",
        "2026-11-23 13:00:00+00:00  in 1 h    report",
        "done 3/3                             old",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("bell\x07 null\x00 back\x08", r"bell\x07 null\x00 back\x08"),
        ("half\rover", r"half\x0dover"),
        ("\x7f", r"\x7f"),
        ("Kärntner Straße 5 €", "Kärntner Straße 5 €"),
    ],
)
def test_output_cannot_garble_a_text_log(lines, text, written):
    text_log(lines).observe(OutputLine(RUNNING, "stdout", text))

    assert lines.written == [f"{AT}  tidy  | {written}"]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (RunFinished(SUCCEEDED), "tidy  \x1b[32msucceeded after 1 min 30 s\x1b[0m"),
        (RunFinished(EXITED), "tidy  \x1b[31merror: failed after 1.25 s: exit code 3\x1b[0m"),
        (Note("warning", "careful", "careful"), "\x1b[33mwarning: careful\x1b[0m"),
        (Note("info", "stopped", "stopped"), "stopped"),
    ],
)
def test_colour_says_how_it_went(lines, event, line):
    text_log(lines, colour=True).observe(event)

    assert lines.written == [f"{AT}  {line}"]


IDENTITY = {
    "job": "tidy",
    "run_id": "tidy@2026-11-23T12:00:00Z",
    "scheduled_for": "2026-11-23T12:00:00Z",
}
RUN = {**IDENTITY, "trigger": "schedule", "execution_number": 2}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            RunStarted(RUNNING, 3),
            {
                "level": "info",
                "event": "run_started",
                "message": "started (execution 2/3)",
                "state": "running",
                **RUN,
            },
        ),
        (
            RunFinished(SUCCEEDED),
            {
                "level": "info",
                "event": "run_finished",
                "message": "succeeded after 1 min 30 s",
                "state": "succeeded",
                "duration_seconds": 90.0,
                "exit_code": 0,
                **RUN,
            },
        ),
        (
            RunFinished(FAILED),
            {
                "level": "error",
                "event": "run_finished",
                "message": "failed after 1.25 s: ValueError: no such cart",
                "state": "failed",
                "duration_seconds": 1.25,
                "exit_code": 1,
                "error": {
                    "type": "ValueError",
                    "message": "no such cart\nnor another",
                    "traceback": "Traceback ...",
                },
                **RUN,
            },
        ),
        (
            RunFinished(STOPPED),
            {
                "level": "warning",
                "event": "run_finished",
                "message": "cancelled (shutdown) after 20 s: ended by SIGTERM",
                "state": "cancelled",
                "reason": "shutdown",
                "duration_seconds": 20.0,
                "signal": "SIGTERM",
                **RUN,
            },
        ),
        (
            RunSkipped(SKIPPED._replace(skipped_count=3)),
            {
                "level": "warning",
                "event": "run_skipped",
                "message": "skipped (overlap): the run before it is not finished, 3 in a row",
                "state": "skipped",
                "reason": "overlap",
                "trigger": "schedule",
                "skipped_count": 3,
                **IDENTITY,
            },
        ),
        (
            OutputLine(RUNNING, "stderr", "bell\x07 \udce9 €\u2028"),
            {
                "level": "info",
                "event": "output",
                "message": "bell\x07 \udce9 €\u2028",
                "stream": "stderr",
                **IDENTITY,
            },
        ),
        (
            Note("error", "import_failed", "No module named 'shop'\nTraceback", "tidy", "tidy@..."),
            {
                "level": "error",
                "event": "import_failed",
                "message": "No module named 'shop'\nTraceback",
                "job": "tidy",
                "run_id": "tidy@...",
            },
        ),
        (
            Note("info", "stopped", "stopped"),
            {"level": "info", "event": "stopped", "message": "stopped"},
        ),
    ],
)
def test_machines_read_an_object_with_what_applies(lines, event, expected):
    json_log(lines).observe(event)

    (line,) = lines.written
    assert json.loads(line) == {"time": "2026-11-23T12:00:00.250Z", **expected}


def test_machines_read_the_coming_runs_as_an_object_each(lines):
    json_log(lines).observe(COMING)

    times = {"time": "2026-11-23T12:00:00.250Z", "level": "info", "event": "next_run"}
    assert [json.loads(line) for line in lines.written] == [
        {
            **times,
            "message": "next run at 2026-11-23 13:05:00+01:00, in 5 min",
            "job": "tidy",
            "scheduled_for": "2026-11-23T12:05:00Z",
            "execution_number": 2,
        },
        {
            **times,
            "message": "next run at 2026-11-23 13:00:00+00:00, in 1 h",
            "job": "report",
            "scheduled_for": "2026-11-23T13:00:00Z",
            "execution_number": 1,
        },
        {**times, "message": "done 3/3", "job": "old"},
    ]


EVERY_EVENT = [
    COMING,
    RunStarted(RUNNING, 3),
    *map(RunFinished, (SUCCEEDED, FAILED, EXITED, CRASHED, TIMED_OUT, STOPPED, GIVEN_UP, LOST)),
    *map(RunSkipped, (SKIPPED, MISSED)),
    OutputLine(RUNNING, "stdout", "\n\r\x00\x85\u2028\udce9"),
    Note("warning", "careful", "a\nb"),
]


def test_every_line_of_a_json_log_is_one_object_in_ascii(lines):
    log = json_log(lines)
    for event in EVERY_EVENT:
        lines.dropped = 2
        log.observe(event)

    for line in lines.written:
        assert line.isascii()
        assert line.splitlines() == [line]
        assert list(json.loads(line))[:4] == ["time", "level", "event", "message"]


@pytest.mark.parametrize("make", [text_log, json_log])
@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_a_log_keeps_what_is_at_least_of_its_level(lines, make, level, kept):
    log = make(lines, level=level)

    for each in LEVELS:
        log.observe(Note(each, "a_word", f"<{each}>"))

    written = "".join(lines.written)
    assert [each for each in LEVELS if f"<{each}>" in written] == kept
    assert len(lines.written) == len(kept)


@pytest.mark.parametrize("make", [text_log, json_log])
def test_a_gap_in_the_log_is_told_where_it_is(lines, make):
    log = make(lines)
    log.observe(Note("info", "before", "before"))
    lines.dropped = 17
    log.observe(Note("info", "after", "after"))

    before, gap, after = lines.written
    assert "before" in before
    assert "17 lines of this log were dropped" in gap
    assert "after" in after


def test_machines_read_of_a_gap_by_a_word(lines):
    lines.dropped = 17

    json_log(lines).observe(Note("info", "after", "after"))

    assert json.loads(lines.written[0])["event"] == "log_dropped"
