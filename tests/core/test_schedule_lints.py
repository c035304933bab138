"""Warnings about texts that are schedules."""

from datetime import UTC, datetime

import pytest

from cronjobs.core.schedule import ScheduleError, lint, parse_schedule

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
        # Uneven is only what its first value follows.
        ("*/7 3 * * *", []),
        ("*/7 3,5 * * *", []),
        ("*/7 3,4 * * *", [("uneven-step", "minute", 1)]),
        ("*/7 0,23 * * *", [("uneven-step", "minute", 1)]),
        ("*/7 0 * * * *", []),
        ("*/7 0,1 * * * *", [("uneven-step", "second", 1)]),
        ("*/7 0,59 3 * * *", []),
        ("*/7 0,59 3,4 * * *", [("uneven-step", "second", 1)]),
        ("0 */5 1,31 1 *", []),
        ("0 */5 1,31 1,2 *", [("uneven-step", "hour", 3)]),
        ("0 */5 1 * *", []),
        ("0 */5 1,2 * *", [("uneven-step", "hour", 3)]),
        ("0 */5 * * mon", []),
        ("0 */5 * * sat,sun", [("uneven-step", "hour", 3)]),
        ("0 */5 1,2 * +mon", []),
        ("0 0 */2 1,3 *", []),
        ("0 0 */2 1,12 *", [("uneven-step", "day-of-month", 5)]),
        ("0 0 0 1 */5 * 2027", []),
        ("0 0 0 1 */5 * 2027,2028", [("uneven-step", "month", 9)]),
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
        ("0 0 0 29 2 * 2028", []),
        ("0 0 0 29 * * 2028,2032", []),
        ("0 0 0 29 * * 2028-2029", [("some-months", "day-of-month", 7)]),
        ("0 0 0 30 * * 2028", [("some-months", "day-of-month", 7)]),
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
        (
            "RRULE:FREQ=DAILY;BYHOUR=2;BYMINUTE=30",
            "Europe/Berlin",
            [f"{SPRING}: it fires right after the change", f"{AUTUMN}: it fires the first time"],
        ),
        ("RRULE:FREQ=DAILY;BYHOUR=4", "Europe/Berlin", []),
        ("RRULE:FREQ=HOURLY", "Europe/Berlin", []),
    ],
)
def test_clock_changes_are_told_with_their_dates(text, zone, messages):
    assert [item.message for item in lint(text, zone, now=NOW)] == messages


def test_clock_changes_are_told_only_if_the_job_is_due_there():
    year = int(datetime(2027, 12, 31, tzinfo=UTC).timestamp())

    found = lint("30 2 * * *", "Europe/Berlin", now=NOW, is_within=lambda instant: instant < year)

    assert [item.message for item in found] == [
        "2027-03-28 02:30 will not exist in Europe/Berlin: it fires right after the change",
        "2027-10-31 02:30 will come twice in Europe/Berlin: it fires the first time",
    ]


@pytest.mark.parametrize(
    ("text", "timeout_seconds", "is_often"),
    [
        ("* * * * *", 60, False),
        ("* * * * *", 300, True),
        ("0,1 0 * * *", 3600, False),
        ("0-4 0 * * *", 3600, False),
        ("0-5 0 * * *", 3600, True),
        ("@every 1s", 5, True),
        ("0 3 * * *", 86400, False),
        ("0 0 0 1 1 * 2020", 86400, False),
        ("@reboot", 86400, False),
    ],
)
def test_a_job_that_is_due_far_more_often_than_it_may_run_is_told(text, timeout_seconds, is_often):
    found = codes(text, timeout_seconds=timeout_seconds)

    assert (("often", "", 1) in found) == is_often


def test_how_often_it_is_due_is_told_only_where_that_is_even():
    (even,) = lint("*/5 * * * *", now=NOW, timeout_seconds=3600)
    (uneven,) = lint("*/5 9 * * *", now=NOW, timeout_seconds=3600)

    assert even.message == "it is due every 300 s, 12 times within the timeout of 3600 s"
    assert uneven.message == (
        "it is due 5 times or more within the timeout of 3600 s, 300 s apart at the closest"
    )


EVEN = "even are 2, 3, 4, 5, 6, 10, 12, 15, 20, 30"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "*/7 * * * *",
            'minute "*/7" is uneven: after 56 comes 0, 4 minutes later, not 7',
            f"{EVEN}; `@every 7m` has equal steps",
        ),
        ("*/59 9-17 * * *", 'minute "*/59" is uneven: after 59 comes 0, 1 minute later, not 59', EVEN),
        (
            "*/10 */5 * * *",
            'hour "*/5" is uneven: after 20 comes 0, 4 hours later, not 5',
            "even are 2, 3, 4, 6, 8, 12",
        ),
        (
            "0 3 */2 * *",
            'day-of-month "*/2" starts again with every month: the last step is shorter',
            "`@every 48h` has equal steps",
        ),
        ("*/9 3 */2 * *", 'day-of-month "*/2" starts again with every month: the last step is shorter', ""),
        (
            "*/90 * * * *",
            'minute "*/90" steps beyond the field: it is its first value only',
            "the field has 60 values; `@every 90m` is every 90 minutes",
        ),
        (
            "0 0 29 2 *",
            'day-of-month "29" exists in leap years only',
            "`L` is the last day of every February",
        ),
        (
            "0 0 29 * *",
            'day-of-month "29" does not exist in February, except in leap years',
            "`L` is the last day of every month",
        ),
        (
            "0 0 31W 2-5 *",
            'day-of-month "31W" does not exist in February and April',
            "`LW` is the last working day of every month",
        ),
        (
            "0 0-23 * * *",
            'hour "0-23" is every hour, but not `*`: one that comes twice fires the first time only',
            "`*` follows the clock: it fires in each hour that there is",
        ),
    ],
)
def test_the_reason_and_the_way_out_are_told(text, message, hint):
    (warning,) = lint(text, now=NOW)

    assert (warning.message, warning.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "both", "either"),
    [
        ("0 0 */3 * fri", "0 0 */3 * +fri", "0 0 1-31/3 * fri"),
        ("0 0 13 * */3", "0 0 13 * +0-6/3", "0 0 13 * 0-6/3"),
        ("0 0 */3 * */3", "0 0 */3 * +0-6/3", "0 0 1-31/3 * 0-6/3"),
    ],
)
def test_two_day_fields_with_a_star_can_be_written_without_doubt(text, both, either):
    hint = next(item.hint for item in lint(text, now=NOW) if item.code == "star-step")
    first, second = parse_schedule(text), parse_schedule(both)

    assert f"for days that are both, write `{both.split()[4]}`" in hint
    assert all(f"`{word}`" in hint for word in either.split()[2:] if word not in text.split())
    assert [*first.between(NOW, NOW + 10**8)] == [*second.between(NOW, NOW + 10**8)]
    assert not {"star-step"} & {item.code for item in [*lint(both, now=NOW), *lint(either, now=NOW)]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 31 * *", 'day-of-month "31" does not exist in February, April, June, September and November'),
        ("0 0 30 * *", 'day-of-month "30" does not exist in February'),
        ("0 0 29 2 *", 'day-of-month "29" exists in leap years only'),
        ("0 0 30 2 mon", 'day-of-month "30" does not exist in February: only day-of-week counts'),
        ("0 0 31W 4,6 mon", 'day-of-month "31W" does not exist in April and June: only day-of-week counts'),
    ],
)
def test_months_without_the_day_are_told(text, message):
    assert lint(text, now=NOW)[0].message == message


def test_a_list_names_the_text():
    (warning,) = lint(["0 3 * * *", "*/7 * * * *"], now=NOW)

    assert warning.message.startswith('text 2 of 2: minute "*/7"')


def test_a_text_that_is_none_is_an_error():
    with pytest.raises(ScheduleError):
        lint("61 * * * *", now=NOW)
