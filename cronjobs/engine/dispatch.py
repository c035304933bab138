"""Runs from their claim to their record: room, go, time limits, outcomes."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import heappop, heappush
from signal import SIGKILL, SIGTERM

from cronjobs.core.catch_up import WINDOW_SECONDS
from cronjobs.core.decide import Facts, decide, remaining
from cronjobs.core.errors import StateError, StateLostError
from cronjobs.core.events import Event, Note, OutputLine, RunFinished, RunStarted
from cronjobs.core.job import Job, Occurrence
from cronjobs.core.ports import (
    Asked,
    Clock,
    Ended,
    Executor,
    Heeding,
    Launch,
    Prepared,
    Printed,
    RunEvent,
    Unprepared,
)
from cronjobs.core.run import Outcome, Reason, Run, State, advance, finish, run_id
from cronjobs.engine.answers import Answers
from cronjobs.engine.recovery import DispatcherStore
from cronjobs.processes import Identity

_AGAIN_SECONDS = 1.0  # after a fork or a commit that failed
_OUTCOMES_WAIT_SECONDS = 0.1  # while other runs are being started, which is more urgent
_TIME_IS_OVER = 0  # where a timer has a signal otherwise
_SOFT_SHARE = 0.5  # of `kill_after`, for a run that looks whether it is to stop, before it is terminated


class Flight:
    """A run on its way, and how it is being ended, if it is."""

    __slots__ = ("ending", "has_gone", "is_asked_to_stop", "is_heeding", "job", "number", "reason", "run")

    def __init__(self, number: int, run: Run, job: Job) -> None:
        self.number = number
        self.run = run
        self.job = job
        self.has_gone = False
        self.is_heeding = False  # it looks whether it is to stop
        self.is_asked_to_stop = False
        self.ending: State | None = None  # what it will have become by our hand
        self.reason: Reason | None = None


class Armed:
    """A process that was made ahead of its occurrence, and has not got a run yet."""

    __slots__ = ("event", "launch")

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.event: Prepared | None = None  # once its process waits for go


class Dispatch:
    """Starts claimed runs as there is room, and records what becomes of them."""

    def __init__(
        self,
        jobs: Mapping[str, Job],
        *,
        clock: Clock,
        store: DispatcherStore,
        executor: Executor,
        tell: Callable[[Event], None],
        max_parallel: int,
        on_returned: Callable[[str], None],
        max_armed: int = 0,
        living: Collection[Identity] = (),
    ) -> None:
        """on_returned: told of a job whose count went down again.

        living: dispatchers known to live though this process may not see them.
        """
        self._jobs = jobs
        self._clock = clock
        self._store = store
        self._executor = executor
        self._tell = tell
        self._max_parallel = max_parallel
        self._on_returned = on_returned
        self._max_armed = max_armed
        self._answers = Answers(clock=clock, store=store, executor=executor, tell=tell, living=living)
        self._numbers = 0
        self._waiting: deque[Run] = deque()
        self._again: list[tuple[float, int, Run]] = []  # (monotonic, order, run): could not be started
        self._flights: dict[int, Flight] = {}
        self._gone = 0  # how many of them have got go
        self._armed: dict[Occurrence, Armed] = {}
        self._armed_by_number: dict[int, Occurrence] = {}
        self._prepared: list[tuple[Flight, Prepared]] = []
        self._outcomes: list[Run] = []
        self._outcomes_since = 0.0
        self._timers: list[tuple[float, int, int]] = []  # (monotonic, number, signal or _TIME_IS_OVER)
        self._not_before = 0.0  # monotonic; when a commit may be tried again
        self._is_unwritable = False

    @property
    def is_idle(self) -> bool:
        """Whether every claimed run has come to its end and is recorded."""
        return not (self._flights or self._waiting or self._again or self._outcomes or self._answers.is_owing)

    @property
    def unrecorded(self) -> int:
        """How many outcomes there are still to be written, once no run is left; 0 while there is one."""
        return 0 if self._flights or self._waiting or self._again else len(self._outcomes)

    def is_flying(self, job: str) -> bool:
        """Return whether a run of the job is on its way here."""
        runs = [flight.run for flight in self._flights.values()]
        return any(run.job == job for run in (*runs, *self._waiting, *(run for _, _, run in self._again)))

    def admit(self, runs: Sequence[Run]) -> None:
        """Take claimed runs: those that there is room for are started, the others wait."""
        self._waiting.extend(runs)
        self._fill()
        late = [run for run in self._waiting if run.state is State.CLAIMED]
        if late and self._try(lambda: self._store.wait(late)):
            self._waiting = deque(
                advance(run, State.WAITING) if run.state is State.CLAIMED else run for run in self._waiting
            )

    def arm(self, occurrences: Sequence[Occurrence], facts: Mapping[str, Facts]) -> None:
        """Have processes ready for occurrences that are due soon, as far as there is room for their runs.

        Nothing is claimed by that: a process whose occurrence is not claimed as foreseen is dropped.
        """
        room = min(self._max_parallel - len(self._flights) - len(self._waiting), self._max_armed)
        launches: list[Launch] = []
        for occurrence in occurrences:
            job, known = self._jobs[occurrence.job], facts[occurrence.job]
            if len(launches) < room and decide(job, known).action == "start":
                launch = self._launch(
                    job, run_id(*occurrence), occurrence.scheduled_for, 1, known.executions + 1
                )
                self._armed[occurrence] = Armed(launch)
                self._armed_by_number[launch.number] = occurrence
                launches.append(launch)
        if launches:
            self._executor.prepare(launches)

    def disarm(self) -> None:
        """Drop the processes that were made ahead and not used."""
        for armed in self._armed.values():
            self._executor.drop(armed.launch.number)
        self._armed.clear()
        self._armed_by_number.clear()

    def take(self, event: RunEvent) -> None:
        """Take what the executor says of a run."""
        flight = self._flights.get(event.number)
        if flight is None:
            self._take_armed(event)
            return
        if isinstance(event, Printed):
            self._tell(OutputLine(flight.run, event.stream, event.text))
        elif isinstance(event, Asked):
            self._answers.take(flight.run, event)
        elif isinstance(event, Heeding):
            flight.is_heeding = True
        elif isinstance(event, Prepared):
            self._prepared.append((flight, event))
        elif isinstance(event, Unprepared):
            self._unprepared(flight, event)
        elif isinstance(event, Ended):
            self._ended(flight, event)
        else:
            self._close(flight, Outcome(State.LOST, self._clock.now(), Reason.ZYGOTE))

    def settle(self) -> None:
        """Commit what is to be committed, let prepared runs go, end those whose time is over, fill up."""
        self._expire()
        now = self._clock.monotonic()
        if now >= self._not_before:
            if self._prepared:
                self._start()
            if self._answers.is_owing:
                self._try(self._answers.settle)
            is_starting = len(self._flights) > self._gone
            if not is_starting or now - self._outcomes_since > _OUTCOMES_WAIT_SECONDS:
                self.record()
        self._take_up_again(now)
        self._fill()

    def record(self) -> bool:
        """Commit the outcomes there are; False if that was not possible."""
        if not self._outcomes:
            return True
        runs = self._outcomes
        if not self._try(lambda: self._store.finish(runs)):
            return False
        self._outcomes = []
        for run in runs:
            self._tell(RunFinished(run))
            for id in self._answers.left_behind(run):
                message = (
                    f"workflow {id} is not over: whoever begins it again goes on with it;"
                    f" by hand, `cronjobs workflow retry {id}` does, and `cancel` undoes it"
                )
                self._tell(Note("warning", "workflow_left", message, run.job, run.id))
            if run.started_at is None:
                self._on_returned(run.job)
        return True

    def wake_at(self) -> float | None:
        """Return the monotonic instant at which there is something to settle."""
        instants = [timer[0] for timer in self._timers[:1]] + [each[0] for each in self._again[:1]]
        if self._outcomes:
            instants.append(max(self._not_before, self._outcomes_since + _OUTCOMES_WAIT_SECONDS))
        if (
            self._prepared
            or self._answers.is_owing
            or (self._waiting and len(self._flights) < self._max_parallel)
        ):
            instants.append(self._not_before)
        return min(instants, default=None)

    def ask_all_to_stop(self) -> None:
        """Tell the runs that are running that they are to end by themselves, if they look."""
        for flight in self._flights.values():
            if flight.has_gone:
                self._ask_to_stop(flight)

    def cancel_unstarted(self, reason: Reason) -> None:
        """Give up every run that has not got go; each gives its count back."""
        self.disarm()
        outcome = Outcome(State.CANCELLED, self._clock.now(), reason)
        for run in (*self._waiting, *(run for _, _, run in self._again)):
            self._conclude(finish(run, outcome))
        self._waiting.clear()
        self._again.clear()
        self._prepared.clear()
        for flight in list(self._flights.values()):
            if not flight.has_gone:
                self._executor.drop(flight.number)
                self._close(flight, outcome)

    def end_all(self, reason: Reason, *, at_once: bool = False) -> None:
        """End the runs that are running: SIGTERM, and SIGKILL after each one's `kill_after`, or at once."""
        for flight in list(self._flights.values()):
            if flight.has_gone and (flight.ending is None or at_once):
                state = flight.ending or State.CANCELLED
                self._end(flight, state, flight.reason if flight.ending else reason, at_once=at_once)

    # From claim to go

    def _fill(self) -> None:
        if self._clock.monotonic() < self._not_before:
            return  # none could be written down as running; those that were put off go first
        launches = []
        while self._waiting and len(self._flights) < self._max_parallel:
            run = self._waiting.popleft()
            job = self._jobs[run.job]
            launch = self._launch(job, run.id, run.scheduled_for, run.attempt, run.execution_number or 0)
            armed = self._armed_for(run, launch)
            flight = Flight(armed.launch.number if armed else launch.number, run, job)
            self._flights[flight.number] = flight
            if armed is None:
                launches.append(launch)
            elif armed.event is not None:
                self._prepared.append((flight, armed.event))
        if launches:
            self._executor.prepare(launches)

    def _take_up_again(self, now: float) -> None:
        """Put the runs that could not be started back among those that wait, in their order."""
        runs = []
        while self._again and self._again[0][0] <= now:
            runs.append(heappop(self._again)[2])
        if runs:
            waiting = sorted((*runs, *self._waiting), key=lambda run: (run.scheduled_for, run.row))
            self._waiting = deque(waiting)

    def _launch(self, job: Job, run_id: str, scheduled_for: int, attempt: int, executions: int) -> Launch:
        self._numbers += 1
        left = remaining(job, executions)
        return Launch(self._numbers, job.name, run_id, scheduled_for, attempt, executions, left)

    def _armed_for(self, run: Run, launch: Launch) -> Armed | None:
        """Return the process that was made for a run, if it was told what is true now."""
        armed = self._armed.pop(Occurrence(run.job, run.scheduled_for), None)
        if armed is None:
            return None
        del self._armed_by_number[armed.launch.number]
        if armed.launch == launch._replace(number=armed.launch.number):
            return armed
        self._executor.drop(armed.launch.number)
        return None

    def _take_armed(self, event: RunEvent) -> None:
        occurrence = self._armed_by_number.get(event.number)
        if occurrence is None:
            return  # a run that was given up in the meantime
        if isinstance(event, Prepared):
            self._armed[occurrence].event = event
        else:  # it did not work out: the run will be prepared when it is claimed
            del self._armed[occurrence], self._armed_by_number[event.number]

    def _start(self) -> None:
        """Write `running`, then go: never the other way round."""
        prepared, self._prepared = self._prepared, []
        now = self._clock.now()
        runs = [
            advance(flight.run, State.RUNNING, started_at=now, pid=event.pid, start_ticks=event.start_ticks)
            for flight, event in prepared
        ]
        if not self._try(lambda: self._store.start(runs)):
            for flight, _ in prepared:
                self._executor.drop(flight.number)
                self._postpone(flight, self._not_before)
            return
        for (flight, _), run in zip(prepared, runs, strict=True):
            flight.run = run
            if self._executor.go(flight.number):
                self._went(flight)
            else:
                self._return(flight)

    def _went(self, flight: Flight) -> None:
        flight.has_gone = True
        self._gone += 1
        self._tell(RunStarted(flight.run, flight.job.number_of_executions))
        if flight.job.timeout_seconds is not None:
            at = self._clock.monotonic() + flight.job.timeout_seconds
            heappush(self._timers, (at, flight.number, _TIME_IS_OVER))

    def _return(self, flight: Flight) -> None:
        """Its process was gone before it got go: the row becomes `claimed` again."""
        run = advance(flight.run, State.CLAIMED, started_at=None, pid=None, start_ticks=None)
        if self._try(lambda: self._store.start([run])):
            flight.run = run
            self._postpone(flight, self._clock.monotonic() + _AGAIN_SECONDS)
        else:
            self._close(flight, Outcome(State.LOST, self._clock.now(), Reason.ZYGOTE))

    def _unprepared(self, flight: Flight, event: Unprepared) -> None:
        now = self._clock.now()
        if event.error is not None:
            flight.run = advance(flight.run, State.RUNNING, started_at=now)
            self._close(flight, Outcome(State.FAILED, now, exit_code=1, error=event.error))
            return
        self._prepared = [each for each in self._prepared if each[0] is not flight]
        if flight.run.scheduled_for < now - WINDOW_SECONDS:
            self._close(flight, Outcome(State.MISSED, now, Reason.TOO_LATE))
            return
        message = f"could not be started: {event.message}; trying again"
        self._tell(Note("warning", "start_failed", message, flight.run.job, flight.run.id))
        self._postpone(flight, self._clock.monotonic() + _AGAIN_SECONDS)

    def _postpone(self, flight: Flight, at: float) -> None:
        del self._flights[flight.number]
        heappush(self._again, (at, flight.number, flight.run))

    # From go to the record

    def _ended(self, flight: Flight, event: Ended) -> None:
        state = flight.ending or (State.SUCCEEDED if event.exit_code == 0 else State.FAILED)
        _, finished_at, exit_code, signum, error, usage, result = event
        outcome = Outcome(state, finished_at, flight.reason, exit_code, signum, error, usage, result)
        self._close(flight, outcome)

    def _close(self, flight: Flight, outcome: Outcome) -> None:
        del self._flights[flight.number]
        self._gone -= flight.has_gone
        self._conclude(finish(flight.run, outcome))

    def _conclude(self, run: Run) -> None:
        if not self._outcomes:
            self._outcomes_since = self._clock.monotonic()
        self._outcomes.append(run)

    def _expire(self) -> None:
        now = self._clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, number, signum = heappop(self._timers)
            flight = self._flights.get(number)
            if flight is None:
                continue
            if signum != _TIME_IS_OVER:
                self._executor.signal(number, signum)
            elif flight.ending is None:
                self._end(flight, State.TIMED_OUT, None)

    def _end(self, flight: Flight, state: State, reason: Reason | None, *, at_once: bool = False) -> None:
        """End a run. One that looks whether it is to stop, and was not told, is left alone for a while."""
        flight.ending, flight.reason = state, reason
        if at_once:
            self._executor.signal(flight.number, SIGKILL)
            return
        now, patience = self._clock.monotonic(), flight.job.kill_after_seconds
        heappush(self._timers, (now + patience, flight.number, SIGKILL))
        is_news = not flight.is_asked_to_stop
        self._ask_to_stop(flight)
        if flight.is_heeding and is_news:
            heappush(self._timers, (now + patience * _SOFT_SHARE, flight.number, SIGTERM))
        else:
            self._executor.signal(flight.number, SIGTERM)

    def _ask_to_stop(self, flight: Flight) -> None:
        if not flight.is_asked_to_stop:
            flight.is_asked_to_stop = True
            self._executor.ask_to_stop(flight.number)

    def _try(self, write: Callable[[], None]) -> bool:
        """Write to the state file; where that fails, say so once and hold back for a while."""
        try:
            write()
        except StateLostError:
            raise
        except StateError as exc:
            self._not_before = self._clock.monotonic() + _AGAIN_SECONDS
            if not self._is_unwritable:
                self._tell(Note("error", "state_unwritable", f"{exc}; trying again until it works"))
            self._is_unwritable = True
            return False
        if self._is_unwritable:
            self._tell(Note("info", "state_writable", "the state file can be written again"))
        self._is_unwritable = False
        return True
