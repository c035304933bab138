"""What is owed after a time in which nobody looked: the latest occurrence, if it is not too old."""

import pytest
from factories import DAY, HOUR, MINUTE, NOON, Instants
from hypothesis import given
from hypothesis import strategies as st

from cronjobs.core.catch_up import WINDOW_SECONDS, CatchUp, Missed, catch_up
from cronjobs.core.schedule import parse_schedule

NOTHING = CatchUp(None, None)


def test_the_window_is_an_hour():
    assert WINDOW_SECONDS == HOUR


@pytest.mark.parametrize(
    ("text", "after", "now", "owed"),
    [
        pytest.param("0 * * * *", NOON, NOON + 59 * MINUTE, NOTHING, id="none came due"),
        pytest.param("0 * * * *", NOON, NOON, NOTHING, id="no time passed"),
        pytest.param("0 * * * *", NOON + DAY, NOON, NOTHING, id="looked at beyond now"),
        pytest.param("0 * * * *", NOON, NOON + HOUR, CatchUp(NOON + HOUR, None), id="due this second"),
        pytest.param("0 * * * *", NOON, NOON + 90 * MINUTE, CatchUp(NOON + HOUR, None), id="the only one"),
        pytest.param(
            "0 * * * *",
            NOON,
            NOON + 3.5 * HOUR,
            CatchUp(NOON + 3 * HOUR, Missed(NOON + HOUR, NOON + 2 * HOUR, 2)),
            id="the latest runs and the others share a row",
        ),
        pytest.param(
            "*/10 * * * *",
            NOON,
            NOON + 31 * MINUTE,
            CatchUp(NOON + 30 * MINUTE, Missed(NOON + 10 * MINUTE, NOON + 20 * MINUTE, 2)),
            id="others inside the window do not run either",
        ),
        pytest.param(
            "0 12 * * *",
            NOON - DAY,
            NOON + HOUR,
            CatchUp(NOON, None),
            id="exactly as old as the window",
        ),
        pytest.param(
            "0 12 * * *",
            NOON - DAY,
            NOON + HOUR + 1,
            CatchUp(None, Missed(NOON, NOON, 1)),
            id="a second older than the window",
        ),
        pytest.param(
            "0 12 * * *",
            NOON - 10 * DAY,
            NOON + 2 * HOUR,
            CatchUp(None, Missed(NOON - 9 * DAY, NOON, 10)),
            id="all of them too old",
        ),
    ],
)
def test_once_runs_the_latest_inside_the_window_and_misses_the_rest(text, after, now, owed):
    assert catch_up(parse_schedule(text), after, int(now)) == owed


def test_a_schedule_that_is_over_owes_what_it_fired_before_its_end():
    schedule = Instants(NOON + 1, NOON + 2)

    assert catch_up(schedule, NOON, NOON + 10) == CatchUp(NOON + 2, Missed(NOON + 1, NOON + 1, 1))


def test_a_schedule_that_has_not_begun_owes_nothing():
    assert catch_up(Instants(NOON + 10), NOON - DAY, NOON) == NOTHING


def test_a_year_of_every_second_is_counted_without_going_through_it():
    schedule = parse_schedule("* * * * * *")
    year = 365 * DAY

    owed = catch_up(schedule, NOON - year, NOON)

    assert owed == CatchUp(NOON, Missed(NOON - year + 1, NOON - 1, year - 1))


@given(
    instants=st.sets(st.integers(1, 3 * HOUR), max_size=20),
    after=st.integers(0, 3 * HOUR),
    now=st.integers(0, 3 * HOUR),
)
def test_every_occurrence_is_either_run_or_missed(instants, after, now):
    owed = catch_up(Instants(*instants), after, now)

    in_question = sorted(instant for instant in instants if after < instant <= now)
    accounted = (owed.missed.skipped_count if owed.missed else 0) + (owed.instant is not None)
    assert accounted == len(in_question)
    if owed.instant is not None:
        assert owed.instant == in_question[-1] >= now - WINDOW_SECONDS
    if owed.missed is not None:
        rest = in_question[:-1] if owed.instant is not None else in_question
        assert owed.missed == Missed(rest[0], rest[-1], len(rest))
