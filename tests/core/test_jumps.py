"""When a clock was set, and what is owed for what it was put forward over."""

import pytest
from factories import HOUR, MINUTE, NOON

from cronjobs.core.catch_up import CatchUp, Missed
from cronjobs.core.jumps import Jump, Reading, jump_between, owed_after
from cronjobs.core.schedule import parse_schedule

BEFORE = Reading(NOON, 1000.0, 5.0)


def readings_apart(wall, monotonic, suspended=0.0):
    return BEFORE, Reading(NOON + wall, 1000.0 + monotonic, 5.0 + suspended)


@pytest.mark.parametrize(
    ("wall", "monotonic"), [(30, 30), (3600, 3600), (90, 30), (-30, 30), (0, 0), (89.9, 30)]
)
def test_a_clock_that_goes_on_or_is_corrected_does_not_jump(wall, monotonic):
    assert jump_between(*readings_apart(wall, monotonic)) is None


@pytest.mark.parametrize(
    ("apart", "jump"),
    [
        ((91, 30), Jump(NOON, NOON + 61, False)),
        ((-31, 30), Jump(NOON, NOON - 61, False)),
        ((3630, 30), Jump(NOON, NOON + 3600, False)),
        ((3630, 30, 3600), Jump(NOON, NOON + 3600, True)),
        ((3630, 30, 59), Jump(NOON, NOON + 3600, False)),
        ((-3600, 0, 3600), Jump(NOON, NOON - 3600, False)),
    ],
)
def test_a_clock_that_was_set_jumps_and_a_suspension_is_one_of_its_own(apart, jump):
    assert jump_between(*readings_apart(*apart)) == jump


@pytest.mark.parametrize(
    ("text", "jump_seconds", "owed"),
    [
        # fixed: once, the latest
        ("30 12 * * *", HOUR, CatchUp(NOON + HOUR // 2, None)),
        ("30 12 * * *", 3 * HOUR, CatchUp(NOON + HOUR // 2, None)),
        ("0 13 * * *", HOUR, CatchUp(NOON + HOUR, None)),
        ("0 12 * * *", HOUR, CatchUp(None, None)),
        ("1 13 * * *", HOUR, CatchUp(None, None)),
        (
            "0,20,40 12 * * *",
            HOUR,
            CatchUp(NOON + 40 * MINUTE, Missed(NOON + 20 * MINUTE, NOON + 20 * MINUTE, 1)),
        ),
        # wildcard and elapsed: from the new time on
        ("* * * * *", HOUR, CatchUp(None, Missed(NOON + MINUTE, NOON + HOUR, 60))),
        ("@every 25m", HOUR, CatchUp(None, Missed(NOON + 25 * MINUTE, NOON + 50 * MINUTE, 2))),
        ("@reboot", HOUR, CatchUp(None, None)),
        # over three hours: the policy
        ("30 12 * * *", 3 * HOUR + 1, CatchUp(None, Missed(NOON + HOUR // 2, NOON + HOUR // 2, 1))),
        ("30 14 * * *", 3 * HOUR + 1, CatchUp(NOON + 2.5 * HOUR, None)),
        (
            "0 * * * *",
            4 * HOUR,
            CatchUp(NOON + 4 * HOUR, Missed(NOON + HOUR, NOON + 3 * HOUR, 3)),
        ),
    ],
)
def test_what_is_owed_for_a_jump(text, jump_seconds, owed):
    schedule = parse_schedule(text, anchor=NOON)

    assert owed_after(schedule, Jump(NOON, NOON + jump_seconds, False)) == owed


def test_after_a_suspension_the_policy_decides():
    schedule = parse_schedule("0 12,13,14 * * *")

    assert owed_after(schedule, Jump(NOON, NOON + 2.5 * HOUR, True)) == CatchUp(
        NOON + 2 * HOUR, Missed(NOON + HOUR, NOON + HOUR, 1)
    )
