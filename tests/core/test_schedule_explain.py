"""Schedules in plain words."""

from itertools import islice
from random import Random

import pytest

from cronjobs.core.schedule import ScheduleError, describe, explanation, meaning, parse_schedule

NOW = 1795392000  # 2026-11-23


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("* * * * *", "every minute"),
        ("*/1 * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0-59/5 0-23 * * *", "every 5 minutes"),
        ("*/5 * * * 1-5", "every 5 minutes from Monday to Friday"),
        ("0 * * * *", "every hour"),
        ("@hourly", "every hour"),
        ("0 */6 * * *", "every 6 hours"),
        ("0 3 * * *", "at 03:00"),
        ("@daily", "at 00:00"),
        ("5 4 3 * * *", "at 03:04:05"),
        ("30 8,20 * * *", "at 08:30 and 20:30"),
        ("0,30 8 * * sat,sun", "at 08:00 and 08:30 on Sunday and Saturday"),
        ("0 3 * * mon,wed,fri", "at 03:00 on Monday, Wednesday and Friday"),
        ("@weekly", "at 00:00 on Sunday"),
        ("@monthly", "at 00:00 on day 1 of the month"),
        ("30 4 */31 * *", "at 04:30 on day 1 of the month"),
        ("@reboot", "at every start of the scheduler"),
        ("@every 90m", "every 90m"),
    ],
)
def test_a_simple_schedule_has_words(text, words):
    assert describe(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "*/7 * * * *",
        "0 */5 * * *",
        "5-59/5 * * * *",
        "*/5 9-17 * * *",
        "15 * * * *",
        "30 * * * * *",
        "0 0-3 * * *",
        "0 0 1 1 *",
        "0 0 1,15 * *",
        "0 0 1 * mon",
        "0 0 * * 1-4",
        "@yearly",
        "0 0 30 2 *",
        "0 0 L * *",
        "0 0 * * mon#1",
        "0 0 0 * * * 2026",
        "H 0 * * *",
        "no schedule",
        "",
    ],
)
def test_any_other_text_speaks_for_itself(text):
    assert describe(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 3 * * *", "at 03:00 every day"),
        ("0 */12 * * *", "at 00:00 and 12:00 every day"),
        ("0 */5 * * *", "at 00:00, 05:00, 10:00, 15:00 and 20:00 every day"),
        ("0 */2 * * mon", "every 2 hours on Monday"),
        ("0 9-17 * * *", "on the hour from 09:00 to 17:00 every day"),
        ("0 0-4,22,23 * * *", "on the hour in the hours 0 to 4, 22 and 23 every day"),
        ("*/5 9-17 * * *", "every 5 minutes from 09:00 to 17:59 every day"),
        ("*/5 9-17 * * mon-fri", "every 5 minutes from 09:00 to 17:59, Monday to Friday"),
        ("*/30 9-17 * * 1-5", "every 30 minutes from 09:00 to 17:59, Monday to Friday"),
        ("0,30 * 9 * * *", "every 30 seconds from 09:00 to 09:59:59 every day"),
        ("30 8 * * mon-fri", "at 08:30 from Monday to Friday"),
        ("30 8 * 1-3 mon-wed,fri", "at 08:30 on Monday to Wednesday and Friday from January to March"),
        ("15 * * * *", "at minute 15 of every hour"),
        ("15 9-17 * * *", "at minute 15 of every hour from 09:00 to 17:59 every day"),
        ("* 3 * * *", "every minute from 03:00 to 03:59 every day"),
        ("30 * * * * *", "at second 30 of every minute"),
        ("30 */5 * * * *", "at second 30 in minutes 0, 5, 10 and so on to 55 of every hour"),
        ("*/10 */5 * * * *", "every 10 seconds in minutes 0, 5, 10 and so on to 55 of every hour"),
        ("*/10 0 3 * * *", "every 10 seconds from 03:00 to 03:00:59 every day"),
        ("15 0-29 3 * * *", "at second 15 of every minute from 03:00 to 03:29:59 every day"),
        ("0,20 * 9 * * *", "at seconds 0 and 20 of every minute from 09:00 to 09:59:59 every day"),
        ("* 5 9,12 * * *", "every second in minute 5 in the hours 9 and 12 every day"),
        ("*/7 * * * *", "at minutes 0, 7, 14 and so on to 56 of every hour"),
        ("*/7 3 * * *", "at minutes 0, 7, 14 and so on to 56 from 03:00 to 03:59 every day"),
        (
            "5/15 8,9,20 * * fri-sun",
            "at minutes 5, 20, 35 and 50 in the hours 8, 9 and 20 from Friday to Sunday",
        ),
        ("0 0 1-10/2 * *", "at 00:00 on days 1, 3, 5, 7 and 9 of the month"),
        ("0 0 1 * mon", "at 00:00 on day 1 of the month or on Monday (one is enough)"),
        (
            "0 0 1 1 mon",
            "at 00:00 on day 1 of the month or on Monday (one is enough) in January",
        ),
        (
            "0 0 1-31 * mon",
            "at 00:00 on every day of the month or on Monday (one is enough, so every day)",
        ),
        ("0 0 1 * +mon", "at 00:00 on day 1 of the month and on Monday (both are needed)"),
        ("0 0 29 2 *", "at 00:00 on day 29 of February"),
        ("0 0 * 2 *", "at 00:00 every day in February"),
        (
            "0 0 1-5,9 1,3,6-9 *",
            "at 00:00 on days 1 to 5 and 9 of January, March and June to September",
        ),
        (
            "0 0 L,15W,L-3 * *",
            "at 00:00 on the last day, the last day but 3 and the working day nearest to day 15 of the month",
        ),
        ("0 0 LW * ?", "at 00:00 on the last working day of the month"),
        ("0 0 * * monL,mon#1,mon#3", "at 00:00 on the first, third and last Monday of the month"),
        (
            "0 0 * 1 sun,mon#1",
            "at 00:00 on Sunday and the first Monday of the month in January",
        ),
        (
            "0 0 0 * * 5L,mon#2 2026",
            "at 00:00 on the second Monday and the last Friday of the month in 2026",
        ),
        ("0 0 0 1 * * 2026-2028", "at 00:00 on day 1 of the month in the years 2026 to 2028"),
        ("@every 5m", "every 5m, counted from the job's first start"),
        ("RRULE:FREQ=DAILY;BYHOUR=9", "at 09:00 every day (iCalendar rule)"),
        ("RRULE:FREQ=MINUTELY;BYHOUR=9", "every minute from 09:00 to 09:59 every day (iCalendar rule)"),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1FR", "at 00:00 on the last Friday of the month (iCalendar rule)"),
        (
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=15,-1",
            "at 00:00 on day 15 and the last day of the month (iCalendar rule)",
        ),
        (
            "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20301231",
            "at 00:00 on the fourth Thursday of November until 2030-12-31 (iCalendar rule)",
        ),
        (
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;DTSTART=20260101",
            "at 00:00 on Monday, every 2 weeks from 2026-01-01 (iCalendar rule)",
        ),
        (
            "DTSTART:20270101T093000 RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3",
            "at 09:30, every 2 days from 2027-01-01 09:30, 3 times (iCalendar rule)",
        ),
        ("DTSTART:20260101 RRULE:FREQ=DAILY", "at 00:00 every day from 2026-01-01 (iCalendar rule)"),
        (
            "DTSTART:20260101T090000Z RRULE:FREQ=DAILY",
            "every day with DTSTART=20260101T090000Z (iCalendar rule)",
        ),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
            "every month with BYDAY=MO,TU and BYSETPOS=-1 (iCalendar rule)",
        ),
        (
            "RRULE:FREQ=DAILY;INTERVAL=2;BYDAY=MO;DTSTART=20260101",
            "every 2 days with BYDAY=MO and DTSTART=20260101 (iCalendar rule)",
        ),
        (
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU;DTSTART=20260101",
            "every 2 weeks with BYDAY=MO,SU, WKST=SU and DTSTART=20260101 (iCalendar rule)",
        ),
        (
            "RRULE:FREQ=HOURLY;INTERVAL=2;DTSTART=20260101",
            "every 2 hours with DTSTART=20260101 (iCalendar rule)",
        ),
        (
            ["0 3 * * *", "@reboot"],
            "at 03:00 every day; and at every start of the scheduler, not on a reload",
        ),
    ],
)
def test_an_explanation_tells_it_all(text, words):
    assert explanation(text, now=NOW).words == words


FIELDS = (
    ("*", "0", "0,30", "*/7", "*/15", "5-55/10", "0-10"),
    ("*", "0", "3-4", "9-17", "*/2", "*/5", "0,12", "8,9,20", "22-23,0-4"),
    ("*", "1", "1,15", "1-7", "1-31", "*/2", "L", "L-3", "LW", "15W", "1,L"),
    ("*", "2", "1-3", "1,7", "*/3", "6-9,12"),
    ("*", "mon", "+mon", "1-5", "fri-sun", "sun,mon#2", "mon#1,mon#3", "+mon#1", "5L", "0-6"),
)


def test_texts_with_different_moments_have_different_words():
    random = Random(4)
    known: dict[str, tuple[str, list[int]]] = {}
    for _ in range(3000):
        fields = [random.choice(values) for values in FIELDS]
        if random.random() < 0.5:
            fields.insert(0, random.choice(FIELDS[0]))
        try:
            schedule = parse_schedule(" ".join(fields))
        except ScheduleError:
            continue
        found = schedule.text, [*islice(schedule.between(NOW, 2**33), 400)]
        words = meaning(schedule.text).words

        assert known.setdefault(words, found)[1] == found[1], (words, known[words][0], schedule.text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "5-5 * * * *",
            "croniter would fire at 2026-11-23 00:01:00, where this is due at 2026-11-23 00:05:00",
        ),
        ("0 0 1 * +mon", "croniter refuses it"),
        ("0 0 L-1 * *", "croniter refuses it: bands 'l-1' in field 2 are not acceptable"),
        ("H * * * *", "croniter refuses `H` unless it is given a `hash_id`, and hashes it in another way"),
        (
            "30 * * * * *",
            "croniter reads the seconds from the sixth field, unless it is told `second_at_beginning`",
        ),
        (
            "0 30 3 * * *",  # which croniter refuses for the 30
            "croniter reads the seconds from the sixth field, unless it is told `second_at_beginning`",
        ),
        ("@every 5m", "croniter has no `@every`"),
        ("0 0 L * *", "Vixie cron has no `L`"),
        ("0 0 * * friL", "Vixie cron has no `L`"),
        ("0 0 LW * wed#1", "Vixie cron has no `L`, `W` or `#`"),
        ("0 0 ? jul wed", "Vixie cron has no `?`"),
        ("0 0 30 H(2-3) *", "Vixie cron has no `H`"),
        ("5/15 * * * *", "Vixie cron does not read `a/n` as a range: write `a-b/n`"),
        ("0 0 * * monday", "Vixie cron knows names of three letters only"),
        ("0 0 * * fri-sun", "Vixie cron takes `sun` for 0, which ends no range: write `7`"),
        ("0 0 0 * * *", "Vixie cron has five fields: neither seconds nor years"),
        ("@Daily", "Vixie cron knows nicknames in small letters only: `@daily`"),
        ("0 0 * * 5", "Quartz counts the days of the week from 1 for Sunday; names mean the same everywhere"),
        ("0 0 * * *", "Quartz wants seconds in front and `?` in one of the two day fields"),
        ("0 0 0 ? * ?", "Quartz wants `?` in only one of the two day fields"),
        ("0 0 1 * mon", "Quartz cannot restrict both day fields at once"),
        ("0 0 1,L * ?", "Quartz takes `L`, `W` and `#` alone, not in a list"),
        ("0 0 ? * mon#1,mon#3", "Quartz takes `L`, `W` and `#` alone, not in a list"),
        ("0 0 ? * fri#L", "Quartz has no `#L`: the last Friday is `friL`"),
        ("0 0 1 * +mon", "Quartz has no `+`"),
        ("@daily", "Quartz has no `@daily`"),
        ("RRULE:FREQ=DAILY", "no cron reads iCalendar rules"),
    ],
)
def test_an_explanation_tells_how_others_read_it(text, said):
    assert said in explanation(text, now=NOW, job="report").others


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("0 0 0 ? jul WED,THU", "Quartz"),
        ("0 0 * jul wed,thu", "Vixie cron has"),
        ("H/5 * * * *", "Vixie cron does not read"),
        ("0 0 */2 * mon", "Vixie"),  # a star at the beginning joins the day fields by AND there, too
        ("* * * * * *", "croniter"),
    ],
)
def test_an_explanation_claims_nothing_of_those_who_read_it_alike(text, others):
    assert not any(said.startswith(others) for said in explanation(text, now=NOW, job="report").others)


def test_croniter_is_compared_by_the_clock_of_the_zone():
    assert (
        "croniter would fire at 2026-11-25 00:00:00, where this is due at 2026-11-30 00:00:00"
        in explanation("0 0 */1 * mon", "Asia/Tokyo", now=NOW + 86400).others
    )


def test_what_all_read_alike_is_not_mentioned():
    assert explanation("0 0 12 ? * MON", "Europe/Berlin", now=NOW).others[1:] == [
        "croniter reads the seconds from the sixth field, unless it is told `second_at_beginning`",
        "croniter refuses it: Question mark can only used in day_of_month or day_of_week",
    ]
    assert not any(
        "croniter" in said or "Vixie" in said for said in explanation("*/5 0 * * 1-5", now=NOW).others
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* * * * *", "it follows the clock: skipped times do not fire, repeated times fire again"),
        ("@every 5m", "it counts the seconds that pass, whatever clocks do"),
        ("@reboot", "it does not depend on any clock"),
    ],
)
def test_an_explanation_tells_what_clock_changes_do(text, said):
    assert explanation(text, now=NOW).clock_changes == said


def test_a_rule_that_begins_with_the_job_says_only_what_its_text_does():
    words = {
        starts_at: explanation("RRULE:FREQ=DAILY;BYHOUR=9", now=NOW, starts_at=starts_at).words
        for starts_at in (None, NOW)
    }

    assert words[None] == "at 09:00 every day (iCalendar rule)"
    assert words[NOW] == "every day with BYHOUR=9 (iCalendar rule)"


def test_an_explanation_of_the_dialect_leaves_it_to_croniter():
    assert (
        explanation("0 22-4 * * *", now=NOW, dialect="croniter").words
        == "whatever croniter reads in 0 22-4 * * *"
    )
    with pytest.raises(ScheduleError):
        explanation("0 22-4 * * *", now=NOW)
