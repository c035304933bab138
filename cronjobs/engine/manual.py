"""One run of one job because somebody asked for it: claimed, run and recorded like any other."""

import signal
from collections.abc import Collection
from typing import TYPE_CHECKING

from cronjobs.core.errors import RefusedError
from cronjobs.core.events import Event, RunFinished
from cronjobs.core.job import Concurrency, Job
from cronjobs.core.ports import Claim, Clock, Definition, Executor, Observer, Said, Signalled
from cronjobs.core.run import Reason, Run, State, Trigger
from cronjobs.engine.dispatch import Dispatch
from cronjobs.engine.recovery import recover
from cronjobs.processes import Identity

if TYPE_CHECKING:
    from cronjobs.store.sqlite import SqliteStore

_WAIT_SECONDS = 1.0


class Manual:
    """Dispatches a single run in this process's own tree."""

    def __init__(
        self,
        job: Job,
        *,
        clock: Clock,
        store: "SqliteStore",
        executor: Executor,
        observer: Observer,
        living: Collection[Identity] = (),
    ) -> None:
        """living: dispatchers known to live though this process may not see them."""
        self._job = job
        self._clock = clock
        self._store = store
        self._executor = executor
        self._observer = observer
        self._living = living
        self._finished: Run | None = None
        self._signals: list[int] = []
        self._dispatch = Dispatch(
            {job.name: job},
            clock=clock,
            store=store,
            executor=executor,
            tell=self._tell,
            max_parallel=1,
            on_returned=lambda name: None,
            living=living,
        )

    def run(self, *, counted: bool) -> int:
        """Run the job; return 0 if it succeeded, 1 if not, 128 + signal if one ended it.

        Raises RefusedError where the job's concurrency, or its limit if it is to be counted, forbids it.
        """
        run = self._claim(counted=counted)
        self._dispatch.admit([run])
        while not self._dispatch.is_idle:
            self._dispatch.settle()
            for event in self._executor.wait(self._pause()):
                if isinstance(event, Signalled):
                    self._stop(event.signum)
                elif not isinstance(event, Said):
                    self._dispatch.take(event)
            self._observer.flush()
        if self._signals:
            return 128 + self._signals[-1]
        return 0 if self._finished is not None and self._finished.state is State.SUCCEEDED else 1

    def _claim(self, *, counted: bool) -> Run:
        now = self._clock.now()
        job = self._job
        self._store.define([Definition(job.name, job.form)], int(now))
        is_exclusive = job.concurrency is Concurrency.FORBID
        claim = Claim(job.name, int(now), Trigger.MANUAL, job.number_of_executions, is_exclusive)
        claimed = self._store.claim_manual(claim, counted=counted, now=now)
        if (
            claimed is Reason.OVERLAP
            and recover(self._store, {}, self._clock, job=job.name, living=self._living).closed
        ):
            claimed = self._store.claim_manual(claim, counted=counted, now=now)  # it was a dead one's
        if isinstance(claimed, Run):
            return claimed
        if claimed is Reason.LIMIT:
            message = f"{job.name} has used up its number_of_executions ({job.number_of_executions})"
            raise RefusedError(message, hint=f"`cronjobs reset {job.name}` begins a new count")
        raise RefusedError(
            f"a run of {job.name} is not finished, and its concurrency is `forbid`",
            hint='wait for it (`cronjobs status` shows it), or set concurrency = "allow"',
        )

    def _stop(self, signum: int) -> None:
        if signum == signal.SIGUSR1:
            return
        self._signals.append(signum)
        self._dispatch.cancel_unstarted(Reason.USER)
        self._dispatch.end_all(Reason.USER, at_once=len(self._signals) > 1)

    def _pause(self) -> float:
        wake_at = self._dispatch.wake_at()
        if wake_at is None:
            return _WAIT_SECONDS
        return min(_WAIT_SECONDS, max(0.0, wake_at - self._clock.monotonic()))

    def _tell(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self._finished = event.run
        self._observer.observe(event)
