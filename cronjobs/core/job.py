"""The definition of a job, and a moment at which it is due."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cronjobs.core.schedule import Dialect


class Concurrency(StrEnum):
    """What happens to an occurrence while an earlier run of the same job is unfinished."""

    FORBID = "forbid"
    ALLOW = "allow"


class Isolation(StrEnum):
    """Where a run comes from: a fork of a warm process, or an interpreter of its own."""

    FORK = "fork"
    SPAWN = "spawn"


class Job(NamedTuple):
    """One `[jobs.NAME]` with everything filled in: what, when, how often, under which policies."""

    name: str
    callable: str  # "pkg.mod:attr.attr", or "" where there is a `command`
    schedule: tuple[str, ...]  # due when any of these texts says so
    timezone: str  # a key of zoneinfo, never empty
    number_of_executions: int | None = None
    args: Mapping[str, Any] = {}
    timeout_seconds: float | None = None
    kill_after_seconds: float = 10.0
    concurrency: Concurrency = Concurrency.FORBID
    enabled: bool = True
    env: Mapping[str, str] = {}
    isolation: Isolation = Isolation.FORK
    command: tuple[str, ...] = ()  # a program and its arguments, instead of `callable`
    cwd: str | None = None  # None: the configuration's directory
    user: str | None = None
    starts_at: int | None = None  # UTC seconds, and it may be due then
    ends_at: int | None = None  # the same
    exclude: tuple[str, ...] = ()  # days, ranges of days and cron texts; calendars are written out
    dialect: "Dialect" = "cronjobs"

    def __reduce__(self) -> tuple[type["Job"], tuple[Any, ...]]:
        """Leave out what is as it is by default: whoever unpickles thousands of jobs has that once."""
        given = len(self)
        while given and self[given - 1] == self._field_defaults.get(self._fields[given - 1], self):
            given -= 1
        return Job, self[:given]

    @property
    def form(self) -> str:
        """What makes its occurrences the ones they are: a job whose form changes owes nothing from before.

        State files hold it, so a key that a job does not use must not show in it.
        """
        texts = "\n".join(self.schedule)
        form = f"{texts}|{self.timezone}|{'enabled' if self.enabled else 'disabled'}"
        for key in ("starts_at", "ends_at", "exclude", "dialect"):
            value = getattr(self, key)
            if value != self._field_defaults[key]:
                form += f"|{key}={value!r}"
        return form


class Occurrence(NamedTuple):
    """One moment, a whole UTC second, at which a job is due."""

    job: str
    scheduled_for: int


class Settings(NamedTuple):
    """The `[cronjobs]` table: what holds for the whole scheduler."""

    state: str  # absolute path of the state file
    grace_seconds: float = 15.0
    max_parallel: int = 100
    import_timeout_seconds: float = 30.0
    hash_seed: str = ""  # what `H` is hashed from besides the job's name
    discover: Sequence[str] = ()  # modules whose functions define jobs


class Scope(StrEnum):
    """How long a service lives: as long as its run, or as whoever resolved it likes."""

    RUN = "run"
    TRANSIENT = "transient"


class Service(NamedTuple):
    """One line of `[services]`: what makes it."""

    factory: str  # "pkg.mod:attr.attr"
    scope: Scope = Scope.RUN


class QuerySettings(NamedTuple):
    """The `[query]` table: which database, and what its schema does not say of itself."""

    url: str
    relations: Mapping[str, Any] = {}


class Configuration(NamedTuple):
    """A whole `jobs.toml`. `jobs` keeps the file's order."""

    file: str  # absolute path
    directory: str  # of the file: where relative paths start, and the jobs' working directory
    app_dir: str  # first on the jobs' import path
    settings: Settings
    jobs: Mapping[str, Job]
    services: Mapping[str, Service] = {}  # by key, in the file's order
    query: QuerySettings | None = None
