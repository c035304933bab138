"""Warnings about texts that are schedules."""

from datetime import UTC, datetime

import pytest

from cronjobs.core.schedule import ScheduleError, lint

NOW = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())
SPRING = "2027-03-28 02:30 and 2028-03-26 02:30 will not exist in Europe/Berlin"
AUTUMN = "2027-10-31 02:30 and 2028-10-29 02:30 will come twice in Europe/Berlin"


def codes(text, zone="UTC", **arguments):
    return [(item.code, item.field, item.column) for item in lint(text, zone, now=NOW, **arguments)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 3 * * *", []),
        ("*/15 9-17 1,15 * *", []),
        ("0 0 0 1 1 * 2020", [("past", "year", 13)]),
        ("0 0 0 1 1 * 2020-2030", []),
        ("RRULE:FREQ=DAILY;UNTIL=20200101", [("past", "", 1)]),
        ("@reboot", []),
        ("0 0 1 * mon", [("day-fields", "day-of-week", 9)]),
        ("0 0 1 * +mon", []),
        ("0 0 1-31 * 0-6", [("day-fields", "day-of-week", 12)]),
        ("0 0 */2 * mon", [("uneven-step", "day-of-month", 5), ("star-step", "day-of-week", 11)]),
        ("0 0 1 * */2", [("star-step", "day-of-week", 9), ("uneven-step", "day-of-week", 9)]),
        ("0 0 *,1 * mon", []),
        (" */7 * * * *", [("uneven-step", "minute", 2)]),
        ("5,0/7 * * * *", [("uneven-step", "minute", 3)]),
        ("*/20 */6 * */3 *", []),
        ("0 */5 * * *", [("uneven-step", "hour", 3)]),
        ("0 0 1 */5 *", [("uneven-step", "month", 7)]),
        ("0 0 0 1 1 * */7", []),
        ("3-50/7 * * * *", []),
        ("*/90 * * * *", [("long-step", "minute", 1)]),
        ("*/60 * * * *", []),
        ("0 0 * * 1/8", [("long-step", "day-of-week", 9)]),
        ("0 0 31 * *", [("some-months", "day-of-month", 5)]),
        ("0 0 29,30 * *", [("some-months", "day-of-month", 5)]),
        ("0 0 1,31 * *", []),
        ("0 0 31 1,3 *", []),
        ("0 0 31W * *", [("some-months", "day-of-month", 5)]),
        ("0 0 L-30 * *", [("some-months", "day-of-month", 5)]),
        ("0 0 L,31 * *", []),
        ("0 0 LW * *", []),
        ("0 0 29 2 *", [("leap-day", "day-of-month", 5)]),
        ("0 0 29-31 2 *", [("leap-day", "day-of-month", 5)]),
        ("0 0 30 2 mon", [("some-months", "day-of-month", 5), ("day-fields", "day-of-week", 10)]),
        ("0 0-23 * * *", [("hourly-fixed", "hour", 3)]),
        ("0 * * * *", []),
        ("*/5 0-23 * * *", []),
        ("@hourly", []),
        ("@every 1s", []),
    ],
)
def test_a_warning_has_a_code_and_a_place(text, expected):
    assert sorted(codes(text)) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "zone", "messages"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            [f"{SPRING}: it fires right after the change", f"{AUTUMN}: it fires the first time"],
        ),
        ("*/90 2 * * *", "UTC", ['minute "*/90" steps beyond the field: it is its first value only']),
        ("30 1 * * *", "Europe/Berlin", []),
        (
            "30/30 */2 * * *",
            "Europe/Berlin",
            [f"{SPRING}: it does not fire then", f"{AUTUMN}: it fires both times"],
        ),
        (
            "@daily",
            "America/Santiago",
            [
                "2027-09-05 00:00 and 2028-09-03 00:00 will not exist in America/Santiago:"
                " it fires right after the change"
            ],
        ),
    ],
)
def test_clock_changes_are_told_with_their_dates(text, zone, messages):
    assert [item.message for item in lint(text, zone, now=NOW)] == messages


@pytest.mark.parametrize(
    ("text", "timeout_seconds", "is_often"),
    [
        ("* * * * *", 60, False),
        ("* * * * *", 300, True),
        ("0,1 0 * * *", 3600, True),
        ("@every 1s", 5, True),
        ("0 3 * * *", 86400, False),
        ("0 0 0 1 1 * 2020", 86400, False),
        ("@reboot", 86400, False),
    ],
)
def test_a_job_that_is_due_far_more_often_than_it_may_run_is_told(text, timeout_seconds, is_often):
    found = codes(text, timeout_seconds=timeout_seconds)

    assert (("often", "", 1) in found) == is_often


def test_the_way_out_is_told():
    (warning,) = lint("*/7 * * * *", now=NOW)

    assert warning.message == 'minute "*/7" is uneven: after 56 comes 0, 4 later, not 7'
    assert warning.hint == "even are 2, 3, 4, 5, 6, 10, 12, 15, 20, 30; `@every 7m` has equal steps"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 31 * *", 'day-of-month "31" is left out in 5 months that have no such day'),
        ("0 0 30 * *", 'day-of-month "30" is left out in 1 month that has no such day'),
        ("0 0 29 2 *", 'day-of-month "29" is there in leap years only'),
        ("0 0 30 2 mon", 'day-of-month "30" is in no month of the schedule: only day-of-week counts'),
        ("0 0 31W 4,6 mon", 'day-of-month "31W" is in no month of the schedule: only day-of-week counts'),
    ],
)
def test_months_without_the_day_are_told(text, message):
    assert lint(text, now=NOW)[0].message == message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0 0 */2 * mon", "write `+` before the day-of-week, or the values instead of `*/n`"),
        ("0 0 1-7 * */7", "write the values instead of `*/n`, after a `+` if both are needed"),
        ("0 0 */2 * */7", "write the values instead of `*/n`, after a `+` if both are needed"),
    ],
)
def test_the_way_out_of_two_day_fields_can_be_written(text, hint):
    assert hint in [warning.hint for warning in lint(text, now=NOW) if warning.code == "star-step"]


def test_a_list_names_the_text():
    (warning,) = lint(["0 3 * * *", "*/7 * * * *"], now=NOW)

    assert warning.message.startswith('text 2 of 2: minute "*/7"')


def test_a_text_that_is_none_is_an_error():
    with pytest.raises(ScheduleError):
        lint("61 * * * *", now=NOW)
