"""What a text means, and what is said about one that means nothing."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import cronjobs
from cronjobs.core.schedule import ScheduleError, parse_schedule
from cronjobs.core.schedule.cron import parse_cron

A_SUNDAY = int(datetime(2024, 9, 1, tzinfo=UTC).timestamp())


def refusal_of(text, zone="UTC"):
    with pytest.raises(ScheduleError) as refusal:
        parse_schedule(text, zone)
    return refusal.value


def values(mask):
    return [value for value in range(mask.bit_length()) if mask >> value & 1]


@pytest.mark.parametrize(
    "text, field, column, code, hint",
    [
        ("60 * * * *", "minute", 1, "range", "use 0-59"),
        ("* 24 * * *", "hour", 3, "range", "use 0-23"),
        ("  *\t24 * * *", "hour", 5, "range", "use 0-23"),
        ("0 0 32 * *", "day-of-month", 5, "range", "use 1-31"),
        ("0 0 0 * *", "day-of-month", 5, "range", "use 1-31"),
        ("0 0 1,2,40 * *", "day-of-month", 9, "range", "use 1-31"),
        ("0 0 * 13 *", "month", 7, "range", "use 1-12 or jan, feb, ..."),
        ("0 0 * * 1-8", "day-of-week", 11, "range", "use 0-7 or mon, tue, ..."),
        ("60 * * * * *", "second", 1, "range", "use 0-59"),
        ("0-60 * * * *", "minute", 3, "range", "use 0-59"),
        ("*/0 * * * *", "minute", 3, "step", "`/2` is every second value"),
        ("* 1-2/x * * *", "hour", 7, "step", "`/2` is every second value"),
        ("00001 * * * *", "minute", 1, "number", "use 0-59"),
        ("*/10000 * * * *", "minute", 3, "number", "use 0-59"),
        ("* 0x10 * * *", "hour", 3, "number", "use 0-23"),
        ("jan * * * *", "minute", 1, "number", "use 0-59"),
        ("0 0 * FOO *", "month", 7, "name", "use 1-12 or jan, feb, ..."),
        ("0 0 * jan-sept *", "month", 11, "name", "did you mean `sep`?"),
        ("0 0 * * thurs", "day-of-week", 9, "name", "did you mean `thursday`?"),
        ("0 0 * * jan", "day-of-week", 9, "name", ""),
        ("1,,2 * * * *", "minute", 3, "term", "remove the comma"),
        (",1 * * * *", "minute", 1, "term", "remove the comma"),
        ("* 1, * * *", "hour", 4, "term", "remove the comma"),
        ("1-2-3 * * * *", "minute", 4, "term", "a term is `*`, `a` or `a-b`, with or without a step `/n`"),
        ("* /5 * * *", "hour", 3, "term", "a term is `*`, `a` or `a-b`, with or without a step `/n`"),
        ("*5 * * * *", "minute", 2, "term", "a term is `*`, `a` or `a-b`, with or without a step `/n`"),
        ("* 1.5 * * *", "hour", 4, "term", "a term is `*`, `a` or `a-b`, with or without a step `/n`"),
        ("1- * * * *", "minute", 2, "term", "a term is `*`, `a` or `a-b`, with or without a step `/n`"),
        ("CRON_TZ=UTC 0 0 * * *", "", 1, "term", "the time zone is set beside the text"),
        ("17-9 * * * *", "minute", 1, "reversed", "write `17-59,0-9`"),
        ("0 22-4 * * *", "hour", 3, "reversed", "write `22-23,0-4`"),
        ("0 22-4/2 * * *", "hour", 3, "reversed", "write `22,0,2,4`"),
        ("0 0 1,28-3 * *", "day-of-month", 7, "reversed", "write `28-31,1-3`"),
        ("0 0 * NOV-feb *", "month", 7, "reversed", "write `nov-dec,jan-feb`"),
        ("0 0 * dec-jan *", "month", 7, "reversed", "write `dec,jan`"),
        ("0 0 * * fri-mon", "day-of-week", 9, "reversed", "write `fri-sun,mon`"),
        ("0 0 * * 5-0", "day-of-week", 9, "reversed", "write `5-7`"),
        ("0 0 * * 7-2", "day-of-week", 9, "reversed", "write `0-2`"),
        ("0 0 30 2 *", "day-of-month", 5, "never", "the last day that every month has is 28"),
        ("0 0 31 feb,4,jun mon/1", "", 0, "", ""),
        ("", "", 1, "empty", "`0 3 * * *` is every day at 03:00"),
        (" \t ", "", 1, "empty", "`0 3 * * *` is every day at 03:00"),
        ("* * *", "", 5, "fields", "minute hour day-of-month month day-of-week; if there are six, seconds come first"),
        ("* * * * * * * *", "", 13, "fields", "minute hour day-of-month month day-of-week; if there are six, seconds come first"),
        ("* * * * *\n", "", 10, "character", "use ASCII, with spaces or tabs between the fields"),
        ("* \u0663 * * *", "", 3, "character", "use ASCII, with spaces or tabs between the fields"),
        ("*" + " " * 1024, "", 1025, "length", "ranges and steps shorten a list"),
        ("@dayly", "", 1, "nickname", "did you mean `@daily`?"),
        (" @HOURLI", "", 2, "nickname", "did you mean `@hourly`?"),
        ("@", "", 1, "nickname", "use one of @yearly @annually @monthly @weekly @daily @midnight @hourly"),
        ("@daily 5", "", 8, "nickname", "use @daily alone"),
    ],
)
def test_a_refusal_names_the_place_and_the_way_out(text, field, column, code, hint):
    ...
