"""Cases collected from the test suites of other crons and from cron(8): text, zone, start, fires."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from cronjobs.core.schedule import ScheduleError, parse_schedule
from cronjobs.core.schedule.fields import FIELDS

VECTORS = Path(__file__).parent / "vectors"
PUBLIC = json.loads((VECTORS / "public.json").read_text(encoding="utf-8"))
INVALID = json.loads((VECTORS / "invalid.json").read_text(encoding="utf-8"))
# What those suites hold beyond `public.json`, as far as they mean what we mean.
SUITES = json.loads((VECTORS / "suites.json").read_text(encoding="utf-8"))
FIRING = [case for case in PUBLIC + SUITES if case["expected"]]
NEVER = [case for case in PUBLIC if not case["expected"]]


def an_instant(written):
    return int(datetime.fromisoformat(written).timestamp() // 1)


def a_name(case):
    return f"{case['id']} {case['expr']} {case['tz']}"


def test_most_cases_are_plain():
    assert len(FIRING) >= 450
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


# Bad in every field; most of them from the suites of cronsim, robfig/cron and croner.
BAD_TERMS = [
    *("-1", "61", "ABC", "2/", "/2", "2#", "#2", "1##1", "1//2", "\u00b9", "LL", "LWX", "1_0", "5--5"),
    *("*/-12", "*5", "*a", "1-", "0x1", "1.5", "1,", "?/2", "25-L", "H(1)"),
]


@pytest.mark.parametrize("term", BAD_TERMS)
@pytest.mark.parametrize("position", range(7), ids=[field.name for field in FIELDS])
def test_a_bad_term_is_refused_wherever_it_stands(position, term):
    first_column = 1 + 2 * position
    for field in (term, f"1-{term}", f"2,{term}", f"{term},2", f"{term}/2"):
        text = " ".join(["*"] * position + [field] + ["*"] * (6 - position))

        with pytest.raises(ScheduleError) as refusal:
            parse_schedule(text)

        error = refusal.value
        assert error.code != "never"
        assert error.hint
        assert error.field == ("" if error.code == "character" else FIELDS[position].name)
        assert first_column <= error.column <= first_column + len(field)
