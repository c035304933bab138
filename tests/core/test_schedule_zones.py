"""Clock changes, against a scan that reads the clock at every instant and remembers what it has seen."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cronjobs.core.schedule import parse_schedule
from cronjobs.core.schedule.cron import parse_cron
from cronjobs.core.schedule.search import ZonedSchedule
from cronjobs.core.schedule.wall import wall_times as wall_times_of
from cronjobs.core.schedule.zone import Timeline

DAY = 86400
THREE_HOURS = 3 * 3600

# Zone and the UTC day of a change; what is odd about it.
CHANGES = [
    ("Europe/Berlin", "2025-03-30"),
    ("Europe/Berlin", "2025-10-26"),
    ("America/New_York", "2025-03-09"),
    ("America/New_York", "2025-11-02"),
    ("Europe/Dublin", "2025-10-26"),
    ("Australia/Lord_Howe", "2025-04-05"),  # half an hour
    ("Australia/Lord_Howe", "2025-10-04"),
    ("America/St_Johns", "2010-11-07"),  # one minute after midnight
    ("America/St_Johns", "2011-03-13"),
    ("Pacific/Apia", "2011-12-30"),  # a day left out
    ("Pacific/Apia", "2012-03-31"),
    ("Africa/Casablanca", "2025-02-23"),
    ("Africa/Casablanca", "2025-04-06"),
    ("Asia/Kathmandu", "1985-12-31"),  # a quarter of an hour
    ("America/Sao_Paulo", "2018-02-18"),  # at midnight
    ("America/Sao_Paulo", "2018-11-04"),
    ("Asia/Beirut", "2025-03-29"),
    ("Africa/Cairo", "2025-10-30"),
    ("Antarctica/Troll", "2025-03-30"),  # two hours
    ("Antarctica/Troll", "2025-10-26"),
    ("Antarctica/Casey", "2009-10-17"),  # three hours
    ("Antarctica/Casey", "2010-03-04"),
    ("Antarctica/Vostok", "1994-01-31"),  # seven hours
    ("Antarctica/Vostok", "1994-11-01"),
    ("Asia/Gaza", "2040-10-20"),  # twice within a week
    ("Asia/Gaza", "2040-10-27"),
    ("Pacific/Kwajalein", "1993-08-21"),
]


def offset_in(zone):
    rules = ZoneInfo(zone)
    return lambda instant: int(datetime.fromtimestamp(instant, rules).utcoffset().total_seconds())


def scan(offset_at, matches, start, end, *, every, is_fixed):
    """Return the fires from `start` on and before `end`, reading the clock `every` so many seconds."""
    fires, seen = [], set()
    previous = start - every + offset_at(start - every)
    for instant in range(start, end, every):
        wall = instant + offset_at(instant)
        jump = wall - previous - every
        if abs(jump) > THREE_HOURS:
            seen.clear()
        skipped = range(previous + every, wall, every) if is_fixed and 0 < jump <= THREE_HOURS else ()
        is_repeated = is_fixed and wall in seen
        if any(map(matches, skipped)) or (matches(wall) and not is_repeated):
            fires.append(instant)
        seen.add(wall)
        previous = wall
    return fires


def check(schedule, start, end, expected):
    found, instant = [], start - 1
    while (instant := schedule.next_after(instant)) is not None and instant < end:
        found.append(instant)
    assert found == expected

    found, instant = [], end
    while (instant := schedule.previous_before(instant)) is not None and instant >= start:
        found.insert(0, instant)
    assert found == expected

    for cut in [start, (start + end) // 2, *expected[:3], *expected[-3:]]:
        assert schedule.count_between(start - 1, cut) == sum(fire <= cut for fire in expected)
        assert schedule.count_between(cut, end - 1) == sum(fire > cut for fire in expected)


class Field(NamedTuple):
    text: str
    values: frozenset[int]


@st.composite
def fields(draw, low, high, common):
    """Draw a field with its values; `common` are the ones drawn most of the time."""
    form = draw(st.sampled_from(["*", "step", "range", "list", "list"]))
    if form == "*":
        return Field("*", frozenset(range(low, high + 1)))
    if form == "step":
        step = draw(st.integers(1, high))
        return Field(f"*/{step}", frozenset(range(low, high + 1, step)))
    values = sorted(draw(st.sets(st.sampled_from(common) | st.integers(low, high), min_size=1, max_size=4)))
    if form == "list":
        return Field(",".join(map(str, values)), frozenset(values))
    return Field(f"{values[0]}-{values[-1]}", frozenset(range(values[0], values[-1] + 1)))


minutes = fields(0, 59, [0, 1, 15, 29, 30, 59])
hours = fields(0, 23, [0, 1, 2, 3, 4, 23])
days_of_month = st.just(Field("*", frozenset(range(1, 32)))) | fields(1, 31, [1, 29, 30, 31])
days_of_week = st.just(Field("*", frozenset(range(7)))) | fields(0, 6, [0, 5, 6])


@cache
def on_the_calendar(wall):
    time = datetime(1970, 1, 1) + timedelta(seconds=wall)
    return time.minute, time.hour, time.day, time.isoweekday() % 7


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_clock_change_is_lived_through_as_the_rules_say(zone, day):
    middle = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    start, end = middle - 2 * DAY, middle + 3 * DAY
    offset_at = cache(offset_in(zone))

    @settings(deadline=None, max_examples=50)
    @given(minutes, hours, days_of_month, days_of_week)
    def lives_through(minute, hour, day_of_month, day_of_week):
        text = " ".join([minute.text, hour.text, day_of_month.text, "*", day_of_week.text])
        is_fixed = not (minute.text.startswith("*") or hour.text.startswith("*"))
        is_either = not (day_of_month.text.startswith("*") or day_of_week.text.startswith("*"))

        def matches(wall):
            at_minute, at_hour, on_day, on_weekday = on_the_calendar(wall)
            by_date, by_weekday = on_day in day_of_month.values, on_weekday in day_of_week.values
            on = by_date or by_weekday if is_either else by_date and by_weekday
            return on and at_minute in minute.values and at_hour in hour.values

        expected = scan(offset_at, matches, start, end, every=60, is_fixed=is_fixed)
        check(parse_schedule(text, zone), start, end, expected)

    lives_through()


@pytest.mark.parametrize(
    "text",
    ["*/7 * 1-3 * * *", "5,50 14,15,44-46 0-2 * * *", "30 59 0-23 * * *", "0 30 0 * * *", "1/17 * 0 * * *"],
)
@pytest.mark.parametrize(
    ("zone", "change"),
    [("Africa/Monrovia", 63593070), ("Europe/Berlin", 1743296400), ("Europe/Berlin", 1761440400)],
    ids=["by 44 minutes and 30 seconds", "spring", "autumn"],
)
def test_seconds_live_through_a_clock_change_too(text, zone, change):
    cron, offset_at = parse_cron(text), cache(offset_in(zone))

    def matches(wall):
        minutes, second = divmod(wall % DAY, 60)
        hour, minute = divmod(minutes, 60)
        return bool(cron.hours >> hour & cron.minutes >> minute & cron.seconds >> second & 1)

    start, end = change - 3 * 3600, change + 4 * 3600
    expected = scan(offset_at, matches, start, end, every=1, is_fixed=cron.kind == "fixed")
    check(parse_schedule(text, zone), start, end, expected)


# A timeline loads its offsets in blocks of so many seconds; this is where one begins.
BLOCK = 50 << 25


@pytest.mark.parametrize("text", ["*/20 * * * *", "0,20,40 0-23 * * *", "50 1,5,9,13,17,21 * * *"])
@pytest.mark.parametrize("jump", [-10860, -10800, -3600, -1200, 1200, 3600, 10800, 10860])
@pytest.mark.parametrize("distance", [-14400, -10860, -10800, -10740, -3600, -60, 0, 60, 3600])
def test_a_change_next_to_a_block_is_like_any_other(text, jump, distance):
    change = BLOCK + distance

    def offset_at(instant):
        return 7200 + jump if instant >= change else 7200

    cron = parse_cron(text)
    wall_times = wall_times_of(cron)
    schedule = ZonedSchedule(text, "", cron.kind, wall_times, Timeline(offset_at, cron.kind))
    start, end = BLOCK - DAY // 2, BLOCK + DAY // 2

    expected = scan(
        offset_at,
        lambda wall: wall_times.has_any(wall, wall + 1),
        start,
        end,
        every=20,
        is_fixed=cron.kind == "fixed",
    )

    check(schedule, start, end, expected)


@pytest.mark.parametrize(
    ("zone", "text", "start", "expected"),
    [
        # Skipped and due at the same instant: one fire.
        (
            "Europe/Berlin",
            "0 2,3 * * *",
            "2025-03-30T00:00+01:00",
            ["2025-03-30T03:00+02:00", "2025-03-31T02:00+02:00"],
        ),
        # Skipped more than once: one fire.
        (
            "Europe/Berlin",
            "0,20,40 2 * * *",
            "2025-03-30T00:00+01:00",
            ["2025-03-30T03:00+02:00", "2025-03-31T02:00+02:00"],
        ),
        # The skipped date decides, not the date of the instant.
        (
            "Asia/Beirut",
            "30 0 30 3 *",
            "2025-03-29T12:00+02:00",
            ["2025-03-30T01:00+03:00", "2026-03-30T00:30+03:00"],
        ),
        (
            "Asia/Kathmandu",
            "5 0 1 1 *",
            "1985-12-31T12:00+05:30",
            ["1986-01-01T00:15+05:45", "1987-01-01T00:05+05:45"],
        ),
        # Wildcard: what was skipped is gone, what is repeated comes again.
        ("Europe/Berlin", "*/30 2 * * *", "2025-03-30T00:00+01:00", ["2025-03-31T02:00+02:00"]),
        (
            "Europe/Berlin",
            "*/30 2 26 10 *",
            "2025-10-26T02:15+02:00",
            ["2025-10-26T02:30+02:00", "2025-10-26T02:00+01:00"],
        ),
        # Three hours are bridged, a day is not.
        (
            "Antarctica/Casey",
            "0 3 * * *",
            "2009-10-17T12:00+08:00",
            ["2009-10-18T05:00+11:00", "2009-10-19T03:00+11:00"],
        ),
        ("Pacific/Apia", "0 3 * * *", "2011-12-29T12:00-10:00", ["2011-12-31T03:00+14:00"]),
        # Seven hours back: the second pass fires again.
        (
            "Antarctica/Vostok",
            "0 20 * * *",
            "1994-01-31T12:00+07:00",
            ["1994-01-31T20:00+07:00", "1994-01-31T20:00+00:00"],
        ),
    ],
)
def test_a_rule_by_example(zone, text, start, expected):
    schedule = parse_schedule(text, zone)

    fires, instant = [], int(datetime.fromisoformat(start).timestamp())
    for _ in expected:
        instant = schedule.next_after(instant)
        fires.append(instant)

    assert fires == [int(datetime.fromisoformat(written).timestamp()) for written in expected]


@pytest.mark.parametrize("begin", range(BLOCK + 10 * DAY, BLOCK + 20 * DAY, DAY // 2))
def test_an_offset_that_holds_for_six_days_is_found(begin):
    end = begin + 6 * DAY
    timeline = Timeline(lambda instant: 3600 if begin <= instant < end else 0, "wildcard")

    period = timeline.period(begin + DAY)

    assert (period.start, period.end, period.offset) == (begin, end, 3600)
