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
from typing import Any, NoReturn

from cronjobs.executors import child, imports
from cronjobs.executors.imports import Bound, Footprint
from cronjobs.executors.orders import JobSetup, Order
from cronjobs.executors.wire import DESCRIPTORS_OF_A_RUN, RUNS_IN_A_MESSAGE, encode, read_setup, receive
from cronjobs.processes import die_with_parent, load_libc, restore_descriptor_limit, ticks_now

CONTROL = 3  # the descriptor that the scheduler's end of the control socket is reached by


def main() -> NoReturn:
    """Import, say so, serve until the scheduler is gone."""
    setup = read_setup()
    libc = load_libc()
    die_with_parent(libc, setup["parent"], signal.SIGKILL)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)  # the scheduler decides when to end; runs take TERM back
    restore_descriptor_limit(setup["descriptor_limit"])
    control = socket.socket(fileno=CONTROL)
    control.set_inheritable(False)
    jobs = [JobSetup(*job) for job in setup["jobs"]]
    imports.prepare_path(setup["app_dir"], setup["directory"])
    make_streams_line_buffered()
    failed = _import_all(control, imports.modules_of(jobs))
    bound = bind_all(jobs, failed)
    os.chdir(setup["directory"])
    _preload(bound)
    control.send(encode({"ready": True}))
    Zygote(control, jobs, bound, libc).serve()
    os._exit(0)


class Zygote:
    """A server of runs, once its modules are imported."""

    def __init__(
        self, control: socket.socket, jobs: Sequence[JobSetup], bound: Mapping[str, Bound], libc: Any
    ) -> None:
        self._control = control
        self._jobs = jobs
        self._bound = bound
        self._runs: dict[int, int] = {}  # pid: number
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
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._signals[0]:
                    os.read(descriptor, 4096)
                    self._reap()
                elif not self._start():
                    return

    def _start(self) -> bool:
        message, descriptors = receive(self._control, RUNS_IN_A_MESSAGE * DESCRIPTORS_OF_A_RUN)
        if message is None:
            return False
        started: list[tuple[int, int, int]] = []
        unstarted: list[tuple[int, str]] = []
        for place, values in enumerate(message):
            order = Order(*values)
            try:
                pid = self._fork(order, descriptors, place * DESCRIPTORS_OF_A_RUN)
            except OSError as exc:  # no process can be made just now
                unstarted.append((order.number, str(exc)))
            else:
                self._runs[pid] = order.number
                started.append((order.number, pid, ticks_now()))
        for descriptor in descriptors:
            os.close(descriptor)
        self._control.send(encode({"started": started, "unstarted": unstarted}))
        return True

    def _fork(self, order: Order, descriptors: Sequence[int], first: int) -> int:
        # All that can be made before the fork is: every page that a child touches first costs 3 us.
        job = self._jobs[order.job]
        last = first + DESCRIPTORS_OF_A_RUN
        strangers = [*descriptors[:first], *descriptors[last:], *self._own]
        own = child.Descriptors(*descriptors[first:last])
        life = child.Life(order, job, self._bound[job.name], own, strangers, self._libc, self._pid)
        pid = os.fork()
        if pid == 0:
            child.live(life)
        return pid

    def _reap(self) -> None:
        ended = []
        while self._runs:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                break
            number = self._runs.pop(pid, None)
            if number is not None:
                ended.append((number, status, time.time(), usage.ru_utime, usage.ru_stime, usage.ru_maxrss))
        if ended:
            self._control.send(encode({"ended": ended}))


def _signal_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda signum, frame: None)
    return reading, writing


def _import_all(control: socket.socket, modules: Sequence[str]) -> set[str]:
    """Import the modules, each announced; return those that failed.

    What an import prints was logged when the module was first looked at: here it goes nowhere. A module that
    leaves behind what a fork cannot carry makes this server unfit: it says so and ends.
    """
    failed = set()
    before = Footprint.take()
    with Muted():
        for module in modules:
            control.send(encode({"importing": module}))
            failure = imports.import_module(module)
            if failure is not None:
                control.send(encode({"failed": module, "failure": failure}))
                failed.add(module)
            elif left := imports.leftovers(before):
                control.send(encode({"unfit": module, "leftovers": left}))
                os._exit(0)
    return failed


def bind_all(jobs: Sequence[JobSetup], failed: set[str]) -> dict[str, Bound]:
    """Return the callables of the jobs whose modules are there; what else fails was found before."""
    found = {}
    for job in jobs:
        if imports.module_of(job) not in failed:
            bound = imports.bind(job)
            if isinstance(bound, Bound):
                found[job.name] = bound
    return found


def _preload(bound: Mapping[str, Bound]) -> None:
    """Load what runs would otherwise each load for themselves."""
    if any(each.is_async for each in bound.values()):
        import asyncio  # noqa: F401
    if any(each.injected for each in bound.values()):
        import cronjobs.services.run  # noqa: F401


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
