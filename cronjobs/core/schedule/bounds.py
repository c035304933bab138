"""The first and the last moment of a schedule: `starts_at` and `ends_at`, both included."""

from collections.abc import Iterator

from cronjobs.core.schedule.cron import Kind
from cronjobs.core.schedule.search import Schedule


def bounded(schedule: Schedule, *, starts_at: int | None = None, ends_at: int | None = None) -> Schedule:
    """Return the schedule without the fires before `starts_at` and after `ends_at`."""
    if starts_at is None and ends_at is None:
        return schedule
    return Bounded(schedule, starts_at, ends_at)


class Bounded:
    """The fires of a schedule from one instant to another, both included; None is no bound."""

    __slots__ = ("ends_at", "schedule", "starts_at")

    def __init__(self, schedule: Schedule, starts_at: int | None, ends_at: int | None) -> None:
        self.schedule = schedule
        self.starts_at = starts_at
        self.ends_at = ends_at

    def __repr__(self) -> str:
        return f"<{self.schedule!r} from {self.starts_at} to {self.ends_at}>"

    @property
    def text(self) -> str:
        """As it was written."""
        return self.schedule.text

    @property
    def zone(self) -> str:
        """A key of zoneinfo."""
        return self.schedule.zone

    @property
    def kind(self) -> Kind:
        """What clock changes do to it."""
        return self.schedule.kind

    @property
    def at_start(self) -> bool:
        """Whether every start of the scheduler is an occurrence too, between the bounds."""
        return self.schedule.at_start

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        fire = self.schedule.next_after(self._from(instant))
        return None if fire is None or (self.ends_at is not None and fire > self.ends_at) else fire

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        fire = self.schedule.previous_before(self._until(instant - 1) + 1)
        return None if fire is None or (self.starts_at is not None and fire < self.starts_at) else fire

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`."""
        return self.schedule.count_between(self._from(after), self._until(until))

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""
        return self.schedule.between(self._from(after), self._until(until))

    def _from(self, after: int) -> int:
        return after if self.starts_at is None else max(after, self.starts_at - 1)

    def _until(self, until: int) -> int:
        return until if self.ends_at is None else min(until, self.ends_at)
