"""The definition of a job, and a moment at which it is due."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


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
    callable: str  # "pkg.mod:attr.attr"
    schedule: str
    timezone: str  # a key of zoneinfo, never empty
    number_of_executions: int | None = None
    args: Mapping[str, Any] = {}
    timeout_seconds: float | None = None
    kill_after_seconds: float = 10.0
    concurrency: Concurrency = Concurrency.FORBID
    enabled: bool = True
    env: Mapping[str, str] = {}
    isolation: Isolation = Isolation.FORK

    @property
    def form(self) -> str:
        """What makes its occurrences the ones they are: a job whose form changes owes nothing from before."""
        return f"{self.schedule}|{self.timezone}|{'enabled' if self.enabled else 'disabled'}"


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


class Configuration(NamedTuple):
    """A whole `jobs.toml`. `jobs` keeps the file's order."""

    file: str  # absolute path
    directory: str  # of the file: where relative paths start, and the jobs' working directory
    app_dir: str  # first on the jobs' import path
    settings: Settings
    jobs: Mapping[str, Job]
