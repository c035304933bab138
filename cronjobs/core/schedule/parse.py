"""Which kind of schedule a text is, and how several become one."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule import complaints
from cronjobs.core.schedule.cron import Cron, check_characters, has_hash, parse_cron
from cronjobs.core.schedule.search import Schedule, ZonedSchedule
from cronjobs.core.schedule.wall import wall_times
from cronjobs.core.schedule.zone import timeline
from cronjobs.core.suggest import did_you_mean, quoted

Dialect = Literal["cronjobs", "croniter"]


def parse_schedule(
    text: str | Sequence[str],
    zone: str = "UTC",
    *,
    job: str = "",
    hash_seed: str = "",
    anchor: int = 0,
    starts_at: int | None = None,
    dialect: str = "cronjobs",
) -> Schedule:
    """Return the schedule that a text means in a time zone; several texts are a schedule of all their fires.

    text: five fields, six with seconds in front, seven with a year behind; a nickname such as `@daily`,
        `@every 15m` or `@reboot`; or `RRULE:...`.
    zone: a key of zoneinfo.
    job, hash_seed: what `H` is hashed from.
    anchor: the instant from which `@every` counts.
    starts_at: the instant from which `RRULE:` counts if it has no DTSTART of its own.
    dialect: `croniter` hands the text to croniter as it is.

    Equal arguments may give the same object. Raises ScheduleError for a text that is none, or that no day of
    1970-2199 can satisfy, and for an unknown zone.
    """
    if dialect not in ("cronjobs", "croniter"):
        hint = did_you_mean(dialect, ("cronjobs", "croniter")) or "use cronjobs or croniter"
        raise ScheduleError(f"{quoted(dialect)} is no dialect", code="dialect", hint=hint)
    if not isinstance(text, str):
        texts = list(dict.fromkeys(text))
        if len(texts) == 1:
            (text,) = texts
    if isinstance(text, str):
        return _of_one(text, zone, job, hash_seed, anchor, starts_at, dialect)
    if not texts:
        raise complaints.empty()
    return _of_several(texts, zone, job, hash_seed, anchor, starts_at, dialect)


def _of_one(
    text: str, zone: str, job: str, hash_seed: str, anchor: int, starts_at: int | None, dialect: str
) -> Schedule:
    if dialect == "croniter":
        from cronjobs.core.schedule.foreign import parse_croniter  # late: few jobs have this dialect

        return parse_croniter(text, zone)
    start = text.lstrip(" \t")[:8].upper()
    if start.startswith("@") and (special := _special(text, zone, anchor)):
        return special
    if start.startswith(("RRULE:", "DTSTART")):
        from cronjobs.core.schedule.recurrence import parse_recurrence  # late: few schedules are rules

        return parse_recurrence(text, zone, starts_at)
    if has_hash(text):
        from cronjobs.core.schedule.hashed import pick_for  # late: few schedules have an `H`

        return _zoned(text, zone, parse_cron(text, pick_for(job, hash_seed)))
    return _shared(text, zone)


def _special(text: str, zone: str, anchor: int) -> Schedule | None:
    check_characters(text)
    nickname = text.split(maxsplit=1)[0].lower()
    if nickname not in ("@every", "@reboot"):
        return None
    from cronjobs.core.schedule.special import parse_every, parse_reboot  # late: most texts are cron's

    return parse_every(text, zone, anchor) if nickname == "@every" else parse_reboot(text, zone)


def _of_several(
    texts: Sequence[str],
    zone: str,
    job: str,
    hash_seed: str,
    anchor: int,
    starts_at: int | None,
    dialect: str,
) -> Schedule:
    from cronjobs.core.schedule.joined import JoinedSchedule  # late: most schedules are one text
    from cronjobs.core.schedule.union import Union

    written = " | ".join(texts)
    others: list[Schedule] = []
    wildcard, fixed = [], []
    for place, text in enumerate(texts, 1):
        try:
            schedule = _of_one(text, zone, job, hash_seed, anchor, starts_at, dialect)
        except ScheduleError as error:
            error.args = (f"text {place} of {len(texts)}: {error}",)
            raise
        times = schedule.times_of_day if isinstance(schedule, ZonedSchedule) else None
        if times is None:
            others.append(schedule)
        elif schedule.kind == "wildcard":
            wildcard.append(times)
        else:
            fixed.append(times)
    if not wildcard and not fixed:
        return Union(written, zone, others)
    crons = JoinedSchedule(written, zone, wildcard=wildcard, fixed=fixed)
    return Union(written, zone, [crons, *others]) if others else crons


# Whoever asks again and again about a few texts shares what is computed for them.
@lru_cache(maxsize=256)
def _shared(text: str, zone: str) -> ZonedSchedule:
    return _zoned(text, zone, parse_cron(text))


def _zoned(text: str, zone: str, cron: Cron) -> ZonedSchedule:
    return ZonedSchedule(text, zone, cron.kind, wall_times(cron), timeline(zone, cron.kind))
