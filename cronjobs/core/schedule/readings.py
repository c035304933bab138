"""How other crons read a text: Vixie cron and Quartz by their rules, croniter by being asked."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.cron import NICKNAMES, has_hash
from cronjobs.core.schedule.fields import DAY_OF_WEEK, MONTH, Field
from cronjobs.core.schedule.phrases import listed
from cronjobs.core.schedule.search import Schedule
from cronjobs.core.schedule.zone import timeline

_COMPARED_FIRES = 20
_SINGLE_WITH_STEP = re.compile(r"(?:^|,)(?:[0-9]+|[A-Za-z]{3,})/[0-9]")
_UP_TO_SUNDAY = re.compile(r"[1-6A-Za-z]+-sun", re.IGNORECASE)
_PLAIN_TERM = re.compile(r"(?:([0-9]{1,2})|([0-9]{1,2})-([0-9]{1,2})(?:/[1-9])?)")
_SHORT_NAME = re.compile(r"\b[A-Za-z]{3}\b")
_NAMED = (MONTH, DAY_OF_WEEK)
_REPEATED_TEXT = re.compile(r"\[.*\] (?:is not acceptable[.,]? ?)?")
_LISTED_SPECIAL = re.compile(r"[0-9L]W|L|#", re.IGNORECASE)
_PLAIN_STEP = re.compile(r"\*(?:/[1-9])?")
_LONG_NAMES = {name for name in (*MONTH.values, *DAY_OF_WEEK.values) if len(name) > 3}


def other_readings(text: str, schedule: Schedule, now: int) -> list[str]:
    """Return where others read a text otherwise, a sentence each.

    schedule: what the text means here.
    """
    words = text.split()
    if words[0].upper().startswith(("RRULE:", "DTSTART")):
        return ["no cron reads iCalendar rules"]
    return [*_vixie(text), *_quartz(text), *_croniter(text, schedule, now)]


def _vixie(text: str) -> Iterator[str]:
    words = text.split()
    if words[0][0] == "@":
        if words[0].lower() == "@every":
            yield "Vixie cron has no `@every`"
        elif words[0] != words[0].lower():
            yield f"Vixie cron knows nicknames in small letters only: `{words[0].lower()}`"
        return
    if len(words) != 5:
        yield "Vixie cron has five fields: neither seconds nor years"
        return
    if unknown := _extensions(text, "LW#?+H"):
        yield f"Vixie cron has no {listed(unknown, 'or')}"
    if any(_SINGLE_WITH_STEP.search(word) for word in words):
        yield "Vixie cron does not read `a/n` as a range: write `a-b/n`"
    if _has_long_name(text):
        yield "Vixie cron knows names of three letters only"
    if _UP_TO_SUNDAY.search(words[4]):
        yield "Vixie cron takes `sun` for 0, which ends no range: write `7`"


def _extensions(text: str, signs: str) -> list[str]:
    """Return which of the signs a text has that not every cron knows, in the order of `signs`."""
    words = text.upper().split()
    day_of_month, day_of_week = _day_fields(words)
    is_there = {
        "L": "L" in day_of_month + day_of_week,  # no day of the week has an L in its name
        "W": "W" in day_of_month,
        "#": "#" in day_of_week,
        "?": "?" in (day_of_month, day_of_week),
        "+": "+" in day_of_week,
        "H": has_hash(text),
    }
    return [f"`{sign}`" for sign in signs if is_there[sign]]


def _day_fields(words: Sequence[str]) -> tuple[str, str]:
    return (words[2], words[4]) if len(words) == 5 else (words[3], words[5])


def _quartz(text: str) -> Iterator[str]:
    words = text.split()
    if words[0][0] == "@":
        yield f"Quartz has no `{words[0].lower()}`"
        return
    day_of_month, day_of_week = _day_fields(words)
    wanted = ["seconds in front"] if len(words) == 5 else []
    if day_of_month == day_of_week == "?":
        wanted.append("`?` in only one of the two day fields")
    elif "?" not in (day_of_month, day_of_week):
        wanted.append("`?` in one of the two day fields")
    if wanted:
        yield f"Quartz wants {' and '.join(wanted)}"
    if not {"*", "?"} & {day_of_month, day_of_week}:
        yield "Quartz cannot restrict both day fields at once"
    if re.search(r"(?<![#/0-9])[0-7]", day_of_week):
        yield "Quartz counts the days of the week from 1 for Sunday; names mean the same everywhere"
    if unknown := _extensions(text, "+H"):
        yield f"Quartz has no {listed(unknown, 'or')}"
    if "#l" in day_of_week.lower():
        yield "Quartz has no `#L`: the last Friday is `friL`"
    if any("," in field and _LISTED_SPECIAL.search(field) for field in (day_of_month, day_of_week)):
        yield "Quartz takes `L`, `W` and `#` alone, not in a list"
    if _has_long_name(text):
        yield "Quartz knows names of three letters only"


def _has_long_name(text: str) -> bool:
    return any(name in _LONG_NAMES for name in re.findall("[a-z]+", text.lower()))


def _croniter(text: str, schedule: Schedule, now: int) -> Iterator[str]:
    if schedule.kind in ("elapsed", "reboot"):
        yield f"croniter has no `{text.split()[0].lower()}`"
        return
    if has_hash(text):
        yield "croniter refuses `H` unless it is given a `hash_id`, and hashes it in another way"
        return
    if is_read_alike(text):
        return  # without importing croniter for it
    # In UTC, from what the clocks of the zone show: what they do is no matter of how a text is read.
    wall = now + timeline(schedule.zone, "wildcard").period(now).offset
    theirs = croniter_fires(text, wall)
    expected = list(islice(_utc(text, schedule).between(wall, 2**34), _COMPARED_FIRES))
    if theirs == expected[: len(theirs)] and (theirs or not expected):
        return
    if len(text.split()) > 5:
        yield "croniter reads the seconds from the sixth field, unless it is told `second_at_beginning`"
    if isinstance(theirs, str):
        yield f"croniter refuses it{theirs and ': '}{theirs}"
    elif different := [pair for pair in zip(theirs, expected, strict=False) if pair[0] != pair[1]]:
        theirs_at, ours_at = map(_shown, different[0])
        yield f"croniter would fire at {theirs_at}, where this is due at {ours_at}"
    else:
        yield "croniter finds no moment at which it would fire"


def is_read_alike(text: str) -> bool:
    """Return whether croniter certainly reads a text as it is read here: it holds but what all crons know."""
    fields = NICKNAMES.get(text.strip(" \t").lower(), text).split()
    if len(fields) != 5 or not all(map(_is_plain, [*fields[:3], *map(_numbered, fields[3:], _NAMED)])):
        return False
    day_of_month, day_of_week = fields[2], fields[4]
    # One that starts with a star, beside another that says something, is where the crons part.
    return "*" in (day_of_month, day_of_week) or "*" not in day_of_month[0] + day_of_week[0]


def _numbered(field: str, named: Field) -> str:
    """Return a field with numbers for its names of three letters."""
    return _SHORT_NAME.sub(lambda name: str(named.values.get(name[0].lower(), name[0])), field)


def _is_plain(field: str) -> bool:
    """Return whether a field is a star, a star with a step, or a list of values and of ranges of several."""
    if _PLAIN_STEP.fullmatch(field):
        return True
    terms = [_PLAIN_TERM.fullmatch(term) for term in field.split(",")]
    return all(term and (term[1] or int(term[2]) < int(term[3])) for term in terms)


def _utc(text: str, schedule: Schedule) -> Schedule:
    if schedule.zone == "UTC":
        return schedule
    from cronjobs.core.schedule.parse import parse_schedule  # late: it is where texts begin

    return parse_schedule(text)


def croniter_fires(text: str, now: int) -> list[int] | str:
    """Return what croniter finds next, in UTC, or why it does not."""
    from cronjobs.core.schedule.foreign import parse_croniter  # late: croniter is slow to import

    try:
        found = parse_croniter(NICKNAMES.get(text.strip().lower(), text), "UTC")
    except ScheduleError as error:
        return _REPEATED_TEXT.sub("", str(error).removeprefix("croniter refuses the text: "))
    return list(islice(found.between(now, 2**34), _COMPARED_FIRES))


def _shown(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S")
