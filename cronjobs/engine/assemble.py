"""The only place that builds edges: clock, store, executor, log."""

from cronjobs.clock import SystemClock
from cronjobs.core.due import is_anchored, schedules_of
from cronjobs.core.events import Note
from cronjobs.core.job import Configuration, Job
from cronjobs.core.ports import Definition, Observer
from cronjobs.core.workflow import Intent, WorkflowRecord, WorkflowState
from cronjobs.engine.manual import Manual
from cronjobs.engine.options import LogOptions, Options
from cronjobs.engine.recovery import is_owned
from cronjobs.engine.scheduler import Scheduler
from cronjobs.executors.local import LocalExecutor
from cronjobs.executors.orders import GoingOn
from cronjobs.executors.watch import Watch
from cronjobs.lock import StateLock, is_locked, read_holder
from cronjobs.observers.log import JsonLog, TextLog
from cronjobs.observers.passthrough import Passthrough
from cronjobs.observers.writer import Writer
from cronjobs.processes import (
    Identity,
    become_subreaper,
    descriptor_limit,
    is_kept,
    own_identity,
    raise_descriptor_limit,
)
from cronjobs.signals import SignalPipe
from cronjobs.store.sqlite import SqliteStore

_MOST_ARMED = 1000
_SPARE_DESCRIPTORS = 256


def _anchors(configuration: Configuration, store: SqliteStore, now: int) -> dict[str, int]:
    """Return when the jobs that are counted from their first start had it: now, if they had none."""
    definitions = [Definition(job.name, job.form) for job in configuration.jobs.values() if is_anchored(job)]
    return store.define(definitions, now) if definitions else {}


def schedule(
    configuration: Configuration,
    options: Options,
    log: LogOptions,
    signals: SignalPipe,
) -> int:
    """Run the scheduler until it is done or told to stop; return the exit code."""
    clock = SystemClock()
    watch = Watch(clock)
    identity = own_identity()
    lock = StateLock.acquire(configuration.settings.state, identity)
    former_limit = raise_descriptor_limit()
    become_subreaper()
    store = SqliteStore.open(configuration.settings.state)
    store.attach(identity, now=clock.now())
    writer = Writer(1, watch, clock.monotonic)
    observer: Observer
    if log.format == "json":
        observer = JsonLog(writer, now=clock.now, level=log.level)
    else:
        observer = TextLog(writer, now=clock.now, zone=log.zone, level=log.level, colour=log.colour)
    executor = LocalExecutor(
        configuration, clock=clock, signals=signals, watch=watch, descriptor_limit=former_limit
    )
    for note in store.notes:
        observer.observe(Note("info", "state_file", note))
    if not is_kept(store.path):
        message = f"{store.path} is on no volume: counts and history go with the container"
        observer.observe(Note("warning", "state_not_kept", message))
    try:
        executor.begin()
        scheduler = Scheduler(
            configuration,
            schedules_of(configuration, _anchors(configuration, store, int(clock.now()))),
            options._replace(max_armed=_most_armed()),
            clock=clock,
            store=store,
            executor=executor,
            observer=observer,
        )
        return scheduler.run()
    finally:
        executor.close()
        observer.flush()
        store.close()
        lock.release()


def cancel_workflow(configuration: Configuration, job: Job, record: WorkflowRecord) -> int | None:
    """Undo a workflow: by the run that has it, or where that is gone, here and now.

    Returns None where a run was asked to, else as `trigger` does.
    """
    store = SqliteStore.open(configuration.settings.state)
    try:
        owner = store.workflow_owner(record.base_id)
        lives = owner is not None and is_owned(owner, store.dispatchers(), _holders(store.path))
        if lives and store.request_workflow_cancel(record.id):
            return None
    finally:
        store.close()
    going_on = GoingOn(record.target, record.base_id, Intent.CANCEL, WorkflowState.REVERTED)
    return trigger(configuration, job, going_on=going_on)


def _holders(path: str) -> tuple[Identity, ...]:
    """Return the scheduler that has a state file, if one has: it lives though its pid may not be visible."""
    holder = read_holder(path) if is_locked(path) else None
    return () if holder is None else (holder,)


def _most_armed() -> int:
    """Return how many processes may wait for their instant: each takes three of this one's descriptors."""
    return max(0, min(_MOST_ARMED, (descriptor_limit() - _SPARE_DESCRIPTORS) // 4))


def trigger(
    configuration: Configuration, job: Job, *, counted: bool = False, going_on: GoingOn | None = None
) -> int:
    """Run a job now, its output passed through; return 0 if it succeeded, else 1 or 128 + signal.

    going_on: the workflow that the run goes on with, instead of calling the job's function.
    """
    clock = SystemClock()
    watch = Watch(clock)
    become_subreaper()
    store = SqliteStore.open(configuration.settings.state)
    store.attach(own_identity(), now=clock.now())
    only = configuration._replace(jobs={job.name: job})
    executor = LocalExecutor(
        only, clock=clock, signals=SignalPipe.open(), watch=watch, always_spawn=True, going_on=going_on
    )
    try:
        manual = Manual(
            job,
            clock=clock,
            store=store,
            executor=executor,
            observer=Passthrough(),
            living=_holders(store.path),
        )
        return manual.run(counted=counted)
    finally:
        executor.close()
        store.close()
