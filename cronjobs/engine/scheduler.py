"""The tick loop: agenda, decisions, one claim for all that is due, and what comes back."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from signal import SIGUSR1
from typing import TYPE_CHECKING

from cronjobs.core.agenda import Agenda
from cronjobs.core.catch_up import LATE_SECONDS, WINDOW_SECONDS, Missed, catch_up
from cronjobs.core.decide import Facts, decide, remaining
from cronjobs.core.due import is_at_start, is_due_at_start
from cronjobs.core.errors import StateError, StateLostError
from cronjobs.core.events import Coming, Event, Note, RunFinished, RunSkipped, SchedulePrinted
from cronjobs.core.job import Concurrency, Configuration, Job, Occurrence
from cronjobs.core.jumps import Jump, Reading, jump_between, owed_after
from cronjobs.core.ports import (
    Claim,
    Clock,
    Definition,
    Executor,
    ExecutorEvent,
    Observer,
    Passed,
    Said,
    Signalled,
)
from cronjobs.core.run import Reason, Run, Trigger, instant_text
from cronjobs.core.words import rough_duration
from cronjobs.engine.dispatch import Dispatch
from cronjobs.engine.options import Options
from cronjobs.engine.recovery import recover

if TYPE_CHECKING:
    from cronjobs.core.schedule import Schedule
    from cronjobs.store.sqlite import SqliteStore

_WARM_SECONDS = 5.0  # ahead of a job, its zygote starts
_ARM_SECONDS = 0.05  # ahead of their instant, processes are made, and for each so much more
_ARM_SECONDS_A_JOB = 0.0015
_AGAIN_SECONDS = 1.0  # after a claim that could not be committed
_DRAIN_SECONDS = 2.0  # at the end, for a reader of the log that falls behind
_PRUNE_SECONDS = 3600.0
_HISTORY_SECONDS = 30 * 86_400.0
_HISTORY_ROWS_A_JOB = 10_000
_LINES_AT_ONCE = 500  # of the next-run schedule


class Scheduler:
    """Runs the jobs of one configuration from one state file, until it is told to stop."""

    def __init__(
        self,
        configuration: Configuration,
        schedules: Mapping[str, "Schedule"],
        options: Options,
        *,
        clock: Clock,
        store: "SqliteStore",
        executor: Executor,
        observer: Observer,
    ) -> None:
        self._jobs = configuration.jobs
        self._schedules = schedules
        self._options = options
        self._clock = clock
        self._store = store
        self._executor = executor
        self._observer = observer
        self._agenda = Agenda()
        self._owed: list[Occurrence] = []  # due, and not yet claimed
        self._starting: set[Occurrence] = set()  # due because the scheduler started
        self._leapt: list[tuple[str, Jump]] = []  # jobs that were due within a jump, and it
        self._reading = self._read_clocks()
        self._pause_seconds = 0.0  # how long the loop was to wait since then
        self._dispatch = Dispatch(
            configuration.jobs,
            clock=clock,
            store=store,
            executor=executor,
            tell=self._tell,
            max_parallel=configuration.settings.max_parallel,
            on_returned=self._rearm,
            max_armed=options.max_armed,
        )
        self._looked_at = 0.0  # monotonic
        self._pruned_at = 0.0  # monotonic
        self._claim_not_before = 0.0  # monotonic
        self._is_claim_failing = False
        self._warmed_for: int | None = None
        self._upcoming: list[str] = []  # the jobs that are due then
        self._armed_for: int | None = None
        self._stop_signals: list[int] = []
        self._drained_by: float | None = None  # monotonic: until then, runs may finish by themselves

    def run(self) -> int:
        """Schedule until everything is done or a signal says to stop; return the exit code."""
        self._begin()
        while not self._is_over():
            self._turn()
            self._observer.flush()
            self._pause_seconds = self._pause()
            for event in self._executor.wait(self._pause_seconds):
                self._take(event)
        self._end()
        return 128 + self._stop_signals[-1] if len(self._stop_signals) > 1 else 0

    # The start

    def _begin(self) -> None:
        self._reading = self._read_clocks()
        self._pause_seconds = float("inf")  # a start may take its time
        now = self._reading.wall
        enabled = [job for job in self._jobs.values() if job.enabled]
        definitions = (Definition(job.name, job.form) for job in self._jobs.values())
        ticked_until = self._store.ticked_until()
        if ticked_until is not None and ticked_until > now:
            ticked_until = int(now) - WINDOW_SECONDS  # written while the clock was ahead: it says nothing
        looked_until = int(now) if ticked_until is None else ticked_until
        changed_at = self._store.define(definitions, int(now), after=looked_until)
        found = recover(self._store, self._jobs, self._clock)
        for run in found.closed:
            self._tell(RunFinished(run))
        for job in enabled:
            self._agenda.add(job.name, self._schedules[job.name], int(now))
        self._dispatch.admit(found.resumed)
        if ticked_until is not None:
            since = {job.name: changed_at.get(job.name, ticked_until) for job in enabled}
            self._catch_up(since, now)
        if self._options.is_start:
            due = [job.name for job in enabled if is_due_at_start(job, int(now))]
            # An earlier start, or a time of day, may have this second already: each start is one of its own.
            starting = [Occurrence(name, self._store.first_free(name, int(now))) for name in due]
            self._starting = set(starting)
            self._owed += starting
        self._drop_finished()
        self._tell(SchedulePrinted(_Outlook(self._jobs, self._agenda, self._store)))

    def _catch_up(self, since: Mapping[str, int], now: float) -> None:
        """Claim what is owed for the time in which no scheduler looked."""
        facts = self._store.facts(list(since))
        claims: list[Claim] = []
        passed: list[Passed] = []
        for name, after in since.items():
            owed = catch_up(self._schedules[name], after, int(now))
            if owed.missed is not None:
                passed.append(_missed(name, owed.missed))
            if owed.instant is not None:
                occurrence = Occurrence(name, owed.instant)
                self._decide(occurrence, Trigger.CATCH_UP, facts, claims, passed)
        self._claim(claims, passed, now)

    # One turn of the loop

    def _turn(self) -> None:
        if self._stop_signals:
            self._drain()
        else:
            self._tick()
        self._dispatch.settle()
        self._warm()

    def _tick(self) -> None:
        """Decide about all that is due, and claim it in one transaction."""
        before, self._reading = self._reading, self._read_clocks()
        now, monotonic = self._reading.wall, self._reading.monotonic
        if jump := jump_between(before, self._reading):
            self._leap(jump)
        elif (stall := monotonic - before.monotonic - self._pause_seconds) > LATE_SECONDS:
            message = (
                f"the scheduler stood still for {rough_duration(stall)}: what was due is left to catch_up"
            )
            self._tell(Note("warning", "stalled", message))
        self._owed += self._agenda.due(now)
        if self._is_owing() and monotonic >= self._claim_not_before:
            self._claim_owed(now)
        if monotonic - self._looked_at >= self._options.longest_wait_seconds:
            self._look_around(now)

    def _read_clocks(self) -> Reading:
        clock = self._clock
        return Reading(clock.now(), clock.monotonic(), clock.suspended())

    def _is_owing(self) -> bool:
        """Return whether there is something due that is not claimed yet."""
        return bool(self._owed or self._leapt)

    def _leap(self, jump: Jump) -> None:
        """Begin the agenda again where the clock went to, and keep what it jumped over."""
        event, message = _about(jump)
        self._tell(Note("warning", event, message))
        end = int(jump.end)
        if jump.seconds > 0:
            leapt = self._agenda.before(end + 1)
            self._leapt += [(name, jump) for name in leapt]
        else:
            # One whose last moment is ahead again is back, unless it used up its limit.
            leapt = [
                job.name
                for job in self._jobs.values()
                if job.name in self._agenda or (job.enabled and job.number_of_executions is None)
            ]
        for name in leapt:
            self._agenda.add(name, self._schedules[name], end)

    def _claim_owed(self, now: float) -> None:
        """Decide about all that is owed; where that cannot be written down, try again after a while."""
        try:
            if self._dispatch.record():
                self._decide_owed(now)
                self._is_claim_failing = False
                return
        except StateLostError:
            raise
        except StateError as exc:
            if not self._is_claim_failing:
                message = f"nothing is started: {exc}; trying again until it works"
                self._tell(Note("error", "claim_failed", message))
            self._is_claim_failing = True
        self._claim_not_before = self._clock.monotonic() + _AGAIN_SECONDS

    def _decide_owed(self, now: float) -> None:
        leapt = [name for name, _ in self._leapt]
        names = list(dict.fromkeys((*leapt, *(occurrence.job for occurrence in self._owed))))
        facts = self._facts(names)
        claims: list[Claim] = []
        passed: list[Passed] = []
        for name, jump in self._leapt:
            owed = owed_after(self._schedules[name], jump)
            if owed.missed is not None:
                reason = Reason.CLOCK if jump.is_bridged else Reason.TOO_LATE
                passed.append(_missed(name, owed.missed, reason))
            if owed.instant is not None:
                self._decide(Occurrence(name, owed.instant), Trigger.CATCH_UP, facts, claims, passed)
        late: dict[str, int] = {}  # {job: when it was due first}
        for occurrence in self._owed:
            if occurrence.scheduled_for < now - LATE_SECONDS and occurrence not in self._starting:
                late.setdefault(*occurrence)
        for name, first in late.items():
            owed = catch_up(self._schedules[name], first - 1, int(now))
            if owed.missed is not None:
                passed.append(_missed(name, owed.missed))
            if owed.instant is not None:
                self._decide(Occurrence(name, owed.instant), Trigger.CATCH_UP, facts, claims, passed)
        for occurrence in self._owed:
            if occurrence.job not in late or occurrence in self._starting:
                self._decide(occurrence, Trigger.SCHEDULE, facts, claims, passed)
        self._claim(claims, passed, now)

    def _facts(self, names: Sequence[str]) -> dict[str, Facts]:
        """Read what decisions need; where a run seems to be in the way, see that its dispatcher lives."""
        facts = self._store.facts(names)
        in_the_way = [name for name in names if facts[name].unfinished and not self._dispatch.is_flying(name)]
        if any(self._jobs[name].concurrency is Concurrency.FORBID for name in in_the_way):
            found = recover(self._store, self._jobs, self._clock)
            for run in found.closed:
                self._tell(RunFinished(run))
            self._dispatch.admit(found.resumed)
            if found.closed:
                facts = self._store.facts(names)
        return facts

    def _decide(
        self,
        occurrence: Occurrence,
        trigger: Trigger,
        facts: dict[str, Facts],
        claims: list[Claim],
        passed: list[Passed],
    ) -> None:
        """Add what is decided to the claims or to what is passed over, and to the facts."""
        name, instant = occurrence
        job, known = self._jobs[name], facts[name]
        decision = decide(job, known)
        if decision.action == "start":
            is_exclusive = job.concurrency is Concurrency.FORBID
            claims.append(Claim(name, instant, trigger, job.number_of_executions, is_exclusive))
            facts[name] = known._replace(executions=known.executions + 1, unfinished=known.unfinished + 1)
        elif decision.action == "skip" and decision.reason is not None:
            passed.append(Passed(name, instant, instant, 1, "skipped", decision.reason, trigger))
        else:
            self._agenda.remove(name)

    def _claim(self, claims: Sequence[Claim], passed: Sequence[Passed], now: float) -> None:
        runs, rows = self._store.claim(claims, passed, ticked_until=int(now), now=now)
        self._owed, self._leapt = [], []
        for row in rows:
            self._tell(RunSkipped(row))
        for run in runs:
            limit = self._jobs[run.job].number_of_executions
            if limit is not None and (run.execution_number or 0) >= limit:
                self._agenda.remove(run.job)
        self._dispatch.admit(runs)

    def _look_around(self, now: float) -> None:
        """Show that the scheduler lives, and see what others have written."""
        try:
            if self._store.changed():
                self._drop_finished()
            # What could not be claimed yet would be forgotten if the scheduler died.
            unclaimed = [each.scheduled_for - 1 for each in self._owed]
            unclaimed += [int(jump.start) for _, jump in self._leapt]
            until = min(unclaimed, default=int(now))
            self._store.tick(ticked_until=until, now=now)
            if self._clock.monotonic() - self._pruned_at > _PRUNE_SECONDS:
                self._pruned_at = self._clock.monotonic()
                self._store.prune(before=now - _HISTORY_SECONDS, rows_a_job=_HISTORY_ROWS_A_JOB)
                self._store.prune_workflows(now=now, keep_seconds=_HISTORY_SECONDS)
        except StateLostError:
            raise
        except StateError as exc:
            self._tell(Note("error", "state_unwritable", str(exc)))
        self._looked_at = self._clock.monotonic()

    def _drop_finished(self) -> None:
        """Take jobs that have used up their limit off the agenda, and put back those that may run again."""
        limited = [
            job.name for job in self._jobs.values() if job.enabled and job.number_of_executions is not None
        ]
        for name, facts in self._store.facts(limited).items():
            if remaining(self._jobs[name], facts.executions) == 0:
                self._agenda.remove(name)
            elif name not in self._agenda:
                self._rearm(name)

    def _rearm(self, name: str) -> None:
        """Put a job that may run again back on the agenda, from now on."""
        if name not in self._agenda and not self._stop_signals:
            self._agenda.add(name, self._schedules[name], int(self._clock.now()))

    def _warm(self) -> None:
        """Make ready for what is due next: its zygotes some seconds ahead, its processes a moment ahead."""
        at, now = self._agenda.wake_at(), self._clock.now()
        if at is None or self._stop_signals:
            return
        if at != self._warmed_for and at - now <= _WARM_SECONDS:
            self._warmed_for = at
            self._upcoming = self._agenda.before(at + 1)
            self._executor.warm(self._upcoming)
        if self._armed_for is not None and (at != self._armed_for or at - now > _WARM_SECONDS):
            self._armed_for = None  # that instant is over, or the clock was set
            self._dispatch.disarm()
        if at == self._warmed_for and at != self._armed_for and now >= at - self._lead_seconds():
            self._armed_for = at
            occurrences = [Occurrence(name, at) for name in self._upcoming]
            try:
                facts = self._store.facts(self._upcoming)
            except StateLostError:
                raise
            except StateError:
                return  # they will be made when they are claimed
            self._dispatch.arm(occurrences, facts)

    def _lead_seconds(self) -> float:
        """Return how long ahead of their instant the upcoming processes are made."""
        return _ARM_SECONDS + _ARM_SECONDS_A_JOB * min(len(self._upcoming), self._options.max_armed)

    def _pause(self) -> float:
        """Return how long there is nothing to do, in seconds."""
        if self._is_over():
            return 0.0
        now, monotonic = self._clock.now(), self._clock.monotonic()
        instants = [self._looked_at + self._options.longest_wait_seconds]
        at = self._agenda.wake_at()
        if self._stop_signals:
            instants = [monotonic + 1.0 if self._drained_by is None else self._drained_by]
        elif self._is_owing():
            instants.append(self._claim_not_before)
        elif at is not None:
            instants.append(monotonic + at - now - self._next_lead_seconds(at))
        if (wake_at := self._dispatch.wake_at()) is not None:
            instants.append(wake_at)
        return min(max(0.0, min(instants) - monotonic), self._options.longest_wait_seconds)

    def _next_lead_seconds(self, at: int) -> float:
        if at != self._warmed_for:
            return _WARM_SECONDS
        return 0.0 if at == self._armed_for else self._lead_seconds()

    # What comes back

    def _take(self, event: ExecutorEvent) -> None:
        if isinstance(event, Said):
            self._tell(event.event)
        elif not isinstance(event, Signalled):
            self._dispatch.take(event)
        elif event.signum == SIGUSR1:
            self._looked_at = (
                -self._options.longest_wait_seconds
            )  # somebody changed the state file: look at once
        else:
            self._stop_signals.append(event.signum)
            if len(self._stop_signals) == 2:
                self._dispatch.end_all(Reason.SHUTDOWN, at_once=True)

    def _tell(self, event: Event) -> None:
        self._observer.observe(event)
        if isinstance(event, RunFinished):
            self._say_done(event.run)

    def _say_done(self, run: Run) -> None:
        job = self._jobs.get(run.job)
        limit = None if job is None else job.number_of_executions
        if run.started_at is None or run.execution_number is None:
            return  # it does not count, or gave its count back
        if limit is not None and run.execution_number >= limit:
            message = f"done {run.execution_number}/{limit}: it has used up its number_of_executions"
            self._tell(Note("info", "job_done", message, run.job))

    # The end

    def _drain(self) -> None:
        """Start nothing more, and end what does not end by itself."""
        monotonic = self._clock.monotonic()
        if self._drained_by is None:
            self._drained_by = monotonic + self._options.grace_seconds
            self._dispatch.ask_all_to_stop()
            self._tell(
                Note("info", "stopping", f"stopping: runs have {self._options.grace_seconds:g} s to finish")
            )
        self._dispatch.cancel_unstarted(Reason.SHUTDOWN)
        is_over_time = monotonic >= self._drained_by or len(self._stop_signals) > 1
        if is_over_time and self._dispatch.unrecorded and not self._dispatch.record():
            raise StateError(
                f"the outcomes of {self._dispatch.unrecorded} runs could not be written to the state file",
                hint="the next start finds these runs unfinished and records them as lost",
            )
        if monotonic >= self._drained_by:
            self._drained_by = monotonic + self._options.longest_wait_seconds
            self._dispatch.end_all(Reason.SHUTDOWN)

    def _is_over(self) -> bool:
        if self._stop_signals:
            return self._drained_by is not None and self._dispatch.is_idle
        return (
            self._options.exit_when_done
            and not self._agenda.wake_at()
            and not self._is_owing()
            and self._dispatch.is_idle
        )

    def _end(self) -> None:
        message = "stopped" if self._stop_signals else "done: no job can ever run again"
        self._observer.drain(_DRAIN_SECONDS)
        self._tell(Note("info", "stopped", message))
        self._observer.drain(_DRAIN_SECONDS)


class _Outlook:
    """The next-run schedule, soonest first; jobs that never run come last.

    Each line is made when it is asked for: thousands at once would leave holes in the process's memory.
    """

    def __init__(self, jobs: Mapping[str, Job], agenda: Agenda, store: "SqliteStore") -> None:
        self._jobs = jobs
        self._agenda = agenda
        self._store = store

    def __iter__(self) -> Iterator[Coming]:
        never = ((None, name) for name in self._jobs if name not in self._agenda)
        entries = chain(self._agenda, never)
        while some := list(islice(entries, _LINES_AT_ONCE)):
            facts = self._store.facts([name for _, name in some])
            for instant, name in some:
                job, executions = self._jobs[name], facts[name].executions
                why = _why_never(job, executions) if instant is None else ""
                yield Coming(name, instant, job.timezone, executions + 1, job.number_of_executions, why)


def _missed(job: str, missed: Missed, reason: Reason = Reason.TOO_LATE) -> Passed:
    return Passed(job, *missed, "missed", reason, Trigger.CATCH_UP)


def _about(jump: Jump) -> tuple[str, str]:
    """Return the word and the sentence that the log has for a jump."""
    far = rough_duration(abs(jump.seconds))
    if jump.seconds < 0:
        until = instant_text(jump.start)
        message = f"the clock was set back by {far}: what has run does not run again; jobs rest until {until}"
        return "clock_backward", message
    if jump.is_suspension:
        return "suspended", f"the machine was suspended for {far}: what was due is left to catch_up"
    if jump.is_bridged:
        message = f"the clock was put forward by {far}: fixed times that were skipped run once, others go on"
        return "clock_forward", message
    return "clock_forward", f"the clock was put forward by {far}: what was skipped is left to catch_up"


def _why_never(job: Job, executions: int) -> str:
    if not job.enabled:
        return "disabled"
    if remaining(job, executions) == 0:
        return f"done {executions}/{job.number_of_executions}"
    return "at every start of the scheduler" if is_at_start(job) else "no more occurrences"
