"""Schedules that are no single cron text: `@every`, `@reboot`, `H`, lists, and croniter's dialect."""

from datetime import UTC, datetime
from itertools import islice, pairwise

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from cronjobs.core.schedule import ScheduleError, parse_schedule

START = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
YEAR = 365 * 86400


def refusal_of(text, **arguments):
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(text, **arguments)
    return refusal.value


def forward(schedule, after, until):
    fires, instant = [], after
    while (instant := schedule.next_after(instant)) is not None and instant <= until:
        fires.append(instant)
    return fires


def backward(schedule, after, until):
    fires, instant = [], until + 1
    while (instant := schedule.previous_before(instant)) is not None and instant > after:
        fires.insert(0, instant)
    return fires


def test_every_counts_from_its_anchor():
    schedule = parse_schedule(" @Every 1h30m ", "Europe/Berlin", anchor=START)

    assert schedule.kind == "elapsed"
    assert schedule.next_after(0) == START + 5400
    assert schedule.next_after(START + 5400) == START + 10800
    assert schedule.previous_before(START + 5401) == START + 5400
    assert schedule.previous_before(START + 5400) is None
    assert list(schedule.between(START, START + 16200)) == [START + 5400, START + 10800, START + 16200]
    assert schedule.count_between(START, START + YEAR) == YEAR // 5400
    assert schedule.count_between(START + 1, START + 5399) == 0


def test_every_is_blind_to_clock_changes():
    before = int(datetime(2025, 3, 29, 12, tzinfo=UTC).timestamp())
    schedule = parse_schedule("@every 6h", "Europe/Berlin", anchor=before)

    fires = list(schedule.between(before, before + 2 * 86400))

    assert {later - earlier for earlier, later in pairwise(fires)} == {21600}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_every_ends_with_the_year_2199_of_its_zone(zone):
    last = parse_schedule("* * * * * *", zone).previous_before(10**30)
    schedule = parse_schedule("@every 1s", zone)

    assert schedule.previous_before(10**30) == last
    assert schedule.next_after(last) is None
    assert list(schedule.between(last - 2, 10**30)) == [last - 1, last]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("@every", "duration", 1),
        (" @every 5 minutes", "duration", 11),
        ("@every 5", "duration", 8),
        ("@every 1.5h", "duration", 8),
        ("@every 500ms", "duration", 8),
        ("@every 1s500ms", "duration", 8),
        ("@every 0s", "duration", 8),
        ("@every -5m", "duration", 8),
        ("@every5m", "nickname", 1),
        ("@reboot now", "nickname", 9),
        ("@rebot", "nickname", 1),
        ("@every 5m\n", "character", 10),
    ],
)
def test_what_is_wrong_with_a_nickname_is_shown(text, code, column):
    refusal = refusal_of(text)

    assert (refusal.code, refusal.column) == (code, column)


def test_reboot_has_no_instants():
    schedule = parse_schedule("@REBOOT")

    assert (schedule.kind, schedule.at_start) == ("reboot", True)
    assert schedule.next_after(0) is None
    assert schedule.previous_before(10**10) is None
    assert (schedule.count_between(0, 10**10), list(schedule.between(0, 10**10))) == (0, [])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("@every 5 minutes", "write the duration in one word, as in `@every 5m`"),
        ("@every 1 hour 30 min", "write the duration in one word, as in `@every 1h30m`"),
        ("@every 2 weeks", "write the duration in one word, as in `@every 1h30m`"),
        ("@every 90sec", "write `@every 90s`"),
        ("@every soon", "`@every 15m` is every 15 minutes, `@every 1h30m` every 90"),
        ("@every15m", "did you mean `@every`?"),
    ],
)
def test_the_hint_for_a_duration_can_be_pasted(text, hint):
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)

    assert caught.value.hint == hint


@pytest.mark.parametrize("text", ["@reboot", "@every 5m", "RRULE:FREQ=DAILY"])
def test_every_kind_refuses_an_unknown_zone(text):
    assert refusal_of(text, zone="Mars/Base").code == "zone"


def minutes_of(text, **arguments):
    fires = islice(parse_schedule(text, **arguments).between(START, START + 20 * YEAR), 60)
    return [datetime.fromtimestamp(fire, UTC) for fire in fires]


def test_a_hash_is_the_same_after_a_restart_and_differs_between_jobs_seeds_and_fields():
    def time_of(**arguments):
        return minutes_of("H H * * *", **arguments)[0].time()

    # Literal values: whoever changes how they are computed moves everybody's jobs.
    assert str(time_of(job="backup")) == "12:35:00"
    assert len({time_of(job=f"job {number}") for number in range(50)}) > 40
    assert time_of(job="backup") != time_of(job="backup", hash_seed="other")
    assert len({fire.minute for fire in minutes_of("H * * * *", job="backup")}) == 1


@pytest.mark.parametrize("job", [f"job {number}" for number in range(40)])
def test_a_hash_stays_in_its_field(job):
    assert all(fire.day <= 28 for fire in minutes_of("0 0 H * *", job=job))
    assert all(fire.day <= 28 for fire in minutes_of("0 0 H(20-31) * *", job=job))
    assert {fire.minute for fire in minutes_of("H(10-12) * * * *", job=job)} <= {10, 11, 12}
    assert {fire.isoweekday() for fire in minutes_of("0 0 * * h(mon-fri)", job=job)} <= {1, 2, 3, 4, 5}
    assert {fire.isoweekday() for fire in minutes_of("0 0 * * H(fri-sun)", job=job)} <= {5, 6, 7}
    assert {fire.isoweekday() for fire in minutes_of("0 0 * * H(sun-sun)", job=job)} == {7}

    steps = sorted({fire.minute for fire in minutes_of("H/15 * * * *", job=job)})
    assert [minute - steps[0] for minute in steps] == [0, 15, 30, 45]

    steps = sorted({fire.minute for fire in minutes_of("0,H(30-59)/10 * * * *", job=job)})
    assert steps[0] == 0
    assert [minute - steps[1] for minute in steps[1:]] == [0, 10, 20]


def test_a_hash_takes_each_day_of_a_range_that_ends_in_sunday():
    jobs = [f"job {number}" for number in range(40)]

    assert {minutes_of("0 0 * * H(sat-sun)", job=job)[0].isoweekday() for job in jobs} == {6, 7}
    for job in jobs:
        assert minutes_of("0 0 * * H(fri-sun)", job=job) == minutes_of("0 0 * * H(5-7)", job=job)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0 H(22-4) * * *", "write `H(22-23)` or `H(0-4)`: it is one value"),
        ("0 0 * * H(sat-tue)", "write `H(sat-sun)` or `H(mon-tue)`: it is one value"),
        ("0 0 * * H(5-0)", "write `H(5-7)`: it is one value"),
        ("0 0 H(28-2) * *", "write `H(28-31)` or `H(1-2)`: it is one value"),
        ("0 0 H(31-2) * *", "`H(1-28)` is a day of every month"),
    ],
)
def test_the_hint_for_a_reversed_range_of_a_hash_can_be_pasted(text, hint):
    assert refusal_of(text, job="backup").hint == hint
    for written in hint.split("`")[1::2]:
        parse_schedule(" ".join(written if "H" in word else word for word in text.split()), job="backup")


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("H-5 * * * *", "number", 1),
        ("0 0 H(29-31) * *", "range", 7),
        ("H(5-1) * * * *", "reversed", 3),
        ("H(5) * * * *", "term", 2),
        ("0 H(1-24) * * *", "range", 7),
        ("H/0 * * * *", "step", 3),
        ("0 0 0 1 1 * H", "term", 13),
    ],
)
def test_what_is_wrong_with_a_hash_is_shown(text, code, column):
    refusal = refusal_of(text, job="backup")

    assert (refusal.code, refusal.column) == (code, column)


def test_equal_texts_in_a_zone_are_one_computation():
    assert parse_schedule("0 4 * * *", "Asia/Tokyo") is parse_schedule("0 4 * * *", "Asia/Tokyo")
    assert parse_schedule(["0 4 * * *"]) is parse_schedule("0 4 * * *")


TEXTS = [
    "*/20 * * * *",
    "0 0-23 * * *",
    "30 2 * * *",
    "* 1-3 * * 0",
    "0,30 0-4/2 * * *",
    "15 2 1,L * *",
    "*/7 30 2 * * *",
]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
    "America/Sao_Paulo",
]
OTHERS = ["@every 45m", "@every 7m13s", "RRULE:FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30", "@reboot"]
MIDDLES = [1332600000, 1325250000, 1743296400, 1761440400, 1759593600, 1519005600, 1541300400]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
    st.lists(st.sampled_from(OTHERS), max_size=2),
    st.sampled_from(ZONES),
    st.sampled_from(MIDDLES),
    st.integers(-86400, 86400),
)
def test_a_list_is_the_union_of_its_texts(texts, others, zone, middle, shift):
    start, end = middle + shift - 50_000, middle + shift + 50_000
    schedule = parse_schedule(texts + others, zone)

    parts = [set(forward(parse_schedule(text, zone), start, end)) for text in texts + others]
    expected = sorted(set().union(*parts))

    assert forward(schedule, start, end) == expected
    assert backward(schedule, start, end) == expected
    assert list(schedule.between(start, end)) == expected
    assert schedule.count_between(start, end) == len(expected)
    cut = start + 30_000
    assert schedule.count_between(cut, end) == sum(fire > cut for fire in expected)


def test_a_list_has_the_kind_that_asks_for_most_and_all_of_its_text():
    schedule = parse_schedule(["@every 5m", "@reboot", "0 3 * * *", "* * * * *"])

    assert (schedule.kind, schedule.at_start) == ("fixed", True)
    assert schedule.text == "@every 5m | @reboot | 0 3 * * * | * * * * *"
    assert parse_schedule(["* * * * *", "*/7 * * * * *"]).kind == "wildcard"


def test_ten_years_of_a_list_are_counted_at_once():
    schedule = parse_schedule(["* * * * * *", "0 3 * * *", "*/7 * 1-5 * * mon"], "Europe/Berlin")

    assert schedule.count_between(START, START + 10 * YEAR) == 10 * YEAR


def test_a_mistake_in_a_list_names_its_text():
    refusal = refusal_of(["0 3 * * *", "0 25 * * *"])

    assert str(refusal) == "text 2 of 2: hour 25 is out of range 0-23"
    assert (refusal.code, refusal.field, refusal.column) == ("range", "hour", 3)
    assert refusal_of([]).code == "empty"


@pytest.mark.parametrize("text", ["*/5 * * * *", "0 0 * * 5#2", "0 22-4 * * *", "0 0 1 * * 30", "0 2 * * *"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_the_dialect_of_croniter_is_croniter(text, zone):
    schedule = parse_schedule(text, zone, dialect="croniter")
    reference = croniter(text, datetime.fromtimestamp(START, UTC), second_at_beginning=False)

    fires = list(islice(schedule.between(START, START + YEAR), 5))

    if zone == "UTC":
        assert fires == [int(reference.get_next(float)) for _ in fires]
    assert forward(schedule, START, fires[-1]) == fires
    assert schedule.previous_before(fires[1]) == fires[0]
    assert schedule.count_between(START, fires[-1]) == 5


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Etc/GMT+12"])
def test_what_croniter_finds_outside_1970_to_2199_is_no_fire(zone):
    first, last = parse_schedule("@every 1s", zone, anchor=-(10**6)), parse_schedule("@every 1s", zone)
    begin, end = first.next_after(-(10**6)), last.previous_before(10**12)
    schedule = parse_schedule("0 0 29 2 *", zone, dialect="croniter")
    hourly = parse_schedule("0 * * * *", zone, dialect="croniter")

    assert schedule.next_after(end - 86400) is None
    assert hourly.next_after(-(10**12)) == begin
    assert hourly.previous_before(begin) is hourly.previous_before(-(10**12)) is None
    assert hourly.previous_before(10**12) == end - 3599
    assert hourly.next_after(end - 3599) is hourly.next_after(10**12) is None


@pytest.mark.parametrize("text", ["R 0 * * *", "0 r(1-5) * * *", "0 0 R/7 * *"])
def test_croniter_draws_no_lots(text):
    refusal = refusal_of(text, dialect="croniter")

    assert (refusal.code, refusal.column) == ("dialect", text.upper().index("R") + 1)


def test_a_dialect_that_is_none_and_a_text_that_croniter_refuses():
    assert refusal_of("* * * * *", dialect="cronitr").hint == "did you mean `croniter`?"
    assert refusal_of("61 * * * *", dialect="croniter").code == "dialect"
    assert refusal_of("", dialect="croniter").code == "empty"
