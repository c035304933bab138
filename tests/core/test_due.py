"""A job's texts, bounds, exclusions and dialect as one schedule."""

from itertools import islice

import pytest
from factories import DAY, HOUR, MINUTE, NOON, a_job

from cronjobs.core.due import is_due_at_start, schedule_of

NEXT_WEEK = NOON + 7 * DAY  # noon is on a Monday


def seconds_after_noon(job, count=4, **options):
    return [
        fire - NOON for fire in islice(schedule_of(job, **options).between(NOON, NOON + 400 * DAY), count)
    ]


def test_several_texts_are_due_whenever_one_of_them_is_and_once_where_two_are():
    job = a_job("tidy", "0 * * * *", "0,30 13 * * *")

    assert seconds_after_noon(job) == [HOUR, 1.5 * HOUR, 2 * HOUR, 3 * HOUR]


def test_the_bounds_belong_to_it():
    job = a_job(schedule="0 * * * *", starts_at=NOON + 2 * HOUR, ends_at=NOON + 4 * HOUR)

    assert seconds_after_noon(job) == [2 * HOUR, 3 * HOUR, 4 * HOUR]


def test_a_bound_at_the_beginning_of_time_is_one():
    assert seconds_after_noon(a_job(ends_at=0)) == []


def test_what_is_excluded_is_not_due_in_the_zone_of_the_job():
    job = a_job(schedule="0 0 * * *", timezone="Asia/Tokyo", exclude=("2026-11-25", "* * 27 11 *"))

    assert seconds_after_noon(job, 3) == [3 * HOUR, 3 * HOUR + 2 * DAY, 3 * HOUR + 4 * DAY]


def test_elapsed_time_counts_from_the_anchor():
    assert seconds_after_noon(a_job(schedule="@every 90m"), 2, anchor=NOON - HOUR) == [HOUR / 2, 2 * HOUR]


def test_a_hash_depends_on_the_jobs_name_and_the_seed():
    found = {
        tuple(seconds_after_noon(a_job(name, "H H * * *"), 1, hash_seed=seed))
        for name in ("a", "b")
        for seed in ("", "x")
    }

    assert len(found) == 4


def test_a_rule_without_a_beginning_counts_from_where_the_job_starts():
    job = a_job(schedule="RRULE:FREQ=DAILY;INTERVAL=2", starts_at=NOON + HOUR)

    assert seconds_after_noon(job, 2) == [HOUR, HOUR + 2 * DAY]


def test_the_dialect_reads_the_text():
    assert seconds_after_noon(a_job(schedule="0 22-1 * * *", dialect="croniter"), 3) == [
        *(10 * HOUR, 11 * HOUR, 12 * HOUR),
    ]


def test_jobs_that_are_due_at_the_same_moments_share_what_is_computed():
    first, second = (a_job(name, "0 * * * *", exclude=("2026-12-25",)) for name in "ab")

    assert schedule_of(first) is schedule_of(second)


@pytest.mark.parametrize(
    ("job", "is_due"),
    [
        (a_job(), False),
        (a_job(schedule="@reboot"), True),
        (a_job("tidy", "0 0 * * *", " @Reboot "), True),
        (a_job(schedule="@reboot", starts_at=NOON), True),
        (a_job(schedule="@reboot", starts_at=NOON + 1), False),
        (a_job(schedule="@reboot", ends_at=NOON), True),
        (a_job(schedule="@reboot", ends_at=NOON - 1), False),
        (a_job(schedule="@reboot", exclude=("2026-11-23",)), False),
        (a_job(schedule="@reboot", exclude=("2026-11-24",)), True),
        (a_job(schedule="@reboot", timezone="Pacific/Kiritimati", exclude=("2026-11-24",)), False),
    ],
)
def test_a_start_is_an_occurrence_within_the_bounds_and_where_nothing_excludes_it(job, is_due):
    assert is_due_at_start(job, NOON) is is_due


def test_a_start_within_a_minute_that_is_excluded_is_none():
    job = a_job(schedule="@reboot", exclude=("* 12 * * *",))

    assert not is_due_at_start(job, NOON + MINUTE + 7)
    assert is_due_at_start(job, NOON + HOUR)
