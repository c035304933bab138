"""Searching and counting: in UTC against croniter, in every zone against itself, and at the ends of time."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cronjobs.core.schedule import ScheduleError, parse_schedule

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Gaza",
    "Pacific/Apia",
    "Asia/Tokyo",
]
FIRST_INSTANT = 0
LAST_INSTANT = int(datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())

instants = st.integers(FIRST_INSTANT, LAST_INSTANT)


@st.composite
def terms(draw, low, high):
    """Draw a term that croniter reads as we do: it takes `a-a` for the whole field."""
    first = draw(st.integers(low, high))
    last = draw(st.integers(low, high))
    step = draw(st.integers(1, high - low))
    forms = [f"{first}"]
    if first < last:
        forms += [f"{first}-{last}", f"{first}-{last}/{step}"]
    return draw(st.sampled_from(forms))


@st.composite
def fields(draw, low, high):
    form = draw(st.sampled_from(["*", "*", "step", "list"]))
    if form == "step":
        return f"*/{draw(st.integers(1, high - low))}"
    return form if form == "*" else ",".join(draw(st.lists(terms(low, high), min_size=1, max_size=3)))


@st.composite
def texts(draw):
    """Draw five or six fields, without `*/n` beside another restricted day field: croniter takes OR there."""
    words = [draw(fields(low, high)) for low, high in [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]]
    if words[2].startswith("*/") or words[4].startswith("*/"):
        words[draw(st.sampled_from([2, 4]))] = "*"
    if draw(st.integers(0, 3)) == 0:
        words.insert(0, draw(fields(0, 59)))
    return " ".join(words)


def a_schedule(text, zone="UTC"):
    """Return a schedule; a text that can never fire is not of interest here."""
    try:
        return parse_schedule(text, zone)
    except ScheduleError as error:
        assume(error.code != "never")
        raise


def forward(schedule, instant, count):
    fires = []
    while len(fires) < count and (instant := schedule.next_after(instant)) is not None:
        fires.append(instant)
    return fires


def backward(schedule, instant, count):
    fires = []
    while len(fires) < count and (instant := schedule.previous_before(instant)) is not None:
        fires.insert(0, instant)
    return fires


@settings(deadline=None)
@given(texts(), st.integers(FIRST_INSTANT, LAST_INSTANT - 60 * 366 * 86400))
def test_in_utc_the_fires_are_those_of_croniter(text, start):
    schedule = a_schedule(text)
    reference = croniter(text, float(start), second_at_beginning=True)

    expected = [int(reference.get_next(float)) for _ in range(4)]

    assert forward(schedule, start, 4) == expected
    assert backward(schedule, expected[-1] + 1, 4) == expected


@settings(deadline=None)
@given(texts(), st.sampled_from(ZONES), instants)
def test_forward_backward_and_count_agree(text, zone, start):
    schedule = a_schedule(text, zone)

    fires = forward(schedule, start, 20)

    assert all(earlier < later for earlier, later in pairwise([start, *fires]))
    end = fires[-1] if fires else LAST_INSTANT + 86400
    assert backward(schedule, end + 1, len(fires)) == fires
    assert schedule.count_between(start, end) == len(fires)
    for earlier, later in pairwise(fires):
        assert schedule.next_after(later - 1) == later
        assert schedule.previous_before(earlier + 1) == earlier
        assert schedule.count_between(earlier, later) == 1
        assert schedule.count_between(earlier, later - 1) == 0


@settings(deadline=None)
@given(texts(), st.sampled_from(ZONES), st.lists(instants, min_size=3, max_size=3))
def test_counts_add_up(text, zone, ends):
    schedule = a_schedule(text, zone)
    first, middle, last = sorted(ends)

    parts = schedule.count_between(first, middle) + schedule.count_between(middle, last)

    assert schedule.count_between(first, last) == parts


@settings(deadline=None)
@given(texts(), st.sampled_from(ZONES), instants, instants)
def test_search_is_monotone(text, zone, one, other):
    schedule = a_schedule(text, zone)
    earlier, later = sorted((one, other))

    first, second = schedule.next_after(earlier), schedule.next_after(later)

    assert second is None or (first is not None and first <= second)


@pytest.mark.parametrize(
    ("text", "days", "count"),
    [
        ("* * * * * *", 3652, 3652 * 86400),
        ("*/10 0-59/2 * * * *", 3652, 3652 * 6 * 30 * 24),
        ("* * * * *", 365, 365 * 1440),
        ("0 3 * * *", 3652, 3652),
        ("0 0 29 2 *", 3652, 2),
    ],
)
def test_ten_years_are_counted_exactly(text, days, count):
    start = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) - 1

    assert parse_schedule(text).count_between(start, start + days * 86400) == count


def test_a_year_in_a_zone_has_every_second_and_every_day_once():
    start = int(datetime(2024, 12, 31, 23, tzinfo=UTC).timestamp()) - 1
    end = int(datetime(2025, 12, 31, 23, tzinfo=UTC).timestamp()) - 1

    assert parse_schedule("* * * * * *", "Europe/Berlin").count_between(start, end) == 365 * 86400
    assert parse_schedule("30 2 * * *", "Europe/Berlin").count_between(start, end) == 365
    assert parse_schedule("*/30 2 * * *", "Europe/Berlin").count_between(start, end) == 2 * 365


@pytest.mark.parametrize(("after", "until"), [(100, 100), (100, 40), (10**30, -(10**30))])
def test_nothing_fires_in_an_empty_interval(after, until):
    assert parse_schedule("* * * * * *").count_between(after, until) == 0


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("UTC", 0, LAST_INSTANT),
        ("Asia/Tokyo", -9 * 3600, LAST_INSTANT - 9 * 3600),
        ("Pacific/Kiritimati", 10 * 3600 + 2400, LAST_INSTANT - 14 * 3600),
        ("Etc/GMT-14", -14 * 3600, LAST_INSTANT - 14 * 3600),
        ("Etc/GMT+12", 12 * 3600, LAST_INSTANT + 12 * 3600),
    ],
)
def test_walls_show_1970_to_2199_in_every_zone(zone, first, last):
    schedule = parse_schedule("* * * * * *", zone)

    assert schedule.next_after(-(10**30)) == schedule.next_after(first - 1) == first
    assert schedule.previous_before(10**30) == schedule.previous_before(last + 1) == last
    assert schedule.next_after(last) is None
    assert schedule.next_after(10**30) is None
    assert schedule.previous_before(first) is None
    assert schedule.previous_before(-(10**30)) is None
    assert schedule.count_between(-(10**30), 10**30) == schedule.count_between(first - 1, last)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 29 2 */7", "* * 29 2 */6", "30 2 31 3 *", "0 0 1 1 *"])
def test_what_fires_seldom_is_found_across_any_distance(text, zone):
    schedule = parse_schedule(text, zone)

    found = forward(schedule, -(10**30), 300_000)

    assert schedule.count_between(-(10**30), 10**30) == len(found)
    assert backward(schedule, found[0] + 1, 2) == found[:1]
    assert schedule.previous_before(10**30) == found[-1]


def test_leap_days_skip_the_year_2100():
    schedule = parse_schedule("0 12 29 2 *", "Europe/Berlin")
    before = int(datetime(2096, 3, 1, tzinfo=UTC).timestamp())
    leap_day = int(datetime(2104, 2, 29, 11, tzinfo=UTC).timestamp())

    assert schedule.next_after(before) == leap_day
    assert schedule.previous_before(leap_day) == int(datetime(2096, 2, 29, 11, tzinfo=UTC).timestamp())


def test_a_schedule_knows_what_it_was_made_of():
    schedule = parse_schedule(" @Daily", "Europe/Berlin")

    assert (schedule.text, schedule.zone, schedule.kind) == (" @Daily", "Europe/Berlin", "fixed")
    assert repr(schedule) == "<Schedule ' @Daily' in Europe/Berlin>"
