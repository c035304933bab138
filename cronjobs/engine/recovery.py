"""What is found unfinished in the state file, left by dispatchers that are gone."""

import signal
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from cronjobs.core.catch_up import WINDOW_SECONDS
from cronjobs.core.job import Job
from cronjobs.core.ports import Clock, Store
from cronjobs.core.run import Outcome, Reason, Run, State, Trigger, finish
from cronjobs.processes import Identity, is_alive, kill_group, wait_until_gone

_PATIENCE_SECONDS = 10.0


class Found(NamedTuple):
    """`resumed` never began and begin now; `closed` are over."""

    resumed: Sequence[Run]
    closed: Sequence[Run]


class DispatcherStore(Store, Protocol):
    """A store that knows who dispatched the runs that are unfinished."""

    def dispatchers(self) -> Mapping[int, Identity]:
        """Return every dispatcher that unfinished rows name."""


def recover(
    store: DispatcherStore,
    jobs: Mapping[str, Job],
    clock: Clock,
    *,
    job: str | None = None,
    living: Collection[Identity] = (),
) -> Found:
    """Close or take over the unfinished runs of dispatchers that are gone.

    job: the one whose runs are looked at; None for every job's.
    living: dispatchers known to live though this process may not see them, as in another container.

    A run that may have begun is lost, and never silently run again; if its process still lives, it is ended
    first. One that was only claimed begins now, unless its time is over.
    """
    dispatchers = store.dispatchers()
    unfinished = [run for run in store.unfinished() if job in (None, run.job)]
    orphans = [run for run in unfinished if not is_owned(run, dispatchers, living)]
    running = [run for run in orphans if run.state is State.RUNNING]
    _end(running, dispatchers)
    now = clock.now()
    closed = [finish(run, Outcome(State.LOST, now)) for run in running]
    resumed = []
    for run in orphans:
        if run.state is State.RUNNING:
            continue
        if _may_begin(run, jobs, now):
            resumed.append(run)
        else:
            closed.append(finish(run, Outcome(State.MISSED, now, Reason.TOO_LATE)))
    if closed:
        store.finish(closed)
    # Last, so that no write may fail between it and the start of what is taken over.
    return Found(store.adopt(resumed) if resumed else [], closed)


def close_if_orphaned(
    store: DispatcherStore, run: Run, clock: Clock, *, living: Collection[Identity] = ()
) -> Run | None:
    """Close a run whose dispatcher is gone, its process ended first; None where its dispatcher lives."""
    dispatchers = store.dispatchers()
    if run.state is not State.RUNNING or is_owned(run, dispatchers, living):
        return None
    _end([run], dispatchers)
    closed = finish(run, Outcome(State.LOST, clock.now()))
    store.finish([closed])
    return closed


def is_owned(run: Run, dispatchers: Mapping[int, Identity], living: Collection[Identity]) -> bool:
    """Return whether a run's dispatcher lives."""
    owner = dispatchers.get(run.dispatcher or 0)
    return owner is not None and (owner in living or is_alive(owner))


def _may_begin(run: Run, jobs: Mapping[str, Job], now: float) -> bool:
    job = jobs.get(run.job)
    return (
        job is not None
        and job.enabled
        and run.trigger is not Trigger.MANUAL  # whoever asked for it is gone
        and run.scheduled_for >= now - WINDOW_SECONDS
    )


def _end(runs: Sequence[Run], dispatchers: Mapping[int, Identity]) -> None:
    living = []
    for run in runs:
        owner = dispatchers.get(run.dispatcher or 0)
        if owner is None or run.pid is None or run.start_ticks is None:
            continue
        process = Identity(owner.boot_id, run.pid, run.start_ticks)
        if is_alive(process):
            kill_group(run.pid, signal.SIGKILL)
            living.append(process)
    wait_until_gone(living, _PATIENCE_SECONDS)
