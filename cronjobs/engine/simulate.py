"""The same loop on virtual time: every run that a configuration would make, without making any."""

from collections.abc import Sequence
from signal import SIGTERM
from typing import TYPE_CHECKING, NamedTuple

from cronjobs.core.due import is_anchored, schedules_of
from cronjobs.core.job import Configuration
from cronjobs.core.ports import Definition, Ended, ExecutorEvent, Launch, Prepared, Signalled
from cronjobs.engine.options import Options
from cronjobs.engine.scheduler import Scheduler
from cronjobs.processes import own_identity

if TYPE_CHECKING:
    from cronjobs.core.events import Event
    from cronjobs.store.sqlite import SqliteStore

_TURN_SECONDS = 1e-6  # the least that time moves where something is waited for
_AFTER_END_SECONDS = 0.5  # by then what is due at the very end has run


class SimulatedRun(NamedTuple):
    """A run that would be made; `execution_number` counts as the state file does."""

    job: str
    scheduled_for: int
    execution_number: int


def simulate(
    configuration: Configuration, start: float, end: float, *, store: "SqliteStore"
) -> list[SimulatedRun]:
    """Return every run of a time, after `start` up to and including `end`, in UTC seconds, in their order.

    store: one in memory, which holds the counts to begin with; it is written to.

    Runs take no time and succeed. A scheduler is thought to go on at `start`: that is no occurrence for
    `@reboot`, and nothing from before is owed.
    """
    store.attach(own_identity(), now=start)
    anchored = [Definition(job.name, job.form) for job in configuration.jobs.values() if is_anchored(job)]
    anchors = store.define(anchored, int(start // 1)) if anchored else {}
    clock = _VirtualClock(start)
    executor = _InstantExecutor(clock, end + _AFTER_END_SECONDS)
    options = Options(
        grace_seconds=0.0, exit_when_done=True, is_start=False, longest_wait_seconds=float("inf")
    )
    scheduler = Scheduler(
        *(configuration, schedules_of(configuration, anchors), options),
        clock=clock,
        store=store,
        executor=executor,
        observer=_Silent(),
    )
    scheduler.run()
    places = {name: place for place, name in enumerate(configuration.jobs)}
    return sorted(executor.runs, key=lambda run: (run.scheduled_for, places[run.job]))


class _VirtualClock:
    """Shows what it is told to: waiting moves it."""

    def __init__(self, now: float) -> None:
        self.moment = now

    def now(self) -> float:
        """Return the wall clock, in UTC seconds."""
        return self.moment

    def monotonic(self) -> float:
        """Return the same: nobody sets this clock."""
        return self.moment

    def suspended(self) -> float:
        """Return 0: it never sleeps."""
        return 0.0


class _InstantExecutor:
    """An `Executor` whose runs end when they begin. Waiting moves the clock, and at the end comes SIGTERM."""

    def __init__(self, clock: _VirtualClock, end: float) -> None:
        self.runs: list[SimulatedRun] = []
        self._clock = clock
        self._end = end
        self._launches: dict[int, Launch] = {}
        self._events: list[ExecutorEvent] = []

    def warm(self, jobs: Sequence[str]) -> None:
        """Do nothing: there is nothing to be made ready."""

    def prepare(self, launches: Sequence[Launch]) -> None:
        """Have a process for each at once."""
        for launch in launches:
            self._launches[launch.number] = launch
            self._events.append(Prepared(launch.number, 0, 0))

    def go(self, number: int) -> bool:
        """Write the run down, and end it."""
        launch = self._launches.pop(number)
        self.runs.append(SimulatedRun(launch.job, launch.scheduled_for, launch.execution_number))
        self._events.append(Ended(number, self._clock.moment, 0, None, None, None))
        return True

    def drop(self, number: int) -> None:
        """Forget the run."""
        self._launches.pop(number, None)

    def signal(self, number: int, signum: int) -> None:
        """Do nothing: no run lasts long enough to be signalled."""

    def answer(self, number: int, ticket: int, answer: object) -> None:
        """Do nothing: no run asks anything."""

    def ask_to_stop(self, number: int) -> None:
        """Do nothing: as with signals."""

    def wait(self, timeout_seconds: float) -> list[ExecutorEvent]:
        """Return what has happened; if nothing has, let time pass."""
        if not self._events:
            moment = self._clock.moment + max(timeout_seconds, _TURN_SECONDS)
            if moment >= self._end:
                self._events.append(Signalled(SIGTERM))
            self._clock.moment = min(moment, max(self._end, self._clock.moment + _TURN_SECONDS))
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Do nothing: nothing is left."""


class _Silent:
    """An `Observer` that takes no notice."""

    def observe(self, event: "Event") -> None:
        """Take no notice."""

    def flush(self) -> None:
        """Do nothing."""

    def drain(self, patience_seconds: float) -> None:
        """Do nothing."""
