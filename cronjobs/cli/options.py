"""What several commands ask for in the same way."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cronjobs.core.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

    from cronjobs.core.job import Configuration, Job
    from cronjobs.store.sqlite import SqliteStore


def _note_json(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    """Have errors said in JSON too, wherever `--json` comes from."""
    if value:
        context.obj.as_json = True
    return value


as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,  # before the options whose mistakes it decides about
    callback=_note_json,
    help="One JSON document on standard output.",
)


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
    if value is None:
        return None
    try:
        return instant(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc), context, parameter) from exc


def instant(text: str, zone: str | None = None) -> float:
    """Return the instant that a time means, in UTC seconds; ValueError says why it means none.

    zone: what a time without an offset is meant in; None for the machine's.
    """
    read = _time(text)
    if read.tzinfo is None:
        from cronjobs.core.words import zone_rules

        read = read.replace(tzinfo=zone_rules(machine_zone() if zone is None else zone))
    try:
        return read.timestamp()
    except OverflowError as exc:
        raise ValueError(str(exc)) from exc


def _time(text: str) -> "datetime":
    from datetime import datetime

    try:
        return datetime.fromisoformat(text)
    except ValueError:
        import warnings

        from dateutil.parser import parse  # slow to import, and needed for unusual texts only
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a zone that it does not know, and leaves out
        try:
            return parse(text)
        except (ValueError, OverflowError, TypeError, Warning):
            message = f"{text!r} is no time; write it like 2026-11-24T15:00 or 2026-11-24T15:00Z"
            raise ValueError(message) from None


def machine_zone() -> str:
    """Return the key of the machine's zone; ValueError where `TZ` names none."""
    from cronjobs.config.zone import is_zone, zone_of_surroundings

    zone = zone_of_surroundings(os.environ)
    if not is_zone(zone):
        raise ValueError(f"a time without an offset needs a zone, and TZ={zone} is none")
    return zone


def now() -> float:
    """Return the wall clock, in UTC seconds."""
    return time.time()


def anchors(jobs: Iterable["Job"], store: "SqliteStore | None") -> dict[str, int]:
    """Return the instants that `@every` counts from: {job: its first start}, for those that had one."""
    from cronjobs.core.due import is_anchored

    counted = {job.name: job.form for job in jobs if is_anchored(job)}
    if store is None or not counted:
        return {}
    known = store.definitions()
    return {
        name: known[name][1] for name, form in counted.items() if name in known and known[name][0] == form
    }


def find_job(configuration: "Configuration", name: str) -> "Job":
    """Return a job; NotFoundError, with what was probably meant, if there is none of that name."""
    job = configuration.jobs.get(name)
    if job is None:
        from cronjobs.core.suggest import did_you_mean

        hint = did_you_mean(name, configuration.jobs) or "`cronjobs status` lists the jobs"
        raise NotFoundError(f"no job {name!r} in {configuration.file}", hint=hint)
    return job


def complete_job(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the jobs' names that begin like this, for a shell. No job's code is imported."""
    from cronjobs.config.load import read

    words = context.find_root().params
    loaded = read(words["file"], environ=os.environ, discovers=False)
    names = loaded.configuration.jobs if loaded.configuration else ()
    return [name for name in names if name.startswith(incomplete)]


@contextmanager
def reading(configuration: "Configuration") -> Iterator["SqliteStore | None"]:
    """Give the state file for reading, or None where there is none yet: that reads as an empty one."""
    if not os.path.exists(configuration.settings.state):
        yield None  # before SQLite is imported
        return
    from cronjobs.store.sqlite import SqliteStore

    store = SqliteStore.read(configuration.settings.state)
    try:
        yield store
    finally:
        if store is not None:
            store.close()
