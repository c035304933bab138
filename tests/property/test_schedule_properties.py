"""Schedules against other crons, against a slow one that is easy to believe, and against the clock.

CRONJOBS_EXAMPLES multiplies how many examples are drawn.
"""

import os
from datetime import UTC, datetime
from itertools import islice, pairwise

import pytest
import slow_cron
from croniter import croniter
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from texts import common_texts, hostile, texts
from work import calls_of

from cronjobs.core.schedule import ScheduleError, lint, parse_schedule
from cronjobs.core.schedule.readings import croniter_fires, is_read_alike

TIMES = float(os.environ.get("CRONJOBS_EXAMPLES", "1"))
FIRST, LAST = 0, int(datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
MOST_CALLS = 100_000  # to read a text and to ask twice: some tens of milliseconds

# Zone and a moment near a change of it.
CHANGES = [
    ("Europe/Berlin", "2025-03-30"),
    ("Europe/Dublin", "2025-10-26"),
    ("America/New_York", "2025-11-02"),
    ("America/St_Johns", "2010-11-07"),
    ("Australia/Lord_Howe", "2025-10-04"),
    ("Pacific/Apia", "2011-12-30"),
    ("Africa/Casablanca", "2025-04-06"),
    ("Asia/Kathmandu", "1985-12-31"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Asia/Beirut", "2025-03-29"),
    ("Africa/Cairo", "2025-10-30"),
    ("Antarctica/Troll", "2025-10-26"),
    ("Asia/Gaza", "2040-10-20"),
    ("Antarctica/Vostok", "1994-01-31"),
    ("Europe/Berlin", "2150-10-25"),
]
ZONES = sorted({zone for zone, _ in CHANGES} | {"UTC", "Asia/Tokyo", "America/Santiago"})

instants = st.integers(FIRST, LAST)


def examples(count):
    return settings(deadline=None, max_examples=int(count * TIMES))


def schedule_or_error(text, zone="UTC", **arguments):
    try:
        return parse_schedule(text, zone, **arguments), None
    except ScheduleError as error:
        return None, error


def a_schedule(text, zone="UTC"):
    """Return a schedule; a text that can never fire is not of interest here."""
    try:
        return parse_schedule(text, zone)
    except ScheduleError as error:
        assume(error.code != "never")
        raise


@examples(150)
@given(texts(most_fields=5), st.integers(1_000_000_000, 2_000_000_000))
def test_croniter_finds_the_same_where_it_is_not_asked_because_it_would(text, start):
    assume(is_read_alike(text))
    schedule = a_schedule(text)

    assert croniter_fires(text, start) == list(islice(schedule.between(start, 2**34), 20))


@examples(150)
@given(common_texts(), st.integers(FIRST, LAST - 60 * 366 * 86400))
def test_in_utc_croniter_and_cronsim_find_the_same(text, start):
    schedule = a_schedule(text)
    expected = [
        int(fire.timestamp()) for fire in islice(CronSim(text, datetime.fromtimestamp(start, UTC)), 4)
    ]
    reference = croniter(text, float(start))

    assert list(islice(schedule.between(start, LAST), 4)) == expected
    assert [int(reference.get_next(float)) for _ in expected] == expected


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_at_clock_changes_the_slow_cron_finds_the_same(zone, day):
    middle = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())

    @examples(8)
    @given(texts(most_fields=5), st.integers(-1, 1))
    def finds_the_same(text, days):
        start = middle + days * 86400 - 43200
        expected = slow_cron.scan(text, zone, start, start + 2 * 86400, every=60)
        try:
            schedule = parse_schedule(text, zone)
        except ScheduleError as error:
            assume(error.code != "never" or expected)
            raise
        check(schedule, start - 1, start + 2 * 86400 - 1, expected)

    finds_the_same()


@examples(10)
@given(texts(), st.sampled_from(CHANGES), st.integers(-4, 4))
def test_second_by_second_the_slow_cron_finds_the_same(text, change, hours):
    zone, day = change
    start = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) + hours * 7200
    schedule = a_schedule(text, zone)

    check(schedule, start - 1, start + 7199, slow_cron.scan(text, zone, start, start + 7200, every=1))


def check(schedule, after, until, expected):
    assert list(schedule.between(after, until)) == expected
    assert schedule.count_between(after, until) == len(expected)
    instant, found = after, []
    while (instant := schedule.next_after(instant)) is not None and instant <= until:
        found.append(instant)
    assert found == expected
    instant, found = until + 1, []
    while (instant := schedule.previous_before(instant)) is not None and instant > after:
        found.insert(0, instant)
    assert found == expected


@examples(150)
@given(texts(), st.sampled_from(ZONES), instants, st.randoms(use_true_random=False))
def test_any_order_of_questions_gets_the_same_answers(text, zone, start, random):
    schedule = a_schedule(text, zone)
    fires = list(islice(schedule.between(start, LAST), 30))
    assert all(earlier < later for earlier, later in pairwise([start, *fires]))

    pairs = list(pairwise([start, *fires]))
    random.shuffle(pairs)
    for earlier, later in pairs:
        asked = random.randint(earlier, later - 1)
        assert schedule.next_after(asked) == later
        assert earlier == start or schedule.previous_before(asked + 1) == earlier


@examples(500)
@given(texts(), st.sampled_from(ZONES), instants)
def test_no_question_is_much_work(text, zone, start):
    answers = []

    def ask():
        schedule, error = schedule_or_error(text, zone)
        assert error is None or error.code == "never"
        answers.extend(
            question(start)
            for question in ([schedule.next_after, schedule.previous_before] if schedule else [])
        )

    assert calls_of(ask) < MOST_CALLS
    assert all(answer is None or isinstance(answer, int) for answer in answers)


@examples(2000)
@given(hostile, st.sampled_from(["cronjobs", "cronjobs", "cronjobs", "croniter"]))
def test_any_string_is_a_schedule_or_an_error_that_teaches(text, dialect):
    schedule, error = schedule_or_error(text, job="job", dialect=dialect)
    if error:
        assert error.code
        assert error.hint
        assert str(error).isprintable()
        assert 1 <= error.column <= len(text) + 1
        return
    if dialect == "croniter":
        return
    fire = schedule.next_after(1_800_000_000)
    assert fire is None or schedule.previous_before(fire + 1) == fire
    for warning in lint(text, now=1_800_000_000, timeout_seconds=60, job="job"):
        assert warning.message.isprintable()
        assert 1 <= warning.column <= len(text)
