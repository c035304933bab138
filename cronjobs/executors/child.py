"""A run's life inside its own process, in order, from the fork to the exit."""

# `signal` wraps what it returns in enums: 120 us of a run's life instead of 50.
import _signal  # type: ignore[import-not-found]  # typeshed leaves it out
import atexit
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from cronjobs.core.failure import Failure
from cronjobs.executors.calling import call
from cronjobs.executors.endings import Ending, Terminated, Unbound, print_line, print_traceback
from cronjobs.executors.imports import Bound
from cronjobs.executors.orders import JobSetup, Order
from cronjobs.executors.wire import encode
from cronjobs.processes import die_with_parent
from cronjobs.services.supplies import NO_SUPPLIES
from cronjobs.signatures import Plan

_FAILED = 1
_INTERNAL = 70


class Descriptors(NamedTuple):
    """A run's own: its channel to the scheduler, and what it writes to."""

    channel: int
    stdout: int
    stderr: int


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
        print_traceback(sys.exc_info()[1])
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


def rehearse() -> None:
    """Go through the motions of a run in the server itself, with a function that does nothing.

    Where Python finds a method it notes on pages that are the server's: each run would have to copy them
    before it could note that for itself. With this, a run has a tenth fewer page faults.
    """
    order, job = Order(0, 0, "", 0, 1, 1, None), JobSetup("", "", {}, {})
    bound = Bound(lambda: None, Plan((), is_async=False), NO_SUPPLIES)
    life = Life(order, job, bound, Descriptors(-1, -1, -1), (), None, 0)
    perform(lambda: _begun(life))
    _flush()


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


def _guarded(function: Callable[[], Any]) -> Ending:
    try:
        returned = function()
        return Ending(0, result=None if returned is None else _as_json(returned))
    except Terminated:
        return Ending(_FAILED, is_terminated=True)
    except SystemExit as exc:
        return _exit_code(exc)
    except Unbound as exc:
        print_line(exc.failure.traceback or exc.failure.message)
        return Ending(_FAILED, exc.failure)
    except BaseException as exc:  # user code
        print_traceback(exc)
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
    print_line(str(exc.code))
    return Ending(_FAILED, _describe(exc))


def raise_terminated(signum: int, frame: object) -> None:
    """Handle SIGTERM: end the job in a way that runs its clean-up."""
    _signal.signal(_signal.SIGTERM, _signal.SIG_IGN)  # once is enough: clean-up is under way
    raise Terminated(128 + signum)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # the job closed or replaced it
