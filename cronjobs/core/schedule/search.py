"""The next and the previous fire of a schedule, and how many lie between: wall times brought into a zone."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Protocol

from cronjobs.core.schedule.cron import Kind
from cronjobs.core.schedule.wall import DAY_SECONDS, END_OF_WALL, WallSet, WallTimes
from cronjobs.core.schedule.zone import Timeline

# A wall time of 1970-2199 lies between these two in every zone.
FIRST_INSTANT = -DAY_SECONDS
LAST_INSTANT = END_OF_WALL + DAY_SECONDS

# (from which instant on, before which one, where it begins): in between, the next fire is in that round.
_NO_ROUND = (0, 0, 0)

# Longer than a clock was ever put forward or back, by crossing the date line.
_BEYOND_CHANGE_SECONDS = 2 * DAY_SECONDS


class Schedule(Protocol):
    """A set of instants, each a whole UTC second. Asked in any order, it gives the same set."""

    @property
    def text(self) -> str:
        """As it was written; several are joined by ` | `."""

    @property
    def zone(self) -> str:
        """A key of zoneinfo."""

    @property
    def kind(self) -> Kind:
        """What clock changes do to it: see `zone.Timeline`."""

    @property
    def at_start(self) -> bool:
        """Whether every start of the scheduler is an occurrence too."""

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`."""

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""


class ZonedSchedule:
    """Wall times of one class in a zone."""

    __slots__ = ("_round", "_round_seconds", "_seconds", "_timeline", "_wall_times", "kind", "text", "zone")

    at_start = False

    def __init__(self, text: str, zone: str, kind: Kind, wall_times: WallSet, timeline: Timeline) -> None:
        self.text = text
        self.zone = zone
        self.kind = kind
        self._wall_times = wall_times
        self._timeline = timeline
        # The hour or day that the last answer came from: most answers that follow come from the same.
        self._round = _NO_ROUND
        self._seconds: tuple[int, ...] = ()
        self._round_seconds = 0
        if isinstance(wall_times, WallTimes) and wall_times.has_rounds:
            self._round_seconds, self._seconds = wall_times.round()

    def __repr__(self) -> str:
        return f"<Schedule {self.text!r} in {self.zone}>"

    @property
    def wall_times(self) -> WallSet:
        """What the clocks show when it fires."""
        return self._wall_times

    @property
    def times_of_day(self) -> WallTimes | None:
        """Its wall times, if they are those of a cron text."""
        return self._wall_times if isinstance(self._wall_times, WallTimes) else None

    @property
    def times_within(self) -> WallTimes:
        """Days and times of day among which all its wall times are."""
        return self._wall_times.within()

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        known_from, known_before, begin = self._round
        if known_from <= instant < known_before:
            seconds = self._seconds
            return begin + seconds[bisect_right(seconds, instant - begin)]
        earliest = instant + 1
        if earliest < FIRST_INSTANT:
            earliest = FIRST_INSTANT
        while earliest <= LAST_INSTANT:
            start, first, end, offset, skipped_seconds = self._timeline.period(earliest)
            if skipped_seconds and earliest == start and self._is_owed(start + offset, skipped_seconds):
                return start
            if earliest < first:
                earliest = first
            fire = self._wall_times.first_from(earliest + offset) - offset
            if fire < end:
                if self._seconds:
                    self._remember(fire, max(start, first), end, offset)
                return fire
            if end - earliest <= _BEYOND_CHANGE_SECONDS:
                earliest = end
                continue
            # So long a period outlasts what a change repeats: nothing matches until shortly before `fire`,
            # and where no change is near that, not before it.
            earliest = max(end, fire - _BEYOND_CHANGE_SECONDS)
            if fire <= LAST_INSTANT:
                start, _, end, new_offset, _ = self._timeline.period(fire)
                fire += offset - new_offset
                if start + _BEYOND_CHANGE_SECONDS < fire < end:
                    return fire
        return None

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        latest = instant - 1
        if latest > LAST_INSTANT:
            latest = LAST_INSTANT
        while latest >= FIRST_INSTANT:
            start, first, _, offset, skipped_seconds = self._timeline.period(latest)
            fire = self._wall_times.last_until(latest + offset) - offset
            if fire >= first:
                return fire
            if skipped_seconds and self._is_owed(start + offset, skipped_seconds):
                return start
            is_long = latest - start > _BEYOND_CHANGE_SECONDS
            latest = min(start - 1, fire + _BEYOND_CHANGE_SECONDS) if is_long else start - 1
        return None

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`."""
        count = 0
        earliest, stop = max(after + 1, FIRST_INSTANT), min(until, LAST_INSTANT) + 1
        while earliest < stop:
            start, first, end, offset, skipped_seconds = self._timeline.period(earliest)
            if skipped_seconds and earliest == start and self._is_owed(start + offset, skipped_seconds):
                # One fire for all that was skipped and for what is due at that instant.
                count += 1
                first = start + 1
            first = max(first, earliest)
            if first < min(end, stop):
                count += self._wall_times.count(first + offset, min(end, stop) + offset)
            earliest = end
        return count

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""
        earliest, stop = max(after + 1, FIRST_INSTANT), min(until, LAST_INSTANT) + 1
        while earliest < stop:
            start, first, end, offset, skipped_seconds = self._timeline.period(earliest)
            if skipped_seconds and earliest == start and self._is_owed(start + offset, skipped_seconds):
                yield start
                first = start + 1
            first, last = max(first, earliest) + offset, min(end, stop) + offset
            if offset:
                for wall in self._wall_times.between(first, last):
                    yield wall - offset
            else:
                yield from self._wall_times.between(first, last)
            earliest = end

    def _remember(self, fire: int, start: int, end: int, offset: int) -> None:
        """Keep the round of a fire: what lies in it, from `start` on and before `end`, are its seconds."""
        begin = fire - (fire + offset) % self._round_seconds
        last = begin + self._seconds[-1]
        if start < fire and last < end:
            self._round = (max(start, begin - 1), last, begin)

    def _is_owed(self, wall: int, skipped_seconds: int) -> bool:
        """Return whether a wall time matches among those that were skipped right before `wall`."""
        return self._wall_times.has_any(wall - skipped_seconds, wall)
