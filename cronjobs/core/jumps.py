"""What it means for due jobs that a clock was set: wall time against the time that really passed."""

from typing import TYPE_CHECKING, NamedTuple

from cronjobs.core.catch_up import CatchUp, catch_up, missed_between
from cronjobs.core.schedule.zone import LONGEST_BRIDGED_JUMP_SECONDS

if TYPE_CHECKING:
    from cronjobs.core.schedule import Schedule

# By less, a clock is only corrected.
_LEAST_JUMP_SECONDS = 60.0


class Reading(NamedTuple):
    """What the clocks show at one moment; `suspended` is for how long the machine has been so, ever."""

    wall: float
    monotonic: float
    suspended: float


class Jump(NamedTuple):
    """Wall time went from `start` to `end` while no time passed.

    is_suspension: the machine was suspended: time passed, but nobody could look.
    """

    start: float
    end: float
    is_suspension: bool

    @property
    def seconds(self) -> float:
        """How far the clock was put forward; negative where it was set back."""
        return self.end - self.start

    @property
    def is_bridged(self) -> bool:
        """Whether what was jumped over is owed, or left out, by its kind; if not, `catch_up` decides."""
        return not self.is_suspension and self.seconds <= LONGEST_BRIDGED_JUMP_SECONDS


def jump_between(before: Reading, after: Reading) -> Jump | None:
    """Return the jump of the wall clock between two looks at it, or None if it only went on.

    Where in between it happened cannot be known. It is taken for the very beginning: what the clock showed
    after it was then reached by waiting.
    """
    seconds = after.wall - before.wall - (after.monotonic - before.monotonic)
    if abs(seconds) <= _LEAST_JUMP_SECONDS:
        return None
    is_suspension = seconds > 0 and after.suspended - before.suspended > _LEAST_JUMP_SECONDS
    return Jump(before.wall, before.wall + seconds, is_suspension)


def owed_after(schedule: "Schedule", jump: Jump) -> CatchUp:
    """Return what is owed for the occurrences that a clock was put forward over.

    A job with a fixed time runs once for all of them, a wildcard one goes on from the new time.
    """
    after, until = int(jump.start), int(jump.end)
    if not jump.is_bridged:
        return catch_up(schedule, after, until)
    last = schedule.previous_before(until + 1)
    if last is None or last <= after:
        return CatchUp(None, None)
    if schedule.kind != "fixed":
        return CatchUp(None, missed_between(schedule, after, until))
    return CatchUp(last, missed_between(schedule, after, last - 1))
