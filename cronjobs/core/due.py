"""When a job is due: its texts, zone, bounds and exclusions as one schedule."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from cronjobs.core.schedule import Schedule, parse_schedule
from cronjobs.core.schedule.cron import has_hash

if TYPE_CHECKING:
    from cronjobs.core.job import Configuration, Job


def schedule_of(job: "Job", *, hash_seed: str = "", anchor: int = 0) -> Schedule:
    """Return when a job is due; jobs that are due at the same moments may share the object.

    anchor: the instant from which `@every` counts.
    """
    name, seed = (job.name, hash_seed) if any(map(has_hash, job.schedule)) else ("", "")
    anchor = anchor if is_anchored(job) else 0
    if _is_free(job) and len(job.schedule) == 1:
        return parse_schedule(
            *(job.schedule[0], job.timezone), job=name, hash_seed=seed, anchor=anchor, dialect=job.dialect
        )
    return _composed(
        *(job.schedule, job.timezone, name, seed, anchor, job.starts_at, job.ends_at, job.exclude),
        job.dialect,
    )


def schedules_of(configuration: "Configuration", anchors: Mapping[str, int]) -> dict[str, Schedule]:
    """Return each job's schedule; jobs of equal text and zone share it, however many others there are.

    anchors: {job: the instant from which its `@every` counts}.
    """
    seed = configuration.settings.hash_seed
    plain: dict[str, dict[str, Schedule]] = {}  # {zone: {text: what it means there}}
    schedules = {}
    for job in configuration.jobs.values():
        if _is_plain(job):
            known, text = plain.setdefault(job.timezone, {}), job.schedule[0]
            if text not in known:
                known[text] = schedule_of(job)
            schedules[job.name] = known[text]
        else:
            schedules[job.name] = schedule_of(job, hash_seed=seed, anchor=anchors.get(job.name, 0))
    return schedules


def _is_plain(job: "Job") -> bool:
    """Return whether a job's one text and its zone say all."""
    is_alone = len(job.schedule) == 1 and job.dialect == "cronjobs"
    return _is_free(job) and is_alone and not has_hash(job.schedule[0]) and not is_anchored(job)


def _is_free(job: "Job") -> bool:
    """Return whether a job has no bounds, and excludes nothing."""
    return not job.exclude and job.starts_at is None and job.ends_at is None


def is_anchored(job: "Job") -> bool:
    """Return whether the job's occurrences are counted from its first start."""
    return any("@every" in text.lower() for text in job.schedule)


def is_at_start(job: "Job") -> bool:
    """Return whether a start of the scheduler is an occurrence of the job, at some time at least."""
    return any(text.strip(" \t").lower() == "@reboot" for text in job.schedule)


def is_due_at_start(job: "Job", instant: int) -> bool:
    """Return whether a start of the scheduler at an instant is an occurrence of the job."""
    # A start has no wall time that could be excluded or out of bounds; the second in which it happens has.
    return is_at_start(job) and is_open(job, instant)


def is_open(job: "Job", instant: int) -> bool:
    """Return whether an instant is within the bounds of a job, and not excluded."""
    every_second = job._replace(schedule=("* * * * * *",), dialect="cronjobs")
    return schedule_of(every_second).next_after(instant - 1) == instant


# What excludes and joins keeps much that is computed once: jobs with equal keys share it.
@lru_cache(maxsize=4096)
def _composed(
    texts: tuple[str, ...],
    zone: str,
    name: str,
    hash_seed: str,
    anchor: int,
    starts_at: int | None,
    ends_at: int | None,
    exclude: tuple[str, ...],
    dialect: str,
) -> Schedule:
    from cronjobs.core.schedule import bounded, excluding  # late: most jobs have one text and no more

    schedule = parse_schedule(
        *(texts, zone), job=name, hash_seed=hash_seed, anchor=anchor, starts_at=starts_at, dialect=dialect
    )
    return bounded(excluding(schedule, exclude), starts_at=starts_at, ends_at=ends_at)
