"""A first look at the jobs' modules, before anything is forked from a process that imported them.

Each module is imported in a process of its own, which ends with the answer. So a module that hangs, crashes,
prints, is slow, or leaves threads behind is known before it can do harm, and harms nobody but itself.
"""

import marshal
import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

from cronjobs.core.failure import Failure
from cronjobs.executors import imports
from cronjobs.executors.imports import Bound, Footprint, Misfits
from cronjobs.executors.orders import JobSetup
from cronjobs.executors.verdicts import Verdict, grouped_plans, verdict_from
from cronjobs.processes import SIGKILL, die_with_parent, kill_group, load_libc, nameless_file
from cronjobs.services.supplies import NO_SUPPLIES, Supplies
from cronjobs.signatures import Plan

_OUTPUT_BYTES = 1 << 16
_SLOW_SECONDS = 0.5
_MOST_LOOKS = 32


class _Look(NamedTuple):
    module: str
    pid: int
    answer: IO[bytes]
    output: IO[bytes]
    begun_at: float  # monotonic


def main() -> None:
    """Look at every module of a set-up and send a verdict for each to the control socket."""
    import socket  # with `wire`: `validate` does without

    from cronjobs.executors.wire import CONTROL, read_setup, tell_at_length

    setup = read_setup()
    libc = load_libc()
    die_with_parent(libc, setup["parent"])
    control = socket.socket(fileno=CONTROL)
    jobs = [JobSetup.read(job) for job in setup["jobs"]]
    imports.prepare_path(setup["app_dir"], setup["directory"])
    looks = probe(
        jobs,
        Supplies.read(setup["supplies"]),
        timeout_seconds=setup["import_timeout_seconds"],
        parallel=setup["parallel"],
        libc=libc,
    )
    for verdict in looks:
        tell_at_length(control, verdict.plain())


def probe(
    jobs: Sequence[JobSetup],
    supplies: Supplies = NO_SUPPLIES,
    *,
    timeout_seconds: float,
    parallel: int = 1,
    libc: Any = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[Verdict]:
    """Give a verdict on each module of the jobs and services, as they come in.

    This process forks and must be plain.

    libc: from `load_libc`, to have looks end with this process even if it is killed.
    meanwhile: called once, as soon as the first looks are under way, if there are any.
    """
    waiting = list(dict.fromkeys([*imports.modules_of(jobs), *supplies.modules.values()]))
    looking: dict[int, _Look] = {}
    is_used = False  # the time while others work
    while waiting or looking:
        now = time.monotonic()
        slow = sum(now - look.begun_at > _SLOW_SECONDS for look in looking.values())
        while waiting and len(looking) < min(parallel + slow, _MOST_LOOKS):
            look = _begin(waiting.pop(0), jobs, supplies, libc)
            looking[look.answer.fileno()] = look
        if not is_used:
            is_used = True
            meanwhile()
        patience = min(look.begun_at for look in looking.values()) + timeout_seconds - time.monotonic()
        # Whoever is slow, perhaps for ever, is not to keep the others waiting.
        patience = min(patience, _SLOW_SECONDS) if waiting else patience
        ready, _, _ = select.select(list(looking), [], [], max(0.0, patience))
        for descriptor in ready:
            yield _conclude(looking.pop(descriptor), "")
        for descriptor, look in list(looking.items()):
            if look.begun_at + timeout_seconds <= time.monotonic():
                kill_group(look.pid, SIGKILL)
                text = f"importing `{look.module}` took longer than {timeout_seconds:g} s (import_timeout)"
                yield _conclude(looking.pop(descriptor), text)
    if not is_used:
        meanwhile()


def _begin(module: str, jobs: Sequence[JobSetup], supplies: Supplies, libc: Any) -> _Look:
    reading, writing = os.pipe()
    output = os.fdopen(nameless_file(), "w+b")
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            die_with_parent(libc, parent)
            os.close(reading)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            _look_at(module, jobs, supplies, writing)
        finally:
            os._exit(0)
    os.close(writing)
    return _Look(module, pid, open(reading, "rb"), output, time.monotonic())


def _look_at(module: str, jobs: Sequence[JobSetup], supplies: Supplies, answer: int) -> None:
    before = Footprint.take()
    begin = time.monotonic()
    failure = imports.import_module(module)
    seconds = time.monotonic() - begin
    found: dict[str, Any] = {"seconds": seconds, "failure": failure and tuple(failure)}
    if failure is None:
        found["leftovers"] = imports.leftovers(before)
        own = [job for job in jobs if job.callable and imports.module_of(job) == module]
        found |= _sorted("", {job.name: imports.bind(job, supplies) for job in own})
        keys = [key for key, each in supplies.modules.items() if each == module]
        services = {key: imports.plan_service(supplies.services[key], supplies) for key in keys}
        found |= _sorted("service_", services)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(answer, "wb") as file:
        file.write(marshal.dumps(found))


def _sorted(of: str, all: Mapping[str, Bound | Plan | Misfits | Failure]) -> dict[str, Any]:
    """Return plans, failures and misfits as plain values, by the names of a verdict."""
    plans: dict[str, Plan] = {}
    failures: dict[str, Any] = {}
    misfits: dict[str, Any] = {}
    for name, each in all.items():
        if isinstance(each, Misfits):
            misfits[name] = [tuple(reason) for reason in each.reasons]
            failures[name] = tuple(each.failure)
        elif isinstance(each, Failure):
            failures[name] = tuple(each)
        else:
            plans[name] = each.plan if isinstance(each, Bound) else each
    grouped = [(tuple(plan), names) for plan, names in grouped_plans(plans)]
    return {f"{of}plans": grouped, f"{of}failures": failures, f"{of}misfits": misfits}


def _conclude(look: _Look, too_late: str) -> Verdict:
    """Return the verdict on a module whose look has ended, or was ended: then `too_late` says so."""
    with look.answer, look.output:
        answer = look.answer.read()
        # One that has answered is not waited for: to tear it down takes longer than many an import.
        _, status = os.waitpid(look.pid, os.WNOHANG if answer else 0)
        look.output.seek(0)
        output = look.output.read(_OUTPUT_BYTES).decode(errors="backslashreplace")
    if answer:
        return verdict_from(marshal.loads(answer) | {"module": look.module, "output": output})
    if too_late:
        failure = Failure("TimeoutError", too_late)
    else:
        failure = Failure("ImportError", f"importing `{look.module}` ended the process: {_ending(status)}")
    return Verdict(look.module, time.monotonic() - look.begun_at, failure, output=output)


def _ending(status: int) -> str:
    from cronjobs.signals import signal_name  # `signal` is slow to import, and needed for a name only

    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal_name(-code)
