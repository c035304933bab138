"""Importing what `jobs.toml` names, and noticing what an import leaves behind that a fork cannot carry.

Runs in processes that are made for it, never in the scheduler's.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cronjobs import signatures, targets
from cronjobs.core.failure import Failure
from cronjobs.core.job import Service
from cronjobs.executors.orders import JobSetup
from cronjobs.services.supplies import NO_SUPPLIES, Supplies
from cronjobs.signatures import Misfit, Plan
from cronjobs.targets import TargetError

_OF_THE_RUN = frozenset(("context", "logger"))


class Bound(NamedTuple):
    """A job's callable, ready to be called, and what its services are made from."""

    function: Callable[..., Any]
    plan: Plan
    supplies: Supplies = NO_SUPPLIES

    @property
    def is_injected(self) -> bool:
        """Whether it is given more than its args."""
        return bool(self.plan.keywords or self.plan.containers)

    @property
    def is_given_services(self) -> bool:
        """Whether it is given more than what the run knows of itself."""
        return bool(self.plan.containers) or not _OF_THE_RUN.issuperset(self.plan.keywords)


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


def bind(job: JobSetup, supplies: Supplies = NO_SUPPLIES) -> "Bound | Misfits | Failure":
    """Return the job's callable from its imported module, or why there is none."""
    found = _looked_up(job.callable)
    if isinstance(found, Failure):
        return found
    function = found.value
    try:
        plan = job.plan or signatures.injection(function, job.args, supplies.injectable)
    except BaseException as exc:  # user code: an annotation or a __signature__ may be anything
        return _describe(exc)
    return Misfits(job.callable, plan) if isinstance(plan, list) else Bound(function, plan, supplies)


def plan_service(service: Service, supplies: Supplies) -> "Plan | Misfits | Failure":
    """Return how a service's factory is called, from its imported module, or why it cannot be."""
    found = _looked_up(service.factory)
    if isinstance(found, Failure):
        return found
    try:
        plan = signatures.making(found.value)
    except BaseException as exc:  # user code: as above
        return _describe(exc)
    misfits = plan if isinstance(plan, list) else signatures.unknown_services(plan, supplies.injectable)
    return Misfits(service.factory, misfits) if misfits else plan  # type: ignore[return-value]  # a list is misfits


class Misfits(NamedTuple):
    """Every reason why what `target` names cannot be called."""

    target: str
    reasons: Sequence[Misfit]

    @property
    def failure(self) -> Failure:
        """All of them, as one."""
        return Failure("TypeError", f"{self.target}: " + "; ".join(map(_in_words, self.reasons)))


class _Found(NamedTuple):
    value: Any


def _looked_up(text: str) -> _Found | Failure:
    target = targets.split(text)
    try:
        return _Found(targets.resolve(sys.modules[target.module], target.attributes))
    except TargetError as exc:
        return _failure(exc)
    except BaseException as exc:  # user code: a module may have a __getattr__
        return _describe(exc)


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
    return list(dict.fromkeys(module_of(job) for job in jobs if job.callable))
