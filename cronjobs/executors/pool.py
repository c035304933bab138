"""The zygotes that serve one set of modules, and the orders that wait for them."""

import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs.core.events import Note
from cronjobs.core.failure import Failure
from cronjobs.core.ports import Clock, Prepared, Said
from cronjobs.executors import wire
from cronjobs.executors.live_run import LiveRun
from cronjobs.executors.orders import Order
from cronjobs.executors.watch import Watch
from cronjobs.processes import kill_group

_START_SECONDS = 60.0  # for an interpreter to start, on the slowest of machines
_ORDERS_IN_FLIGHT = 2 * wire.RUNS_IN_A_MESSAGE  # a zygote is never idle, and never far behind


class Zygote:
    """One warm server, seen from the scheduler."""

    def __init__(self, pid: int, control: socket.socket, jobs: Mapping[str, int], deadline: float) -> None:
        self.pid = pid
        self.control = control
        self.jobs = jobs  # each one's place in the set-up
        self.deadline = deadline  # by which it must have said something, until it is ready
        self.importing = ""
        self.is_ready = False
        self.is_blamed = False  # its module has been reported
        self.is_retired = False  # takes no orders any more, and goes when its last run has ended
        self.in_flight = 0
        self.runs: dict[int, LiveRun] = {}


class Reports(NamedTuple):
    """Where a pool's news goes."""

    emit: Callable[[Any], None]
    ended: Callable[[LiveRun, Sequence[Any]], None]
    unfit: Callable[[str, Sequence[str]], None]  # a module that leaves something behind after all
    failed: Callable[[str, Failure], None]  # a module that cannot be imported after all
    vanished: Callable[[LiveRun], None]
    unprepared: Callable[[LiveRun, str], None]


class Pool:
    """Keeps as many zygotes as there are to be, once they are needed."""

    def __init__(
        self,
        size: int,
        setup: Callable[[Sequence[str]], dict[str, Any]],
        watch: Watch,
        clock: Clock,
        reports: Reports,
        import_timeout_seconds: float,
    ) -> None:
        self._size = size
        self._setup = setup
        self._watch = watch
        self._clock = clock
        self._reports = reports
        self._patience_seconds = import_timeout_seconds
        self.jobs: dict[str, None] = {}  # names, in the order in which they came
        self.zygotes: list[Zygote] = []
        self._is_outgrown = False  # there is a job that the present generation does not know
        self._failed_starts = 0  # in a row
        self._not_before = 0.0  # monotonic; a zygote that cannot start is not started over and over
        self.queue: deque[LiveRun] = deque()

    def admit(self, job: str) -> None:
        """Serve a job from now on, as it is now: by the next generation, where there is one already."""
        self._is_outgrown = True
        self.jobs[job] = None

    def expel(self, job: str) -> None:
        """Serve a job no longer."""
        self.jobs.pop(job, None)

    def warm(self) -> None:
        """See to it that zygotes which know all jobs are there, or on their way."""
        current = [each for each in self.zygotes if not each.is_retired]
        if not self.jobs or (current and not self._is_outgrown):
            missing = self._size - len(current) if self.jobs else 0
        else:
            for zygote in current:
                self._retire(zygote)
            missing = self._size
            self._is_outgrown = False
        if self._clock.monotonic() < self._not_before:
            return
        for _ in range(missing):
            try:
                self.zygotes.append(self._start())
            except OSError as exc:
                self._back_off(f"cannot be started: {exc.strerror}")
                return

    def pump(self) -> None:
        """Hand out orders, as many as the zygotes can take."""
        for run in [run for run in self.queue if run.launch.job not in self.jobs]:
            self.queue.remove(run)
            self._reports.unprepared(run, "its module turned out not to survive here")
        if not self.queue:
            return
        self.warm()
        while self.queue:
            ready = [each for each in self.zygotes if each.is_ready and not each.is_retired]
            zygote = min(ready, key=lambda each: each.in_flight, default=None)
            if zygote is None or zygote.in_flight >= _ORDERS_IN_FLIGHT or not self._hand_out(zygote):
                return

    def wake_at(self) -> float | None:
        """Return the monotonic instant at which something is to be looked at, if there is one."""
        instants = [each.deadline for each in self.zygotes if not each.is_ready]
        if self.queue and not self.zygotes:
            instants.append(self._not_before)
        return min(instants, default=None)

    def expire(self) -> None:
        """Kill a zygote whose import takes too long; the module is to blame."""
        now = self._clock.monotonic()
        for zygote in list(self.zygotes):
            if not zygote.is_ready and zygote.deadline <= now:
                if zygote.importing:
                    text = f"importing `{zygote.importing}` took longer than {self._patience_seconds:g} s"
                    failure = Failure("TimeoutError", text + " (import_timeout)")
                    self._reports.failed(zygote.importing, failure)
                    zygote.is_blamed = True
                self._lose(zygote)

    def close(self) -> None:
        """End the zygotes: each leaves when its control socket closes."""
        for zygote in self.zygotes:
            self._watch.remove(zygote.control.fileno())
            zygote.control.close()
        self.zygotes.clear()

    def _start(self) -> Zygote:
        ours, theirs = wire.packets()
        jobs = list(self.jobs)
        descriptor = wire.write_setup(self._setup(jobs))
        with theirs:
            pid = spawn("cronjobs.executors.zygote", descriptor, theirs.fileno())
        places = {job: place for place, job in enumerate(jobs)}
        zygote = Zygote(pid, ours, places, self._clock.monotonic() + _START_SECONDS)
        self._watch.add(ours.fileno(), lambda: self._listen(zygote))
        return zygote

    def _back_off(self, what: str) -> None:
        self._failed_starts += 1
        delay = min(30.0, 0.5 * 2**self._failed_starts)
        self._not_before = self._clock.monotonic() + delay
        message = f"a process that serves jobs {what}; trying again in {delay:g} s"
        self._reports.emit(Said(Note("error", "zygote_failed", message)))

    def _hand_out(self, zygote: Zygote) -> bool:
        """Send one message of orders; False if that must wait."""
        taken: list[LiveRun] = []
        descriptors: list[int] = []
        while self.queue and len(taken) < wire.RUNS_IN_A_MESSAGE:
            run = self.queue.popleft()
            if run.is_dropped or not self._open(run):
                continue
            taken.append(run)
            descriptors += run.theirs
        if not taken:
            return False
        message = wire.encode([Order.of(run.launch, zygote.jobs[run.launch.job]) for run in taken])
        try:
            wire.send_with(zygote.control, message, descriptors)
        except OSError:  # no room, or too many descriptors on their way: later
            for run in taken:
                run.hand_over()
                run.close()
            self.queue.extendleft(reversed(taken))
            return False
        for run in taken:
            run.hand_over()
            run.zygote = zygote
            zygote.runs[run.launch.number] = run
        zygote.in_flight += len(taken)
        return True

    def _open(self, run: LiveRun) -> bool:
        try:
            run.open()
        except OSError as exc:
            self._reports.unprepared(run, f"no descriptors are left: {exc.strerror}")
            return False
        return True

    def _listen(self, zygote: Zygote) -> None:
        try:
            message, _ = wire.receive(zygote.control)
        except OSError:
            message = None
        if message is None:
            self._lose(zygote)
        elif isinstance(message, dict):
            self._take(zygote, message)

    def _take(self, zygote: Zygote, message: Mapping[str, Any]) -> None:
        for number, pid, ticks in message.get("started", ()):
            zygote.in_flight -= 1
            run = zygote.runs[number]
            run.pid = pid
            if not run.is_dropped:
                self._reports.emit(Prepared(number, pid, ticks))
        for number, text in message.get("unstarted", ()):
            zygote.in_flight -= 1
            run = zygote.runs.pop(number)
            self._reports.unprepared(run, f"no process could be made: {text}")
        for number, *end in message.get("ended", ()):
            self._reports.ended(zygote.runs.pop(number), end)
        if "importing" in message:
            zygote.importing = message["importing"]
            zygote.deadline = self._clock.monotonic() + self._patience_seconds
        elif "failed" in message:
            self._reports.failed(message["failed"], Failure(*message["failure"]))
        elif "unfit" in message:
            zygote.is_blamed = True
            self._reports.unfit(message["unfit"], message["leftovers"])
        elif "ready" in message:
            zygote.is_ready = True
            zygote.importing = ""
            self._failed_starts = 0
        if zygote.is_retired and not zygote.runs:
            self._dismiss(zygote)

    def _retire(self, zygote: Zygote) -> None:
        zygote.is_retired = True
        if not zygote.runs:
            self._dismiss(zygote)

    def _dismiss(self, zygote: Zygote) -> None:
        """Let a zygote go: it ends by itself when its control socket closes."""
        if zygote in self.zygotes:
            self.zygotes.remove(zygote)
            self._watch.remove(zygote.control.fileno())
            zygote.control.close()
            if not zygote.is_ready:  # an import that hangs never looks at the socket
                kill_group(zygote.pid, signal.SIGKILL)

    def _lose(self, zygote: Zygote) -> None:
        """A zygote is gone, and all its runs with it; what it had not begun goes to the next one."""
        self._dismiss(zygote)
        if zygote.importing and not zygote.is_blamed:
            text = f"importing `{zygote.importing}` ended the process"
            self._reports.failed(zygote.importing, Failure("ImportError", text))
        elif not zygote.is_ready and not zygote.is_blamed:
            self._back_off("ended before it was ready")
        for run in zygote.runs.values():
            run.zygote = None
            if run.pid or run.is_dropped:
                self._reports.vanished(run)
            else:
                run.close()
                self.queue.append(run)


def spawn(
    module: str,
    setup: int,
    control: int,
    stdout: int = 2,
    stderr: int = 2,
    *,
    env: Mapping[str, str] | None = None,
) -> int:
    """Start one of our programs in a session of its own and return its pid; `setup` is closed."""
    argv = wire.command(module)
    actions = [
        (os.POSIX_SPAWN_DUP2, setup, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_DUP2, stderr, 2),
        (os.POSIX_SPAWN_DUP2, control, 3),
    ]
    try:
        return os.posix_spawn(
            argv[0],
            argv,
            os.environ | dict(env or {}),
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULTS,
        )
    finally:
        os.close(setup)


_DEFAULTS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1, signal.SIGPIPE)
