"""Cases collected from the test suites of other crons and from cron(8): text, zone, start, fires."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from cronjobs.core.schedule import ScheduleError, parse_schedule

VECTORS = Path(__file__).parent / "vectors"
PUBLIC = json.loads((VECTORS / "public.json").read_text(encoding="utf-8"))
INVALID = json.loads((VECTORS / "invalid.json").read_text(encoding="utf-8"))
FIRING = [case for case in PUBLIC if case["expected"]]
NEVER = [case for case in PUBLIC if not case["expected"]]


def an_instant(written):
    return int(datetime.fromisoformat(written).timestamp() // 1)


def a_name(case):
    return f"{case['id']} {case['expr']} {case['tz']}"


def test_most_cases_are_plain():
    assert len(FIRING) >= 225
    assert len(NEVER) >= 2
    assert len(INVALID) >= 60


@pytest.mark.parametrize("case", FIRING, ids=a_name)
def test_fires_as_expected_in_both_directions(case):
    schedule = parse_schedule(case["expr"], case["tz"])
    start = an_instant(case["start"])
    expected = [an_instant(written) for written in case["expected"]]

    forward, instant = [], start
    for _ in expected:
        instant = schedule.next_after(instant)
        forward.append(instant)
    backward, instant = [], expected[-1] + 1
    for _ in expected:
        instant = schedule.previous_before(instant)
        backward.insert(0, instant)

    assert forward == expected
    assert backward == expected
    assert schedule.count_between(start, expected[-1]) == len(expected)


@pytest.mark.parametrize("case", NEVER, ids=a_name)
def test_what_can_never_fire_is_refused(case):
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(case["expr"], case["tz"])

    assert refusal.value.code == "never"


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case["why"])
def test_what_is_no_schedule_is_refused(case):
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(case["expr"])

    assert refusal.value.code != "never"
    assert 1 <= refusal.value.column <= len(case["expr"]) + 1
