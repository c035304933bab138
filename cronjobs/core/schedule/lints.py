"""What a text means that its author may not have meant: warnings, for texts that are schedules.

The codes are `past`, `day-fields`, `star-step`, `uneven-step`, `long-step`, `some-months`, `leap-day`,
`dst-gap`, `dst-repeat`, `hourly-fixed`, `often` and `overlap`.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cronjobs.core.schedule.cron import NICKNAMES, Cron, parse_cron, words_of
from cronjobs.core.schedule.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    FIELDS,
    HOUR,
    LAST_DAY,
    NEAREST,
    YEAR,
    Field,
    Word,
)
from cronjobs.core.schedule.hashed import pick_for
from cronjobs.core.schedule.parse import parse_schedule
from cronjobs.core.schedule.search import Schedule, ZonedSchedule
from cronjobs.core.schedule.wall import EVERY_HOUR, WallTimes
from cronjobs.core.schedule.zone import LONGEST_BRIDGED_JUMP_SECONDS, timeline
from cronjobs.core.suggest import quoted

_EVERY_DAY_OF_MONTH = (1 << 32) - 2
_EVERY_DAY_OF_WEEK = (1 << 7) - 1
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LONGEST_FEBRUARY = 29
_FULL_STEP = re.compile(r"(?:\*|0)/([0-9]+)")
_STEP = re.compile(r"[^,]*/([0-9]+)")
# So far ahead are clock changes looked for, and so many of them told.
_LOOK_AHEAD_SECONDS = 3 * 366 * 86400
_TOLD_CHANGES = 2
# How often a job must be due within its timeout before somebody is told.
_FAR_TOO_OFTEN = 5
_SAMPLE = 50


class Lint(NamedTuple):
    """A warning.

    code: a word that stays the same between versions.
    field: the field's name, or "" where the text as a whole is meant.
    column: 1-based, in the whole text.
    """

    code: str
    message: str
    hint: str
    field: str
    column: int


class Change(NamedTuple):
    """A clock change that touches a schedule: the first wall time of it that is skipped or repeated."""

    wall: int
    step_seconds: int


def lint(
    text: str | Sequence[str],
    zone: str = "UTC",
    *,
    now: int,
    timeout_seconds: float | None = None,
    job: str = "",
    hash_seed: str = "",
    anchor: int = 0,
    starts_at: int | None = None,
    dialect: str = "cronjobs",
) -> list[Lint]:
    """Return what is to be said about a text, in the order of its fields.

    now: an instant; what fires only before it is over.
    timeout_seconds: how long a run may take.

    Raises ScheduleError for a text that is no schedule.
    """
    texts = [text] if isinstance(text, str) else list(dict.fromkeys(text))
    found = []
    for place, each in enumerate(texts, 1):
        schedule = parse_schedule(
            each, zone, job=job, hash_seed=hash_seed, anchor=anchor, starts_at=starts_at, dialect=dialect
        )
        lints = list(_general(schedule, now, timeout_seconds))
        if isinstance(schedule, ZonedSchedule) and schedule.times_of_day and not _is_rule(each):
            cron = parse_cron(each, pick_for(job, hash_seed))
            lints += _of_cron(each, cron, schedule, schedule.times_of_day, now)
        if len(texts) > 1:
            lints = [item._replace(message=f"text {place} of {len(texts)}: {item.message}") for item in lints]
        found += sorted(lints, key=lambda item: item.column)
    return found


def _is_rule(text: str) -> bool:
    return text.lstrip(" \t")[:7].upper().startswith(("RRULE:", "DTSTART"))


def _general(schedule: Schedule, now: int, timeout_seconds: float | None) -> Iterator[Lint]:
    if schedule.kind == "reboot":
        return
    fire = schedule.next_after(now)
    if fire is None:
        yield _past(schedule, now)
    elif timeout_seconds is not None:
        yield from _often(schedule, fire, timeout_seconds)


def _past(schedule: Schedule, now: int) -> Lint:
    last = schedule.previous_before(now + 1)
    message = "the schedule no longer fires"
    if last is not None:
        message += f": its last moment was {_local(last, schedule.zone)}"
    words = words_of(schedule.text)
    if len(words) == 7:
        hint = "write later years, or `*`"
        return Lint("past", message, hint, YEAR.name, words[6].column)
    return Lint("past", message, "remove the job, or what ends it", "", 1)


def _often(schedule: Schedule, first: int, timeout_seconds: float) -> Iterator[Lint]:
    shortest = _shortest_gap(schedule, first)
    if shortest is not None and timeout_seconds >= _FAR_TOO_OFTEN * shortest:
        count = int(timeout_seconds // shortest)
        message = f"it is due every {shortest} s, {count} times within the timeout of {timeout_seconds:g} s"
        hint = "what comes due during a run is skipped: fire less often, or shorten the timeout"
        yield Lint("often", message, hint, "", 1)


def lint_timeout(schedule: Schedule, *, now: int, timeout_seconds: float) -> list[Lint]:
    """Return what is to be said about runs that may take so long, where none starts beside another."""
    first = schedule.next_after(now)
    if first is None:
        return []
    shortest = _shortest_gap(schedule, first)
    if shortest is None or timeout_seconds <= shortest:
        return []
    if found := list(_often(schedule, first, timeout_seconds)):
        return found
    message = f"a run may take {timeout_seconds:g} s, but the next is due {shortest} s after one"
    hint = "what comes due during a run is skipped: shorten the timeout, or fire less often"
    return [Lint("overlap", message, hint, "", 1)]


def _shortest_gap(schedule: Schedule, first: int) -> int | None:
    """Return the shortest distance of the next fires, in seconds; None if there is but one."""
    shortest, previous = None, first
    for _ in range(_SAMPLE):
        fire = schedule.next_after(previous)
        if fire is None:
            break
        shortest = fire - previous if shortest is None else min(shortest, fire - previous)
        previous = fire
    return shortest


def _of_cron(text: str, cron: Cron, schedule: Schedule, times: WallTimes, now: int) -> Iterator[Lint]:
    words = words_of(text)
    if words[0].text.lower() not in NICKNAMES:
        fields = FIELDS[1:6] if len(words) == 5 else FIELDS[: len(words)]
        placed = {field.name: word for field, word in zip(fields, words, strict=True)}
        yield from _of_steps(fields, words)
        yield from _of_day_fields(cron, placed)
        yield from _of_short_months(cron, placed)
        if cron.hours == EVERY_HOUR and cron.kind == "fixed":
            yield _hourly(placed)
    if cron.hours != EVERY_HOUR:
        column = 1 if words[0].text[0] == "@" else words[1 if len(words) == 5 else 2].column
        yield from _of_clock_changes(schedule, times, now, column)


def _of_steps(fields: Sequence[Field], words: Sequence[Word]) -> Iterator[Lint]:
    for field, word in zip(fields, words, strict=True):
        size = 7 if field is DAY_OF_WEEK else field.high - field.low + 1
        column = word.column
        for term in word.text.split(","):
            step = _STEP.fullmatch(term)
            full = _FULL_STEP.fullmatch(term)
            if step and int(step[1]) > size:
                message = f"{field.name} {quoted(term)} steps beyond the field: it is its first value only"
                yield Lint("long-step", message, f"the field has {size} values", field.name, column)
            elif full and field is not YEAR and int(full[1]) > 1 and _is_uneven(field, int(full[1]), size):
                yield _uneven(field, term, int(full[1]), size, column)
            column += len(term) + 1


def _is_uneven(field: Field, step: int, size: int) -> bool:
    return size % step != 0 or field is DAY_OF_MONTH


def _uneven(field: Field, term: str, step: int, size: int, column: int) -> Lint:
    if field is DAY_OF_MONTH:
        message = f"{field.name} {quoted(term)} starts again with every month: the last step is shorter"
        return Lint("uneven-step", message, f"`@every {step * 24}h` has equal steps", field.name, column)
    message = f"{field.name} {quoted(term)} is uneven: after {(size - 1) // step * step + field.low} comes"
    message += f" {field.low}, {size - (size - 1) // step * step} later, not {step}"
    even = ", ".join(str(divisor) for divisor in range(2, size // 2 + 1) if size % divisor == 0)
    units = {"second": f"`@every {step}s`", "minute": f"`@every {step}m`", "hour": f"`@every {step}h`"}
    also = f"; {units[field.name]} has equal steps" if field.name in units else ""
    return Lint(
        "uneven-step", message, (f"even are {even}" if even else "no step is even") + also, field.name, column
    )


def _of_day_fields(cron: Cron, placed: dict[str, Word]) -> Iterator[Lint]:
    day_of_month, day_of_week = placed[DAY_OF_MONTH.name], placed[DAY_OF_WEEK.name]
    is_every_date = cron.days_of_month & _EVERY_DAY_OF_MONTH == _EVERY_DAY_OF_MONTH
    is_every_weekday = cron.days_of_week & _EVERY_DAY_OF_WEEK == _EVERY_DAY_OF_WEEK
    written = f"day-of-month {quoted(day_of_month.text)} and day-of-week {quoted(day_of_week.text)}"
    if cron.either_day:
        hint = f"for days that are both, write `+{day_of_week.text}`"
        message = f"{written} are both restricted: a day needs only one of them"
        yield Lint("day-fields", message, hint, DAY_OF_WEEK.name, day_of_week.column)
    elif not is_every_date and not is_every_weekday and day_of_week.text[0] != "+":
        message = f"{written} are both needed, since one starts with `*`: other crons take a day that is one"
        hint = "write `+` before the day-of-week, or the values instead of `*/n`"
        if day_of_week.text[0] == "*":
            hint = "write the values instead of `*/n`, after a `+` if both are needed"
        yield Lint("star-step", message, hint, DAY_OF_WEEK.name, day_of_week.column)


def _of_short_months(cron: Cron, placed: dict[str, Word]) -> Iterator[Lint]:
    word = placed[DAY_OF_MONTH.name]
    months = [month for month in range(1, 13) if cron.months >> month & 1]
    lacking = [month for month in months if not _has_date(cron, _MONTH_LENGTHS[month - 1])]
    if not lacking:
        return
    written = f"day-of-month {quoted(word.text)}"
    if months == [2] and _has_date(cron, _LONGEST_FEBRUARY):
        message = f"{written} is there in leap years only"
        hint = "`L` is the last day of every February"
        yield Lint("leap-day", message, hint, DAY_OF_MONTH.name, word.column)
        return
    which = "1 month that has" if len(lacking) == 1 else f"{len(lacking)} months that have"
    message = f"{written} is left out in {which} no such day"
    if lacking == months:
        message = f"{written} is in no month of the schedule: only day-of-week counts"
    hint = "`L` is the last day of every month"
    yield Lint("some-months", message, hint, DAY_OF_MONTH.name, word.column)


def _has_date(cron: Cron, length: int) -> bool:
    """Return whether a month of so many days has one that day-of-month matches."""
    dates = (2 << length) - 2
    from_end, near = cron.days_of_month >> LAST_DAY & (1 << length) - 1, cron.days_of_month >> NEAREST
    return bool(cron.days_of_month & dates or from_end or near & (dates | 1))


def _hourly(placed: dict[str, Word]) -> Lint:
    word = placed[HOUR.name]
    message = f"hour {quoted(word.text)} is every hour, but a clock change is treated as for a fixed time"
    hint = "`*` follows the clock: it fires in each hour that there is"
    return Lint("hourly-fixed", message, hint, HOUR.name, word.column)


def _of_clock_changes(schedule: Schedule, times: WallTimes, now: int, column: int) -> Iterator[Lint]:
    gaps, repeats = _clock_changes(schedule.zone, times, now)
    if gaps:
        fate = "it does not fire then"
        if schedule.kind == "fixed" and gaps[0].step_seconds <= LONGEST_BRIDGED_JUMP_SECONDS:
            fate = "it fires right after the change"
        message = f"{_moments(gaps)} will not exist in {schedule.zone}: {fate}"
        hint = 'choose an hour in which no clock is put forward, or `timezone = "UTC"`'
        yield Lint("dst-gap", message, hint, HOUR.name, column)
    if repeats:
        fate = "it fires both times"
        if schedule.kind == "fixed" and -repeats[0].step_seconds <= LONGEST_BRIDGED_JUMP_SECONDS:
            fate = "it fires the first time"
        message = f"{_moments(repeats)} will come twice in {schedule.zone}: {fate}"
        hint = 'choose an hour in which no clock is put back, or `timezone = "UTC"`'
        yield Lint("dst-repeat", message, hint, HOUR.name, column)


def _clock_changes(zone: str, times: WallTimes, now: int) -> tuple[list[Change], list[Change]]:
    """Return the next gaps and the next repeats that touch the wall times."""
    gaps: list[Change] = []
    repeats: list[Change] = []
    periods = timeline(zone, "wildcard")
    period = periods.period(now)
    while period.end < now + _LOOK_AHEAD_SECONDS:
        following = periods.period(period.end)
        step = following.offset - period.offset
        low, high = sorted((period.end + period.offset, period.end + following.offset))
        found = times.first_from(low)
        if step and found < high:
            (gaps if step > 0 else repeats).append(Change(found, step))
        period = following
    return gaps[:_TOLD_CHANGES], repeats[:_TOLD_CHANGES]


def _moments(changes: Sequence[Change]) -> str:
    return " and ".join(
        (datetime(1970, 1, 1) + timedelta(seconds=change.wall)).strftime("%Y-%m-%d %H:%M")
        for change in changes
    )


def _local(instant: int, zone: str) -> str:
    offset = timeline(zone, "wildcard").period(instant).offset
    return datetime.fromtimestamp(instant + offset, UTC).strftime("%Y-%m-%d %H:%M:%S")
