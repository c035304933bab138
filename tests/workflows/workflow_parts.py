"""What workflows stand on in these tests: a container, a clock that jumps, journals that die."""

import asyncio
import inspect

from cronjobs.workflows.memory import MemoryJournal

KEY = "tidy@2026-11-23T12:00:00Z"


class RunContext:
    """What a run knows of itself."""

    def __init__(self, run_id=KEY, key=KEY):
        self.run_id = run_id
        self.idempotency_key = key
        self.job_name = "tidy"
        self.scheduled_for = "noon"
        self.should_stop = False


class Logger:
    def __init__(self):
        self.lines = []

    def debug(self, message, *arguments):
        self.lines.append(("debug", message % arguments))

    def warning(self, message, *arguments):
        self.lines.append(("warning", message % arguments))


class Container:
    """A run's container: what a workflow needs of it."""

    def __init__(self, journal=None, context=None, **services):
        self.journal = journal
        self.services = {"context": context, **services}

    def parameters(self):
        return {"container", *self.services}

    def inject(self, names):
        return {name: self.services[name] for name in names}

    async def inject_async(self, names):
        await asyncio.sleep(0)
        return self.inject(names)

    def resolve(self, key, default=None):
        return self.services.get(key, default)


class JumpingClock:
    """Time that passes where somebody waits for it."""

    def __init__(self, now=1_000_000.0):
        self.time = now
        self.waits = []

    def now(self):
        return self.time

    def sleep(self, seconds, interruption):
        self.waits.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds):
        await asyncio.sleep(0)
        self.sleep(seconds, None)


def a_run(journal=None, **services):
    """Return a container of a run, with a journal that others can look into."""
    journal = MemoryJournal(clock=JumpingClock()) if journal is None else journal
    return Container(journal, RunContext(), **services)


def run(workflow, container, *arguments, clock=None, **keywords):
    """Run a workflow to its end, whether it is `async def` or `def`."""
    begun = workflow(container, _clock=clock or JumpingClock()).run(*arguments, **keywords)
    return asyncio.run(begun) if inspect.isawaitable(begun) else begun


def states(result):
    """Return {position: state} of a result, or of an error, or of a journal's only workflow."""
    transaction = getattr(result, "transaction", None)
    steps = transaction.steps if transaction else result.workflows()[-1].steps.values()
    return {step.position: str(step.state) for step in steps}


class Died(BaseException):
    """The process is gone."""


class DyingJournal:
    """A journal whose process dies at its n-th call, from 1: before or after that is written."""

    def __init__(self, journal, dies_at, *, is_written):
        self._journal = journal
        self._dies_at = dies_at
        self._is_written = is_written
        self.calls = 0

    def begin(self, begin):
        return self._call(lambda: self._journal.begin(begin))

    def record(self, key, step):
        return self._call(lambda: self._journal.record(key, step))

    def compensate(self, key, errors):
        return self._call(lambda: self._journal.compensate(key, errors))

    def end(self, key, state, **rest):
        return self._call(lambda: self._journal.end(key, state, **rest))

    def _call(self, write):
        self.calls += 1
        if self.calls < self._dies_at:
            return write()
        if self.calls == self._dies_at and self._is_written:
            write()
        raise Died
