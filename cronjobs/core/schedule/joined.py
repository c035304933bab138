"""Several cron texts as one schedule, less what is excluded: the day's matching seconds as one mask.

Which other kinds of schedule there are is not known here: those are joined in `union.py`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from cronjobs.core.schedule.cron import Kind
from cronjobs.core.schedule.days import END_DAY, Days, year_of
from cronjobs.core.schedule.search import FIRST_INSTANT, LAST_INSTANT
from cronjobs.core.schedule.wall import (
    DAY_SECONDS,
    NO_EARLIER_WALL,
    NO_LATER_WALL,
    WallTimes,
    lowest,
    seconds_in,
)
from cronjobs.core.schedule.zone import timeline

_EVERY_DAY_OF_YEAR = (1 << 366) - 1
# A day's mask has 11 kB; few years have more than a handful of different days.
_MOST_REMEMBERED = 256
_NO_DAY_YET = -1 << 40


class JoinedTimes:
    """The wall times of any of `allowed` and of none of `forbidden`.

    The seconds of a day fall into groups: those that the same of them have. A group is a key, in which bit i
    is set if number i has its seconds. There are few, on whatever days each of them matches: so the days on
    which something is left are told by the groups, and only the times of a day that is looked at as a mask.
    """

    __slots__ = ("_allowed_count", "_groups", "_known_day", "_known_years", "_members", "_times", "days")

    def __init__(self, allowed: Sequence[WallTimes], forbidden: Sequence[WallTimes]) -> None:
        self._allowed_count = len(allowed)
        self._members = (*allowed, *forbidden)
        self._groups: list[_Group] | None = None
        # The days of the members in a year -> the days on which something is left: most years are alike.
        self._known_years: dict[tuple[int, ...], int] = {}
        self._known_day = (_NO_DAY_YET, 0)
        self._times: dict[int, int] = {}
        self.days = Days(self._year_mask)

    def first_from(self, wall: int) -> int:
        """Return the first wall time that is not before `wall`, or NO_LATER_WALL."""
        day, second = divmod(wall, DAY_SECONDS)
        later = self._times_on(day) >> second
        if later:
            return wall + lowest(later)
        next_day = self.days.first_from(day + 1)
        return (
            NO_LATER_WALL if next_day is None else next_day * DAY_SECONDS + lowest(self._times_on(next_day))
        )

    def last_until(self, wall: int) -> int:
        """Return the last wall time that is not after `wall`, or NO_EARLIER_WALL."""
        day, second = divmod(wall, DAY_SECONDS)
        earlier = self._times_on(day) & (2 << second) - 1
        if earlier:
            return day * DAY_SECONDS + earlier.bit_length() - 1
        previous = self.days.last_until(day - 1)
        if previous is None:
            return NO_EARLIER_WALL
        return previous * DAY_SECONDS + self._times_on(previous).bit_length() - 1

    def has_any(self, start: int, end: int) -> bool:
        """Return whether there is a wall time from `start` on and before `end`."""
        return self.first_from(start) < end

    def count(self, start: int, end: int) -> int:
        """Return how many wall times there are from `start` on and before `end`, `start` <= `end`."""
        start_day, start_time = divmod(start, DAY_SECONDS)
        end_day, end_time = divmod(end, DAY_SECONDS)
        count = self._count_before(end_day, end_time) - self._count_before(start_day, start_time)
        first_year, first = year_of(start_day)
        last_year, last = year_of(end_day)
        for year in range(first_year, last_year + 1):
            wanted = (1 << last) - 1 if year == last_year else _EVERY_DAY_OF_YEAR
            wanted &= -1 << first if year == first_year else -1
            for days_left, seconds in self._left_in(self._masks_of(year)):
                count += (days_left & wanted).bit_count() * seconds
        return count

    def between(self, start: int, end: int) -> Iterator[int]:
        """Yield the wall times from `start` on and before `end`, in order."""
        for day in self.days.between(start // DAY_SECONDS, -(-end // DAY_SECONDS)):
            midnight = day * DAY_SECONDS
            times = self._times_on(day)
            if end - midnight < DAY_SECONDS:
                times &= (1 << end - midnight) - 1
            if midnight < start:
                times &= -1 << start - midnight
            for second in seconds_in(times):
                yield midnight + second

    def _count_before(self, day: int, time: int) -> int:
        return (self._times_on(day) & (1 << time) - 1).bit_count()

    def _year_mask(self, year: int) -> int:
        masks = self._masks_of(year)
        found = self._known_years.get(masks)
        if found is None:
            found = 0
            if self._may_be_left_in(masks):
                for days_left, _ in self._left_in(masks):
                    found |= days_left
            self._known_years[masks] = found
        return found

    def _may_be_left_in(self, masks: Sequence[int]) -> bool:
        """Return whether there are days of a year that no member forbids from midnight to midnight."""
        open_days = 0
        for number, (member, matching) in enumerate(zip(self._members, masks, strict=True)):
            if number < self._allowed_count:
                open_days |= matching
            elif member.has_every_time:
                open_days &= ~matching
        return open_days != 0

    def _masks_of(self, year: int) -> tuple[int, ...]:
        return tuple(member.days.mask(year) for member in self._members)

    def _left_in(self, masks: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield for each group its days that are left, as a mask, and how many seconds it has.

        masks: the days of a year on which each member matches.
        """
        if self._groups is None:
            self._groups = _groups(self._members, self._allowed_count)
        for group in self._groups:
            days_left = 0
            for number in group.allowed:
                days_left |= masks[number]
            for number in group.forbidden:
                days_left &= ~masks[number]
                if not days_left:
                    break
            yield days_left, group.seconds

    def _times_on(self, day: int) -> int:
        known_day, times = self._known_day
        if day != known_day:
            year, day_of_year = year_of(day)
            key = sum(
                1 << number
                for number, member in enumerate(self._members)
                if member.days.mask(year) >> day_of_year & 1
            )
            times = self._times_of(key)
            self._known_day = day, times
        return times

    def _times_of(self, key: int) -> int:
        """Return what is left of a day on which those members match whose bits are set in `key`."""
        times = self._times.get(key)
        if times is None:
            times = 0
            for number, member in enumerate(self._members):
                if key >> number & 1:
                    mask = member.time_mask()
                    times = times | mask if number < self._allowed_count else times & ~mask
            if len(self._times) >= _MOST_REMEMBERED:
                self._times.clear()
            self._times[key] = times
        return times


class _Group(NamedTuple):
    """Seconds of a day that the same members have: the indices of these, and how many seconds."""

    allowed: list[int]
    forbidden: list[int]
    seconds: int


def _groups(members: Sequence[WallTimes], allowed_count: int) -> list[_Group]:
    """Return the groups that any of the allowed members has, and that are not forbidden on every day."""
    hours = _parts([member.hours for member in members], allowed_count)
    seconds_of_hour = _parts([member.hour_mask() for member in members], allowed_count)
    seconds_by_key: Counter[int] = Counter()
    for (hour_mask, hour_key), (second_mask, second_key) in product(hours, seconds_of_hour):
        seconds_by_key[hour_key & second_key] += hour_mask.bit_count() * second_mask.bit_count()
    # What forbids the most days comes first: where nothing is left, that is found soon.
    days_forbidden = {
        number: members[number].days.count(0, END_DAY) for number in range(allowed_count, len(members))
    }
    forbidding = sorted(days_forbidden, key=lambda number: -days_forbidden[number])
    groups = []
    for key, seconds in seconds_by_key.items():
        allowed = [number for number in range(allowed_count) if key >> number & 1]
        forbidden = [number for number in forbidding if key >> number & 1]
        if allowed and not (forbidden and days_forbidden[forbidden[0]] == END_DAY):
            groups.append(_Group(allowed, forbidden, seconds))
    return groups


def _parts(masks: Sequence[int], allowed_count: int) -> list[tuple[int, int]]:
    """Part what the first masks have by which of all have it: (bits, key), bit i of the key for masks[i]."""
    allowed = 0
    for mask in masks[:allowed_count]:
        allowed |= mask
    parts = [(allowed, 0)]
    for number, mask in enumerate(masks):
        inside = [(bits & mask, key | 1 << number) for bits, key in parts if bits & mask]
        parts = [(bits & ~mask, key) for bits, key in parts if bits & ~mask] + inside
    return parts


class JoinedSchedule:
    """The fires of several cron texts in one zone, less those whose moment is excluded.

    wildcard, fixed: the wall times of the texts of each class.
    excluded: the wall times at which nothing fires, whatever brought a fire there.
    """

    __slots__ = ("_again", "_all", "_excluded", "_fixed", "_timeline", "_wildcard", "text", "zone")

    at_start = False

    def __init__(
        self,
        text: str,
        zone: str,
        *,
        wildcard: Sequence[WallTimes] = (),
        fixed: Sequence[WallTimes] = (),
        excluded: Sequence[WallTimes] = (),
    ) -> None:
        self.text = text
        self.zone = zone
        self._wildcard = wildcard
        self._fixed = fixed
        self._excluded = excluded
        self._all = JoinedTimes((*wildcard, *fixed), excluded)
        # What still fires where wall times come a second time.
        self._again = JoinedTimes(wildcard, excluded)
        self._timeline = timeline(zone, self.kind)

    def __repr__(self) -> str:
        return f"<Schedule {self.text!r} in {self.zone}>"

    @property
    def kind(self) -> Kind:
        """A clock change may owe something to such a schedule if it may to any of its texts."""
        return "fixed" if self._fixed else "wildcard"

    def excluding(self, excluded: Sequence[WallTimes]) -> "JoinedSchedule":
        """Return the schedule without the fires at more wall times."""
        return JoinedSchedule(
            self.text,
            self.zone,
            wildcard=self._wildcard,
            fixed=self._fixed,
            excluded=(*self._excluded, *excluded),
        )

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        earliest = max(instant + 1, FIRST_INSTANT)
        # From `searched` to `found` there is nothing: a search over years is not made again every period.
        searched, found = NO_LATER_WALL, NO_EARLIER_WALL
        while earliest <= LAST_INSTANT:
            start, first, end, offset, skipped_seconds = self._timeline.period(earliest)
            if skipped_seconds and earliest == start and self._is_owed(start + offset, skipped_seconds):
                return start
            if earliest < first:
                fire = self._again.first_from(earliest + offset) - offset
                if fire < first:
                    return fire
                earliest = first
            if not searched <= earliest + offset <= found:
                searched = earliest + offset
                found = self._all.first_from(searched)
            if found - offset < end:
                return found - offset
            earliest = end
        return None

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        latest = min(instant - 1, LAST_INSTANT)
        searched, found = NO_EARLIER_WALL, NO_LATER_WALL
        while latest >= FIRST_INSTANT:
            start, first, _, offset, skipped_seconds = self._timeline.period(latest)
            if not found <= latest + offset <= searched:
                searched = latest + offset
                found = self._all.last_until(searched)
            if found - offset >= first:
                return found - offset
            if first > start:
                fire = self._again.last_until(min(latest, first - 1) + offset) - offset
                if fire >= start:
                    return fire
            if skipped_seconds and self._is_owed(start + offset, skipped_seconds):
                return start
            latest = start - 1
        return None

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`."""
        count = 0
        for times, start, end, offset, owed in self._stretches(after, until):
            count += owed + times.count(start + offset, end + offset)
        return count

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""
        for times, start, end, offset, owed in self._stretches(after, until):
            if owed:
                yield start - 1
            for wall in times.between(start + offset, end + offset):
                yield wall - offset

    def _stretches(self, after: int, until: int) -> Iterator[tuple[JoinedTimes, int, int, int, bool]]:
        """Yield (times, start, end, offset, owed): what fires from `start` on and before `end`.

        owed: whether there is a fire right before `start` for what was skipped.
        """
        earliest, stop = max(after + 1, FIRST_INSTANT), min(until, LAST_INSTANT) + 1
        while earliest < stop:
            start, first, end, offset, skipped_seconds = self._timeline.period(earliest)
            last = min(end, stop)
            if earliest < first:
                yield self._again, earliest, min(first, last), offset, False
            if max(earliest, first) < last:
                is_first = skipped_seconds > 0 and earliest == start
                owed = is_first and self._is_owed(start + offset, skipped_seconds)
                yield self._all, max(earliest, first) + owed, last, offset, owed
            earliest = end

    def _is_owed(self, wall: int, skipped_seconds: int) -> bool:
        """Return whether a fixed wall time was skipped right before `wall`, which is not excluded."""
        if any(times.has_any(wall, wall + 1) for times in self._excluded):
            return False
        return any(times.has_any(wall - skipped_seconds, wall) for times in self._fixed)
