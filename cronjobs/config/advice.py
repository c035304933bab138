"""What a configuration without mistakes may still not mean: warnings, for those who ask for them."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cronjobs.config.problems import KeyPath, Mistake
from cronjobs.core.due import is_at_start, is_open, schedule_of
from cronjobs.core.job import Concurrency, Job, Settings
from cronjobs.core.schedule.cron import has_hash
from cronjobs.core.schedule.lints import Lint, lint, lint_timeout

if TYPE_CHECKING:
    from cronjobs.config.load import Loaded

# What a stop takes unless a job asks for more; containers are given 30 s.
_USUAL_STOP_SECONDS = 25.0


def advice(loaded: "Loaded", *, now: int) -> list[Mistake]:
    """Return the warnings about the jobs of a file and its modules, each at its key or term.

    now: an instant; what is due only before it is over.
    """
    if loaded.configuration is None:
        return []
    written = loaded.document.get("jobs")
    tables = {name: definition.table for name, definition in loaded.definitions.items()}
    tables |= written if isinstance(written, dict) else {}
    adviser = _Adviser(tables, loaded.configuration.settings, now)
    found = dict.fromkeys(
        mistake for job in loaded.configuration.jobs.values() for mistake in adviser.about(job)
    )
    return list(found)


class _Adviser:
    """Looks at each distinct text once."""

    def __init__(self, tables: Mapping[str, Any], settings: Settings, now: int) -> None:
        self._tables = tables
        self._settings = settings
        self._now = now
        self._lints: dict[tuple[object, ...], list[Lint]] = {}

    def about(self, job: Job) -> Iterator[Mistake]:
        """Yield what is to be said about a job."""
        table = self._tables[job.name]
        written = table["schedule"]
        place: KeyPath = ("jobs", job.name, "schedule")
        is_over = False
        for number, text in enumerate(job.schedule):
            is_array = isinstance(written, list)
            at = (*place, number) if is_array else place
            for found in self._of_text(job, text):
                is_over |= found.code == "past"
                yield _mistake(found, at, is_as_written=text == (written[number] if is_array else written))
        if not is_over:
            yield from self._of_end(job, table)
        yield from self._of_timeout(job, place)
        yield from self._of_stop(job, table)

    def _of_text(self, job: Job, text: str) -> list[Lint]:
        name = job.name if has_hash(text) else ""
        bounds = (job.starts_at, job.ends_at, job.exclude)
        key = (text, job.timezone, name, bounds, job.dialect)
        if key not in self._lints:
            self._lints[key] = lint(
                *(text, job.timezone),
                now=self._now,
                job=name,
                hash_seed=self._settings.hash_seed,
                anchor=self._now,
                starts_at=job.starts_at,
                dialect=job.dialect,
                is_within=partial(is_open, job) if any(bounds) else None,
            )
        return self._lints[key]

    def _of_end(self, job: Job, table: Mapping[str, Any]) -> Iterator[Mistake]:
        """Yield that bounds and exclusions leave nothing, if they do; of texts that is said already."""
        schedule = schedule_of(job, hash_seed=self._settings.hash_seed, anchor=self._now)
        if schedule.next_after(self._now) is not None or not (job.exclude or job.ends_at is not None):
            return
        is_ended = job.ends_at is not None and job.ends_at <= self._now
        if is_at_start(job) and not is_ended:
            return
        key = "ends_at" if is_ended or not job.exclude else "exclude"
        message = f"the job will not be due again: `{key}` leaves nothing of its schedule"
        yield Mistake("over", _place(job, table, key), message, "remove the job, or change the key")

    def _of_timeout(self, job: Job, place: KeyPath) -> Iterator[Mistake]:
        if job.timeout_seconds is None or job.concurrency is not Concurrency.FORBID:
            return
        schedule = schedule_of(job, hash_seed=self._settings.hash_seed, anchor=self._now)
        for found in lint_timeout(schedule, now=self._now, timeout_seconds=job.timeout_seconds):
            yield _mistake(found, place, is_as_written=False)

    def _of_stop(self, job: Job, table: Mapping[str, Any]) -> Iterator[Mistake]:
        usual = Job._field_defaults["kill_after_seconds"]
        stop_seconds = self._settings.grace_seconds + job.kill_after_seconds
        if job.kill_after_seconds > usual and stop_seconds > _USUAL_STOP_SECONDS:
            message = (
                f"stopping the scheduler may take {stop_seconds:g} s: its grace, then this job's `kill_after`"
            )
            hint = "Kubernetes waits 30 s unless told otherwise, `docker stop` 10 s"
            yield Mistake("long_stop", _place(job, table, "kill_after"), message, hint)


def _mistake(found: Lint, place: KeyPath, *, is_as_written: bool) -> Mistake:
    # Behind a variable, the text's columns are not the file's.
    column = found.column if is_as_written else 0
    return Mistake(found.code, place, found.message, found.hint, column=column)


def _place(job: Job, table: Mapping[str, Any], key: str) -> KeyPath:
    return ("jobs", job.name, key) if key in table else ("defaults", key)
