"""The warm server: imports the jobs' modules once, then forks a run for each start.

Started by exec and kept single-threaded. Its control socket brings orders, with the descriptors of each run,
and takes back what became of them. It ends when the scheduler does.
"""

import gc
import io
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

from cronjobs.core.failure import Failure
from cronjobs.executors import child, imports
from cronjobs.executors.imports import Bound, Footprint, Misfits
from cronjobs.executors.orders import JobSetup, Order
from cronjobs.executors.wire import (
    CONTROL,
    DESCRIPTORS_OF_A_RUN,
    RUNS_IN_A_MESSAGE,
    read_setup,
    receive,
    tell,
)
from cronjobs.processes import die_with_parent, load_libc, restore_descriptor_limit, ticks_now, use_huge_pages
from cronjobs.services.supplies import Supplies

# In a burst, runs that end within so long are reported together: to start the others is more urgent.
_REAP_SECONDS = 0.01


def main() -> NoReturn:
    """Import, say so, serve until the scheduler is gone."""
    setup = read_setup()
    libc = load_libc()
    die_with_parent(libc, setup["parent"])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the scheduler decides when to end; runs take it back
    restore_descriptor_limit(setup["descriptor_limit"])
    control = socket.socket(fileno=CONTROL)
    control.set_inheritable(False)
    jobs = [JobSetup.read(job) for job in setup["jobs"]]
    imports.prepare_path(setup["app_dir"], setup["directory"])
    make_streams_line_buffered()
    supplies = Supplies.read(setup["supplies"])
    failed = _import_all(control, modules_of(jobs, supplies))
    bound = bind_all(jobs, failed, supplies)
    os.chdir(setup["directory"])
    _preload(jobs, bound, supplies)
    child.rehearse()
    tell(control, {"ready": True})
    Zygote(control, jobs, bound, libc).serve()
    os._exit(0)


class Zygote:
    """A server of runs, once its modules are imported."""

    def __init__(
        self,
        control: socket.socket,
        jobs: Sequence[JobSetup],
        bound: Mapping[str, Bound | Failure],
        libc: Any,
    ) -> None:
        self._control = control
        self._jobs = jobs
        self._bound = bound
        self._runs: dict[int, int] = {}  # pid: number
        self._has_ended = False  # some run, that is not reaped yet
        self._reaped_at = 0.0  # monotonic
        self._signals = _signal_pipe()
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._signals[0], select.POLLIN)
        self._own = (control.fileno(), *self._signals)
        self._libc = libc
        self._pid = os.getpid()

    def serve(self) -> None:
        """Fork and reap until the scheduler closes its end."""
        gc.collect()
        gc.disable()
        gc.freeze()
        use_huge_pages(self._libc)
        while True:
            for descriptor, _ in self._poll.poll(self._patience_milliseconds()):
                if descriptor == self._signals[0]:
                    os.read(descriptor, 4096)
                    self._has_ended = True
                elif not self._start():
                    return
            if self._has_ended and time.monotonic() - self._reaped_at >= _REAP_SECONDS:
                self._reap()

    def _patience_milliseconds(self) -> float | None:
        if not self._has_ended:
            return None
        return max(0.0, (self._reaped_at + _REAP_SECONDS - time.monotonic()) * 1000)

    def _start(self) -> bool:
        message, descriptors = receive(self._control, RUNS_IN_A_MESSAGE * DESCRIPTORS_OF_A_RUN)
        if message is None:
            return False
        lives = [
            self._life(Order(*values), descriptors, place * DESCRIPTORS_OF_A_RUN)
            for place, values in enumerate(message)
        ]
        pids, failure = _fork_all(lives)
        for descriptor in descriptors:
            os.close(descriptor)
        started = [(life.order.number, pid, ticks) for life, (pid, ticks) in zip(lives, pids, strict=False)]
        unstarted = [(life.order.number, failure) for life in lives[len(pids) :]]
        self._runs.update((pid, number) for number, pid, _ in started)
        tell(self._control, {"started": started, "unstarted": unstarted})
        return True

    def _life(self, order: Order, descriptors: Sequence[int], first: int) -> child.Life:
        job = self._jobs[order.job]
        last = first + DESCRIPTORS_OF_A_RUN
        strangers = (*descriptors[:first], *descriptors[last:], *self._own)
        own = child.Descriptors(*descriptors[first:last])
        return child.Life(order, job, self._bound.get(job.name), own, strangers, self._libc, self._pid)

    def _reap(self) -> None:
        self._has_ended = False
        self._reaped_at = time.monotonic()
        ended = []
        while self._runs:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                break
            number = self._runs.pop(pid, None)
            if number is not None:
                ended.append((number, status, time.time(), usage.ru_utime, usage.ru_stime, usage.ru_maxrss))
        if ended:
            tell(self._control, {"ended": ended})


def _fork_all(lives: Sequence[child.Life]) -> tuple[list[tuple[int, int]], str]:
    """Fork a process for each life; return (pid, start ticks) of those that began, and what stopped the rest.

    Between two forks the server touches as little as it can: each page that it writes to while a child
    shares it is copied. All that can be made before the forks is.
    """
    begun: list[tuple[int, int]] = []
    numpy_random = sys.modules.get("numpy.random")
    for life in lives:
        if numpy_random is not None:
            # Its global generator does not reseed itself after a fork, as `random` does. Here rather than in
            # the child: seeding touches 140 pages, which each child would have to copy first (0.5 ms).
            numpy_random.seed(int.from_bytes(os.urandom(4), "little"))
        try:
            pid = os.fork()
        except OSError as exc:  # no process can be made just now
            return begun, str(exc)
        if pid == 0:
            child.live(life)
        begun.append((pid, ticks_now()))
    return begun, ""


def _signal_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda signum, frame: None)
    return reading, writing


def _import_all(control: socket.socket, modules: Sequence[str]) -> dict[str, Failure]:
    """Import the modules, each announced; return what went wrong, by module.

    What an import prints was logged when the module was first looked at: here it goes nowhere. A module that
    leaves behind what a fork cannot carry makes this server unfit: it says so and ends.
    """
    failed: dict[str, Failure] = {}
    before = Footprint.take()
    with Muted():
        for module in modules:
            tell(control, {"importing": module})
            failure = imports.import_module(module)
            if failure is not None:
                tell(control, {"failed": module, "failure": failure})
                failed[module] = failure
            elif left := imports.leftovers(before):
                tell(control, {"unfit": module, "leftovers": left})
                os._exit(0)
    return failed


def modules_of(jobs: Sequence[JobSetup], supplies: Supplies) -> list[str]:
    """Return the modules of the jobs and of the services that they need, each once."""
    needed = [supplies.modules[key] for job in jobs for key in job.needs if key in supplies.services]
    return list(dict.fromkeys([*imports.modules_of(jobs), *needed]))


def bind_all(
    jobs: Sequence[JobSetup], failed: Mapping[str, Failure], supplies: Supplies
) -> dict[str, Bound | Failure]:
    """Return each job's callable, or why there is none; nothing for a job that is a program."""
    bound: dict[str, Bound | Failure] = {}
    for job in jobs:
        if job.command:
            continue
        broken = next((failed[module] for module in modules_of([job], supplies) if module in failed), None)
        found = broken or imports.bind(job, supplies)
        bound[job.name] = found.failure if isinstance(found, Misfits) else found
    return bound


def _preload(jobs: Sequence[JobSetup], bound: Mapping[str, Bound | Failure], supplies: Supplies) -> None:
    """Load what runs would otherwise each load for themselves."""
    functions = [each for each in bound.values() if isinstance(each, Bound)]
    needs = {key for job in jobs for key in job.needs}
    plans = [
        *(each.plan for each in functions),
        *(supplies.plans[key] for key in needs & supplies.plans.keys()),
    ]
    is_async = any(plan.is_async for plan in plans)
    ahead = ["asyncio"] if is_async else []
    if any(each.is_injected for each in functions):
        ahead += ["cronjobs.executors.journal", "cronjobs.services.run"]
    if is_async and "cronjobs.workflows.workflow" in sys.modules:
        ahead.append("cronjobs.workflows.asynchronous")
    for module in ahead:
        import_module(module)
    if "query" in needs and supplies.query is not None:
        _preload_query(supplies.query.url)


def _preload_query(url: str) -> None:
    """Load what a question takes: SQLAlchemy, and the database's driver. Nothing is connected."""
    with Muted():
        try:
            from cronjobs.services.query.sql.connect import opened

            opened(url).engine.dispose()
        except Exception:  # whatever a driver raises: the run that asks says what is wrong
            pass


class Muted:
    """Standard output and error go nowhere for a while, for C code too."""

    def __enter__(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        self._kept = [os.dup(1), os.dup(2)]
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for target, kept in enumerate(self._kept, start=1):
            os.dup2(kept, target)
            os.close(kept)


def make_streams_line_buffered() -> None:
    """Replace the standard streams, once for all runs, by ones that write each line as it ends."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        raw = io.FileIO(descriptor, "w", closefd=False)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
