"""What is owed for occurrences that nobody looked at in time: the policy `once`."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cronjobs.core.schedule import Schedule

WINDOW_SECONDS = 3600
LATE_SECONDS = 60  # an occurrence found later than this is left to the policy


class Missed(NamedTuple):
    """Occurrences that share one row."""

    first_scheduled_for: int
    scheduled_for: int  # of the last
    skipped_count: int


class CatchUp(NamedTuple):
    """`instant` is run now, if any; `missed` is recorded as missed, if any."""

    instant: int | None
    missed: Missed | None


def catch_up(schedule: "Schedule", after: int, now: int) -> CatchUp:
    """Return what is owed for the occurrences in (after, now].

    Only the latest is run, and only if it lies inside the window; the others share one row.
    """
    last = schedule.previous_before(now + 1)
    if last is None or last <= after:
        return CatchUp(None, None)
    instant = last if last >= now - WINDOW_SECONDS else None
    until = last if instant is None else last - 1
    return CatchUp(instant, missed_between(schedule, after, until))


def missed_between(schedule: "Schedule", after: int, until: int) -> Missed | None:
    """Return the occurrences in (after, until] as one row, or None if there is none."""
    count = schedule.count_between(after, until)
    if not count:
        return None
    first, last = schedule.next_after(after), schedule.previous_before(until + 1)
    return None if first is None or last is None else Missed(first, last, count)
