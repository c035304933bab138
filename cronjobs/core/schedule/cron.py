"""Cron text to bit masks: the grammar of five and six fields, and the nicknames.

Bit v of a mask stands for the value v. When the masks match is not known here, only whether they ever do.
"""

import re
from typing import Literal, NamedTuple

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule import complaints
from cronjobs.core.schedule.days import Days
from cronjobs.core.schedule.fields import DAY_OF_WEEK, FIELDS, Field, Word

Kind = Literal["wildcard", "fixed"]


class Cron(NamedTuple):
    """What a text says. `either_day`: a day needs one of its two fields to match, not both."""

    seconds: int
    minutes: int
    hours: int
    days_of_month: int
    months: int
    days_of_week: int  # bit 0 is Sunday; bit 7 is never set
    either_day: bool
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

_LONGEST_TEXT = 1024
_LONGEST_NUMBER = 4
_FOREIGN_CHARACTER = re.compile(r"[^\t -~]")
_WORD = re.compile(r"[^\t ]+")
_TERM = re.compile(r"(?:\*|([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?)(?:/([A-Za-z0-9]+))?")


def parse_cron(text: str) -> Cron:
    """Return what a text says. A ScheduleError tells the first mistake in it."""
    words = _field_words(text)
    kind: Kind = "wildcard" if any(word.text[0] == "*" for word in words[:-3]) else "fixed"
    if len(words) == 5:
        words = [Word("0", 1), *words]
    masks = [_mask(field, word) for field, word in zip(FIELDS, words, strict=True)]
    seconds, minutes, hours, days_of_month, months, days_of_week = masks
    # Sunday as 7 is Sunday as 0.
    days_of_week = (days_of_week | days_of_week >> 7) & 0b1111111
    either_day = words[3].text[0] != "*" and words[5].text[0] != "*"
    if not Days(days_of_month, months, days_of_week, either=either_day):
        raise complaints.never(day_of_month=words[3], month=words[4])
    return Cron(seconds, minutes, hours, days_of_month, months, days_of_week, either_day, kind)


def _field_words(text: str) -> list[Word]:
    """Return five or six words; a nickname's are those that it stands for."""
    if len(text) > _LONGEST_TEXT:
        raise complaints.too_long(text, _LONGEST_TEXT)
    if foreign := _FOREIGN_CHARACTER.search(text):
        raise complaints.foreign_character(Word(foreign[0], foreign.start() + 1))
    words = _words(text)
    if not words:
        hint = "`0 3 * * *` is every day at 03:00"
        raise ScheduleError("the schedule is empty", code="empty", hint=hint)
    if words[0].text[0] == "@":
        return _words(_written_out(words))
    if words[0].text[:6].upper() == "RRULE:":
        raise complaints.unsupported(words[0])
    if "=" in words[0].text:
        raise complaints.variable(words[0])
    if len(words) not in (5, 6):
        raise complaints.wrong_count(words)
    return words


def _words(text: str) -> list[Word]:
    return [Word(match[0], match.start() + 1) for match in _WORD.finditer(text)]


def _written_out(words: list[Word]) -> str:
    """Return the fields that a nickname stands for."""
    nickname = words[0].text.lower()
    if nickname in ("@every", "@reboot"):
        raise complaints.unsupported(words[0])
    if nickname not in NICKNAMES:
        raise complaints.unknown_nickname(words[0], NICKNAMES)
    if len(words) > 1:
        message = f"nothing may follow {nickname}"
        raise ScheduleError(message, code="nickname", column=words[1].column, hint=f"use {nickname} alone")
    return NICKNAMES[nickname]


def _mask(field: Field, word: Word) -> int:
    mask = 0
    column = word.column
    for text in word.text.split(","):
        if not text:
            raise complaints.empty_item(field, word)
        mask |= _term_mask(field, Word(text, column))
        column += len(text) + 1
    return mask


def _term_mask(field: Field, term: Word) -> int:
    match = _TERM.match(term.text)
    if match is None or match.end() < len(term.text):
        raise complaints.unexpected_character(field, term, position=match.end() if match else 0)
    # A part that the term does not have is an empty word.
    low, high, step = (Word(match[part] or "", term.column + match.start(part)) for part in (1, 2, 3))
    stride = _stride(field, step) if step.text else 1
    first, last = _bounds(field, low, high, is_open=bool(step.text))
    if first > last:
        raise complaints.backwards(field, term, first, last, stride)
    if stride == 1:
        return (2 << last) - (1 << first)
    return sum(1 << value for value in range(first, last + 1, stride))


def _bounds(field: Field, low: Word, high: Word, *, is_open: bool) -> tuple[int, int]:
    """is_open: a single value is the start of a range up to the field's end."""
    if not low.text:
        return field.low, field.high
    first = _value(field, low)
    if not high.text:
        return first, field.high if is_open else first
    last = _value(field, high)
    if field is not DAY_OF_WEEK or last % 7 != 0:
        return first, last
    # Up to a Sunday: from a Sunday it is that one day, but `0-7` is the week; `fri-sun` ends in 7, `5-0` not.
    if first % 7 == 0:
        is_week = low.text.isdigit() and (first, last) == (0, 7)
        return first, last if is_week else first
    return first, last if high.text.isdigit() else 7


def _value(field: Field, word: Word) -> int:
    if not word.text.isdigit():
        if word.text.lower() not in field.values:
            raise complaints.unknown_name(field, word)
        return field.values[word.text.lower()]
    value = _number(field, word)
    if not field.low <= value <= field.high:
        raise complaints.out_of_range(field, word)
    return value


def _stride(field: Field, step: Word) -> int:
    stride = _number(field, step) if step.text.isdigit() else 0
    if stride == 0:
        raise complaints.not_a_step(field, step)
    return stride


def _number(field: Field, word: Word) -> int:
    if len(word.text) > _LONGEST_NUMBER:
        raise complaints.long_number(field, word, _LONGEST_NUMBER)
    return int(word.text)
