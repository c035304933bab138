"""`RRULE:` texts, against dateutil counting from DTSTART."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from work import calls_of

from cronjobs.core.schedule import ScheduleError, parse_schedule
from cronjobs.core.schedule.rule import read_rule
from cronjobs.core.schedule.search import ZonedSchedule
from cronjobs.core.schedule.spoken_rules import cron_of_rule
from cronjobs.core.schedule.wall import wall_times
from cronjobs.core.schedule.zone import timeline

START = datetime(2024, 2, 29, 9, 30, 15)
EPOCH = datetime(1970, 1, 1)
DTSTART = f"DTSTART:{START:%Y%m%dT%H%M%S}"
FEBRUARY_29 = "RRULE:FREQ=MINUTELY;BYHOUR=3;BYMONTH=2;BYMONTHDAY=29"


def numbers(low, high):
    return st.lists(st.integers(low, high).filter(bool), min_size=1, max_size=3)


@st.composite
def rules(draw):
    """Draw a rule that fires at least every year or so, or dateutil would search for long."""
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    days = draw(st.sampled_from(["", "BYDAY", "BYMONTHDAY", "BYMONTH"]))
    if days == "BYDAY":
        # Not mixed: dateutil takes `MO,1WE` for days that are both.
        prefixes = draw(st.sampled_from([["1", "-1"], [""]])) if frequency in ("YEARLY", "MONTHLY") else [""]
        drawn = st.sampled_from([prefix + day for prefix in prefixes for day in ("MO", "WE", "SU")])
        parts.append("BYDAY=" + ",".join(draw(st.lists(drawn, min_size=1, max_size=3))))
    elif days:
        low, high = (-28, 28) if days == "BYMONTHDAY" else (1, 12)
        parts.append(f"{days}=" + ",".join(map(str, draw(numbers(low, high)))))
    if draw(st.booleans()):
        parts.append("BYHOUR=" + ",".join(map(str, draw(numbers(0, 23)))))
    elif days and frequency in ("YEARLY", "MONTHLY", "DAILY") and draw(st.booleans()):
        parts.append(f"BYSETPOS={draw(st.sampled_from([1, -1]))}")
    if draw(st.booleans()):
        parts.append(draw(st.sampled_from(["COUNT=5", "UNTIL=20260101T000000", "WKST=SU"])))
    return "RRULE:" + ";".join(parts)


def walls(schedule, after, count):
    """Return wall times of a schedule in UTC."""
    start = int(after.replace(tzinfo=UTC).timestamp())
    return [EPOCH + timedelta(seconds=fire) for fire in islice(schedule.between(start, 2**33), count)]


def test_the_end_of_the_calendar_that_dateutil_has_is_no_mistake():
    schedule = parse_schedule("RRULE:FREQ=WEEKLY;BYDAY=SA;BYYEARDAY=1,57;BYSETPOS=-1")

    assert walls(schedule, START, 2) == [datetime(2028, 1, 1), datetime(2028, 2, 26)]


UNITS = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(UNITS)),
    st.integers(2, 9999) | st.sampled_from([2, 7, 15, 24, 36, 168, 1440, 8640]),
    st.sampled_from(["", ";BYDAY=MO", ";BYMONTHDAY=-1,5", ";BYHOUR=3;BYMINUTE=0,7", ";BYSECOND=0,30"]),
    st.integers(START.year, 2190),
)
def test_however_far_from_dtstart_every_so_manieth_unit_counts(frequency, interval, rest, year):
    seconds = ";BYSECOND=1,59" if frequency == "MINUTELY" and "BYSECOND" not in rest else ""
    rule = f"RRULE:FREQ={frequency}{rest}{seconds}"
    unit = UNITS[frequency]
    origin = int((START - EPOCH).total_seconds()) // unit
    after = int(datetime(year, 3, 1, tzinfo=UTC).timestamp())
    until = after + min(86400 * 40, interval * unit * 50)
    every = parse_schedule(f"{DTSTART} {rule}").between(after, until)
    expected = [fire for fire in every if (fire // unit - origin) % interval == 0]
    try:
        schedule = parse_schedule(f"{DTSTART} {rule};INTERVAL={interval}")
    except ScheduleError:
        schedule = None
    if not schedule:
        assert expected == []
        return

    assert list(schedule.between(after, until)) == expected
    assert schedule.count_between(after, until) == len(expected)
    last = expected[-1] if expected else None
    assert max(schedule.previous_before(until + 1) or 0, after) == (last or after)
    assert min(schedule.next_after(after) or until + 1, until + 1) == (expected or [until + 1])[0]


@pytest.mark.parametrize(
    "text",
    [
        "RRULE:FREQ=DAILY;BYYEARDAY=366;BYDAY=TU",
        "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
        "DTSTART:19700101 RRULE:FREQ=SECONDLY;INTERVAL=9973;BYHOUR=3;BYMINUTE=7;BYSECOND=1;COUNT=1000",
        "DTSTART:19700101 RRULE:FREQ=SECONDLY;INTERVAL=7777",
        "DTSTART:19700104 RRULE:FREQ=MINUTELY;INTERVAL=9999;BYHOUR=3;COUNT=1000",
        "DTSTART:19700104 RRULE:FREQ=HOURLY;INTERVAL=9073;BYDAY=MO,TU,WE,TH,FR,SA",
    ],
)
def test_a_rule_that_has_few_moments_is_read_and_asked_with_little_work(text):
    def read_and_ask():
        schedule = parse_schedule(text)
        return schedule, schedule.previous_before(2**30), schedule.next_after(2**30)

    schedule, before, after = read_and_ask()

    assert calls_of(read_and_ask) < 100_000
    assert schedule.next_after(before - 1) == before
    assert schedule.previous_before(after + 1) == after


@pytest.mark.parametrize("positions", ["1", "-1", "-1,2", "2", "-2"])
def test_a_day_is_both_the_first_and_the_last_of_its_day(positions):
    rule = f"RRULE:FREQ=DAILY;BYDAY=MO,FR;BYHOUR=3;BYSETPOS={positions}"
    if "1" not in positions:
        with pytest.raises(ScheduleError, match="no moment"):
            parse_schedule(rule)
        return

    assert walls(parse_schedule(rule), START, 9) == walls(parse_schedule("0 3 * * mon,fri"), START, 9)


@settings(deadline=None)
@given(rules())
def test_the_words_of_a_rule_are_those_of_a_cron_text_with_its_moments(rule):
    text = f"{DTSTART} {rule}"
    read = read_rule(text, "UTC")
    cron = cron_of_rule(read, has_start=False)
    assume(cron is not None and read.interval == 1 and read.limit is None)
    try:
        expected = walls(parse_schedule(text), START, 10)
    except ScheduleError:
        assume(False)

    said = ZonedSchedule("", "UTC", "fixed", wall_times(cron), timeline("UTC", "fixed"))

    assert [wall for wall in walls(said, START, 10) if not read.until or wall <= read.until.time] == expected


@settings(deadline=None)
@given(rules(), st.integers(-400, 1500))
def test_a_rule_means_what_dateutil_says(rule, days):
    after = START + timedelta(days=days)
    try:
        coming = rrulestr(rule, dtstart=START).xafter(after, count=10)
        expected = [wall for wall in coming if wall.year < 2200]
    except ValueError:  # dateutil: the interval never meets an hour
        expected = []
    try:
        schedule = parse_schedule(f"{DTSTART} {rule}")
    except ScheduleError as error:
        assume(error.code != "never" or expected)
        raise

    found = walls(schedule, after, 10)

    assert found == expected
    instant = int(after.replace(tzinfo=UTC).timestamp())
    for wall in found:
        instant = schedule.next_after(instant)
        assert EPOCH + timedelta(seconds=instant) == wall
    for wall in reversed(found[:-1]):
        instant = schedule.previous_before(instant)
        assert EPOCH + timedelta(seconds=instant) == wall
    if found:
        start = int(after.replace(tzinfo=UTC).timestamp())
        last = int(found[-1].replace(tzinfo=UTC).timestamp())
        assert schedule.count_between(start, last) == len(found)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("RRULE:FREQ=DAILY", "2026-03-02T00:00:00"),
        ("rrule:freq=daily;byhour=3", "2026-03-01T03:00:00"),
        ("RRULE:FREQ=HOURLY", "2026-03-01T01:00:00"),
        ("RRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2027-01-04T00:00:00"),
        ("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=17", "2026-03-31T17:00:00"),
        ("RRULE:FREQ=DAILY;INTERVAL=2;DTSTART=20260228T120000", "2026-03-02T12:00:00"),
        ("DTSTART;TZID=UTC:20260227T120000 RRULE:FREQ=WEEKLY", "2026-03-06T12:00:00"),
        ("DTSTART:20260227 RRULE:FREQ=DAILY", "2026-03-02T00:00:00"),
        ("RRULE:FREQ=YEARLY;UNTIL=20260302;BYMONTH=3;BYMONTHDAY=2;BYHOUR=23", "2026-03-02T23:00:00"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2FR,MO", "2026-03-02T00:00:00"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2FR,-1MO", "2026-03-13T00:00:00"),
        ("RRULE:FREQ=YEARLY;BYDAY=53FR", "2027-12-31T00:00:00"),
        ("RRULE:FREQ=YEARLY;BYDAY=53FR,-53TH,MO", "2026-03-02T00:00:00"),
        (FEBRUARY_29, "2028-02-29T03:00:00"),
        ("RRULE:FREQ=SECONDLY;INTERVAL=7;DTSTART=20200101", "2026-03-01T00:00:04"),
    ],
)
def test_a_rule_by_example(text, first):
    assert walls(parse_schedule(text), datetime(2026, 3, 1), 1) == [datetime.fromisoformat(first)]


def test_starts_at_stands_for_a_missing_dtstart():
    start = int(datetime(2026, 3, 28, 8, tzinfo=UTC).timestamp())
    schedule = parse_schedule("RRULE:FREQ=DAILY;COUNT=3", "Europe/Berlin", starts_at=start)

    fires = list(schedule.between(0, 2**33))

    # Nine o'clock in Berlin, across the change to summer time.
    assert [fire - start for fire in fires] == [0, 86400 - 3600, 2 * 86400 - 3600]


def test_a_rule_is_fixed_in_a_clock_change():
    schedule = parse_schedule("RRULE:FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "Europe/Berlin")
    cron = parse_schedule("30 2 * * *", "Europe/Berlin")
    start = int(START.replace(tzinfo=UTC).timestamp())

    assert schedule.kind == "fixed"
    assert list(schedule.between(start, start + 2 * 365 * 86400)) == list(
        cron.between(start, start + 2 * 365 * 86400)
    )


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("RRULE:", "rule", 7),
        ("RRULE:FREQ=DAYLY", "rule", 12),
        ("RRULE:BYHOUR=3", "rule", 1),
        ("RRULE:FREQ=DAILY;BYHOR=3", "rule", 18),
        ("RRULE:FREQ=DAILY;FREQ=DAILY", "rule", 18),
        ("RRULE:FREQ=DAILY;INTERVAL=0", "rule", 27),
        ("RRULE:FREQ=DAILY;INTERVAL=2", "rule", 1),
        (" RRULE:FREQ=DAILY;COUNT=2", "rule", 2),
        ("RRULE:FREQ=WEEKLY", "rule", 1),
        ("RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260101", "rule", 24),
        ("RRULE:FREQ=DAILY;BYHOUR=1,24", "rule", 27),
        ("RRULE:FREQ=DAILY;BYMONTHDAY=0", "rule", 29),
        ("RRULE:FREQ=DAILY;BYDAY=1MO", "rule", 24),
        ("RRULE:FREQ=MONTHLY;BYDAY=XX", "rule", 26),
        ("RRULE:FREQ=MONTHLY;BYDAY=6MO", "rule", 26),
        ("RRULE:FREQ=YEARLY;BYMONTH=12;BYDAY=-6MO", "rule", 36),
        ("RRULE:FREQ=DAILY;BYWEEKNO=1", "rule", 27),
        ("RRULE:FREQ=DAILY;BYSETPOS=1", "rule", 27),
        ("RRULE:FREQ=HOURLY;BYDAY=MO;BYSETPOS=1", "rule", 37),
        ("RRULE:FREQ=DAILY;BYHOUR=1,2;BYSETPOS=1", "rule", 38),
        ("RRULE:FREQ=DAILY;UNTIL=2026-01-01", "rule", 24),
        ("RRULE:FREQ=DAILY;UNTIL=20261301", "rule", 24),
        ("RRULE:FREQ=DAILY;UNTIL=25000101", "rule", 24),
        ("RRULE:FREQ=DAILY;WKST=M", "rule", 23),
        ("RRULE:FREQ=DAILY EXDATE:20260101", "rule", 18),
        ("DTSTART;TZID=Europe/Berlin:20260101 RRULE:FREQ=DAILY", "rule", 1),
        ("DTSTART:20260101", "rule", 1),
        ("RRULE:FREQ=DAILY;BYMONTH=2,4;BYMONTHDAY=31", "never", 41),
        ("RRULE:FREQ=DAILY;BYMONTH=1;BYYEARDAY=300", "never", 1),
        ("DTSTART:20260101 RRULE:FREQ=DAILY;UNTIL=20250101", "never", 1),
        ("DTSTART:20200101 RRULE:FREQ=HOURLY;INTERVAL=2;BYHOUR=1", "never", 1),
        ("RRULE:FREQ=DAILY\n", "character", 17),
    ],
)
def test_what_is_wrong_with_a_rule_is_shown(text, code, column):
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(text)

    assert (refusal.value.code, refusal.value.column) == (code, column)
    assert refusal.value.hint
