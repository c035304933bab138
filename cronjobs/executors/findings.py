"""What the verdicts on modules make of the jobs, with all that they need."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cronjobs.core.events import Note
from cronjobs.core.failure import Failure
from cronjobs.executors.verdicts import Verdict
from cronjobs.services.supplies import Supplies, dependencies, in_a_circle
from cronjobs.signatures import Plan
from cronjobs.targets import parameter_name


class Finding(NamedTuple):
    """What the verdicts make of a job, with all that it needs.

    needs: the keys of its services, `query` among them. seconds: of the slowest import.
    """

    plan: Plan | None = None
    failure: Failure | None = None
    leftovers: Sequence[str] = ()
    needs: tuple[str, ...] = ()
    seconds: float = 0.0


class Findings:
    """The verdicts so far, joined by who needs whom."""

    def __init__(self, jobs: Mapping[str, Sequence[str]], supplies: Supplies) -> None:
        """jobs: {module: the jobs whose callables live in it}."""
        self.verdicts: dict[str, Verdict] = {}
        self.found: dict[str, Finding] = {}  # by job, once all that it needs has been looked at
        self._alike: dict[Finding, Finding] = {}  # so that thousands of jobs share a handful of findings
        # {job: its module}: a module of a service that it needs is still to be looked at.
        self._half_found: dict[str, str] = {}
        self._jobs = jobs
        self._injectable = supplies.injectable
        self._keys = {parameter_name(key): key for key in supplies.services}
        self._service_modules = supplies.modules

    @property
    def unseen(self) -> set[str]:
        """The modules of jobs and services on which there is no verdict."""
        return {*self._jobs, *self._service_modules.values()} - self.verdicts.keys()

    def take(self, verdict: Verdict) -> list[str]:
        """Take a module's first verdict, or a later one; return the jobs that are found now, or anew."""
        dependents = self.dependents(verdict.module)
        self.verdicts[verdict.module] = verdict
        news = []
        for job, module in (dependents | dict(sorted(self._half_found.items()))).items():
            finding = self._of_job(job, module)
            if finding is None:
                self._half_found[job] = module
            else:
                self._half_found.pop(job, None)
                self.found[job] = self._alike.setdefault(finding, finding)
                news.append(job)
        return news

    def dependents(self, module: str) -> dict[str, str]:
        """Return {job: its module} of those that live in a module or, as known so far, need its services."""
        keys = {key for key, each in self._service_modules.items() if each == module}
        found = dict.fromkeys(self._jobs.get(module, ()), module)
        for other in self._jobs.keys() - {module} if keys else ():
            for job in self._jobs[other]:
                if job in self.found and keys & set(self.found[job].needs):
                    found[job] = other
        return found

    def circles(self) -> dict[str, str]:
        """Return {key: message} for each service at which a circle of them begins, each circle once."""
        found: dict[str, str] = {}
        told: set[str] = set()
        for key in self._service_modules:
            circle = self._circle((parameter_name(key),))
            if circle and not told & set(circle):
                told.update(circle)
                found[key] = in_a_circle([self._keys[name] for name in circle])
        return found

    def _of_job(self, job: str, module: str) -> Finding | None:
        verdict = self.verdicts[module]
        failure = verdict.failure or verdict.failures.get(job)
        if failure is not None:
            return Finding(failure=failure)
        plan = verdict.plans[job]
        needs: dict[str, None] = {}
        missing = self._gather(plan.keywords, (), needs)
        if missing == "":
            return None
        if isinstance(missing, Failure):
            return Finding(failure=missing)
        verdicts = [verdict, *(self.verdicts[self._service_modules[key]] for key in needs if key != "query")]
        leftovers = tuple(dict.fromkeys(each for one in verdicts for each in one.leftovers))
        return Finding(plan, None, leftovers, tuple(needs), max(each.seconds for each in verdicts))

    def _gather(
        self, names: Sequence[str], path: tuple[str, ...], needs: dict[str, None]
    ) -> Failure | str | None:
        """Note what these names need; return why that cannot be had, "" where it is not known yet."""
        for name in names:
            if name == "query":
                needs["query"] = None
            if name not in self._keys:
                continue
            if name in path:
                circle = (*path[path.index(name) :], name)
                return Failure("ServiceError", in_a_circle([self._keys[each] for each in circle]))
            key = self._keys[name]
            found = self._service(key)
            if not isinstance(found, Plan):
                return found
            inner = self._gather(dependencies(found, self._injectable), (*path, name), needs)
            if inner is not None:
                return inner
            needs[key] = None
        return None

    def _service(self, key: str) -> Plan | Failure | str:
        verdict = self.verdicts.get(self._service_modules[key])
        if verdict is None:
            return ""
        failure = verdict.failure or verdict.service_failures.get(key)
        if failure is not None:
            return failure._replace(message=f"the service `{key}`: {failure.message}")
        return verdict.service_plans[key]

    def _circle(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return the first circle that leads back to the path's beginning, or ()."""
        plan = self._service(self._keys[path[-1]])
        if not isinstance(plan, Plan):
            return ()
        for name in dependencies(plan, self._injectable):
            if name == path[0]:
                return (*path, name)
            if name in self._keys and name not in path and (circle := self._circle((*path, name))):
                return circle
        return ()


def notes_on(verdict: Verdict, supplies: Supplies) -> Iterator[Note]:
    """Yield what people are told of a module: what it printed, and what does not work with it."""
    module = verdict.module
    for line in verdict.output.splitlines():
        yield Note("info", "import_output", f"{module}: {line}")
    failures = dict(verdict.service_failures)
    if verdict.failure is not None:
        keys = [key for key, each in supplies.modules.items() if each == module]
        failures = dict.fromkeys(keys, verdict.failure)
    for key, failure in failures.items():
        yield Note("error", "service_failed", f"the service `{key}`: {told(failure)}")
    if verdict.leftovers:
        left = ", ".join(verdict.leftovers)
        message = (
            f"importing `{module}` leaves {left} behind, which no fork survives: its jobs run in a fresh"
            " interpreter each, more slowly"
        )
        yield Note("warning", "import_leaves_threads", message)


def told(failure: Failure) -> str:
    """Return what people are told of a failure: with where it happened, if that is known."""
    return f"{failure.message}\n{failure.traceback}" if failure.traceback else failure.message
