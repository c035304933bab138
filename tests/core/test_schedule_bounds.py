"""`starts_at`, `ends_at` and `exclude`, against filters on the fires of the whole schedule."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work import calls_of

from cronjobs.core.schedule import ScheduleError, bounded, excluding, parse_schedule

CALENDARS = {
    "holidays": ["2025-10-26", "2025-12-24..2026-01-01", "0 9 * * *"],
    "nested": ["calendar:holidays"],
}
START = int(datetime(2025, 10, 24, tzinfo=UTC).timestamp())
END = START + 4 * 86400


def is_excluded(instant, exclude, zone):
    """Return whether the wall clock shows an excluded moment; knows the texts of this file only."""
    time = datetime.fromtimestamp(instant, ZoneInfo(zone))
    tests = {
        "2025-10-26": time.date() == date(2025, 10, 26),
        "2025-10-25..2025-10-26": date(2025, 10, 25) <= time.date() <= date(2025, 10, 26),
        "* 2 * * *": time.hour == 2,
        "0-29 * * * *": time.minute < 30,
        "*/2 * * * * *": time.second % 2 == 0,
        "0-58/2 * * * *": time.minute % 2 == 0,
        "@daily": (time.hour, time.minute) == (0, 0),
        "* * * * sat": time.isoweekday() == 6,
        "calendar:holidays": time.date() == date(2025, 10, 26) or (time.hour, time.minute) == (9, 0),
    }
    return any(tests[text] for text in exclude)


def check(schedule, start, end, expected):
    assert list(schedule.between(start, end)) == expected
    assert schedule.count_between(start, end) == len(expected)
    found, instant = [], start
    while (instant := schedule.next_after(instant)) is not None and instant <= end:
        found.append(instant)
    assert found == expected
    found, instant = [], end + 1
    while (instant := schedule.previous_before(instant)) is not None and instant > start:
        found.insert(0, instant)
    assert found == expected


TEXTS = [
    "*/10 * * * *",
    "0 0-23 * * *",
    "30 2 * * *",
    "@every 17m",
    "0 0 * * *",
    "59 0-59/13 2 * * *",
    "RRULE:FREQ=MINUTELY;BYHOUR=2;BYMINUTE=0,30",
    "DTSTART:20251001 RRULE:FREQ=MINUTELY;INTERVAL=7",
    "DTSTART:20251025T123000 RRULE:FREQ=HOURLY;INTERVAL=2",
]
EXCLUSIONS = [
    "2025-10-26",
    "2025-10-25..2025-10-26",
    "* 2 * * *",
    "0-29 * * * *",
    "*/2 * * * * *",
    "0-58/2 * * * *",
    "@daily",
    "* * * * sat",
    "calendar:holidays",
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(EXCLUSIONS), max_size=3),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Beirut"]),
)
def test_an_excluded_moment_is_no_fire(texts, exclude, zone):
    schedule = parse_schedule(texts, zone)
    expected = [fire for fire in schedule.between(START, END) if not is_excluded(fire, exclude, zone)]

    check(excluding(schedule, exclude, calendars=CALENDARS), START, END, expected)


def test_exclusions_add_up():
    schedule = excluding(excluding(parse_schedule("0 * * * *"), ["* 1-23 * * *"]), ["2025-10-26"])

    assert list(schedule.between(START - 1, END)) == [START, START + 86400, START + 3 * 86400, END]


def test_the_moment_of_a_skipped_fire_is_what_counts():
    # 02:30 does not exist on that day: it fires at 03:00.
    start = int(datetime(2025, 3, 30, tzinfo=UTC).timestamp())
    schedule = parse_schedule("30 2 * * *", "Europe/Berlin")

    assert excluding(schedule, ["* 2 * * *"]).next_after(start) == start + 3600
    assert excluding(schedule, ["* 3 * * *"]).next_after(start) == start + 86400 + 1800


@pytest.mark.parametrize("text", ["* * * * * *", "0 12 * * *", "@every 24h", "RRULE:FREQ=DAILY;BYHOUR=12"])
def test_where_everything_is_excluded_nothing_is_left(text):
    schedule = excluding(parse_schedule(text, anchor=43200), ["* 12 * * *", "* 0-11,13-23 * * *"])

    assert schedule.next_after(START) is None
    assert schedule.previous_before(START) is None
    assert schedule.count_between(START, START + 365 * 86400) == 0


def test_a_rule_is_found_behind_ever_so_many_excluded_fires():
    schedule = excluding(parse_schedule("RRULE:FREQ=DAILY;BYHOUR=12"), ["* * 12 * * * 1970-2030"])

    assert schedule.next_after(0) == int(datetime(2031, 1, 1, 12, tzinfo=UTC).timestamp())
    assert schedule.previous_before(START) is None


# Of different hours, days and months: hardly two days of a year have the same of them.
PATCHWORK = [
    *(f"* {hour} {days} * *" for hour, days in enumerate(("*/2", "*/3", "*/5", "*/7", "1-15"), 1)),
    *(f"* {hour} * {months} *" for hour, months in enumerate(("*/2", "*/3", "*/4", "1-6"), 6)),
    *(f"* * {hour} * * * 1970/{years}" for hour, years in enumerate((2, 3, 5, 7, 11, 13), 10)),
]


@pytest.mark.parametrize(
    ("text", "exclude"),
    [
        ("0 0 * * *", [*PATCHWORK, "* 0 * * *"]),
        ("0 0 29 2 *", [*PATCHWORK, "* 0 * * *"]),
        ("* * * * * *", [*PATCHWORK, "* 0-11 * * *", "* 12-23 * * *"]),
        ("* * * * * *", [*PATCHWORK, "* * * 1-6 *", "* * * 7-12 *"]),
        ("* * * * * *", [*PATCHWORK, "1970-01-01..2100-06-30", "2100-07-01..2199-12-31"]),
        ("RRULE:FREQ=DAILY;BYHOUR=12", ["* 12 * * *"]),
        ("DTSTART:19700101 RRULE:FREQ=MINUTELY;INTERVAL=7", ["0 * * * * *"]),
        ("DTSTART:19700101T000900 RRULE:FREQ=MINUTELY;INTERVAL=1440;BYDAY=TH", ["* 0 * * *"]),
        ("@every 2s", ["*/2 * * * * *"]),
        ("@every 1d", ["* 0 * * *"]),
    ],
)
def test_that_nothing_is_left_is_found_with_little_work(text, exclude):
    schedule = excluding(parse_schedule(text), exclude)
    answers = []

    def ask():
        answers.extend((schedule.next_after(0), schedule.previous_before(2**33)))

    assert calls_of(ask) < 400_000
    assert answers == [None, None]


def test_reboot_is_no_moment_that_could_be_excluded():
    assert excluding(parse_schedule("@reboot"), ["* * * * *"]).at_start


def test_no_exclusions_change_nothing():
    schedule = parse_schedule("0 3 * * *")

    assert excluding(schedule, []) is schedule
    assert bounded(schedule) is schedule


@pytest.mark.parametrize("text", ["0 * * * *", "@every 1h", "RRULE:FREQ=HOURLY"])
def test_the_bounds_are_included(text):
    whole = parse_schedule(text)

    before, after = START - 86400, END + 86400
    inside = list(whole.between(START - 1, END))

    check(bounded(whole, starts_at=START, ends_at=END), before, after, inside)
    check(bounded(whole, starts_at=START), before, END, inside)
    check(bounded(whole, ends_at=START), before, END, list(whole.between(before, START)))
    check(bounded(whole, starts_at=END, ends_at=START), before, after, [])


def test_bounds_and_exclusions_go_together():
    schedule = bounded(parse_schedule("0 * * * *", "Europe/Berlin"), starts_at=START)

    assert excluding(schedule, ["2025-10-24"]).next_after(0) == START + 22 * 3600
    assert (schedule.text, schedule.zone, schedule.kind) == ("0 * * * *", "Europe/Berlin", "wildcard")
    assert not schedule.at_start


@pytest.mark.parametrize(
    ("text", "code", "column", "hint"),
    [
        ("2026-02-30", "date", 1, "a day is year-month-day, as in 2026-05-01"),
        ("2026-05-01..2026-13-01", "date", 13, "a day is year-month-day, as in 2026-05-01"),
        (" 1969-05-01", "date", 2, "use 1970-2199"),
        ("2026-5-1", "date", 1, "write 2026-05-01, or 2026-12-24..2027-01-01"),
        ("2026-05-01-2026-05-03", "date", 1, "write 2026-05-01, or 2026-12-24..2027-01-01"),
        ("01.05.2026", "date", 1, "write 2026-05-01, or 2026-12-24..2027-01-01"),
        ("2027-01-01..2026-12-24", "reversed", 1, "write `2026-12-24..2027-01-01`"),
        ("calendar:holiday", "calendar", 10, "did you mean `holidays`?"),
        ("calendar:", "calendar", 10, "use one of holidays, nested"),
        ("calendar:nested", "calendar", 1, "a calendar has days, ranges of days and cron texts"),
        ("* 25 * * *", "range", 3, "use 0-23"),
        (
            "@every 5m",
            "nickname",
            1,
            "write a cron text, as in `* 12 * * *`",
        ),
        ("", "empty", 1, "`0 3 * * *` is every day at 03:00"),
    ],
)
def test_what_is_wrong_with_an_exclusion_is_shown(text, code, column, hint):
    with pytest.raises(ScheduleError) as refusal:
        excluding(parse_schedule("* * * * *"), [text], calendars=CALENDARS)

    assert (refusal.value.code, refusal.value.column, refusal.value.hint) == (code, column, hint)
