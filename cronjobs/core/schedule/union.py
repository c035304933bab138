"""Schedules of any kinds as one: fires of several that coincide are one fire."""

from collections.abc import Iterator, Sequence
from heapq import merge

from cronjobs.core.schedule.cron import Kind
from cronjobs.core.schedule.search import Schedule


class Union:
    """The fires of any of its parts."""

    __slots__ = ("parts", "text", "zone")

    def __init__(self, text: str, zone: str, parts: Sequence[Schedule]) -> None:
        self.text = text
        self.zone = zone
        self.parts = parts

    def __repr__(self) -> str:
        return f"<Schedule {self.text!r} in {self.zone}>"

    @property
    def kind(self) -> Kind:
        """The kind that asks for the most: what a clock change owes to one part is owed to all."""
        kinds = {part.kind for part in self.parts}
        ranked: tuple[Kind, ...] = ("fixed", "wildcard", "elapsed", "reboot")
        return next(kind for kind in ranked if kind in kinds)

    @property
    def at_start(self) -> bool:
        """Whether every start of the scheduler is an occurrence too."""
        return any(part.at_start for part in self.parts)

    def next_after(self, instant: int) -> int | None:
        """Return the first fire strictly after an instant; None after the last one."""
        fires = [fire for part in self.parts if (fire := part.next_after(instant)) is not None]
        return min(fires, default=None)

    def previous_before(self, instant: int) -> int | None:
        """Return the last fire strictly before an instant; None before the first one."""
        fires = [fire for part in self.parts if (fire := part.previous_before(instant)) is not None]
        return max(fires, default=None)

    def count_between(self, after: int, until: int) -> int:
        """Return how many fires lie strictly after `after` and not after `until`.

        One by one, but for those of the part that has the most.
        """
        *others, largest = sorted(self.parts, key=lambda part: part.count_between(after, until))
        own = sum(1 for fire in _merged(others, after, until) if largest.next_after(fire - 1) != fire)
        return largest.count_between(after, until) + own

    def between(self, after: int, until: int) -> Iterator[int]:
        """Yield the fires strictly after `after` and not after `until`, in order."""
        return _merged(self.parts, after, until)


def _merged(parts: Sequence[Schedule], after: int, until: int) -> Iterator[int]:
    previous = None
    for fire in merge(*(part.between(after, until) for part in parts)):
        if fire != previous:
            yield fire
        previous = fire
