"""For tests of one's own jobs: a job's function called as a run calls it, and what a file would run when.

It needs no plugin of a test runner. No process is started, and nothing is written to a state file.
"""

import logging
import os
from _thread import allocate_lock
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypedDict, TypeVar, Unpack, overload

from cronjobs.clock import SystemClock
from cronjobs.context import Context, LastSuccess
from cronjobs.core.errors import ServiceError
from cronjobs.core.job import Configuration, QuerySettings
from cronjobs.core.run import run_id
from cronjobs.core.suggest import did_you_mean
from cronjobs.core.waiting import Flag
from cronjobs.core.workflow import StepRecord, WorkflowFailure, WorkflowState
from cronjobs.definitions import DEFINED
from cronjobs.executors.imports import Misfits
from cronjobs.executors.results import as_json
from cronjobs.services.container import Container
from cronjobs.services.logger import ROOT, JobLogger
from cronjobs.services.loop import running_loop
from cronjobs.services.run import add_query
from cronjobs.signatures import Plan, injection
from cronjobs.workflows.memory import MemoryJournal

if TYPE_CHECKING:
    from cronjobs.workflows.memory import WorkflowRecord

__all__ = [
    "Crash",
    "FakeClock",
    "JobRun",
    "JournaledWorkflow",
    "RunOptions",
    "SimulatedRun",
    "Workflows",
    "run_job",
    "run_job_async",
    "simulate",
]

T = TypeVar("T")

_OWN_NAMES = {
    "container": "the run has one of its own, with what `services` and `factories` say",
    "context": "say what is in it by the other options: `scheduled_for`, `attempt`, `last_result`, ...",
    "logger": "what is logged is in `.logs` of what comes back",
}


class Crash(BaseException):
    """Raise it in a step, or in what it calls, where the process is to be gone.

    Nothing of a workflow is undone then, and nothing more of it is written down: the next run that is given
    the same `workflows` goes on with it. `run_job` raises it, too.
    """


class FakeClock:
    """Time that passes only where somebody lets it: by `advance`, or by waiting for it.

    waits: the seconds for which it was waited, in their order.
    """

    def __init__(self, moment: datetime | None = None) -> None:
        """moment: aware; by default the real one."""
        self.waits: list[float] = []
        self._now = SystemClock().now() if moment is None else _instant("moment", moment)
        self._monotonic = 0.0
        self._lock = allocate_lock()

    @property
    def moment(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.fromtimestamp(self._now, UTC)

    def now(self) -> float:
        """Return the wall clock, in UTC seconds, as `time.time` does."""
        return self._now

    def monotonic(self) -> float:
        """Return how much time has passed, in seconds; `set` does not change it."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if not seconds >= 0:
            raise ValueError(f"time passes forward only, not by {seconds!r} s; `set` puts the clock back")
        with self._lock:
            self._now += seconds
            self._monotonic += seconds

    def set(self, moment: datetime) -> None:
        """Put the wall clock to a moment, aware, as somebody does who sets a machine's."""
        self._now = _instant("moment", moment)

    def sleep(self, seconds: float, interruption: Flag | None = None) -> None:
        """Take no time, and let it pass."""
        self.waits.append(seconds)
        self.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Do the same, and let others go on."""
        import asyncio  # late: whoever awaits this has it

        self.sleep(seconds)
        await asyncio.sleep(0)


class JournaledWorkflow(NamedTuple):
    """A workflow as it is written down. id: with its `~n`. steps: in the order in which they began."""

    id: str
    name: str
    input: Any
    state: WorkflowState
    result: Any
    errors: Sequence[WorkflowFailure]
    steps: Sequence[StepRecord]


class Workflows:
    """The journal of the workflows that runs begin. Runs that are given the same one know of each other's."""

    def __init__(self) -> None:
        self._journal = MemoryJournal("nobody")
        self._running: set[str] = set()

    def __len__(self) -> int:
        return len(self._journal.workflows())

    def __iter__(self) -> Iterator[JournaledWorkflow]:
        """Go through them in the order in which they began."""
        return map(_as_journaled, self._journal.workflows())

    def __contains__(self, id: object) -> bool:
        return any(each.id == id for each in self)

    def __getitem__(self, id: str) -> JournaledWorkflow:
        """Return the workflow of an id; KeyError where there is none."""
        for each in self:
            if each.id == id:
                return each
        ids = [each.id for each in self]
        raise KeyError(f"no workflow `{id}`; {did_you_mean(id, ids) or f'there are: {ids}'}")

    @contextmanager
    def _kept_by(self, run: str, clock: FakeClock) -> Iterator[MemoryJournal]:
        """Give a run its end of the journal; once it is gone, others may go on with its workflows."""
        if run in self._running:
            raise ValueError(f"the run {run} is under way: give another one its own `scheduled_for`")
        self._running.add(run)
        journal = self._journal.as_owner(run, clock=clock)
        try:
            yield journal
        finally:
            journal.die()
            self._running.discard(run)


class RunOptions(TypedDict, total=False):
    """What a run can be told.

    services: {key: the service as it is}. factories: {key: what makes it}, as `[services]` names them.
    args: bound first; by default those of the function's `@job`.
    query_url, query_relations: as in `[query]`; or give a service `query`.
    job_name: by default what `@job` says, else the function's name.
    scheduled_for: aware; by default the clock's time. attempt, execution_number: by default 1.
    remaining_executions: by default what is left of the `@job`'s `number_of_executions`.
    last_success_at: aware; where only last_result is given, a day before scheduled_for.
    last_result: what the last run that succeeded returned; it comes to the job as a state file would have it.
    should_stop: whether the run is asked to end, or a function that says so each time.
    clock: of the workflows, and of the logger's activities. workflows: those that runs before have begun.
    """

    services: Mapping[str, Any]
    factories: Mapping[str, Callable[..., Any]]
    args: Mapping[str, Any]
    query_url: str
    query_relations: Mapping[str, Any]
    job_name: str
    scheduled_for: datetime
    attempt: int
    execution_number: int
    remaining_executions: int | None
    last_success_at: datetime | None
    last_result: Any
    should_stop: bool | Callable[[], bool]
    clock: FakeClock
    workflows: Workflows


class JobRun(NamedTuple, Generic[T]):
    """A run that has succeeded.

    result: what the function returned, as it is. records: what it logged by its `logger`, of every level.
    started_at: by the clock, aware, in UTC; what a later run's `last_success_at` is.
    """

    result: T
    context: Context
    records: Sequence[logging.LogRecord]
    workflows: Workflows
    started_at: datetime

    @property
    def logs(self) -> list[tuple[str, str]]:
        """What it logged, as pairs like `("INFO", "3 files")`."""
        return [(record.levelname, record.getMessage()) for record in self.records]


@overload
def run_job(
    function: Callable[..., Coroutine[Any, Any, T]], /, **options: Unpack[RunOptions]
) -> JobRun[T]: ...
@overload
def run_job(function: Callable[..., T], /, **options: Unpack[RunOptions]) -> JobRun[T]: ...
def run_job(function: Callable[..., Any], /, **options: Unpack[RunOptions]) -> JobRun[Any]:
    """Call a job's function, sync or async, as a run does, and return what came of it.

    What the job raises is raised as it is; its services are cleaned up before. TypeError, as `validate` would
    put it, where the function cannot be called. In a test that is itself async, await `run_job_async`.
    """
    run = _Run(function, options)
    if not run.plan.is_async:
        return run.perform()
    if running_loop() is not None:
        raise _in_loop(run.name)
    import asyncio  # late: many jobs do without

    return asyncio.run(run.perform_async())


@overload
async def run_job_async(
    function: Callable[..., Coroutine[Any, Any, T]], /, **options: Unpack[RunOptions]
) -> JobRun[T]: ...
@overload
async def run_job_async(function: Callable[..., T], /, **options: Unpack[RunOptions]) -> JobRun[T]: ...
async def run_job_async(function: Callable[..., Any], /, **options: Unpack[RunOptions]) -> JobRun[Any]:
    """Do as `run_job` does, in the event loop that runs."""
    return await _Run(function, options).perform_async()


class _Run:
    """One call of a job's function, with everything that it is given."""

    def __init__(self, function: Callable[..., Any], options: RunOptions) -> None:
        _check_options(options)
        marked = _marked(function, options.get("job_name"))
        self.function = function
        self.name = options.get("job_name") or marked.get("name") or _name_of(function)
        if "scheduled_for" in options:
            _instant("scheduled_for", options["scheduled_for"])
        self.clock = options.get("clock", FakeClock(options.get("scheduled_for")))
        self.workflows = options.get("workflows", Workflows())
        self.context = _context(self.name, options, marked.get("number_of_executions"), self.clock)
        self.records: list[logging.LogRecord] = []
        self.container = self._container(options)
        self.args = options["args"] if "args" in options else _expanded(marked.get("args", {}))
        self.plan = self._plan()

    def perform(self) -> JobRun[Any]:
        """Return what comes of a function that awaits nothing."""
        started_at = self.clock.moment
        with self._journaled(), self.container:
            result = self._called(self.container.inject(self.plan.keywords))
            if hasattr(result, "__await__"):
                if running_loop() is not None:
                    if isinstance(result, Coroutine):
                        result.close()
                    raise _in_loop(self.name)
                result = self.container.wait_for(result)
        return self._ran(result, started_at)

    async def perform_async(self) -> JobRun[Any]:
        """Return what comes of a function of any kind."""
        started_at = self.clock.moment
        with self._journaled():
            async with self.container:
                result = self._called(await self.container.inject_async(self.plan.keywords))
                if hasattr(result, "__await__"):
                    result = await result
        return self._ran(result, started_at)

    def _called(self, values: Mapping[str, Any]) -> Any:
        return self.function(**self.args, **values, **dict.fromkeys(self.plan.containers, self.container))

    def _ran(self, result: Any, started_at: datetime) -> JobRun[Any]:
        return JobRun(result, self.context, self.records, self.workflows, started_at)

    @contextmanager
    def _journaled(self) -> Iterator[None]:
        with self.workflows._kept_by(self.context.run_id, self.clock) as journal:
            self.container.journal, self.container.clock = journal, self.clock
            yield

    def _container(self, options: RunOptions) -> Container:
        container = Container()
        services, factories = options.get("services", {}), options.get("factories", {})
        for key in (*services, *factories):
            if key in _OWN_NAMES:
                raise ServiceError(f"`{key}` is given to every job by its run", hint=_OWN_NAMES[key])
            if key in services and key in factories:
                raise ServiceError(f"`{key}` is given as a service and as a factory, one of them is enough")
        for key, value in services.items():
            container.register(key, value)
        for key, factory in factories.items():
            container.register(key, factory=factory)
        if "query_url" in options:
            add_query(container, QuerySettings(options["query_url"], options.get("query_relations", {})))
        container.register("context", self.context)
        container.register("logger", self._logger())
        container.reserve()
        return container

    def _logger(self) -> JobLogger:
        # A logger of its own: what is known by its name would be shared with other runs, and set up for all.
        logger = logging.Logger(f"{ROOT}.{self.name}", logging.DEBUG)
        logger.parent = logging.getLogger(ROOT)
        logger.addHandler(_Keeper(self.records))
        context = self.context
        extra = {"job": context.job_name, "run_id": context.run_id, "scheduled_for": context.scheduled_for}
        return JobLogger(logger, extra, self.clock.monotonic)

    def _plan(self) -> Plan:
        plan = injection(self.function, self.args, sorted(self.container.parameters()))
        if isinstance(plan, Plan):
            return plan
        where = f"{getattr(self.function, '__module__', '?')}:{_name_of(self.function)}"
        error = TypeError(Misfits(where, plan).failure.message)
        error.add_note("in a test, a job is given what `services`, `factories` and `args` say")
        raise error


class _Keeper(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self._records.append(record)


class SimulatedRun(NamedTuple):
    """A run that would be made. scheduled_for: aware, in UTC."""

    job: str
    scheduled_for: datetime
    execution_number: int


def simulate(
    config: "str | os.PathLike[str] | Configuration",
    start: datetime,
    end: datetime,
    *,
    executions: Mapping[str, int] | None = None,
) -> list[SimulatedRun]:
    """Return the runs that `cronjobs run` would make after `start`, up to and including `end`, both aware.

    config: the path of a `jobs.toml`, or its text (a str with `=` or a line break in it), or what was loaded.
    executions: {job: how often it has run before}.

    The scheduler itself runs on virtual time, with runs that take none and succeed. ConfigError where the
    configuration has mistakes.
    """
    from cronjobs.engine.simulate import simulate as runs_between  # late, with the store: few tests need it
    from cronjobs.store.sqlite import SqliteStore

    configuration = config if isinstance(config, Configuration) else _loaded(config)
    counts = dict(executions or {})
    for job in counts:
        if job not in configuration.jobs:
            raise ValueError(f"executions: no job `{job}`; {did_you_mean(job, configuration.jobs)}")
    first, last = _instant("start", start), _instant("end", end)
    store = SqliteStore.in_memory(counts, {})
    try:
        runs = runs_between(configuration, first, last, store=store)
    finally:
        store.close()
    return [
        SimulatedRun(run.job, datetime.fromtimestamp(run.scheduled_for, UTC), run.execution_number)
        for run in runs
    ]


def _loaded(config: "str | os.PathLike[str]") -> Configuration:
    from cronjobs.config.load import load
    from cronjobs.core.errors import ConfigError

    try:
        if not isinstance(config, str) or not ("\n" in config or "=" in config):
            return load(os.fspath(config), environ=os.environ)
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as directory:
            path = os.path.join(directory, "jobs.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(config)
            return load(path, environ=os.environ, app_dir=os.getcwd())
    except ConfigError as exc:
        for problem in exc.problems:
            hint = f" ({problem.hint})" if problem.hint else ""
            exc.add_note(f"{problem.line}:{problem.column}: {problem.message}{hint}")
        raise


def _check_options(options: RunOptions) -> None:
    for name in options:
        if name not in RunOptions.__annotations__:
            hint = did_you_mean(name, list(RunOptions.__annotations__))
            raise TypeError(f"a run has no option `{name}`" + (f"; {hint}" if hint else ""))


def _marked(function: Callable[..., Any], name: str | None) -> Mapping[str, Any]:
    """Return what the function's `@job` says: the one that has the name, or the only one."""
    own = [{"name": _name_of(function), **each.options} for each in DEFINED if each.function is function]
    found = [each for each in own if each["name"] == name] if len(own) > 1 else own
    if not found and own:
        names = ", ".join(f"`{each['name']}`" for each in own)
        raise ValueError(f"the function is marked with @job more than once: say `job_name`, one of {names}")
    return found[0] if found else {}


def _expanded(args: Mapping[str, Any]) -> Mapping[str, Any]:
    from cronjobs.config.problems import Mistake
    from cronjobs.config.variables import expanded

    mistakes: list[Mistake] = []
    filled: Mapping[str, Any] = expanded(dict(args), ("args",), os.environ, mistakes.append)
    if mistakes:
        raise ValueError(f"args of @job: {mistakes[0].message}; {mistakes[0].hint}")
    return filled


def _context(name: str, options: RunOptions, limit: int | None, clock: FakeClock) -> Context:
    moment = options.get("scheduled_for", clock.moment)
    scheduled_for = datetime.fromtimestamp(int(_instant("scheduled_for", moment)), UTC)
    attempt, number = options.get("attempt", 1), options.get("execution_number", 1)
    remaining = options.get("remaining_executions", None if limit is None else max(0, limit - number))
    asked = options.get("should_stop", False)
    last = _last_success(options, scheduled_for)
    id = run_id(name, int(scheduled_for.timestamp()), attempt=attempt)
    return Context(
        *(name, id, scheduled_for, attempt, number, remaining),
        last_success=lambda: last,
        should_stop=asked if callable(asked) else lambda: bool(asked),
    )


def _last_success(options: RunOptions, scheduled_for: datetime) -> LastSuccess | None:
    import json  # late: for the few tests that say what was before

    started_at, result = options.get("last_success_at"), options.get("last_result")
    if started_at is None and result is None:
        return None
    if started_at is None:
        started_at = scheduled_for - timedelta(days=1)
    moment = datetime.fromtimestamp(_instant("last_success_at", started_at), UTC)
    return LastSuccess(moment, None if result is None else json.loads(as_json(result)))


def _as_journaled(record: "WorkflowRecord") -> JournaledWorkflow:
    steps = sorted(record.steps.values(), key=lambda step: step.number)
    begin = record.begin
    return JournaledWorkflow(
        record.id, begin.name, begin.input, record.state, record.result, record.errors, steps
    )


def _instant(name: str, moment: datetime) -> float:
    """Return a moment's UTC seconds; ValueError for one that is not aware."""
    if moment.tzinfo is None:
        raise ValueError(f"{name} has no zone: write `datetime(..., tzinfo=UTC)`")
    return moment.timestamp()


def _name_of(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__qualname__", type(function).__qualname__).rpartition(".")[2]


def _in_loop(job: str) -> RuntimeError:
    return RuntimeError(f"an event loop runs already: write `await run_job_async(...)` for the job `{job}`")
