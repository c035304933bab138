"""A field's text to its mask: the grammar of lists, ranges, steps and what the day fields have beyond them.

The columns of the errors raised here count from the first character of the field.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from cronjobs.core.schedule import complaints
from cronjobs.core.schedule.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    FIELDS,
    LAST_DAY,
    NEAREST,
    NTH,
    YEAR,
    Field,
    Word,
)

# (how many values there are, the index of the field in FIELDS) -> which of them a job got, from 0.
Pick = Callable[[int, int], int]

_LONGEST_NUMBER = 4
_HIGHEST_HASHED_DAY = 28
_PLAIN = re.compile(r"(?:\*|([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?)(?:/([A-Za-z0-9]+))?")
_BY_MONTH = re.compile(r"(?:L(?:-([0-9]+)|(W))?|([0-9]+)W)", re.IGNORECASE)
_BY_WEEK = re.compile(r"([A-Za-z]+?|[0-9]+)(?:#(L|[0-9]+)|L)", re.IGNORECASE)
_HASHED = re.compile(r"H(?:\(([A-Za-z0-9]+)-([A-Za-z0-9]+)\))?(?:/([A-Za-z0-9]+))?", re.IGNORECASE)


# Thousands of schedules are made of a few hundred fields.
@lru_cache(maxsize=4096)
def field_mask(index: int, text: str) -> int:
    """Return the mask of a field that has no `H` in it. index: the field's place in FIELDS."""
    return hashed_field_mask(index, text, None)


def hashed_field_mask(index: int, text: str, pick: Pick | None) -> int:
    """Return the mask of a field; `pick` chooses the values of its `H`."""
    field = FIELDS[index]
    if text == "?" and field in (DAY_OF_MONTH, DAY_OF_WEEK):
        return _plain_mask(field, Word("*", 1))
    items = _without_plus(field, text)
    column = 1 + len(text) - len(items)
    mask = 0
    for item in items.split(","):
        if not item:
            raise complaints.empty_item(field, text)
        mask |= _term_mask(field, Word(item, column), index, pick)
        column += len(item) + 1
    return mask


def _without_plus(field: Field, text: str) -> str:
    """Return a day-of-week without the sign that joins it to day-of-month by AND."""
    if text[0] != "+" or field is not DAY_OF_WEEK:
        return text
    if text[1:2] in ("", "*", "?"):
        raise complaints.nothing_to_join(field, text)
    return text[1:]


def _term_mask(field: Field, term: Word, index: int, pick: Pick | None) -> int:
    if pick and (hashed := _HASHED.fullmatch(term.text)):
        return _hashed_mask(field, term, hashed, index, pick)
    if field is DAY_OF_MONTH and (by_month := _BY_MONTH.fullmatch(term.text)):
        return 1 << _by_month_bit(term, by_month)
    if field is DAY_OF_WEEK and (by_week := _BY_WEEK.fullmatch(term.text)):
        return 1 << _by_week_bit(term, by_week)
    return _plain_mask(field, term)


def _plain_mask(field: Field, term: Word) -> int:
    match = _PLAIN.match(term.text)
    if match is None or match.end() < len(term.text):
        raise complaints.unexpected_character(field, term, position=match.end() if match else 0)
    low, high, step = (_part(term, match, part) for part in (1, 2, 3))
    stride = _stride(field, step) if step.text else 1
    first, last = _bounds(field, low, high, is_open=bool(step.text))
    if first > last:
        raise complaints.backwards(field, term, first, last, stride)
    return _run(first, last, stride)


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


def _by_month_bit(term: Word, match: re.Match[str]) -> int:
    from_end, weekday, near = (_part(term, match, part) for part in (1, 2, 3))
    if weekday.text:
        return NEAREST
    if near.text:
        return NEAREST + _value(DAY_OF_MONTH, near)
    return LAST_DAY + (_within(DAY_OF_MONTH, from_end, 1, 30, "L-n") if from_end.text else 0)


def _by_week_bit(term: Word, match: re.Match[str]) -> int:
    weekday, count = _part(term, match, 1), _part(term, match, 2)
    nth = _within(DAY_OF_WEEK, count, 1, 5, "d#n") if count.text.isdigit() else 0
    return NTH + 8 * (_value(DAY_OF_WEEK, weekday) % 7) + nth


def _hashed_mask(field: Field, term: Word, match: re.Match[str], index: int, pick: Pick) -> int:
    if field is YEAR:
        raise complaints.hashed_year(term)
    low, high, step = (_part(term, match, part) for part in (1, 2, 3))
    first, last = field.low, 6 if field is DAY_OF_WEEK else field.high
    if low.text:
        first, last = _bounds(field, low, high, is_open=False)
    if field is DAY_OF_MONTH and first > _HIGHEST_HASHED_DAY:
        raise complaints.hashed_late(low, _HIGHEST_HASHED_DAY)
    if first > last:
        raise complaints.hashed_backwards(field, low, high, first, last)
    if field is DAY_OF_MONTH:
        last = min(last, _HIGHEST_HASHED_DAY)
    if not step.text:
        return 1 << first + pick(last - first + 1, index)
    stride = _stride(field, step)
    return _run(first + pick(min(stride, last - first + 1), index), last, stride)


def _run(first: int, last: int, stride: int) -> int:
    if stride == 1:
        return (2 << last) - (1 << first)
    return sum(1 << value for value in range(first, last + 1, stride))


def _part(term: Word, match: re.Match[str], part: int) -> Word:
    """Return a part of a term; one that the term does not have is an empty word."""
    return Word(match[part] or "", term.column + match.start(part))


def _value(field: Field, word: Word) -> int:
    if not word.text.isdigit():
        if word.text.lower() not in field.values:
            raise complaints.unknown_name(field, word)
        return field.values[word.text.lower()]
    value = _number(field, word)
    if not field.low <= value <= field.high:
        raise complaints.out_of_range(field, word)
    return value


def _within(field: Field, word: Word, low: int, high: int, form: str) -> int:
    value = _number(field, word)
    if not low <= value <= high:
        raise complaints.out_of_form(field, word, low, high, form)
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
