"""The heap of next occurrences. Deciding what to do about one is not done here."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush, heapreplace
from typing import TYPE_CHECKING

from cronjobs.core.catch_up import LATE_SECONDS
from cronjobs.core.job import Occurrence

if TYPE_CHECKING:
    from cronjobs.core.schedule import Schedule

_PLACE_BITS = 32
_PLACE_MASK = (1 << _PLACE_BITS) - 1
_SPARE_PLACES = 1000


class Agenda:
    """Knows of every scheduled job when it is due next.

    Jobs that share a `Schedule` object share the computation of its next instant.
    """

    def __init__(self) -> None:
        # An entry is one number, the instant in front of the job's place: a tuple is four times as large, and
        # compared half as fast. Places are given in the order in which jobs are added; a job that is added
        # again has a new one, and the old one stays empty until there are too many of those.
        self._heap: list[int] = []
        self._places: dict[str, int] = {}
        self._jobs: list[str] = []  # by place
        self._schedules: list[Schedule] = []  # by place

    def __contains__(self, job: object) -> bool:
        return job in self._places

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield (instant, job) for each job's next occurrence, soonest first."""
        for entry in sorted(self._heap):
            if (job := self._job_of(entry)) is not None:
                yield entry >> _PLACE_BITS, job

    def __len__(self) -> int:
        return len(self._places)

    def add(self, job: str, schedule: "Schedule", after: int) -> None:
        """Put the job's first occurrence after an instant on the agenda, in place of what was there."""
        self.remove(job)
        instant = schedule.next_after(after)
        if instant is None:
            return
        if len(self._jobs) > 2 * len(self._places) + _SPARE_PLACES:
            self._give_new_places()
        place = self._places[job] = len(self._jobs)
        self._jobs.append(job)
        self._schedules.append(schedule)
        heappush(self._heap, instant << _PLACE_BITS | place)

    def remove(self, job: str) -> None:
        """Take the job off; nothing happens if it is not there."""
        self._places.pop(job, None)  # its entry in the heap is passed over when it comes up

    def wake_at(self) -> int | None:
        """Return the next instant at which some job is due, or None."""
        while self._heap and self._job_of(self._heap[0]) is None:
            heappop(self._heap)
        return self._heap[0] >> _PLACE_BITS if self._heap else None

    def due(self, now: float) -> list[Occurrence]:
        """Take every occurrence up to now, in order, and arm the ones that follow.

        Of a job that is found over a minute late, only the first is given: it is for `catch_up` to say how
        many there were.
        """
        found: list[Occurrence] = []
        following: dict[tuple[int, int], int | None] = {}
        heap = self._heap
        while heap and (instant := heap[0] >> _PLACE_BITS) <= now:
            job = self._job_of(heap[0])
            if job is None:
                heappop(heap)
                continue
            found.append(Occurrence(job, instant))
            place = heap[0] & _PLACE_MASK
            schedule = self._schedules[place]
            # From this occurrence, not from now: a late tick must not move the schedule. But what is so late
            # that it is caught up with needs its first occurrence only: there may be millions.
            after = instant if instant >= now - LATE_SECONDS else int(now)
            key = (id(schedule), after)
            if key not in following:
                following[key] = schedule.next_after(after)
            upcoming = following[key]
            if upcoming is None:
                del self._places[job]
            else:
                heapreplace(heap, upcoming << _PLACE_BITS | place)
        return found

    def before(self, instant: float) -> list[str]:
        """Return the jobs that are due before an instant, without taking them."""
        found = []
        positions = [0]  # the heap is a tree: below an entry that is late enough, all are
        while positions:
            position = positions.pop()
            if position < len(self._heap) and self._heap[position] >> _PLACE_BITS < instant:
                job = self._job_of(self._heap[position])
                if job is not None:
                    found.append(job)
                positions += (2 * position + 1, 2 * position + 2)
        return found

    def _job_of(self, entry: int) -> str | None:
        """Return the job of an entry; None if it was taken off, or added again, since."""
        place = entry & _PLACE_MASK
        job = self._jobs[place]
        return job if self._places.get(job) == place else None

    def _give_new_places(self) -> None:
        """Forget the places of jobs that were taken off or added again."""
        entries = [entry for entry in self._heap if self._job_of(entry) is not None]
        kept = sorted(entry & _PLACE_MASK for entry in entries)
        new = {place: number for number, place in enumerate(kept)}
        self._jobs = [self._jobs[place] for place in kept]
        self._schedules = [self._schedules[place] for place in kept]
        self._places = {job: number for number, job in enumerate(self._jobs)}
        self._heap = [entry & ~_PLACE_MASK | new[entry & _PLACE_MASK] for entry in entries]
        heapify(self._heap)
