"""Schedules in plain words: a few for a line of a table, and all of it for somebody who asks."""

from collections.abc import Sequence
from typing import NamedTuple

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule import phrases
from cronjobs.core.schedule.cron import Cron, parse_cron
from cronjobs.core.schedule.days import EVERY_YEAR

_MONDAY_TO_FRIDAY = 0b0111110
_MOST_ITEMS = 3


class Meaning(NamedTuple):
    """What a text means.

    clock_changes: what becomes of it when clocks are put forward or back.
    """

    words: str
    clock_changes: str


class Explanation(NamedTuple):
    """What is to be known about a text: what it means, and where other crons would read it otherwise.

    others: a sentence each.
    """

    words: str
    clock_changes: str
    others: list[str]


def describe(text: str) -> str:
    """Return "every 5 minutes" or "at 03:00 on Monday"; the text itself where a few words do not tell it all.

    A text that is no schedule comes back as it is, too.
    """
    words = text.lower().split()
    if words == ["@reboot"]:
        return "at every start of the scheduler"
    if len(words) == 2 and words[0] == "@every":
        return f"every {words[1]}"
    try:
        cron = parse_cron(text)
    except ScheduleError:
        return text
    times, days = phrases.repeated(cron) or phrases.listed_times(cron, _MOST_ITEMS), _short_days(cron)
    return text if not times or days is None else times + days


def meaning(
    text: str | Sequence[str],
    zone: str = "UTC",
    *,
    job: str = "",
    hash_seed: str = "",
    starts_at: int | None = None,
    dialect: str = "cronjobs",
) -> Meaning:
    """Return what a text means. A ScheduleError says why it means nothing."""
    from cronjobs.core.schedule.parse import parse_schedule  # late: a table of schedules needs it not

    texts = _distinct(text)
    parse_schedule(text, zone, job=job, hash_seed=hash_seed, starts_at=starts_at, dialect=dialect)
    if dialect == "croniter":
        return Meaning(f"whatever croniter reads in {phrases.listed(texts)}", "they are croniter's business")
    words: list[str] = []
    fates: dict[str, None] = {}
    for each in texts:
        schedule = parse_schedule(each, zone, job=job, hash_seed=hash_seed, starts_at=starts_at)
        words.append(_words(each, zone, job, hash_seed, has_start=starts_at is not None))
        fates[_FATES[schedule.kind]] = None
    return Meaning("; and ".join(words), "; ".join(fates))


def explanation(
    text: str | Sequence[str],
    zone: str = "UTC",
    *,
    now: int,
    job: str = "",
    hash_seed: str = "",
    starts_at: int | None = None,
    dialect: str = "cronjobs",
) -> Explanation:
    """Return all that is to be said of a text. A ScheduleError says why it means nothing.

    now: the instant from which on it is compared with what croniter finds.
    """
    # Late: as above.
    from cronjobs.core.schedule.parse import parse_schedule
    from cronjobs.core.schedule.readings import other_readings

    found = meaning(text, zone, job=job, hash_seed=hash_seed, starts_at=starts_at, dialect=dialect)
    others: list[str] = []
    for each in () if dialect == "croniter" else _distinct(text):
        schedule = parse_schedule(each, zone, job=job, hash_seed=hash_seed, starts_at=starts_at)
        others += other_readings(each, schedule, now)
    return Explanation(*found, others)


def _distinct(text: str | Sequence[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(dict.fromkeys(text))


_FATES = {
    "wildcard": "it follows the clock: skipped times do not fire, repeated times fire again",
    "fixed": "a time that is skipped fires right after the change, one that comes twice fires the first time;"
    " a change of more than three hours is a new clock",
    "elapsed": "it counts the seconds that pass, whatever clocks do",
    "reboot": "it does not depend on any clock",
}


def _words(text: str, zone: str, job: str, hash_seed: str, *, has_start: bool) -> str:
    # Late: as above.
    from cronjobs.core.schedule.hashed import pick_for

    first, *rest = text.split()
    if first.upper().startswith(("RRULE:", "DTSTART")):
        from cronjobs.core.schedule.spoken_rules import words_of_rule

        return words_of_rule(text, zone, has_start=has_start)
    if first.lower() == "@reboot":
        return "at every start of the scheduler, not on a reload"
    if first.lower() == "@every":
        return f"every {rest[0].lower()}, counted from the job's first start"
    return phrases.sentence(parse_cron(text, pick_for(job, hash_seed)))


def _short_days(cron: Cron) -> str | None:
    """Return " on ..." or, for every day, nothing; None where it takes more than a few words."""
    if cron.months != phrases.EVERY_MONTH or cron.years != EVERY_YEAR:
        return None
    if cron.days_of_month != phrases.EVERY_DAY_OF_MONTH:
        days = phrases.values(cron.days_of_month)
        if cron.days_of_week != phrases.EVERY_DAY_OF_WEEK or len(days) > 1 or days[0] > 31:
            return None
        return f" on day {days[0]} of the month"
    if cron.days_of_week == phrases.EVERY_DAY_OF_WEEK:
        return ""
    if cron.days_of_week == _MONDAY_TO_FRIDAY:
        return " from Monday to Friday"
    weekdays = phrases.values(cron.days_of_week)
    if len(weekdays) > _MOST_ITEMS or weekdays[-1] > 6:
        return None
    return " on " + phrases.listed([phrases.WEEKDAYS[value] for value in weekdays])
