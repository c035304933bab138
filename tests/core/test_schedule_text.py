"""What a text means, and what is said about one that means nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cronjobs
from cronjobs.core.schedule import ScheduleError, parse_schedule
from cronjobs.core.schedule.cron import parse_cron
from cronjobs.core.schedule.fields import FIELDS

NEVER = "the last day that every month has is 28; `L` is the last of each"
NTH = "`mon#2` is the second Monday of the month, `mon#L` the last; n is 1-5"
PLUS = "`+` is the first character of day-of-week, before what must match as well as day-of-month"
PLUS_NOTHING = "`+mon` is a Monday that day-of-month matches too; every day of the week is `*`"
QUESTION_MARK = "`?` is a whole day field, and there it means `*`"
A_TERM = "a term is `*`, `a` or `a-b`, with or without a step `/n`"
ASCII = "use ASCII, with spaces or tabs between the fields"
ORDER = "minute hour day-of-month month day-of-week; six fields have seconds first, seven a year last"


def refusal_of(text, zone="UTC"):
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(text, zone)
    return refusal.value


def values(mask):
    return [value for value in range(mask.bit_length()) if mask >> value & 1]


@pytest.mark.parametrize(
    ("text", "code", "field", "column", "hint"),
    [
        ("60 * * * *", "range", "minute", 1, "use 0-59"),
        ("* 24 * * *", "range", "hour", 3, "use 0-23"),
        ("  *\t24 * * *", "range", "hour", 5, "use 0-23"),
        ("0 0 32 * *", "range", "day-of-month", 5, "use 1-31"),
        ("0 0 0 * *", "range", "day-of-month", 5, "use 1-31"),
        ("0 0 1,2,40 * *", "range", "day-of-month", 9, "use 1-31"),
        ("0 0 * 13 *", "range", "month", 7, "use 1-12 or jan, feb, ..."),
        ("0 0 * * 1-8", "range", "day-of-week", 11, "use 0-7 or mon, tue, ..."),
        ("60 * * * * *", "range", "second", 1, "use 0-59"),
        ("0-60 * * * *", "range", "minute", 3, "use 0-59"),
        ("*/0 * * * *", "step", "minute", 3, "`/2` is every second value"),
        ("* 1-2/x * * *", "step", "hour", 7, "`/2` is every second value"),
        ("00001 * * * *", "number", "minute", 1, "use 0-59"),
        ("*/10000 * * * *", "number", "minute", 3, "use 0-59"),
        ("* 0x10 * * *", "number", "hour", 3, "use 0-23"),
        ("jan * * * *", "misplaced", "minute", 1, "the name of a month belongs in month"),
        ("0 0 * FOO *", "name", "month", 7, "use 1-12 or jan, feb, ..."),
        ("0 0 * jan-sept *", "name", "month", 11, "did you mean `sep`?"),
        ("0 0 * * thurs", "name", "day-of-week", 9, "did you mean `thursday`?"),
        ("1,,2 * * * *", "term", "minute", 3, "remove the comma"),
        (",1 * * * *", "term", "minute", 1, "remove the comma"),
        ("* 1, * * *", "term", "hour", 4, "remove the comma"),
        ("1-2-3 * * * *", "term", "minute", 4, A_TERM),
        ("1/2/3 * * * *", "term", "minute", 4, A_TERM),
        ("* /5 * * *", "term", "hour", 3, "did you mean `*/5`?"),
        ("*5 * * * *", "term", "minute", 2, "did you mean `*/5`?"),
        ("*/ * * * *", "term", "minute", 2, "a step is a number: `*/2`"),
        ("* 1.5 * * *", "term", "hour", 4, A_TERM),
        ("1- * * * *", "term", "minute", 2, "a range has two ends: `1-59`"),
        ("0 0 * * mon-", "term", "day-of-week", 12, "a range has two ends: `mon-sun`"),
        ("0 0 l- * *", "term", "day-of-month", 6, "`L-3` is the last day of the month but 3"),
        ("x- 0 * * *", "term", "minute", 2, "a term is `*`, `a` or `a-b`, with or without a step `/n`"),
        ("0 0 * * mon..fri", "term", "day-of-week", 12, "a range has one `-`: `1-5`"),
        ("0 0 1;15 * *", "term", "day-of-month", 6, "a list has commas: `1,15`"),
        ("'0 0 * * *'", "term", "minute", 1, "leave out the quotes"),
        ("0 9 * * 1\u20135", "character", "", 10, "write `-`, which looks alike"),
        ("0 9 *\u00a0* 1", "character", "", 6, "write a space, which looks alike"),
        ("0 9 * * mon - fri", "misplaced", "month", 9, "a field has no space in it: `0 9 * * mon-fri`"),
        ("0 9 * * 1, 2, 3, 5", "fields", "", 18, "a field has no space in it: `0 9 * * 1,2,3,5`"),
        ("* / 5 * * * *", "term", "minute", 3, "a field has no space in it: `*/5 * * * *`"),
        ("0 9 * * weekdays", "name", "day-of-week", 9, "write `mon-fri`"),
        ("daily", "fields", "", 1, "did you mean `@daily`?"),
        ("every 5 minutes", "fields", "", 9, "`@every 15m` is every 15 minutes, `@daily` is every day"),
        ("3:05", "fields", "", 1, "a time of day is two fields: `5 3 * * *` is 03:05 every day"),
        ("FREQ=DAILY", "term", "", 1, "an iCalendar rule begins with `RRULE:`"),
        ("CRON_TZ=UTC 0 0 * * *", "term", "", 1, "the time zone is set beside the text"),
        ("17-9 * * * *", "reversed", "minute", 1, "write `17-59,0-9`"),
        ("0 22-4 * * *", "reversed", "hour", 3, "write `22-23,0-4`"),
        ("0 22-4/2 * * *", "reversed", "hour", 3, "write `22,0,2,4`"),
        ("0 0 1,28-3 * *", "reversed", "day-of-month", 7, "write `28-31,1-3`"),
        ("0 0 * NOV-feb *", "reversed", "month", 7, "write `nov-dec,jan-feb`"),
        ("0 0 * dec-jan *", "reversed", "month", 7, "write `dec,jan`"),
        ("0 0 * * fri-mon", "reversed", "day-of-week", 9, "write `fri-sun,mon`"),
        ("0 0 * * 5-0", "reversed", "day-of-week", 9, "write `5-7`"),
        ("0 0 * * 7-2", "reversed", "day-of-week", 9, "write `0-2`"),
        ("", "empty", "", 1, "`0 3 * * *` is every day at 03:00"),
        (" \t ", "empty", "", 1, "`0 3 * * *` is every day at 03:00"),
        ("* * *", "fields", "", 5, ORDER),
        ("* * * * * * * *", "fields", "", 15, ORDER),
        ("* * * * *\n", "character", "", 10, ASCII),
        ("* \u0663 * * *", "character", "", 3, ASCII),
        ("*" + " " * 1024, "length", "", 1025, "ranges and steps shorten a list"),
        ("@dayly", "nickname", "", 1, "did you mean `@daily`?"),
        (" @HOURLI", "nickname", "", 2, "did you mean `@hourly`?"),
        (
            "@",
            "nickname",
            "",
            1,
            "use one of @yearly @annually @monthly @weekly @daily @midnight @hourly @every @reboot",
        ),
        ("@daily 5", "nickname", "", 8, "use @daily alone"),
        (
            "0 0 0 1 1 * 2200",
            "range",
            "year",
            13,
            "in seven fields seconds come first and the year last, 1970-2199 or `*`",
        ),
        (
            "2026 0 0 0 1 1 *",
            "range",
            "second",
            1,
            "the year is the last of seven fields: `0 0 0 1 1 * 2026`",
        ),
        (
            "0 0 0 1 1 2026 *",
            "range",
            "day-of-week",
            11,
            "the year is the last of seven fields: `0 0 0 1 1 * 2026`",
        ),
        ("2026 0 * * *", "range", "minute", 1, "use 0-59"),
        (
            "0 12 * * mon 2026",
            "misplaced",
            "month",
            10,
            "a year is the seventh field and seconds are the first: `0 0 12 * * mon 2026`",
        ),
        (
            "0 0 1 1 ? 2026-2028",
            "term",
            "month",
            9,
            "a year is the seventh field and seconds are the first: `0 0 0 1 1 ? 2026-2028`",
        ),
        ("0 0 32 1 * 2026", "range", "hour", 5, "use 0-23"),
        (
            "0 0 1 1 * 2026",
            "range",
            "day-of-week",
            11,
            "a year is the seventh field and seconds are the first: `0 0 0 1 1 * 2026`",
        ),
        ("0 0 0 1 1 * 2030-2026", "reversed", "year", 13, "write `2026-2030`"),
        ("0 0 0 29 2 * 2023", "never", "day-of-month", 7, NEVER),
        ("0 0 30 2 *", "never", "day-of-month", 5, NEVER),
        ("0 0 31W 2 *", "never", "day-of-month", 5, NEVER),
        ("0 0 L-30 4 *", "never", "day-of-month", 5, NEVER),
        ("0 0 15W * +sun", "never", "day-of-month", 5, NEVER),
        (
            "0 0 5L * *",
            "misplaced",
            "day-of-month",
            5,
            "`5L` belongs in day-of-week; the last day of the month is `L`, in day-of-month",
        ),
        (
            "0 0 monday-fri * *",
            "misplaced",
            "day-of-month",
            5,
            "the name of a weekday belongs in day-of-week",
        ),
        ("mon * * * *", "misplaced", "minute", 1, "the name of a weekday belongs in day-of-week"),
        ("0 0 * mon *", "misplaced", "month", 7, "the name of a weekday belongs in day-of-week"),
        ("0 0 * * jan", "misplaced", "day-of-week", 9, "the name of a month belongs in month"),
        ("0 0 * * 15W", "misplaced", "day-of-week", 9, "`15W` belongs in day-of-month"),
        ("0 0 * * 1,LW", "misplaced", "day-of-week", 11, "`LW` belongs in day-of-month"),
        ("0 L * * *", "number", "hour", 3, "use 0-23"),
        (
            "0 0 * * L",
            "term",
            "day-of-week",
            9,
            "write `5L` for the last Friday of the month, `6` for Saturday",
        ),
        ("0 0 L-31 * *", "range", "day-of-month", 7, "use 1-30"),
        ("0 0 L-0 * *", "range", "day-of-month", 7, "use 1-30"),
        ("0 0 1,L-00001 * *", "number", "day-of-month", 9, "use 1-31"),
        ("0 0 32W * *", "range", "day-of-month", 5, "use 1-31"),
        ("0 0 L/2 * *", "term", "day-of-month", 5, "write the days one by one: `L,15W`"),
        ("0 0 1-15W * *", "term", "day-of-month", 7, "write the days one by one: `L,15W`"),
        ("0 0 15W/2 * *", "term", "day-of-month", 5, "write the days one by one: `L,15W`"),
        ("0 0 * * 5L-6", "term", "day-of-week", 9, "write the days one by one: `5L,6L`"),
        ("0 0 * * 8L", "range", "day-of-week", 9, "use 0-7 or mon, tue, ..."),
        ("0 0 * * L5", "name", "day-of-week", 9, "write `5L`"),
        ("0 0 * * mon#2,lFri", "name", "day-of-week", 15, "write `FriL`"),
        ("0 0 * * Lun", "name", "day-of-week", 9, "did you mean `sun`?"),
        ("0 0 1,w15 * *", "number", "day-of-month", 7, "write `15W`"),
        ("0 0 * * fooL", "name", "day-of-week", 9, "use 0-7 or mon, tue, ..."),
        ("0 0 * * 1#6", "range", "day-of-week", 11, "use 1-5"),
        ("0 0 * * 1#0", "range", "day-of-week", 11, "use 1-5"),
        ("0 0 * * 1##1", "term", "day-of-week", 10, NTH),
        ("0 0 * * 2#", "term", "day-of-week", 10, NTH),
        ("0 0 ?,1 * *", "term", "day-of-month", 5, QUESTION_MARK),
        ("? * * * *", "term", "minute", 1, QUESTION_MARK),
        ("0 0 */2 * ?/2", "term", "day-of-week", 11, QUESTION_MARK),
        ("0 0 1 * +*", "term", "day-of-week", 9, PLUS_NOTHING),
        ("0 0 1 * +", "term", "day-of-week", 9, PLUS_NOTHING),
        ("0 0 1 * +,mon", "term", "day-of-week", 10, "remove the comma"),
        ("0 0 1 * +mon,fooday", "name", "day-of-week", 14, "did you mean `monday`?"),
        ("0 0 1 * mon,+tue", "term", "day-of-week", 13, PLUS),
        ("0 0 +1 * *", "term", "day-of-month", 5, PLUS),
        ("03:30 * * * *", "term", "minute", 3, "a time of day is two fields: 03:30 is `30 3`"),
        ("R * * * *", "term", "minute", 1, "`H` is hashed from the job's name and stays"),
    ],
)
def test_a_refusal_names_the_place_and_the_way_out(text, code, field, column, hint):
    refusal = refusal_of(text)

    assert (refusal.code, refusal.field, refusal.column, refusal.hint) == (code, field, column, hint)


@pytest.mark.parametrize(
    ("text", "code", "column", "schedule"),
    [
        # No field begins there.
        ("*/5 * * * * /bin/x --all > /dev/null 2>&1", "fields", 13, "*/5 * * * *"),
        ("17 *\t* * *\troot    cd / && run-parts /etc/cron.hourly", "fields", 12, "17 * * * *"),
        ("0 0 0 1 1 * 2027 /bin/x", "fields", 18, "0 0 0 1 1 * 2027"),
        # Read from the seconds on, another field is wrong before.
        ("0 5 * * mon backup.sh", "fields", 13, "0 5 * * mon"),
        # It stands where there may be a day of the week or a year.
        ("*/5 * * * * /bin/x", "term", 13, "*/5 * * * *"),
        ("0 5 * * * root run.sh", "name", 11, "0 5 * * *"),
        ("0 5 * * * UTC", "name", 11, "0 5 * * *"),
        ("0 5 * * * # daily", "term", 11, "0 5 * * *"),
        ("0 */5 * * * * /bin/x", "term", 15, "0 */5 * * * *"),
    ],
)
def test_a_line_of_a_crontab_is_told_where_its_schedule_ends(text, code, column, schedule):
    refusal = refusal_of(text)

    assert (refusal.code, refusal.column) == (code, column)
    hint = f"write `{schedule}`; a command, a user and a comment are no part of it"
    assert refusal.hint == (f"{hint}; use 0-7 or mon, tue, ..." if code == "name" else hint)
    assert code != "fields" or "a schedule has 5, 6 or 7 fields, and" in str(refusal)


@pytest.mark.parametrize("text", ["61 * * * * /bin/x", "0 0 5 * * mondy", "0 0 30 2 * root", "0 0 * * * 9L"])
def test_what_does_not_begin_with_a_schedule_is_no_line_of_a_crontab(text):
    assert "no part of it" not in refusal_of(text).hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("61 * * * *", "minute 61 is out of range 0-59"),
        ("0 0 30 2 *", 'no day from 1970 to 2199 is day-of-month "30" in month "2"'),
        ("0 22-4 * * *", 'hour "22-4" runs backwards'),
        ("0 0 15W 2 +sat", 'no day from 1970 to 2199 is day-of-month "15W" in month "2" on such a weekday'),
        ("0 0 0 30 2 * 2026", 'no day from 1970 to 2199 is day-of-month "30" in month "2" in year "2026"'),
        ("0 0 * * L", "day-of-week `L` is read differently by different crons"),
        ("@" + "x" * 200, '"@' + "x" * 56 + '..." is no nickname'),
    ],
)
def test_a_refusal_quotes_what_was_written(text, message):
    assert str(refusal_of(text)) == message


def wrapped_values(field, first, last, stride):
    """Return what somebody means who writes a range that goes on at the field's beginning."""
    size = 7 if field.name == "day-of-week" else field.high - field.low + 1
    count = (last - first) % size + 1
    return sorted({(first - field.low + step) % size + field.low for step in range(0, count, stride)})


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("position", range(6), ids=[field.name for field in FIELDS[:6]])
def test_the_hint_for_a_reversed_range_can_be_pasted(position, stride):
    field = FIELDS[position]
    words = ["*"] * 6
    for first in range(field.low, field.high + 1):
        for last in range(field.low, first):
            if field.name == "day-of-week" and (first, last) == (7, 0):
                continue
            words[position] = f"{first}-{last}" + (f"/{stride}" if stride > 1 else "")
            words[position] = refusal_of(" ".join(words)).hint.removeprefix("write `").removesuffix("`")
            masks = parse_cron(" ".join(words))
            assert values(masks[position]) == wrapped_values(field, first, last, stride), (first, last)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", [0]),
        ("7", [0]),
        ("00", [0]),
        ("sun", [0]),
        ("SUNDAY", [0]),
        ("0-7", [0, 1, 2, 3, 4, 5, 6]),
        ("0-6", [0, 1, 2, 3, 4, 5, 6]),
        ("1-7", [0, 1, 2, 3, 4, 5, 6]),
        ("0-7/2", [0, 2, 4, 6]),
        ("1-7/2", [0, 1, 3, 5]),
        ("1/2", [0, 1, 3, 5]),
        ("sun/2", [0, 2, 4, 6]),
        ("7/2", [0]),
        ("*/3", [0, 3, 6]),
        ("*/7", [0]),
        ("5-7", [0, 5, 6]),
        ("fri-sun", [0, 5, 6]),
        ("friday-Sunday/2", [0, 5]),
        ("sat-7", [0, 6]),
        ("sun-tue", [0, 1, 2]),
        ("0-wed", [0, 1, 2, 3]),
        ("sun-sat", [0, 1, 2, 3, 4, 5, 6]),
        ("sun-sun", [0]),
        ("0-0", [0]),
        ("7-7", [0]),
        ("7-0", [0]),
        ("0-sun", [0]),
        ("sun-7", [0]),
        ("7-sun", [0]),
        ("tue-tue", [2]),
        ("7,mon,3", [0, 1, 3]),
    ],
)
def test_days_of_week(written, expected):
    assert values(parse_cron(f"0 0 * * {written}").days_of_week) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("5-5", [5]),
        ("50/5", [50, 55]),
        ("0/29", [0, 29, 58]),
        ("*/29", [0, 29, 58]),
        ("10-20/5", [10, 15, 20]),
        ("0005,5,1-2", [1, 2, 5]),
        ("*/60", [0]),
        ("*/9999", [0]),
        ("7-9/1000", [7]),
        ("5,*/30", [0, 5, 30]),
    ],
)
def test_minutes(written, expected):
    assert values(parse_cron(f"{written} 0 * * *").minutes) == expected


@pytest.mark.parametrize("written", ["feb-apr,DEC", "february-April,12", "2-apr,december", "2,3,4,12"])
def test_months_have_numbers_and_names(written):
    assert values(parse_cron(f"0 0 1 {written} *").months) == [2, 3, 4, 12]


@pytest.mark.parametrize(
    ("days", "is_either"),
    [
        ("1 * mon", True),
        ("1,15 * 1-5", True),
        ("1,* * mon", True),
        ("1 * mon,*", True),
        ("1-31 * 0-6", True),
        ("* * mon", False),
        ("1 * *", False),
        ("*/2 * mon", False),
        ("1 * */2", False),
        ("*,1 * mon", False),
        ("* * *", False),
    ],
)
def test_days_are_joined_by_or_unless_one_field_starts_with_a_star(days, is_either):
    assert parse_cron(f"0 0 {days}").either_day == is_either


@pytest.mark.parametrize(
    ("days", "is_either"),
    [
        ("? * mon", False),
        ("1 * ?", False),
        ("1 * +mon", False),
        ("1 * +mon,fri", False),
        ("L * mon", True),
        ("1 * mon#2", True),
    ],
)
def test_a_question_mark_is_a_star_and_a_plus_asks_for_both_days(days, is_either):
    assert parse_cron(f"0 0 {days}").either_day == is_either


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0 0 0 * * * *", "fixed"),
        ("* 0 0 * * * 2026", "wildcard"),
        ("0 0 * * *", "fixed"),
        ("30 0-23 * * *", "fixed"),
        ("0-59/5 0-23 * * *", "fixed"),
        ("0 * * * *", "wildcard"),
        ("* 3 * * *", "wildcard"),
        ("*/30 1 * * *", "wildcard"),
        ("*,5 1 * * *", "wildcard"),
        ("5,* 1 * * *", "fixed"),
        ("* 0 0 * * *", "wildcard"),
        ("0 0 0 * * *", "fixed"),
        ("0 0 */2 * * *", "wildcard"),
        ("@daily", "fixed"),
        ("@hourly", "wildcard"),
    ],
)
def test_a_star_before_the_day_fields_makes_a_schedule_wildcard(text, kind):
    assert parse_schedule(text).kind == kind


@pytest.mark.parametrize(
    ("nickname", "fields"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        (" @YEARLY\t", "0 0 1 1 *"),
        ("\t 0  0\t1 1 * ", "0 0 1 1 *"),
        ("0 0 0 1 1 *", "0 0 1 1 *"),
        ("0 0 0 1 1 * *", "0 0 1 1 *"),
        ("0 0 0 1 1 ? 1970-2199", "0 0 1 1 *"),
        ("0 0 l-3,lw,15w * *", "0 0 LW,15W,L-03 * *"),
        ("0 0 * * fri#l,SUNDAY#2,0#l", "0 0 * * 5L,7#2,sunL"),
        ("0 0 1 * +mon", "0 0 1 * +1"),
    ],
)
def test_two_ways_to_write_the_same(nickname, fields):
    assert parse_cron(nickname) == parse_cron(fields)


@pytest.mark.parametrize("text", ["* * * * *", "0" + " " * 1015 + "0 * * *"])
def test_the_longest_text_is_1024_characters(text):
    assert parse_schedule(text.ljust(1024)).next_after(0) is not None


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("text", ["0 0 30 2 *", "* * 31 4,6,9,11 *", "0 0 0 31 feb */2", "0 0 30/1 2 *"])
def test_what_no_calendar_has_is_refused_in_every_zone(text, zone):
    assert refusal_of(text, zone).code == "never"


@pytest.mark.parametrize(
    "zone",
    [
        "",
        " ",
        "Europe",
        "Mars/Base",
        "UTC ",
        "utc+2",
        "../UTC",
        "/etc/passwd",
        "a\0b",
        "z\u00fcrich",
        "\ud800",
        "x" * 300,
    ],
)
def test_an_unknown_zone_is_refused(zone):
    refusal = refusal_of("* * * * *", zone)

    assert (refusal.code, refusal.field, refusal.column) == ("zone", "", 1)
    assert refusal.hint == "use an IANA name such as Europe/Berlin, or UTC"


def in_a_new_interpreter(program, **environment):
    root = Path(cronjobs.__file__).parents[1]
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return finished.stdout


def test_a_machine_without_zone_data_knows_utc_and_says_what_to_install():
    printed = in_a_new_interpreter(
        """
import sys
sys.modules["tzdata"] = None
from cronjobs.core.schedule import ScheduleError, parse_schedule
print(parse_schedule("* * * * *", "UTC").next_after(0))
try:
    parse_schedule("* * * * *", "Europe/Berlin")
except ScheduleError as error:
    print(error.code, "|", error, "|", error.hint)
""",
        PYTHONTZPATH="",
    )

    assert printed.splitlines() == [
        "60",
        'zone | no data for zone "Europe/Berlin", nor for any other: pip install tzdata | pip install tzdata',
    ]


def test_the_import_is_light_and_utc_needs_no_zone_data():
    printed = in_a_new_interpreter(
        """
import sys
from cronjobs.core.schedule import parse_schedule
parse_schedule("* * * * *").next_after(0)
heavy = "asyncio click croniter dataclasses datetime dateutil difflib hashlib inspect json zoneinfo".split()
print([name for name in heavy if name in sys.modules])
"""
    )

    assert printed == "[]\n"
