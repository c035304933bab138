"""What `exclude` takes away from a schedule: days, ranges of days, cron texts and calendars of these.

A fire is excluded by what the wall clock of the schedule's zone shows at its moment.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.bounds import Bounded
from cronjobs.core.schedule.cron import SPECIAL_NICKNAMES, Kind, parse_cron
from cronjobs.core.schedule.days import EVERY_YEAR, Days, days, year_start
from cronjobs.core.schedule.fields import FIRST_YEAR, LAST_YEAR
from cronjobs.core.schedule.joined import JoinedSchedule
from cronjobs.core.schedule.search import Schedule, ZonedSchedule
from cronjobs.core.schedule.union import Union
from cronjobs.core.schedule.wall import EVERY_SECOND, NO_DAY, WallTimes, wall_times, whole_days
from cronjobs.core.suggest import did_you_mean, quoted

_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_DATES = re.compile(rf"{_DATE}(?:\.\.{_DATE})?")
# With the same sign twice: `0-58/2` begins a cron text.
_LOOKS_LIKE_DATES = re.compile(r"[0-9]+([-./])[0-9]+\1[0-9]|[^ \t]*\.\.")
_CALENDAR = "calendar:"
# Where nothing is left, somebody has to stop looking: so many fires in a row are taken for all of them.
_MOST_EXCLUDED_IN_A_ROW = 5_000


def excluding(
    schedule: Schedule, exclude: Sequence[str], *, calendars: Mapping[str, Sequence[str]] | None = None
) -> Schedule:
    """Return the schedule without the fires that are excluded.

    exclude: days (`2026-05-01`), ranges of days with both ends in it (`2026-12-24..2027-01-01`), cron texts
        (every second of the minutes that match; with a seconds field, the seconds) and `calendar:NAME`.
    calendars: {name: days, ranges and cron texts}.

    Raises ScheduleError for a text that is none of these.
    """
    excluded = parse_exclusions(exclude, calendars or {})
    return _without(schedule, excluded) if excluded else schedule


def parse_exclusions(exclude: Iterable[str], calendars: Mapping[str, Sequence[str]]) -> list[WallTimes]:
    """Return the wall times that the texts exclude."""
    excluded, ranges = [], []
    for text in dict.fromkeys(written_out(exclude, calendars)):
        if dates := _DATES.fullmatch(text.strip(" \t")):
            ranges.append(_day_range(text, dates))
        else:
            excluded.append(_minutes(text))
    if ranges:
        excluded.append(whole_days(_days_in(ranges)))
    return excluded


def written_out(exclude: Iterable[str], calendars: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the texts with those of a calendar in place of `calendar:NAME`."""
    texts: list[str] = []
    for text in exclude:
        if text.strip(" \t").lower().startswith(_CALENDAR):
            texts += _calendar(text, calendars)
        else:
            texts.append(text)
    return texts


class Restricted:
    """The fires of a schedule that are not excluded, where they cannot be told from its text.

    allowed: of the fires of the schedule it has those, and only those, that are not excluded; of the moments
        in between, as few as is known.
    """

    __slots__ = ("_allowed", "_schedule", "kind", "text", "zone")

    def __init__(self, schedule: Schedule, allowed: JoinedSchedule) -> None:
        self._schedule = schedule
        self._allowed = allowed
        self.text = schedule.text
        self.zone = schedule.zone
        self.kind: Kind = schedule.kind

    def __repr__(self) -> str:
        return f"<{self._schedule!r} with exclusions>"

    @property
    def at_start(self) -> bool:
        """Whether every start of the scheduler is an occurrence too."""
        return self._schedule.at_start

    def excluding(self, excluded: Sequence[WallTimes]) -> "Restricted":
        """Return the schedule without the fires at more wall times."""
        return Restricted(self._schedule, self._allowed.excluding(excluded))

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        fire = self._schedule.next_after(instant)
        for _ in range(_MOST_EXCLUDED_IN_A_ROW):
            if fire is None:
                return None
            allowed = self._allowed.next_after(fire - 1)
            if allowed is None or allowed == fire:
                return allowed
            fire = self._schedule.next_after(allowed - 1)
        return None

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        fire = self._schedule.previous_before(instant)
        for _ in range(_MOST_EXCLUDED_IN_A_ROW):
            if fire is None:
                return None
            allowed = self._allowed.previous_before(fire + 1)
            if allowed is None or allowed == fire:
                return allowed
            fire = self._schedule.previous_before(allowed + 1)
        return None

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`."""
        return sum(1 for _ in self.between(after, until))

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""
        fire = self.next_after(after)
        while fire is not None and fire <= until:
            yield fire
            fire = self.next_after(fire)


def _without(schedule: Schedule, excluded: Sequence[WallTimes]) -> Schedule:
    if isinstance(schedule, Bounded):
        return Bounded(_without(schedule.schedule, excluded), schedule.starts_at, schedule.ends_at)
    if isinstance(schedule, Union):
        return Union(schedule.text, schedule.zone, [_without(part, excluded) for part in schedule.parts])
    if isinstance(schedule, JoinedSchedule | Restricted):
        return schedule.excluding(excluded)
    if not isinstance(schedule, ZonedSchedule):
        return schedule if schedule.kind == "reboot" else Restricted(schedule, _moments(schedule, excluded))
    times = schedule.times_within
    if schedule.kind == "wildcard":
        return JoinedSchedule(schedule.text, schedule.zone, wildcard=[times], excluded=excluded)
    joined = JoinedSchedule(schedule.text, schedule.zone, fixed=[times], excluded=excluded)
    return joined if schedule.times_of_day else Restricted(schedule, joined)


def _moments(schedule: Schedule, excluded: Sequence[WallTimes]) -> JoinedSchedule:
    """Return all moments that are not excluded in the zone of a schedule."""
    every_day = days((1 << 32) - 2, (1 << 13) - 2, (1 << 7) - 1, EVERY_YEAR, False) or NO_DAY
    return JoinedSchedule("", schedule.zone, wildcard=[whole_days(every_day)], excluded=excluded)


def _calendar(text: str, calendars: Mapping[str, Sequence[str]]) -> Sequence[str]:
    name = text.strip(" \t")[len(_CALENDAR) :].strip(" \t")
    column = len(text) - len(text.lstrip(" \t")) + len(_CALENDAR) + 1
    if name not in calendars:
        known = (
            f"use one of {', '.join(calendars)}" if calendars else f"define `{name} = [...]` in [calendars]"
        )
        hint = did_you_mean(name, calendars) or known
        raise ScheduleError(f"there is no calendar {quoted(name)}", code="calendar", column=column, hint=hint)
    for entry in calendars[name]:
        if entry.strip(" \t").lower().startswith(_CALENDAR):
            message = f"calendar {quoted(name)} names a calendar itself"
            hint = "a calendar has days, ranges of days and cron texts"
            raise ScheduleError(message, code="calendar", hint=hint)
    return calendars[name]


def _day_range(text: str, match: re.Match[str]) -> tuple[int, int]:
    start = len(text) - len(text.lstrip(" \t")) + 1
    first = _day(match, 1, start)
    if match[4] is None:
        return first, first
    last = _day(match, 4, start)
    if last < first:
        swapped = "..".join(reversed(match[0].split("..")))
        message = f"the days {quoted(match[0])} run backwards"
        raise ScheduleError(message, code="reversed", column=start, hint=f"write `{swapped}`")
    return first, last


def _day(match: re.Match[str], group: int, start: int) -> int:
    """Return a day, counted from 1970-01-01."""
    from datetime import date  # late: few schedules exclude anything

    written = "-".join(match.groups()[group - 1 : group + 2])
    column = start + match.start(group)
    try:
        found = date.fromisoformat(written)
    except ValueError:
        message = f"there is no day {quoted(written)}"
        hint = "a day is year-month-day, as in 2026-05-01"
        raise ScheduleError(message, code="date", column=column, hint=hint) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        message = f"{written} is not in the years {FIRST_YEAR}-{LAST_YEAR}"
        hint = f"use {FIRST_YEAR}-{LAST_YEAR}"
        raise ScheduleError(message, code="date", column=column, hint=hint)
    return found.toordinal() - date(1970, 1, 1).toordinal()


def _days_in(ranges: Sequence[tuple[int, int]]) -> Days:
    def year_mask(year: int) -> int:
        start, end = year_start(year), year_start(year + 1)
        mask = 0
        for first, last in ranges:
            low, high = max(first, start), min(last, end - 1)
            if low <= high:
                mask |= (2 << high - start) - (1 << low - start)
        return mask

    return Days(year_mask)


def _minutes(text: str) -> WallTimes:
    if _LOOKS_LIKE_DATES.match(text.strip(" \t")):
        message = f"{quoted(text)} is no day and no range of days"
        hint = "write 2026-05-01, or 2026-12-24..2027-01-01"
        raise ScheduleError(message, code="date", hint=hint)
    if text.split()[:1] and text.split()[0].lower() in SPECIAL_NICKNAMES:
        message = f"{quoted(text)} has no minutes that could be excluded"
        hint = "write a cron text, as in `* 12 * * *`"
        raise ScheduleError(message, code="nickname", hint=hint)
    cron = parse_cron(text)
    has_seconds = len(text.split()) > 5
    return wall_times(cron if has_seconds else cron._replace(seconds=EVERY_SECOND))
