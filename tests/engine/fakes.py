"""A scheduler's world with a clock that jumps: no test waits, and every run does what its plan says.

The state file is a real one.
"""

import subprocess
from collections.abc import Callable
from heapq import heappop, heappush
from signal import SIGKILL, SIGTERM, Signals
from typing import NamedTuple

from factories import NOON

from cronjobs.core.due import schedule_of
from cronjobs.core.errors import StateError
from cronjobs.core.job import Configuration, Settings
from cronjobs.core.ports import Ended, Heeding, Prepared, Signalled, Unprepared
from cronjobs.engine.manual import Manual
from cronjobs.engine.options import Options
from cronjobs.engine.scheduler import Scheduler
from cronjobs.processes import Identity, boot_id, own_identity, start_ticks
from cronjobs.store.sqlite import SqliteStore

NO_PID = 5_000_000  # Linux has none from 4,194,304 on
_TURN_SECONDS = 1e-6  # what a turn of the loop takes, even where it waits for nothing
_MOST_IDLE_TURNS = 100
_MOST_TURNS = 20_000


class Killed(Exception):
    """The scheduler's process is gone: nothing of it runs any more, and nothing is written."""


class FakeClock:
    """Stands still until somebody moves it."""

    def __init__(self, now=NOON):
        self._now = float(now)
        self._monotonic = 100_000.0
        self._suspended = 5.0

    def now(self):
        return self._now

    def monotonic(self):
        return self._monotonic

    def suspended(self):
        return self._suspended

    def suspend(self, seconds):
        """Have the machine be asleep for a while."""
        self._now += seconds
        self._suspended += seconds

    def pass_by(self, seconds):
        """Let time pass."""
        self._now += seconds
        self._monotonic += seconds

    def set_forward(self, seconds):
        """Have somebody set the wall clock."""
        self._now += seconds


class Plan(NamedTuple):
    """What a job's runs do: they end by themselves after `seconds`, or never if that is None."""

    seconds: float | None = 1.0
    exit_code: int = 0
    heeds_sigterm: bool = True
    looks: bool = False  # whether it is to stop
    heeds_requests: bool = False  # it looks, and stops


class FakeExecutor:
    """An `Executor` whose processes are entries in a list. Waiting moves the clock to what happens next."""

    def __init__(self, clock):
        self._clock = clock
        self._script: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._events = []
        self._launches = {}
        self._living = set()
        self._life = 0  # of how many schedulers it was the executor
        self._idle_turns = 0
        self.plans = {}
        self.is_slow = False  # no process ever gets ready
        self.unprepared = {}  # {job: how often its process still cannot be made}
        self.gone_early = {}  # {job: how often its process still ends before go}
        self.on_go = lambda launch: None
        self.prepared = []  # launches, in the order in which they were asked for
        self.gone = []  # launches, in the order in which they got go
        self.dropped = []
        self.signals = []  # (seconds after noon, job, signal)
        self.stop_requests = []  # (seconds after noon, job)
        self.answers = []  # (job, ticket, answer)
        self.warmed = []
        self.waits = []  # how long each wait was to be
        self.most_living = 0

    def begin_again(self):
        """Serve another scheduler: whatever was left of the one before is gone."""
        self._life += 1
        self._launches.clear()
        self._living.clear()
        self._events.clear()

    # What a test says

    def at(self, seconds, action):
        """Have something happen so many seconds after noon, by the clock that cannot be set."""
        self._order += 1
        heappush(self._script, (100_000.0 + seconds, self._order, action))

    def signal_at(self, seconds, signum):
        """Have the scheduler get a signal."""
        self.at(seconds, lambda: self._events.append(Signalled(int(signum))))

    def tell(self, event):
        """Have an event come with the next wait."""
        self._events.append(event)

    # What an executor does

    def warm(self, jobs):
        self.warmed.append((self._clock.now() - NOON, sorted(jobs)))

    def prepare(self, launches):
        for launch in launches:
            self.prepared.append(launch)
            self._launches[launch.number] = launch
            if self.is_slow:
                continue
            if self.unprepared.get(launch.job, 0) > 0:
                self.unprepared[launch.job] -= 1
                self._events.append(Unprepared(launch.number, "no process could be made"))
            else:
                self._events.append(Prepared(launch.number, NO_PID + launch.number, 99))

    def go(self, number):
        launch = self._launches[number]
        if self.gone_early.get(launch.job, 0) > 0:
            self.gone_early[launch.job] -= 1
            return False
        self.on_go(launch)
        self.gone.append(launch)
        self._living.add(number)
        self.most_living = max(self.most_living, len(self._living))
        plan = self._plan(launch)
        if plan.looks or plan.heeds_requests:
            self._events.append(Heeding(number))
        if plan.seconds is not None:
            life = self._life
            self._after(plan.seconds, lambda: self._end(number, plan.exit_code, None, life=life))
        return True

    def drop(self, number):
        self.dropped.append(self._launches[number])

    def signal(self, number, signum):
        launch = self._launches[number]
        self.signals.append((self._clock.monotonic() - 100_000.0, launch.job, signum))
        if signum == SIGKILL or (signum == SIGTERM and self._plan(launch).heeds_sigterm):
            self._end(number, None, Signals(signum).name, life=self._life)

    def answer(self, number, ticket, answer):
        self.answers.append((self._launches[number].job, ticket, answer))

    def ask_to_stop(self, number):
        launch = self._launches[number]
        self.stop_requests.append((self._clock.monotonic() - 100_000.0, launch.job))
        if self._plan(launch).heeds_requests:
            self._end(number, 0, None, life=self._life)

    def wait(self, timeout_seconds):
        self.waits.append(timeout_seconds)
        assert len(self.waits) < _MOST_TURNS, "the loop goes on for ever"
        if not self._events:
            self._pass_by(timeout_seconds)
        if self._events or timeout_seconds > 0:
            self._idle_turns = 0
        else:
            self._idle_turns += 1
            assert self._idle_turns < _MOST_IDLE_TURNS, "the loop spins: it waits for nothing again and again"
        events, self._events = self._events, []
        return events

    def close(self):
        self._living.clear()

    def _plan(self, launch):
        return self.plans.get(launch.job, Plan())

    def _after(self, seconds, action):
        self.at(self._clock.monotonic() - 100_000.0 + seconds, action)

    def _end(self, number, exit_code, signal, *, life):
        if life == self._life and number in self._living:
            self._living.discard(number)
            self._events.append(Ended(number, self._clock.now(), exit_code, signal, None, None))

    def _pass_by(self, timeout_seconds):
        until = self._clock.monotonic() + max(timeout_seconds, _TURN_SECONDS)
        if self._script and self._script[0][0] < until:
            until = max(self._script[0][0], self._clock.monotonic())
        self._clock.pass_by(until - self._clock.monotonic())
        while self._script and self._script[0][0] <= self._clock.monotonic():
            heappop(self._script)[2]()


class Recorder:
    """An `Observer` that remembers what it was told."""

    def __init__(self):
        self.events = []

    def observe(self, event):
        self.events.append(event)

    def flush(self):
        pass

    def drain(self, patience_seconds):
        pass

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def notes(self):
        """Return the words that machines rely on, of everything that is no run's."""
        return [event.event for event in self.events if hasattr(event, "message")]


class FaultyStore:
    """A store on a disk that is full now and then: each method fails as often as `failures` says."""

    def __init__(self, store):
        self._store = store
        self.failures = {}  # {method: how often it still fails}
        self.refused = []
        self.before = {}  # {method: what happens before it}

    def __getattr__(self, name):
        method = getattr(self._store, name)

        def call(*arguments, **options):
            self.before.get(name, lambda: None)()
            if self.failures.get(name, 0) > 0:
                self.failures[name] -= 1
                self.refused.append(name)
                raise StateError("state.db cannot grow: the disk is full", hint="free some space")
            return method(*arguments, **options)

        return call if callable(method) else method


class World:
    """One state file, one clock, and the schedulers that live one after the other."""

    def __init__(self, path):
        self.path = str(path)
        self.clock = FakeClock()
        self.executor = FakeExecutor(self.clock)
        self.observer = Recorder()
        self.store = None
        self._opened = []
        self._bodies = []

    def open_store(self, identity=None):
        """Return one more store on the state file, attached as its dispatcher."""
        store = SqliteStore.open(self.path)
        store.attach(identity or own_identity(), now=self.clock.now())
        self._opened.append(store)
        return store

    def body(self):
        """Return a process that does nothing, in a group of its own: it stands for a dispatcher, or a run."""
        body = subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True)
        self._bodies.append(body)
        return body

    def scheduler(self, *jobs, grace=15.0, max_parallel=100, **options):
        """Return a scheduler of these jobs, with a new executor, observer and store."""
        self._scheduler_body = self.body()
        self.store = FaultyStore(self.open_store(identity_of(self._scheduler_body)))
        self.executor.begin_again()
        return Scheduler(
            Configuration(
                "/srv/jobs.toml",
                "/srv",
                "/srv",
                Settings(self.path, max_parallel=max_parallel),
                {job.name: job for job in jobs},
            ),
            {job.name: schedule_of(job, anchor=NOON) for job in jobs},
            Options(grace, **options),
            clock=self.clock,
            store=self.store,
            executor=self.executor,
            observer=self.observer,
        )

    def by_hand(self, job):
        """Return the dispatcher of one run of a job, with a new executor and store."""
        self.store = FaultyStore(self.open_store(identity_of(self.body())))
        self.executor.begin_again()
        return Manual(job, clock=self.clock, store=self.store, executor=self.executor, observer=self.observer)

    def run(self, *jobs, until=None, **options):
        """Schedule these jobs, until so many seconds after noon if given; return the exit code."""
        scheduler = self.scheduler(*jobs, **options)
        if until is not None:
            self.executor.signal_at(until, SIGTERM)
        return scheduler.run()

    def crash_at(self, seconds):
        """Have the scheduler be killed so many seconds after noon."""

        def crash():
            kill(self._scheduler_body)
            raise Killed

        self.executor.at(seconds, crash)

    def rows(self, job=None):
        """Return what the state file says, oldest first."""
        return self.read(lambda store: store.history(job=job, limit=10_000))[::-1]

    def executions(self, job="tidy"):
        return self.read(lambda store: store.facts([job]))[job].executions

    def read(self, ask):
        store = SqliteStore.read(self.path)
        try:
            return ask(store)
        finally:
            store.close()

    def close(self):
        for store in self._opened:
            store.close()
        for body in self._bodies:
            kill(body)


def identity_of(body):
    return Identity(boot_id(), body.pid, start_ticks(body.pid))


def kill(body):
    body.kill()
    body.wait()
    body.stdin.close()
