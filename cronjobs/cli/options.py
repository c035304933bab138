"""What several commands ask for in the same way."""

import time
from typing import TYPE_CHECKING

import click

from cronjobs.core.errors import NotFoundError
from cronjobs.core.suggest import did_you_mean

if TYPE_CHECKING:
    from cronjobs.core.job import Configuration, Job
    from cronjobs.store.sqlite import SqliteStore

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")


def duration(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read `250ms 30s 10m 2h 1d 1h30m`; return seconds."""
    from cronjobs.core.durations import parse_duration

    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc), context, parameter) from exc


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read ISO 8601, or what python-dateutil reads; return the instant, in UTC seconds.

    A time without an offset is meant in the machine's zone.
    """
    from datetime import datetime

    if value is None:
        return None
    try:
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            from dateutil.parser import parse  # slow to import, and needed for unusual texts only

            read = parse(value)
        if read.tzinfo is None:
            from zoneinfo import ZoneInfo

            read = read.replace(tzinfo=ZoneInfo(machine_zone()))
        return read.timestamp()
    except (ValueError, OverflowError, TypeError) as exc:
        message = f"{value!r} is no time: {exc}. Write it like 2026-11-24T15:00 or 2026-11-24T15:00Z"
        raise click.BadParameter(message, context, parameter) from exc


def machine_zone() -> str:
    """Return the zone that times without one are meant in."""
    import os

    from cronjobs.config.zone import zone_of_surroundings

    return zone_of_surroundings(os.environ)


def now() -> float:
    """Return the wall clock, in UTC seconds."""
    return time.time()


def find_job(configuration: "Configuration", name: str) -> "Job":
    """Return a job; NotFoundError, with what was probably meant, if there is none of that name."""
    job = configuration.jobs.get(name)
    if job is None:
        hint = did_you_mean(name, configuration.jobs) or f"there are: {', '.join(configuration.jobs)}"
        raise NotFoundError(f"no job {name!r} in {configuration.file}", hint=hint)
    return job


def read_store(configuration: "Configuration") -> "SqliteStore | None":
    """Return the state file for reading, or None where there is none yet: that reads as an empty one."""
    import os

    if not os.path.exists(configuration.settings.state):
        return None  # before SQLite is imported
    from cronjobs.store.sqlite import SqliteStore

    return SqliteStore.read(configuration.settings.state)
