"""What is said about a text that is no schedule: each function returns the error that its caller raises.

The codes are `character`, `empty`, `fields`, `length`, `name`, `never`, `nickname`, `number`, `range`,
`reversed`, `step`, `term`, `unsupported` and, from `zone.py`, `zone`.
"""

import re
from collections.abc import Iterable, Sequence

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.days import FIRST_YEAR, LAST_YEAR
from cronjobs.core.schedule.fields import DAY_OF_WEEK, Field, Word
from cronjobs.core.suggest import did_you_mean, quoted

# What other crons read: refused as what it is, not as a typing mistake.
_FOREIGN_WORD = r"LW?|[0-9]+[LW]|(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*L|H"
_FOREIGN_SIGNS = "?#+"


def too_long(text: str, longest: int) -> ScheduleError:
    message = f"the schedule has {len(text):,} characters, more than {longest:,}"
    return ScheduleError(message, code="length", column=longest + 1, hint="ranges and steps shorten a list")


def foreign_character(character: Word) -> ScheduleError:
    message = f"the character {character.text!a} is not allowed"
    hint = "use ASCII, with spaces or tabs between the fields"
    return ScheduleError(message, code="character", column=character.column, hint=hint)


def wrong_count(words: Sequence[Word]) -> ScheduleError:
    hint = "minute hour day-of-month month day-of-week; if there are six, seconds come first"
    column = words[min(6, len(words) - 1)].column
    if len(words) == 7:
        return ScheduleError("seven fields are not supported", code="unsupported", column=column, hint=hint)
    message = f"a schedule has 5 or 6 fields, not {len(words)}"
    return ScheduleError(message, code="fields", column=column, hint=hint)


def variable(word: Word) -> ScheduleError:
    message = f"{quoted(word.text)} is a variable, not a field"
    return ScheduleError(
        message, code="term", column=word.column, hint="the time zone is set beside the text"
    )


def unknown_nickname(word: Word, nicknames: Iterable[str]) -> ScheduleError:
    hint = did_you_mean(word.text, nicknames) or "use one of " + " ".join(nicknames)
    message = f"{quoted(word.text)} is no nickname"
    return ScheduleError(message, code="nickname", column=word.column, hint=hint)


def empty_item(field: Field, word: Word) -> ScheduleError:
    # At the comma after the gap; a gap at the end has only the one before it.
    position = min(f",{word.text},".index(",,"), len(word.text) - 1)
    message = f"{field.name} has a list with an empty item"
    return _error(message, "term", field, word.column + position, "remove the comma")


def unexpected_character(field: Field, term: Word, position: int) -> ScheduleError:
    sign, before = term.text[position], term.text[:position]
    if sign in _FOREIGN_SIGNS:
        return unsupported(Word(sign, term.column + position), field)
    if re.fullmatch(_FOREIGN_WORD, before, re.IGNORECASE):
        return unsupported(Word(before, term.column), field)
    message = f"{field.name} {quoted(term.text)} has `{sign}` where nothing or something else belongs"
    hint = "a term is `*`, `a` or `a-b`, with or without a step `/n`"
    return _error(message, "term", field, term.column + position, hint)


def unknown_name(field: Field, word: Word) -> ScheduleError:
    if re.fullmatch(_FOREIGN_WORD, word.text, re.IGNORECASE):
        return unsupported(word, field)
    if not field.values:
        message = f"{field.name} {quoted(word.text)} is not a number"
        return _error(message, "number", field, word.column, _use(field))
    message = f"{field.name} {quoted(word.text)} is neither a number nor a name"
    return _error(message, "name", field, word.column, did_you_mean(word.text, field.values) or _use(field))


def unsupported(word: Word, field: Field | None = None) -> ScheduleError:
    message = f"{quoted(word.text)} is not supported" + (f" in {field.name}" if field else "")
    hint = "a schedule is five or six fields of `*`, values, ranges, steps and lists, or a nickname"
    name = field.name if field else ""
    return ScheduleError(message, code="unsupported", field=name, column=word.column, hint=hint)


def out_of_range(field: Field, word: Word) -> ScheduleError:
    message = f"{field.name} {int(word.text)} is out of range {field.low}-{field.high}"
    return _error(message, "range", field, word.column, _use(field))


def not_a_step(field: Field, step: Word) -> ScheduleError:
    message = f"{field.name} has the step {quoted(step.text)}, which is no number above 0"
    return _error(message, "step", field, step.column, "`/2` is every second value")


def long_number(field: Field, word: Word, longest: int) -> ScheduleError:
    message = f"{field.name} {quoted(word.text)} has more than {longest} digits"
    return _error(message, "number", field, word.column, _use(field))


def backwards(field: Field, term: Word, first: int, last: int, stride: int) -> ScheduleError:
    """first, last: the bounds of the term's range, as numbers."""
    message = f"{field.name} {quoted(term.text)} runs backwards"
    if field is not DAY_OF_WEEK:
        runs = [range(first, field.high + 1), range(field.low, last + 1)]
    elif first == 7:
        runs = [range(last + 1)]
    else:
        runs = [range(first, 8), range(1, last + 1)]
    hint = f"write `{_spelled(field, runs, stride, in_names=term.text[0].isalpha())}`"
    return _error(message, "reversed", field, term.column, hint)


def never(day_of_month: Word, month: Word) -> ScheduleError:
    written = f"day-of-month {quoted(day_of_month.text)} never comes in month {quoted(month.text)}"
    return ScheduleError(
        f"{written} from {FIRST_YEAR} to {LAST_YEAR}",
        code="never",
        field="day-of-month",
        column=day_of_month.column,
        hint="the last day that every month has is 28",
    )


def _error(message: str, code: str, field: Field, column: int, hint: str) -> ScheduleError:
    return ScheduleError(message, code=code, field=field.name, column=column, hint=hint)


def _use(field: Field) -> str:
    names = f" or {_name(field, 1)}, {_name(field, 2)}, ..." if field.values else ""
    return f"use {field.low}-{field.high}{names}"


def _spelled(field: Field, runs: Sequence[range], stride: int, *, in_names: bool) -> str:
    """Return the runs as ranges, or as single values where a step leads from one run into the next."""
    parts: Iterable[Iterable[int]] = (sorted({run[0], run[-1]}) for run in runs if run)
    if stride > 1:
        parts = ([value] for value in [value for run in runs for value in run][::stride])
    spelled = (lambda value: _name(field, value)) if in_names else str
    return ",".join("-".join(map(spelled, part)) for part in parts)


def _name(field: Field, value: int) -> str:
    """Return the three letters that stand for a value; both 0 and 7 are `sun`."""
    wanted = value % 7 if field is DAY_OF_WEEK else value
    return next(name for name, named in field.values.items() if named == wanted)[:3]
