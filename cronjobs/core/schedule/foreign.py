"""The dialect of croniter: its texts as it reads them, for those who bring them from elsewhere."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.complaints import empty
from cronjobs.core.schedule.cron import Kind, check_characters
from cronjobs.core.schedule.search import FIRST_INSTANT, LAST_INSTANT
from cronjobs.core.schedule.zone import timeline

if TYPE_CHECKING:
    from croniter import croniter  # type: ignore[import-untyped]  # it has no types


class CroniterSchedule:
    """What croniter answers in a zone, strictly in order; clock changes are its business."""

    __slots__ = ("_rules", "kind", "text", "zone")

    at_start = False

    def __init__(self, text: str, zone: str) -> None:
        self.text = text
        self.zone = zone
        words = text.split()
        self.kind: Kind = "wildcard" if any(word[0] == "*" for word in words[:2]) else "fixed"
        self._rules = ZoneInfo(zone)

    def __repr__(self) -> str:
        return f"<Schedule {self.text!r} of croniter in {self.zone}>"

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        return next(self._fires(instant), None)

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        from croniter import CroniterBadDateError

        if instant <= FIRST_INSTANT:
            return None
        fires = self._croniter(min(instant, LAST_INSTANT))
        try:
            fire = int(fires.get_prev(float))
        except CroniterBadDateError:
            return None
        return fire if FIRST_INSTANT <= fire < instant else None

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

        fires = self._croniter(max(after, FIRST_INSTANT))
        previous = after
        while previous < LAST_INSTANT:
            try:
                fire = int(fires.get_next(float))
            except CroniterBadDateError:
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
    if not text.split():
        raise empty()
    timeline(zone, "wildcard")  # for its error
    try:
        croniter(text, 0.0)
    except (CroniterError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        message = f"croniter refuses the text: {str(error).expandtabs(1)}"
        hint = "without `dialect`, the text is read by the rules of this scheduler"
        raise ScheduleError(message, code="dialect", hint=hint) from None
    return CroniterSchedule(text, zone)
