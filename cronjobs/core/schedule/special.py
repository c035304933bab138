"""`@every` and `@reboot`: schedules that no clock on a wall knows of."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from cronjobs.core.durations import parse_duration
from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.cron import Kind, words_of
from cronjobs.core.schedule.days import EVERY_YEAR, days
from cronjobs.core.schedule.fields import Word
from cronjobs.core.schedule.search import FIRST_INSTANT, LAST_INSTANT, ZonedSchedule
from cronjobs.core.schedule.wall import NO_DAY, whole_days
from cronjobs.core.schedule.zone import timeline
from cronjobs.core.suggest import quoted

_LONG_UNIT = re.compile(r"(?<=[0-9])(?:days?|hours?|hrs?|minutes?|mins?|seconds?|secs?)")


class Elapsed:
    """Fires one step after an anchor, and every step from there on, whatever the clocks show."""

    __slots__ = ("_anchor", "_first", "_last", "_step", "text", "zone")

    kind: Kind = "elapsed"
    at_start = False

    def __init__(self, text: str, zone: str, step: int, anchor: int) -> None:
        self.text = text
        self.zone = zone
        self._step = step
        self._anchor = anchor
        first, self._last = first_and_last(zone)
        self._first = max(first, anchor + step)

    def __repr__(self) -> str:
        return f"<Schedule {self.text!r} from {self._anchor}>"

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        earliest = max(instant + 1, self._first)
        fire = earliest + (self._anchor - earliest) % self._step
        return fire if fire <= self._last else None

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        latest = min(instant - 1, self._last)
        fire = latest - (latest - self._anchor) % self._step
        return fire if fire >= self._first else None

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`."""
        first, last = self.next_after(after), self.previous_before(until + 1)
        return 0 if first is None or last is None or first > last else (last - first) // self._step + 1

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""
        first = self.next_after(after)
        if first is not None:
            yield from range(first, min(until, self._last) + 1, self._step)


class Reboot:
    """Fires when the scheduler starts, which no instant tells."""

    __slots__ = ("text", "zone")

    kind: Kind = "reboot"
    at_start = True

    def __init__(self, text: str, zone: str) -> None:
        self.text = text
        self.zone = zone

    def __repr__(self) -> str:
        return f"<Schedule {self.text!r}>"

    def next_after(self, instant: int) -> int | None:
        """Return None."""
        return None

    def previous_before(self, instant: int) -> int | None:
        """Return None."""
        return None

    def count_between(self, after: int, until: int) -> int:
        """Return 0."""
        return 0

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield nothing."""
        yield from ()


def parse_every(text: str, zone: str, anchor: int) -> Elapsed:
    """Return the schedule that an `@every DURATION` means. A ScheduleError tells what is wrong with it."""
    words = words_of(text)
    if len(words) == 1:
        raise ScheduleError(
            "@every has no duration",
            code="duration",
            column=words[0].column,
            hint="`@every 15m` is every 15 minutes",
        )
    duration = words[1]
    if len(words) > 2:
        hint = f"write the duration in one word, as in `@every {_shortened(words[1:]) or '1h30m'}`"
        raise ScheduleError("@every takes one word", code="duration", column=words[2].column, hint=hint)
    try:
        seconds = parse_duration(duration.text.lower())
    except ValueError as error:
        message = f"{quoted(duration.text)} is no duration: {error}"
        hint = "`@every 15m` is every 15 minutes, `@every 1h30m` every 90"
        if short := _shortened([duration]):
            hint = f"write `@every {short}`"
        raise ScheduleError(message, code="duration", column=duration.column, hint=hint) from None
    if seconds < 1 or seconds != int(seconds):
        message = f"@every {duration.text} is not a whole number of seconds, at least one"
        raise ScheduleError(
            message, code="duration", column=duration.column, hint="`@every 1s` is the shortest"
        )
    return Elapsed(text, zone, int(seconds), anchor)


def _shortened(words: Sequence[Word]) -> str:
    """Return the duration that is meant by "5 minutes", "1 hour 30 min" or "90sec", or ""."""
    together = "".join(word.text for word in words).lower()
    short = _LONG_UNIT.sub(lambda unit: unit[0][0], together)
    try:
        parse_duration(short)
    except ValueError:
        return ""
    return short


def parse_reboot(text: str, zone: str) -> Reboot:
    """Return the schedule that `@reboot` means."""
    words = words_of(text)
    if len(words) > 1:
        message = "nothing may follow @reboot"
        raise ScheduleError(message, code="nickname", column=words[1].column, hint="use @reboot alone")
    timeline(zone, "wildcard")  # for its error: the zone must exist, even where it is not asked
    return Reboot(text, zone)


@cache
def first_and_last(zone: str) -> tuple[int, int]:
    """Return the first and the last instant that a wall clock of 1970-2199 shows."""
    calendar = days((1 << 32) - 2, (1 << 13) - 2, (1 << 7) - 1, EVERY_YEAR, False) or NO_DAY
    always = ZonedSchedule("", zone, "wildcard", whole_days(calendar), timeline(zone, "wildcard"))
    first, last = always.next_after(FIRST_INSTANT), always.previous_before(LAST_INSTANT)
    return first or FIRST_INSTANT, last or LAST_INSTANT
