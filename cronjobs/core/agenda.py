"""The heap of next occurrences. Deciding what to do about one is not done here."""

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from cronjobs.core.catch_up import LATE_SECONDS
from cronjobs.core.job import Occurrence

if TYPE_CHECKING:
    from cronjobs.core.schedule import Schedule


class Agenda:
    """Knows of every scheduled job when it is due next.

    Jobs that share a `Schedule` object share the computation of its next instant.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str]] = []
        self._entries: dict[str, tuple[int, Schedule]] = {}
        self._added = 0  # also the order in which jobs due at one instant come out

    def __contains__(self, job: object) -> bool:
        return job in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, job: str, schedule: "Schedule", after: int) -> None:
        """Put the job's first occurrence after an instant on the agenda, in place of what was there."""
        self.remove(job)
        instant = schedule.next_after(after)
        if instant is None:
            return
        self._added += 1
        self._entries[job] = (self._added, schedule)
        heappush(self._heap, (instant, self._added, job))

    def remove(self, job: str) -> None:
        """Take the job off; nothing happens if it is not there."""
        self._entries.pop(job, None)  # its place in the heap is passed over when it comes up

    def wake_at(self) -> int | None:
        """Return the next instant at which some job is due, or None."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[Occurrence]:
        """Take every occurrence up to now, in order, and arm the ones that follow.

        Of a job that is found over a minute late, only the first is given: it is for `catch_up` to say how
        many there were.
        """
        found: list[Occurrence] = []
        following: dict[tuple[int, int], int | None] = {}
        while self._heap and self._heap[0][0] <= now:
            instant, order, job = heappop(self._heap)
            entry = self._entries.get(job)
            if entry is None or entry[0] != order:
                continue
            found.append(Occurrence(job, instant))
            # From this occurrence, not from now: a late tick must not move the schedule. But what is so late
            # that it is caught up with needs its first occurrence only: there may be millions.
            after = instant if instant >= now - LATE_SECONDS else int(now)
            key = (id(entry[1]), after)
            if key not in following:
                following[key] = entry[1].next_after(after)
            upcoming = following[key]
            if upcoming is None:
                del self._entries[job]
            else:
                heappush(self._heap, (upcoming, order, job))
        return found

    def before(self, instant: float) -> list[str]:
        """Return the jobs that are due before an instant, without taking them."""
        found = []
        places = [0]  # the heap is a tree: below an entry that is late enough, all are
        while places:
            place = places.pop()
            if place < len(self._heap) and self._heap[place][0] < instant:
                _, order, job = self._heap[place]
                if self._entries.get(job, (0,))[0] == order:
                    found.append(job)
                places += (2 * place + 1, 2 * place + 2)
        return found

    def _drop_stale(self) -> None:
        while self._heap:
            _, order, job = self._heap[0]
            if self._entries.get(job, (0,))[0] == order:
                return
            heappop(self._heap)
