"""Runs on this machine: forks of warm zygotes, or interpreters of their own.

The scheduler's side: what there is to start, where it goes, what comes back. What happens inside the
processes that it starts is in `zygote`, `child`, `spawn` and `probe`.
"""

import os
import signal
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import Any

from cronjobs.core.events import Note
from cronjobs.core.failure import Failure
from cronjobs.core.job import Configuration, Isolation, Job
from cronjobs.core.ports import Clock, ExecutorEvent, Launch, Prepared, Said, Signalled, Unprepared, Vanished
from cronjobs.executors import wire
from cronjobs.executors.findings import Finding, Findings, notes_on, told
from cronjobs.executors.first_look import FirstLook, cores
from cronjobs.executors.live_run import LiveRun, Stream
from cronjobs.executors.orders import GoingOn, JobSetup, Order
from cronjobs.executors.pool import Pool, Reports, spawn
from cronjobs.executors.verdicts import Verdict
from cronjobs.executors.watch import Watch
from cronjobs.processes import give_back_memory, kill_group, kill_process, ticks_now
from cronjobs.services.supplies import Supplies
from cronjobs.signals import SignalPipe
from cronjobs.signatures import Plan
from cronjobs.targets import split

HEAVY_SECONDS = 0.1  # an import that takes longer makes every fork of the process slower
_MOST_ZYGOTES = 4
# A short run's output is read once, at its end; a longer one's as it comes.
_UNWATCHED_SECONDS = 0.05
_NO_PLAN = Plan((), is_async=False)
_NOTHING_FOUND = Finding()


class LocalExecutor:
    """An `Executor`. One thread, one wait for everything."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        clock: Clock,
        signals: SignalPipe,
        watch: Watch,
        always_spawn: bool = False,
        going_on: GoingOn | None = None,
        descriptor_limit: int | None = None,
    ) -> None:
        """Nothing is started yet.

        always_spawn: every run in an interpreter of its own, and no first look at the modules.
        going_on: what spawned runs do instead of calling their job's function.
        descriptor_limit: the soft limit that runs get back, where this process raised its own.
        """
        self._configuration = configuration
        self._clock = clock
        self._signals = signals
        self._watch = watch
        self._descriptor_limit = descriptor_limit
        self._always_spawn = always_spawn
        self._going_on = going_on
        jobs = [job for job in configuration.jobs.values() if job.enabled or always_spawn]
        self._jobs_of: dict[str, list[str]] = {}  # {module: the jobs whose callables live in it}
        for job in jobs:
            if job.callable:
                self._jobs_of.setdefault(split(job.callable).module, []).append(job.name)
        self._supplies = Supplies(configuration.services, {}, configuration.query)
        self._findings = Findings(self._jobs_of, self._supplies)
        self._first_look = FirstLook(watch, clock, self._on_verdict, self._on_end_of_look)
        self._unverified: list[LiveRun] = []
        self._events: list[ExecutorEvent] = []
        self._runs: dict[int, LiveRun] = {}
        self._unwatched: deque[tuple[float, LiveRun]] = deque()
        self._spawned: dict[int, LiveRun] = {}  # by pid
        self._wanted: set[str] = set()  # jobs that are due soon
        reports = Reports(
            self._events.append, self._end, self._unfit, self._failed, self._vanish, self._unprepared
        )
        timeout = configuration.settings.import_timeout_seconds
        self._light = Pool(_zygote_count(), self._warm_setup, watch, clock, reports, timeout)
        self._heavy = Pool(1, self._warm_setup, watch, clock, reports, timeout)
        self._bare = Pool(1, self._warm_setup, watch, clock, reports, timeout)  # imports nothing
        self._pools = (self._light, self._heavy, self._bare)
        program = Finding(plan=_NO_PLAN)
        for job in jobs:
            if job.command:
                self._findings.found[job.name] = program
                self._bare.admit(job.name)
        watch.add(signals.descriptor, self._on_signal)

    def begin(self) -> None:
        """Take the first look at the jobs' modules; what it finds comes as events."""
        if self._jobs_of and not self._always_spawn:
            jobs = self._configuration.jobs
            names = chain.from_iterable(self._jobs_of.values())
            timeout = {"import_timeout_seconds": self._configuration.settings.import_timeout_seconds}
            self._first_look.begin(self._setup([_setup_of(jobs[name]) for name in names]) | timeout)

    def warm(self, jobs: Sequence[str]) -> None:
        """Make ready for jobs that are due soon."""
        self._wanted.update(jobs)
        self._warm_wanted()

    def prepare(self, launches: Sequence[Launch]) -> None:
        """Ask for a process for each; `Prepared` or `Unprepared` follows."""
        for launch in launches:
            run = LiveRun(launch)
            self._runs[launch.number] = run
            self._route(run)

    def go(self, number: int) -> bool:
        """Let a prepared run begin; False if its process is gone."""
        run = self._runs.get(number)
        if run is None:
            return False
        self._unwatched.append((self._clock.monotonic(), run))
        if self._may_ask(run):
            self._watch_channel(run)
        return run.go()

    def drop(self, number: int) -> None:
        """Let go of a run that did not get go; its process leaves without running the job."""
        run = self._runs.pop(number, None)
        if run is not None:
            run.is_dropped = True
            run.close()

    def signal(self, number: int, signum: int) -> None:
        """Send a signal to the run's whole process group; what is left of it when the run ends is killed."""
        run = self._runs.get(number)
        if run is not None and run.pid:
            run.is_ending = True
            if not kill_group(run.pid, signum):
                # It has not come to begin a group yet; until it is reaped, its pid is no one else's.
                kill_process(run.pid, signum)

    def answer(self, number: int, ticket: int, answer: Any) -> None:
        """Answer one of a run's questions; where it is gone, nobody hears it."""
        run = self._runs.get(number)
        if run is not None:
            run.answer(ticket, answer)

    def ask_to_stop(self, number: int) -> None:
        """Tell a run that it is to end by itself, if it looks."""
        run = self._runs.get(number)
        if run is not None:
            run.ask_to_stop()

    def wait(self, timeout_seconds: float) -> list[ExecutorEvent]:
        """Return what has happened; wait for it, but not longer than this."""
        self._turn()
        timeout = 0.0 if self._events else self._shortened(timeout_seconds)
        self._watch.wait(timeout)
        self._turn()
        events, self._events[:] = self._events[:], []
        return events

    def close(self) -> None:
        """End every process that is left."""
        for run in list(self._runs.values()):
            if run.pid:
                kill_group(run.pid, signal.SIGKILL)
        self._first_look.close()
        for pool in self._pools:
            pool.close()

    # Where a run goes

    def _route(self, run: LiveRun) -> None:
        name = run.launch.job
        job = self._configuration.jobs[name]
        finding = self._findings.found.get(name)
        if self._always_spawn:
            self._spawn(run)
        elif finding is None:
            self._unverified.append(run)
        elif finding.failure:
            self._refuse(run, finding.failure)
        elif finding.leftovers or (job.isolation is Isolation.SPAWN and job.callable):
            self._spawn(run)
        else:
            pool = self._pool(name)
            assert pool is not None
            pool.queue.append(run)

    def _pool(self, job: str) -> Pool | None:
        for pool in self._pools:
            if job in pool.jobs:
                return pool
        return None

    def _refuse(self, run: LiveRun, failure: Failure) -> None:
        self._runs.pop(run.launch.number, None)
        self._events.append(Unprepared(run.launch.number, failure.message, failure))

    def _spawn(self, run: LiveRun) -> None:
        number, name = run.launch.number, run.launch.job
        try:
            run.open()
            order = Order.of(run.launch, 0)
            job = self._configuration.jobs[name]
            own = {"job": _setup_of(job), "order": order, "going_on": self._going_on}
            setup = wire.write_setup(self._setup([]) | own)
            run.pid = spawn("cronjobs.executors.spawn", setup, *run.theirs, env=job.env)
        except OSError as exc:
            run.hand_over()
            run.close()
            self._runs.pop(number, None)
            self._events.append(Unprepared(number, f"no process could be made: {exc.strerror}"))
            return
        run.hand_over()
        self._spawned[run.pid] = run
        self._events.append(Prepared(number, run.pid, ticks_now()))

    def _warm_setup(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what a process is told that is to serve these jobs, with what is known of them."""
        jobs = self._configuration.jobs
        return self._setup([_setup_of(jobs[name], self._findings.found[name]) for name in names])

    def _setup(self, jobs: Sequence[JobSetup]) -> dict[str, Any]:
        return {
            "parent": os.getpid(),
            "app_dir": self._configuration.app_dir,
            "directory": self._configuration.directory,
            "descriptor_limit": self._descriptor_limit,
            "jobs": jobs,
            "supplies": self._supplies,
        }

    # What is known of the modules

    def _on_verdict(self, verdict: Verdict) -> None:
        # By the names that are here already: of thousands, those that came are not to stay.
        jobs = self._configuration.jobs
        self._judge(verdict._replace(plans={jobs[name].name: plan for name, plan in verdict.plans.items()}))

    def _on_end_of_look(self) -> None:
        for module in self._findings.unseen:
            failure = Failure("ImportError", f"the first look at `{module}` ended without an answer")
            self._judge(Verdict(module, 0.0, failure))
        give_back_memory()  # what a start takes for a while is a megabyte for thousands of jobs

    def _judge(self, verdict: Verdict) -> None:
        """Take a verdict, and whatever is decided by it."""
        plans = {**self._supplies.plans, **verdict.service_plans}
        self._supplies = self._supplies._replace(plans=plans)
        self._events += [Said(note) for note in notes_on(verdict, self._supplies)]
        for name in self._findings.take(verdict):
            self._admit(name, self._findings.found[name])
        self._reroute()

    def _admit(self, name: str, finding: Finding) -> None:
        """Have a pool serve a job, if it may be forked; say what is wrong with one that cannot run."""
        if finding.failure:
            self._events.append(Said(Note("error", "import_failed", told(finding.failure), name)))
        elif not finding.leftovers and self._configuration.jobs[name].isolation is Isolation.FORK:
            is_heavy = finding.seconds > HEAVY_SECONDS or "query" in finding.needs  # that loads SQLAlchemy
            (self._heavy if is_heavy else self._light).admit(name)

    def _unfit(self, module: str, leftovers: Sequence[str]) -> None:
        self._revise(module, self._findings.verdicts[module]._replace(leftovers=tuple(leftovers)))

    def _failed(self, module: str, failure: Failure) -> None:
        self._revise(module, self._findings.verdicts[module]._replace(failure=failure))

    def _revise(self, module: str, verdict: Verdict) -> None:
        for name in self._findings.dependents(module):
            for pool in self._pools:
                pool.expel(name)
        self._judge(verdict._replace(output=""))

    def _reroute(self) -> None:
        """Send on the runs whose way has become known, or has changed."""
        waiting, self._unverified = self._unverified, []
        for pool in self._pools:
            strays = [run for run in pool.queue if run.launch.job not in pool.jobs]
            for run in strays:
                pool.queue.remove(run)
            waiting += strays
        for run in waiting:
            if not run.is_dropped:
                self._route(run)

    # What comes back

    def _turn(self) -> None:
        self._warm_wanted()
        for pool in self._pools:
            pool.expire()
            if not self._first_look.has_head_start():
                pool.pump()
        self._watch_the_long()

    def _shortened(self, timeout_seconds: float) -> float:
        instants = [pool.wake_at() for pool in self._pools]
        if self._unwatched:
            instants.append(self._unwatched[0][0] + _UNWATCHED_SECONDS)
        if self._first_look.has_head_start() and (self._wanted or self._unverified):
            instants.append(self._first_look.head_start_until)
        now = self._clock.monotonic()
        return max(0.0, min([timeout_seconds, *(each - now for each in instants if each is not None)]))

    def _warm_wanted(self) -> None:
        if self._wanted and not self._first_look.has_head_start():
            pools = {self._pool(job) for job in self._wanted}
            self._wanted.clear()
            for pool in pools:
                if pool is not None:
                    pool.warm()

    def _watch_the_long(self) -> None:
        due = self._clock.monotonic() - _UNWATCHED_SECONDS
        while self._unwatched and self._unwatched[0][0] <= due:
            _, run = self._unwatched.popleft()
            if run.launch.number in self._runs:
                for stream in run.streams:
                    self._watch_stream(run, stream)

    def _may_ask(self, run: LiveRun) -> bool:
        """Return whether the run's function is given anything by which it reaches its channel."""
        finding = self._findings.found.get(run.launch.job)
        plan = None if finding is None else finding.plan
        return plan is None or bool(plan.containers or (plan.keywords != ("logger",) and plan.keywords))

    def _watch_channel(self, run: LiveRun) -> None:
        assert run.channel is not None
        descriptor = run.channel.fileno()

        def read() -> None:
            heard = run.heard()
            if heard is None:
                self._watch.remove(descriptor)
            else:
                self._events.extend(heard)

        self._watch.add(descriptor, read)

    def _watch_stream(self, run: LiveRun, stream: Stream) -> None:
        def read() -> None:
            printed = run.printed(stream)
            if printed is None:
                self._watch.remove(stream.descriptor)
                stream.close()
            else:
                self._events.extend(printed)

        if stream.descriptor >= 0:
            self._watch.add(stream.descriptor, read)

    def _end(self, run: LiveRun, end: Sequence[Any]) -> None:
        """Take a run's end: `wait4`'s status, when that was, and what was used."""
        if run.is_dropped:
            return
        if run.is_ending:
            kill_group(run.pid, signal.SIGKILL)
        if run.has_gone:
            # What it asked for last may be the news that a step is done.
            self._events.extend(run.heard() or ())
            self._events.extend(run.rest())
            self._events.append(run.ended(*end))
        else:
            self._unprepared(run, "its process ended before it began")
            return
        self._forget(run)

    def _unprepared(self, run: LiveRun, text: str) -> None:
        """Give up a run that did not begin; it may be tried again under another number."""
        if not run.is_dropped:
            self._events.append(Unprepared(run.launch.number, text))
            self._forget(run)

    def _vanish(self, run: LiveRun) -> None:
        if run.is_dropped:
            return
        kill_group(run.pid, signal.SIGKILL)
        if run.has_gone:
            self._events.extend(run.heard() or ())
            self._events.extend(run.rest())
            self._events.append(Vanished(run.launch.number))
        else:
            self._unprepared(run, "its zygote ended before it began")
            return
        self._forget(run)

    def _forget(self, run: LiveRun) -> None:
        if run.channel is not None:
            self._watch.remove(run.channel.fileno())
        for stream in run.streams:
            self._watch.remove(stream.descriptor)
        run.close()
        self._runs.pop(run.launch.number, None)

    def _on_signal(self) -> None:
        for signum in self._signals.read():
            if signum == signal.SIGCHLD:
                self._reap()
            else:
                self._events.append(Signalled(signum))

    def _reap(self) -> None:
        """Collect own processes that ended, and orphans that were handed to this one."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            run = self._spawned.pop(pid, None)
            if run is not None:
                finished_at = self._clock.now()
                self._end(run, (status, finished_at, usage.ru_utime, usage.ru_stime, usage.ru_maxrss))


def _setup_of(job: Job, finding: Finding = _NOTHING_FOUND) -> JobSetup:
    return JobSetup(
        job.name,
        job.callable,
        job.args,
        job.env,
        finding.plan,
        finding.needs,
        job.command,
        job.cwd,
        job.user,
    )


def _zygote_count() -> int:
    return min(cores(), _MOST_ZYGOTES)
