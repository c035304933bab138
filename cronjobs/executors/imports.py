"""Importing what `jobs.toml` names, and noticing what an import leaves behind that a fork cannot carry.

Runs in processes that are made for it, never in the scheduler's.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs import targets
from cronjobs.core.failure import Failure
from cronjobs.executors.orders import JobSetup
from cronjobs.targets import Misfit, TargetError


class Bound(NamedTuple):
    """A job's callable, ready to be called."""

    function: Callable[..., Any]
    injected: tuple[str, ...]
    is_async: bool


def prepare_path(app_dir: str, directory: str) -> None:
    """Put the jobs' directory first on the import path, and work in the configuration's."""
    sys.path.insert(0, app_dir)
    os.chdir(directory)


def import_module(name: str) -> Failure | None:
    """Import a module; return what went wrong, None if nothing did."""
    try:
        targets.import_module(name)
    except TargetError as exc:
        return _failure(exc)
    except BaseException as exc:  # user code: an import may raise anything
        return _describe(exc)
    return None


def bind(job: JobSetup) -> Bound | Failure:
    """Return the job's callable from its imported module, or why there is none."""
    target = targets.split(job.callable)
    try:
        function = targets.resolve(sys.modules[target.module], target.attributes)
        plan = job.plan or targets.injection(function, job.args)
    except TargetError as exc:
        return _failure(exc)
    except BaseException as exc:  # user code: a module may have a __getattr__
        return _describe(exc)
    if isinstance(plan, list):
        return Failure("TypeError", f"{job.callable}: " + "; ".join(map(_in_words, plan)))
    return Bound(function, plan.keywords, plan.is_async)


def _failure(exc: TargetError) -> Failure:
    names = {"module": "ModuleNotFoundError", "attribute": "AttributeError"}
    name = names.get(exc.kind) or type(exc.__cause__).__name__
    return Failure(name, f"{exc} ({exc.hint})" if exc.hint else str(exc), exc.traceback)


def _describe(exc: BaseException) -> Failure:
    from cronjobs.failures import describe  # with `traceback`: only where something fails

    return describe(exc)


def _in_words(misfit: Misfit) -> str:
    return f"{misfit.message} ({misfit.hint})" if misfit.hint else misfit.message


class Footprint(NamedTuple):
    """What a process holds that its forks would not survive with."""

    threads: int
    descriptors: Mapping[int, str]

    @classmethod
    def take(cls) -> "Footprint":
        """Return the present one."""
        return cls(_threads(), dict(_connections()))


def leftovers(before: Footprint) -> list[str]:
    """Return, in words, the threads and connections that are there now and were not before.

    Threads that stop for a fork, as OpenBLAS's do, are none: hence the fork.
    """
    if _threads() > before.threads:
        _fork_and_forget()
    found = []
    threads = _threads() - before.threads
    if threads > 0:
        found.append("1 thread" if threads == 1 else f"{threads} threads")
    found += [kind for number, kind in _connections() if before.descriptors.get(number) != kind]
    return found


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import threading  # where there is no /proc

        return threading.active_count()


def _connections() -> Iterator[tuple[int, str]]:
    for text in os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{text}")
        except OSError:
            continue
        if target.startswith("socket:"):
            yield int(text), f"a socket (descriptor {text})"
        elif target == "anon_inode:[eventpoll]":
            yield int(text), f"an epoll instance (descriptor {text})"


def _fork_and_forget() -> None:
    import warnings  # Python 3.12 warns of a fork with threads: this one is made to see whether they stay

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def module_of(job: JobSetup) -> str:
    """Return the name of the module that the job's callable lives in."""
    return targets.split(job.callable).module


def modules_of(jobs: Sequence[JobSetup]) -> list[str]:
    """Return the jobs' modules, each once, in order."""
    return list(dict.fromkeys(map(module_of, jobs)))
