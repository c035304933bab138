"""A run's life inside its own process, in order, from the fork to the exit."""

# `signal` wraps what it returns in enums: 120 us of a run's life instead of 50.
import _signal  # type: ignore[import-not-found]  # typeshed leaves it out
import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from cronjobs.core.failure import Failure
from cronjobs.executors.imports import Bound
from cronjobs.executors.orders import JobSetup, Order
from cronjobs.executors.wire import encode
from cronjobs.processes import die_with_parent

_FAILED = 1
_INTERNAL = 70


class Terminated(SystemExit):
    """Raised in a job by SIGTERM, so that its clean-up runs."""


class Unbound(Exception):
    """There is no function to call; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Descriptors(NamedTuple):
    """A run's own: its channel to the scheduler, and what it writes to."""

    channel: int
    stdout: int
    stderr: int


class Life(NamedTuple):
    """All that a run needs, made before its process is."""

    order: Order
    job: JobSetup
    bound: Bound | Failure
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
            finish(descriptors.channel, *perform(lambda: call(life.bound, life.job, life.order)))
    except BaseException:  # ours, or from what the job's own clean-up did: never back into the server
        _print_traceback(sys.exc_info()[1])
        _flush()
        os._exit(_INTERNAL)
    os._exit(0)


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


def perform(job: Callable[[], None]) -> tuple[int, Failure | None, bool]:
    """Run the job and what it leaves to be done at the end.

    Returns its exit code, the exception that ended it, and whether it was told to end.
    """
    owner = os.getpid()
    atexit._clear()  # what was registered before the fork is not this run's to do
    code, error, terminated = _guarded(job)
    if os.getpid() != owner:
        os._exit(code)  # a fork of the job's own that came back here
    if not terminated and "threading" in sys.modules:
        late = _guarded(_join_threads)
        if late[0]:
            code, error, terminated = late
    atexit._run_exitfuncs()
    return code, error, terminated


def finish(channel: int, code: int, error: Failure | None, terminated: bool) -> NoReturn:
    """End the process the way the job ended."""
    _flush()
    if error is not None:
        os.write(channel, encode(error))
    if terminated:
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
        os.kill(os.getpid(), _signal.SIGTERM)
    os._exit(code)


def call(bound: Bound | Failure, job: JobSetup, order: Order) -> None:
    """Call the job's function, and see it through if it is a coroutine."""
    if isinstance(bound, Failure):
        raise Unbound(bound)
    result = bound.function(**job.args, **_services(bound.injected, order, job.name))
    if bound.is_async or hasattr(result, "__await__"):
        import asyncio  # loaded ahead where a job is a coroutine function

        asyncio.run(_see_through(result))


async def _see_through(awaitable: Any) -> None:
    await awaitable


def _services(names: Iterable[str], order: Order, job: str) -> dict[str, Any]:
    if not names:
        return {}
    from cronjobs.services.run import services_of  # with `logging` behind it: only for jobs that ask

    return services_of(
        names,
        job_name=job,
        run_id=order.run_id,
        scheduled_for=order.scheduled_for,
        attempt=order.attempt,
        execution_number=order.execution_number,
        remaining_executions=order.remaining_executions,
    )


def _guarded(function: Callable[[], None]) -> tuple[int, Failure | None, bool]:
    try:
        function()
    except Terminated:
        return _FAILED, None, True
    except SystemExit as exc:
        return _exit_code(exc)
    except Unbound as exc:
        _print(exc.failure.traceback or exc.failure.message)
        return _FAILED, exc.failure, False
    except BaseException as exc:  # user code
        _print_traceback(exc)
        return _FAILED, _describe(exc), False
    return 0, None, False


def _join_threads() -> None:
    """Wait for the job's threads, as an interpreter does at its end."""
    import threading  # there already; loaded for nothing, it makes each fork 0.4 ms slower

    if threading.active_count() > 1:
        threading._shutdown()  # type: ignore[attr-defined]  # private, and the only way


def _describe(exc: BaseException) -> Failure:
    from cronjobs.failures import describe  # with `traceback`: only for a run that fails

    return describe(exc)


def _exit_code(exc: SystemExit) -> tuple[int, Failure | None, bool]:
    if exc.code is None or exc.code == 0:
        return 0, None, False
    if isinstance(exc.code, int):
        return exc.code & 0xFF, _describe(exc), False
    _print(str(exc.code))
    return _FAILED, _describe(exc), False


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
