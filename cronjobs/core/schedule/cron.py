"""Cron text to bit masks: five, six and seven fields, and the nicknames that stand for five.

When the masks match is not known here, only whether they ever do.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule import complaints
from cronjobs.core.schedule.days import EVERY_YEAR, days
from cronjobs.core.schedule.fields import FIRST_YEAR, Word
from cronjobs.core.schedule.terms import Pick, field_mask, hashed_field_mask

Kind = Literal["wildcard", "fixed", "elapsed", "reboot"]


class Cron(NamedTuple):
    """What a text says, in the masks of `fields.py`."""

    seconds: int
    minutes: int
    hours: int
    days_of_month: int
    months: int
    days_of_week: int  # bit 7 is never set
    years: int  # bit 0 is 1970
    either_day: bool  # a day needs one of its two fields to match, not both
    kind: Kind


NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
SPECIAL_NICKNAMES = ("@every", "@reboot")

_LONGEST_TEXT = 1024
_FOREIGN_CHARACTER = re.compile(r"[^\t -~]")
_WORD = re.compile(r"[^\t ]+")
_HASH = re.compile(r"(?<![A-Za-z])[Hh](?![A-Za-z])")
_SUNDAYS = 1 << 7


def parse_cron(text: str, pick: Pick | None = None) -> Cron:
    """Return what a text says. A ScheduleError tells the first mistake in it.

    pick: chooses the values of `H`; without it, a text that has one is refused.
    """
    fields = _fields(text)
    if fields[0][0] == "@":
        fields = _written_out(text).split()
    seconds, minutes, hours, days_of_month, months, days_of_week, years = _masks(text, fields, pick)
    # Sunday as 7 is Sunday as 0.
    if days_of_week & _SUNDAYS:
        days_of_week = days_of_week ^ _SUNDAYS | 1
    day_of_month, day_of_week = (fields[2], fields[4]) if len(fields) == 5 else (fields[3], fields[5])
    either_day = day_of_month[0] not in "*?" and day_of_week[0] not in "*?+"
    if days(days_of_month, months, days_of_week, years, either_day) is None:
        raise complaints.never(words_of(text))
    kind: Kind = "wildcard" if _is_wildcard(fields) else "fixed"
    return Cron(seconds, minutes, hours, days_of_month, months, days_of_week, years, either_day, kind)


def has_hash(text: str) -> bool:
    """Return whether a text has an `H`: what it says depends on the job that has it."""
    return _HASH.search(text) is not None


def words_of(text: str) -> list[Word]:
    """Return the fields of a text with their places."""
    return [Word(match[0], match.start() + 1) for match in _WORD.finditer(text)]


def check_characters(text: str) -> None:
    """Raise a ScheduleError if a text is too long, or has a character that no schedule has."""
    if len(text) > _LONGEST_TEXT:
        raise complaints.too_long(text, _LONGEST_TEXT)
    if foreign := _FOREIGN_CHARACTER.search(text):
        raise complaints.foreign_character(Word(foreign[0], foreign.start() + 1))


def _fields(text: str) -> list[str]:
    """Return five to seven fields, or the words of a text that begins with `@`."""
    fields = text.split()
    if len(text) > _LONGEST_TEXT or _FOREIGN_CHARACTER.search(text):
        check_characters(text)
    if not fields:
        raise complaints.empty()
    if fields[0][0] != "@" and "=" in fields[0]:
        raise complaints.variable(words_of(text)[0])
    if fields[0][0] != "@" and not 5 <= len(fields) <= 7:
        nicknames = (*NICKNAMES, *SPECIAL_NICKNAMES)
        raise complaints.wrong_count(words_of(text), nicknames=nicknames, is_schedule=_is_schedule)
    return fields


def _written_out(text: str) -> str:
    """Return the fields that a nickname stands for."""
    words = words_of(text)
    nickname = words[0].text.lower()
    if nickname not in NICKNAMES:
        raise complaints.unknown_nickname(words[0], (*NICKNAMES, *SPECIAL_NICKNAMES))
    if len(words) > 1:
        raise complaints.after_nickname(nickname, words[1])
    return NICKNAMES[nickname]


def _is_wildcard(fields: Sequence[str]) -> bool:
    """Return whether a field before the day fields starts with a star."""
    if len(fields) == 5:
        return fields[0][0] == "*" or fields[1][0] == "*"
    return fields[0][0] == "*" or fields[1][0] == "*" or fields[2][0] == "*"


def _is_schedule(text: str) -> bool:
    """Return whether a text is a schedule, for some job at least; asked where another is none."""
    try:
        parse_cron(text, lambda count, index: 0)
    except ScheduleError:
        return False
    return True


def _masks(text: str, fields: Sequence[str], pick: Pick | None) -> list[int]:
    """Return the seven masks, in the order of FIELDS."""
    first = 1 if len(fields) == 5 else 0
    if pick is None or not has_hash(text):
        pick = None
    masks = [1] if first else []
    for index, field in enumerate(fields, first):
        try:
            masks.append(field_mask(index, field) if pick is None else hashed_field_mask(index, field, pick))
        except ScheduleError as error:
            words = words_of(text)
            error.column += words[index - first].column - 1
            raise complaints.with_context(error, words, _is_schedule) from None
    if len(masks) < 7:
        masks.append(EVERY_YEAR)
    else:
        masks[6] >>= FIRST_YEAR
    return masks
