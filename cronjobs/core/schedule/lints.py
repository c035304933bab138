"""What a text means that its author may not have meant: warnings, for texts that are schedules.

The codes are `past`, `day-fields`, `star-step`, `uneven-step`, `long-step`, `some-months`, `leap-day`,
`dst-gap`, `dst-repeat`, `hourly-fixed`, `often` and `overlap`.
"""

import re
from calendar import isleap
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from cronjobs.core.schedule.cron import Cron, parse_cron, words_of
from cronjobs.core.schedule.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    FIELDS,
    FIRST_YEAR,
    HOUR,
    LAST_DAY,
    LAST_YEAR,
    MINUTE,
    MONTH,
    NEAREST,
    SECOND,
    YEAR,
    Field,
    Word,
)
from cronjobs.core.schedule.hashed import pick_for
from cronjobs.core.schedule.parse import parse_schedule
from cronjobs.core.schedule.phrases import (
    EVERY_DAY_OF_MONTH,
    EVERY_DAY_OF_WEEK,
    MONTHS,
    days,
    listed,
    listed_times,
    repeated,
    values,
)
from cronjobs.core.schedule.search import Schedule, ZonedSchedule
from cronjobs.core.schedule.wall import EVERY_HOUR, EVERY_MINUTE, EVERY_SECOND
from cronjobs.core.schedule.zone import LONGEST_BRIDGED_JUMP_SECONDS, timeline
from cronjobs.core.suggest import quoted

_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FULL_STEP = re.compile(r"(?:\*|0)/([0-9]+)")
_SHORT_UNITS = {SECOND.name: "s", MINUTE.name: "m", HOUR.name: "h"}
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
    is_within: Callable[[int], bool] | None = None,
) -> list[Lint]:
    """Return what is to be said about a text, in the order of its fields.

    now: an instant; what fires only before it is over.
    timeout_seconds: how long a run may take.
    is_within: whether an instant is within the bounds of a job, and not excluded; without it, each is.

    Raises ScheduleError for a text that is no schedule.
    """
    texts = [text] if isinstance(text, str) else list(dict.fromkeys(text))
    found = []
    for place, each in enumerate(texts, 1):
        schedule = parse_schedule(
            each, zone, job=job, hash_seed=hash_seed, anchor=anchor, starts_at=starts_at, dialect=dialect
        )
        lints = list(_general(schedule, now, timeout_seconds))
        if isinstance(schedule, ZonedSchedule):
            cron = None if _is_rule(each) else parse_cron(each, pick_for(job, hash_seed))
            if cron is not None:
                lints += _of_cron(each, cron)
            if not _is_every_hour(each, zone, cron):
                lints += _of_clock_changes(schedule, now, is_within or _always, _place_of_hour(each))
        if len(texts) > 1:
            lints = [item._replace(message=f"text {place} of {len(texts)}: {item.message}") for item in lints]
        found += sorted(lints, key=lambda item: item.column)
    return found


def _is_rule(text: str) -> bool:
    return text.lstrip(" \t")[:7].upper().startswith(("RRULE:", "DTSTART"))


def _is_every_hour(text: str, zone: str, cron: Cron | None) -> bool:
    """Return whether a text names no hours. cron: what it says, or None for an iCalendar rule."""
    if cron is not None:
        return cron.hours == EVERY_HOUR
    from cronjobs.core.schedule.rule import DAILY, read_rule  # late: few schedules are rules

    rule = read_rule(text, zone)
    return rule.frequency > DAILY and "byhour" not in rule.by


def _place_of_hour(text: str) -> Word:
    """Return the name and the column of what says the hours."""
    words = words_of(text)
    if words[0].text[0] == "@":
        return Word(HOUR.name, 1)
    return Word("", 1) if _is_rule(text) else Word(HOUR.name, words[1 if len(words) == 5 else 2].column)


def _always(instant: int) -> bool:
    return True


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
    fires = _sample(schedule, first)
    within = zip(fires, fires[_FAR_TOO_OFTEN:], strict=False)
    if not any(later - earlier <= timeout_seconds for earlier, later in within):
        return
    gaps = {later - earlier for earlier, later in pairwise(fires)}
    shortest = min(gaps)
    if len(gaps) == 1:
        count = int(timeout_seconds // shortest)
        message = f"it is due every {shortest} s, {count} times within the timeout of {timeout_seconds:g} s"
    else:
        message = f"it is due {_FAR_TOO_OFTEN} times or more within the timeout of {timeout_seconds:g} s,"
        message += f" {shortest} s apart at the closest"
    hint = "what comes due during a run is skipped: fire less often, or shorten the timeout"
    yield Lint("often", message, hint, "", 1)


def lint_timeout(schedule: Schedule, *, now: int, timeout_seconds: float) -> list[Lint]:
    """Return what is to be said about runs that may take so long, where none starts beside another."""
    first = schedule.next_after(now)
    if first is None:
        return []
    shortest = min((later - earlier for earlier, later in pairwise(_sample(schedule, first))), default=None)
    if shortest is None or timeout_seconds <= shortest:
        return []
    if found := list(_often(schedule, first, timeout_seconds)):
        return found
    message = f"a run may take {timeout_seconds:g} s, but the next is due {shortest} s after one"
    hint = "what comes due during a run is skipped: shorten the timeout, or fire less often"
    return [Lint("overlap", message, hint, "", 1)]


def _sample(schedule: Schedule, first: int) -> list[int]:
    """Return the next fires from `first` on, as many as tell how often the schedule is due."""
    fires = [first]
    while len(fires) <= _SAMPLE and (fire := schedule.next_after(fires[-1])) is not None:
        fires.append(fire)
    return fires


def _of_cron(text: str, cron: Cron) -> Iterator[Lint]:
    words = words_of(text)
    if words[0].text[0] == "@":
        return
    fields = FIELDS[1:6] if len(words) == 5 else FIELDS[: len(words)]
    placed = {field.name: word for field, word in zip(fields, words, strict=True)}
    yield from _of_steps(cron, fields, words)
    yield from _of_day_fields(cron, placed)
    yield from _of_short_months(cron, placed[DAY_OF_MONTH.name])
    if cron.hours == EVERY_HOUR and cron.kind == "fixed":
        yield _hourly(placed[HOUR.name])


def _of_steps(cron: Cron, fields: Sequence[Field], words: Sequence[Word]) -> Iterator[Lint]:
    for field, word in zip(fields, words, strict=True):
        size = 7 if field is DAY_OF_WEEK else field.high - field.low + 1
        column = word.column
        for term in word.text.split(","):
            step = _STEP.fullmatch(term)
            full = _FULL_STEP.fullmatch(term)
            if step and int(step[1]) > size:
                yield _long(field, Word(term, column), int(step[1]), size)
            elif full and int(full[1]) > 1 and _is_uneven(cron, field, int(full[1]), size):
                yield _uneven(cron, field, Word(term, column), int(full[1]), size)
            column += len(term) + 1


def _long(field: Field, term: Word, step: int, size: int) -> Lint:
    message = f"{field.name} {quoted(term.text)} steps beyond the field: it is its first value only"
    hint = f"the field has {size} values"
    if field.name in _SHORT_UNITS:
        hint += f"; {_elapsed(field, step)} is every {step} {field.name}s"
    return Lint("long-step", message, hint, field.name, term.column)


def _is_uneven(cron: Cron, field: Field, step: int, size: int) -> bool:
    """Return whether the last step of a field is shorter, and leads into its first value again."""
    if field is YEAR:
        return False
    return _comes_again(cron, field) and (size % step != 0 or field is DAY_OF_MONTH)


def _comes_again(cron: Cron, field: Field) -> bool:
    """Return whether a field's last value may be followed by its first one, by what the larger fields say."""
    if field is SECOND:
        return _has_neighbours(cron.minutes, 60, is_circle=_comes_again(cron, MINUTE))
    if field is MINUTE:
        return _has_neighbours(cron.hours, 24, is_circle=_comes_again(cron, HOUR))
    if field is HOUR:
        days_of_month = (cron.days_of_month & EVERY_DAY_OF_MONTH) >> 1
        dates = _has_neighbours(days_of_month, 31, is_circle=_comes_again(cron, DAY_OF_MONTH))
        weekdays = _has_neighbours(cron.days_of_week & EVERY_DAY_OF_WEEK, 7, is_circle=True)
        return dates or weekdays if cron.either_day else dates and weekdays
    if field is DAY_OF_MONTH:
        return _has_neighbours(cron.months >> 1, 12, is_circle=_comes_again(cron, MONTH))
    return field is DAY_OF_WEEK or _has_neighbours(cron.years, LAST_YEAR - FIRST_YEAR + 1, is_circle=False)


def _has_neighbours(mask: int, size: int, *, is_circle: bool) -> bool:
    """Return whether two values that follow each other are there; in a circle, the first follows the last."""
    return bool(mask & (mask >> 1 | (mask << size - 1 if is_circle else 0)))


def _uneven(cron: Cron, field: Field, term: Word, step: int, size: int) -> Lint:
    last = (size - 1) // step * step
    if field is DAY_OF_MONTH:
        message = f"{field.name} {quoted(term.text)} starts again with every month: the last step is shorter"
        even = ""
    else:
        unit = "day" if field is DAY_OF_WEEK else field.name
        later = f"{size - last} {unit}" + ("s" if size - last > 1 else "")
        message = f"{field.name} {quoted(term.text)} is uneven: after {last + field.low} comes {field.low},"
        message += f" {later} later, not {step}"
        divisors = ", ".join(str(divisor) for divisor in range(2, size // 2 + 1) if size % divisor == 0)
        even = f"even are {divisors}" if divisors else "no step is even"
    is_replaceable = field in (SECOND, MINUTE, HOUR, DAY_OF_MONTH) and _is_alone(cron, field)
    elapsed = f"{_elapsed(field, step)} has equal steps" if is_replaceable else ""
    return Lint("uneven-step", message, "; ".join(filter(None, (even, elapsed))), field.name, term.column)


def _elapsed(field: Field, step: int) -> str:
    """Return the `@every` that has this step."""
    return f"`@every {step * 24}h`" if field is DAY_OF_MONTH else f"`@every {step}{_SHORT_UNITS[field.name]}`"


def _is_alone(cron: Cron, field: Field) -> bool:
    """Return whether only this field decides when a text fires: an `@every` may take its place."""
    if field is DAY_OF_MONTH:
        every_day = cron._replace(days_of_month=EVERY_DAY_OF_MONTH)
        return bool(listed_times(every_day, 1)) and not days(every_day)
    if field is SECOND:
        every_unit = cron._replace(seconds=EVERY_SECOND)
    elif field is MINUTE:
        every_unit = cron._replace(minutes=EVERY_MINUTE)
    else:
        every_unit = cron._replace(hours=EVERY_HOUR)
    return repeated(every_unit) == f"every {field.name}" and not days(cron)


def _is_every_date(cron: Cron) -> bool:
    return cron.days_of_month & EVERY_DAY_OF_MONTH == EVERY_DAY_OF_MONTH


def _is_every_weekday(cron: Cron) -> bool:
    return cron.days_of_week & EVERY_DAY_OF_WEEK == EVERY_DAY_OF_WEEK


def _of_day_fields(cron: Cron, placed: dict[str, Word]) -> Iterator[Lint]:
    day_of_month, day_of_week = placed[DAY_OF_MONTH.name], placed[DAY_OF_WEEK.name]
    written = f"day-of-month {quoted(day_of_month.text)} and day-of-week {quoted(day_of_week.text)}"
    if cron.either_day:
        hint = f"for days that are both, write `+{day_of_week.text}`"
        message = f"{written} are both restricted: a day needs only one of them"
        yield Lint("day-fields", message, hint, DAY_OF_WEEK.name, day_of_week.column)
    elif not _is_every_date(cron) and not _is_every_weekday(cron) and day_of_week.text[0] != "+":
        message = f"{written} are both needed, since one starts with `*`: croniter and others need only one"
        yield Lint("star-step", message, _without_star(placed), DAY_OF_WEEK.name, day_of_week.column)


def _without_star(placed: dict[str, Word]) -> str:
    """Return how to say without a star at the beginning that both day fields are needed, or one of them."""
    dates, weekdays = placed[DAY_OF_MONTH.name].text, placed[DAY_OF_WEEK.name].text
    spelled = [
        (DAY_OF_MONTH, dates, f"1-31{dates[1:]}"),
        (DAY_OF_WEEK, weekdays, f"0-6{weekdays[1:]}"),
    ]
    ranges = [f"{field.name} `{plain}`" for field, text, plain in spelled if text[0] == "*"]
    both = spelled[1][2] if weekdays[0] == "*" else weekdays
    return f"for days that are both, write `+{both}`; for days that are one of them, {' and '.join(ranges)}"


def _of_short_months(cron: Cron, word: Word) -> Iterator[Lint]:
    is_leap = all(isleap(FIRST_YEAR + year) for year in values(cron.years))
    months = [month for month in values(cron.months) if not _has_date(cron, month, is_leap=is_leap)]
    if not months:
        return
    last, is_near = "`L` is the last day", cron.days_of_month >> NEAREST
    if is_near:
        last = "`LW` is the last working day"
    is_in_leap_years = months[0] == 2 and _has_date(cron, 2, is_leap=True)
    if cron.months == 1 << 2 and is_in_leap_years:
        message = f"day-of-month {quoted(word.text)} exists in leap years only"
        yield Lint("leap-day", message, f"{last} of every February", DAY_OF_MONTH.name, word.column)
    else:
        names = listed([MONTHS[month - 1] for month in months])
        message = f"day-of-month {quoted(word.text)} does not exist in {names}"
        if is_in_leap_years:
            message += ", except in leap years"
        elif months == values(cron.months):
            message += ": only day-of-week counts"
        yield Lint("some-months", message, f"{last} of every month", DAY_OF_MONTH.name, word.column)


def _has_date(cron: Cron, month: int, *, is_leap: bool) -> bool:
    """Return whether a month of a year has a day that day-of-month matches."""
    length = 29 if is_leap and month == 2 else _MONTH_LENGTHS[month - 1]
    dates = (2 << length) - 2
    from_end, near = cron.days_of_month >> LAST_DAY & (1 << length) - 1, cron.days_of_month >> NEAREST
    return bool(cron.days_of_month & dates or from_end or near & (dates | 1))


def _hourly(word: Word) -> Lint:
    message = (
        f"hour {quoted(word.text)} is every hour, but not `*`: one that comes twice fires the first time only"
    )
    hint = "`*` follows the clock: it fires in each hour that there is"
    return Lint("hourly-fixed", message, hint, HOUR.name, word.column)


def _of_clock_changes(
    schedule: ZonedSchedule, now: int, is_within: Callable[[int], bool], place: Word
) -> Iterator[Lint]:
    """place: the name of a field, or "", and a column."""
    gaps, repeats = _clock_changes(schedule, now, is_within)
    if gaps:
        fate = "it does not fire then"
        if schedule.kind == "fixed" and gaps[0].step_seconds <= LONGEST_BRIDGED_JUMP_SECONDS:
            fate = "it fires right after the change"
        message = f"{_moments(gaps)} will not exist in {schedule.zone}: {fate}"
        hint = 'choose an hour in which no clock is put forward, or `timezone = "UTC"`'
        yield Lint("dst-gap", message, hint, *place)
    if repeats:
        fate = "it fires both times"
        if schedule.kind == "fixed" and -repeats[0].step_seconds <= LONGEST_BRIDGED_JUMP_SECONDS:
            fate = "it fires the first time"
        message = f"{_moments(repeats)} will come twice in {schedule.zone}: {fate}"
        hint = 'choose an hour in which no clock is put back, or `timezone = "UTC"`'
        yield Lint("dst-repeat", message, hint, *place)


def _clock_changes(
    schedule: ZonedSchedule, now: int, is_within: Callable[[int], bool]
) -> tuple[list[Change], list[Change]]:
    """Return the next gaps and the next repeats that touch the wall times."""
    gaps: list[Change] = []
    repeats: list[Change] = []
    periods = timeline(schedule.zone, "wildcard")
    period = periods.period(now)
    while period.end < now + _LOOK_AHEAD_SECONDS:
        following = periods.period(period.end)
        step = following.offset - period.offset
        low, high = sorted((period.end + period.offset, period.end + following.offset))
        found = schedule.wall_times.first_from(low)
        if step and found < high and is_within(period.end if step > 0 else found - period.offset):
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
