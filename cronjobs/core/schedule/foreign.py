"""The dialect of croniter: its texts as it reads them, for those who bring them from elsewhere."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.complaints import empty
from cronjobs.core.schedule.cron import Kind, check_characters, words_of
from cronjobs.core.schedule.special import first_and_last
from cronjobs.core.schedule.zone import timeline
from cronjobs.core.suggest import quoted

if TYPE_CHECKING:
    from croniter import croniter  # type: ignore[import-untyped]  # it has no types


class CroniterSchedule:
    """What croniter answers in a zone, strictly in order; clock changes are its business."""

    __slots__ = ("_first", "_last", "_rules", "kind", "text", "zone")

    at_start = False

    def __init__(self, text: str, zone: str) -> None:
        self.text = text
        self.zone = zone
        words = text.split()
        self.kind: Kind = "wildcard" if any(word[0] == "*" for word in words[:2]) else "fixed"
        self._rules = ZoneInfo(zone)
        self._first, self._last = first_and_last(zone)

    def __repr__(self) -> str:
        return f"<Schedule {self.text!r} of croniter in {self.zone}>"

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        return next(self._fires(instant), None)

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        from croniter import CroniterBadDateError

        if instant <= self._first:
            return None
        fires = self._croniter(min(instant, self._last + 1))
        fire = instant
        while fire >= instant:
            try:
                fire = int(fires.get_prev(float))
            except CroniterBadDateError:
                return None
        return fire if fire >= self._first else None

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`, one by one."""
        return sum(1 for _ in self.between(after, until))

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""
        for fire in self._fires(after):
            if fire > until:
                return
            yield fire

    def _fires(self, after: int) -> Iterator[int]:
        from croniter import CroniterBadDateError

        if after >= self._last:
            return
        fires = self._croniter(max(after, self._first - 1))
        previous = after
        while True:
            try:
                fire = int(fires.get_next(float))
            except CroniterBadDateError:
                return
            if fire > self._last:
                return
            # At a clock change it may repeat itself or step back: an occurrence is one moment.
            if fire > previous:
                previous = fire
                yield fire

    def _croniter(self, instant: int) -> "croniter":
        from croniter import croniter

        return croniter(self.text, datetime.fromtimestamp(instant, self._rules))


def parse_croniter(text: str, zone: str) -> CroniterSchedule:
    """Return the schedule that croniter reads in a text. A ScheduleError tells what it says against it."""
    from croniter import CroniterError, croniter

    check_characters(text)
    words = words_of(text)
    if not words:
        raise empty()
    for word in words:
        if word.text[0] in "Rr":
            message = f"croniter would draw lots for {quoted(word.text)} at every question anew"
            hint = "without `dialect`, `H` is a value that comes from the job's name and stays"
            raise ScheduleError(message, code="dialect", column=word.column, hint=hint)
    timeline(zone, "wildcard")  # for its error
    try:
        croniter(text, 0.0)
    except (CroniterError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        message = f"croniter refuses the text: {str(error).expandtabs(1)}"
        hint = "without `dialect`, the text is read by the rules of this scheduler"
        raise ScheduleError(message, code="dialect", hint=hint) from None
    return CroniterSchedule(text, zone)
