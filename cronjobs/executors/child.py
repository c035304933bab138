"""A run's life inside its own process, in order, from the fork to the exit."""

# `signal` wraps what it returns in enums: 120 us of a run's life instead of 50.
import _signal  # type: ignore[import-not-found]  # typeshed leaves it out
import atexit
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from cronjobs.core.failure import Failure
from cronjobs.executors.imports import Bound
from cronjobs.executors.orders import GoingOn, JobSetup, Order
from cronjobs.executors.wire import encode
from cronjobs.processes import die_with_parent

if TYPE_CHECKING:
    from cronjobs.context import Context
    from cronjobs.executors.channel import Channel
    from cronjobs.services.container import Container
    from cronjobs.services.supplies import Supplies

_FAILED = 1
_INTERNAL = 70


class Terminated(SystemExit):
    """Raised in a job by SIGTERM, so that its clean-up runs."""


class Unbound(Exception):
    """The job's function cannot be called; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Descriptors(NamedTuple):
    """A run's own: its channel to the scheduler, and what it writes to."""

    channel: int
    stdout: int
    stderr: int


class Ending(NamedTuple):
    """How a job's function ended; `result` is what it returned, as JSON, or None."""

    code: int
    failure: Failure | None = None
    is_terminated: bool = False  # it was told to end
    result: str | None = None


class Life(NamedTuple):
    """All that a run needs, made before its process is."""

    order: Order
    job: JobSetup
    bound: Bound | Failure | None  # None: the job is a program
    descriptors: Descriptors
    foreign: Sequence[int]  # descriptors of the server and of other runs; not those of the job's modules
    libc: Any
    parent: int


def live(life: Life) -> NoReturn:
    """Be the run."""
    descriptors = life.descriptors
    try:
        detach(life.libc, life.parent)
        for descriptor in life.foreign:
            os.close(descriptor)
        equip(descriptors, life.job.env)
        if os.read(descriptors.channel, 1):  # nothing: there is no scheduler any more, or it thought better
            finish(descriptors.channel, perform(lambda: _begun(life)))
    except BaseException:  # ours, or from what the job's own clean-up did: never back into the server
        _print_traceback(sys.exc_info()[1])
        _flush()
        os._exit(_INTERNAL)
    os._exit(0)


def _begun(life: Life) -> Any:
    channel = life.descriptors.channel
    if life.bound is None:
        from cronjobs.executors.program import become  # only for jobs that are programs

        settle(life.job, life.libc, life.parent)
        become(life.job, channel)
    settle(life.job, life.libc, life.parent)
    return call(life.bound, life.job, life.order, channel)


def settle(job: JobSetup, libc: Any, parent: int) -> None:
    """Go to the job's directory and become its user, where it has one of its own."""
    if job.cwd is not None:
        try:
            os.chdir(job.cwd)
        except OSError as exc:
            raise _unsettled(exc, f"its `cwd` is {job.cwd}: {exc.strerror}") from exc
    if job.user is not None:
        # Only for jobs that have one; what tells of their end may lie where that user may not look.
        import cronjobs.executors.results
        import cronjobs.failures  # noqa: F401
        from cronjobs.processes import become_user

        try:
            os.environ.update({**become_user(job.user), **job.env})
        except (OSError, LookupError) as exc:
            raise _unsettled(exc, f"it cannot run as the user {job.user}: {exc}") from exc
        die_with_parent(libc, parent)  # the change of user has undone it


def _unsettled(exc: Exception, message: str) -> Unbound:
    return Unbound(Failure(type(exc).__name__, message))


def detach(libc: Any, parent: int) -> None:
    """Begin a session, with default signals, and end with the parent."""
    os.setsid()
    _signal.set_wakeup_fd(-1)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    _signal.signal(_signal.SIGTERM, raise_terminated)
    die_with_parent(libc, parent)


def equip(descriptors: Descriptors, env: Mapping[str, str]) -> None:
    """Take the run's own descriptors and environment, and garbage collection."""
    os.dup2(descriptors.stdout, 1)
    os.dup2(descriptors.stderr, 2)
    os.close(descriptors.stdout)
    os.close(descriptors.stderr)
    if env:
        os.environ.update(env)
        if "TZ" in env:
            import time  # only for the few jobs that live in a zone of their own

            time.tzset()
    gc.enable()


def perform(job: Callable[[], Any]) -> Ending:
    """Run the job and what it leaves to be done at the end."""
    owner = os.getpid()
    atexit._clear()  # what was registered before the fork is not this run's to do
    ending = _guarded(job)
    if os.getpid() != owner:
        os._exit(ending.code)  # a fork of the job's own that came back here
    if not ending.is_terminated and "threading" in sys.modules:
        late = _guarded(_join_threads)
        if late.code:
            ending = late
    atexit._run_exitfuncs()
    return ending


def finish(channel: int, ending: Ending) -> NoReturn:
    """End the process the way the job ended."""
    _flush()
    if ending.failure is not None:
        os.write(channel, encode({"failure": ending.failure}))
    elif ending.result is not None:
        os.write(channel, encode({"result": ending.result}))
    if ending.is_terminated:
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
        os.kill(os.getpid(), _signal.SIGTERM)
    os._exit(ending.code)


def call(bound: Bound | Failure, job: JobSetup, order: Order, channel: int) -> Any:
    """Call the job's function, see it through if it is a coroutine, and return what it returns."""
    if isinstance(bound, Failure):
        raise Unbound(bound)
    if bound.is_given_services:
        container = _container(bound.supplies, job, order, channel)
        if bound.plan.is_async:
            return _run(_with_services(bound, job, container))
        return _closed(container, lambda: _called(bound, job, container))
    result = bound.function(**job.args, **_own_values(bound.plan.keywords, job, order, channel))
    if bound.plan.is_async or hasattr(result, "__await__"):
        return _run(_see_through(result))
    return result


def go_on(going_on: GoingOn, supplies: "Supplies", job: JobSetup, order: Order, channel: int) -> Any:
    """Go on with a workflow, or undo it, in the job's name but without its function; return its result.

    Raises WorkflowError where it does not end as it is to.
    """
    from cronjobs.core.errors import WorkflowError
    from cronjobs.core.workflow import Intent
    from cronjobs.workflows.resume import resume
    from cronjobs.workflows.workflow import WorkflowResult

    container = _container(supplies, job, order, channel)

    def ended() -> Any:
        begun = resume(going_on.target, going_on.id, container, Intent(going_on.intent))
        return begun if isinstance(begun, WorkflowResult) else container.wait_for(begun)

    found = _closed(container, ended)
    if found.transaction.state != going_on.goal:
        raise WorkflowError(f"workflow {found.transaction.id} is {found.transaction.state}")
    return found.result


def _run(coroutine: Any) -> Any:
    import asyncio  # loaded ahead where a job is a coroutine function

    return asyncio.run(coroutine)


async def _see_through(awaitable: Any) -> Any:
    return await awaitable


def _called(bound: Bound, job: JobSetup, container: "Container") -> Any:
    values = container.inject(bound.plan.keywords)
    result = bound.function(**job.args, **values, **dict.fromkeys(bound.plan.containers, container))
    return container.wait_for(result) if hasattr(result, "__await__") else result


async def _with_services(bound: Bound, job: JobSetup, container: "Container") -> Any:
    owner = os.getpid()
    try:
        values = await container.inject_async(bound.plan.keywords)
        containers = dict.fromkeys(bound.plan.containers, container)
        result = await bound.function(**job.args, **values, **containers)
    except BaseException as exc:  # user code, or a signal
        if os.getpid() == owner:
            try:
                await container.aclose()
            except BaseException as later:
                _tell_later_error(exc, later)
        raise
    if os.getpid() == owner:  # a fork of the job's own that came back here has nothing to clean up
        await container.aclose()
    return result


def _closed(container: "Container", function: Callable[[], Any]) -> Any:
    """Return what a function returns; whatever becomes of it, the services are cleaned up."""
    owner = os.getpid()
    try:
        result = function()
    except BaseException as exc:  # user code, or a signal
        if os.getpid() == owner:
            try:
                container.close()
            except BaseException as later:
                _tell_later_error(exc, later)
        raise
    if os.getpid() == owner:  # as above
        container.close()
    return result


def _tell_later_error(job: BaseException, later: BaseException) -> None:
    """Print a clean-up's error where the job's own is the one to be recorded; but the end comes first."""
    if isinstance(later, Terminated) and not isinstance(job, Terminated):
        raise later
    _print_traceback(later)


def _own_values(names: Sequence[str], job: JobSetup, order: Order, channel: int) -> dict[str, Any]:
    """Return what the function is given of the run itself: that takes no container, which would cost more."""
    if not names:
        return {}
    import time  # all of it only for jobs that ask for something; `logging` is behind it

    from cronjobs.executors.channel import Channel
    from cronjobs.services.logger import make_logger

    context = _context(job, order, Channel(channel))
    values: dict[str, Any] = {"context": context}
    if "logger" in names:
        values["logger"] = make_logger(context, time.monotonic)
    return {name: values[name] for name in names}


def _container(supplies: "Supplies", job: JobSetup, order: Order, channel: int) -> "Container":
    import time  # as above

    from cronjobs.executors.channel import Channel
    from cronjobs.executors.journal import ChannelJournal
    from cronjobs.services.run import make_container

    line = Channel(channel)
    container = make_container(supplies, _context(job, order, line), time.monotonic)
    container.journal = ChannelJournal(line)
    return container


def _context(job: JobSetup, order: Order, line: "Channel") -> "Context":
    from datetime import UTC, datetime

    from cronjobs.context import Context
    from cronjobs.executors.journal import last_success

    return Context(
        job_name=job.name,
        run_id=order.run_id,
        scheduled_for=datetime.fromtimestamp(order.scheduled_for, UTC),
        attempt=order.attempt,
        execution_number=order.execution_number,
        remaining_executions=order.remaining_executions,
        last_success=lambda: last_success(line),
        should_stop=line.should_stop,
    )


def _guarded(function: Callable[[], Any]) -> Ending:
    try:
        returned = function()
        return Ending(0, result=None if returned is None else _as_json(returned))
    except Terminated:
        return Ending(_FAILED, is_terminated=True)
    except SystemExit as exc:
        return _exit_code(exc)
    except Unbound as exc:
        _print(exc.failure.traceback or exc.failure.message)
        return Ending(_FAILED, exc.failure)
    except BaseException as exc:  # user code
        _print_traceback(exc)
        return Ending(_FAILED, _describe(exc))


def _as_json(value: Any) -> str:
    from cronjobs.executors.results import as_json  # only for a run that returns something

    return as_json(value)


def _join_threads() -> None:
    """Wait for the job's threads, as an interpreter does at its end."""
    import threading  # there already; loaded for nothing, it makes each fork 0.4 ms slower

    if threading.active_count() > 1:
        threading._shutdown()  # type: ignore[attr-defined]  # private, and the only way


def _describe(exc: BaseException) -> Failure:
    from cronjobs.failures import describe  # with `traceback`: only for a run that fails

    return describe(exc)


def _exit_code(exc: SystemExit) -> Ending:
    if exc.code is None or exc.code == 0:
        return Ending(0)
    if isinstance(exc.code, int):
        return Ending(exc.code & 0xFF, _describe(exc))
    _print(str(exc.code))
    return Ending(_FAILED, _describe(exc))


def raise_terminated(signum: int, frame: object) -> None:
    """Handle SIGTERM: end the job in a way that runs its clean-up."""
    _signal.signal(_signal.SIGTERM, _signal.SIG_IGN)  # once is enough: clean-up is under way
    raise Terminated(128 + signum)


def _print_traceback(exc: BaseException | None) -> None:
    if exc is not None:
        from cronjobs.failures import format_traceback

        _print(format_traceback(exc))


def _print(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except (OSError, ValueError):
        pass  # the job closed its standard error: the record of the run has it all the same


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # the job closed or replaced it
