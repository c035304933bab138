"""What is said about a text that is no schedule: each function returns the error that its caller raises.

The codes are `character`, `empty`, `fields`, `length`, `misplaced`, `name`, `never`, `nickname`, `number`,
`range`, `reversed`, `step`, `term` and, from `zone.py`, `zone`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from cronjobs.core.errors import ScheduleError
from cronjobs.core.schedule.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    FIRST_YEAR,
    LAST_YEAR,
    MONTH,
    YEAR,
    Field,
    Word,
)
from cronjobs.core.suggest import closest, did_you_mean, quoted

_ORDER = "minute hour day-of-month month day-of-week; six fields have seconds first, seven a year last"
_SPECIAL_LETTERS = ("l", "w", "h")
_GROUPS_OF_DAYS = dict.fromkeys(("weekday", "weekdays"), "mon-fri")
_GROUPS_OF_DAYS |= dict.fromkeys(("weekend", "weekends"), "sat,sun")
_LOOKALIKES = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "`-`")
_LOOKALIKES |= dict.fromkeys("\u00a0\u2009\u202f", "a space") | {"\u2217": "`*`", "\u2044": "`/`"}
# Patterns as text: compiling them takes half a millisecond that only a wrong text needs.
_YEARS = r"(?:19[7-9][0-9]|2[01][0-9]{2})(?:[-,/][-,/0-9]+)?"
_BY_WEEK = r"(?i)([a-z]+?|[0-7])(?:L|#.*)"
_BY_MONTH = r"(?i)L|L-[0-9]+|LW|[0-9]+W"
# As croniter writes the last Friday and the weekday nearest to day 15: `L5`, `W15`.
_TURNED = {DAY_OF_WEEK.name: r"(?i)L([0-7]|[A-Z]+)", DAY_OF_MONTH.name: r"(?i)W(3[01]|[12]?[0-9])"}


def empty() -> ScheduleError:
    return ScheduleError("the schedule is empty", code="empty", hint="`0 3 * * *` is every day at 03:00")


def too_long(text: str, longest: int) -> ScheduleError:
    message = f"the schedule has {len(text):,} characters, more than {longest:,}"
    return ScheduleError(message, code="length", column=longest + 1, hint="ranges and steps shorten a list")


def foreign_character(character: Word) -> ScheduleError:
    message = f"the character {character.text!a} is not allowed"
    hint = "use ASCII, with spaces or tabs between the fields"
    if meant := _LOOKALIKES.get(character.text):
        hint = f"write {meant}, which looks alike"
    return ScheduleError(message, code="character", column=character.column, hint=hint)


def wrong_count(
    words: Sequence[Word], *, nicknames: Iterable[str], is_schedule: Callable[[str], bool]
) -> ScheduleError:
    """Return the error of a text with too few or too many words. is_schedule: whether another text is one."""
    if found := _beyond(words, is_schedule):
        return found
    message = f"a schedule has 5, 6 or 7 fields, not {len(words)}"
    column = words[min(7, len(words) - 1)].column
    hint = _unspaced(words, is_schedule) or _meant_by_few(words, nicknames) or _ORDER
    return ScheduleError(message, code="fields", column=column, hint=hint)


def variable(word: Word) -> ScheduleError:
    message = f"{quoted(word.text)} is a variable, not a field"
    hint = "the time zone is set beside the text"
    if word.text.upper().startswith("FREQ="):
        message, hint = f"{quoted(word.text)} is no field", "an iCalendar rule begins with `RRULE:`"
    return ScheduleError(message, code="term", column=word.column, hint=hint)


def unknown_nickname(word: Word, nicknames: Iterable[str]) -> ScheduleError:
    hint = did_you_mean(word.text, nicknames) or "use one of " + " ".join(nicknames)
    message = f"{quoted(word.text)} is no nickname"
    return ScheduleError(message, code="nickname", column=word.column, hint=hint)


def after_nickname(nickname: str, word: Word) -> ScheduleError:
    message = f"nothing may follow {nickname}"
    return ScheduleError(message, code="nickname", column=word.column, hint=f"use {nickname} alone")


def empty_item(field: Field, text: str) -> ScheduleError:
    items = text.removeprefix("+")
    # At the comma after the gap; a gap at the end has only the one before it.
    position = min(f",{items},".index(",,"), len(items) - 1)
    message = f"{field.name} has a list with an empty item"
    return _error(message, "term", field, 1 + len(text) - len(items) + position, "remove the comma")


def nothing_to_join(field: Field, text: str) -> ScheduleError:
    message = f"{field.name} {quoted(text)} has a `+` before nothing that restricts the days"
    hint = "`+mon` is a Monday that day-of-month matches too; every day of the week is `*`"
    return _error(message, "term", field, 1, hint)


def unexpected_character(field: Field, term: Word, position: int) -> ScheduleError:
    sign = term.text[position]
    message = f"{field.name} {quoted(term.text)} is not understood from `{sign}` on"
    return _error(message, "term", field, term.column + position, _way_out(field, term.text, position))


def unknown_name(field: Field, word: Word) -> ScheduleError:
    if misplaced := _misplaced(field, word):
        return misplaced
    if word.text.upper() == "R":
        message = f"{field.name} {quoted(word.text)} would be another moment at every look"
        return _error(message, "term", field, word.column, "`H` is hashed from the job's name and stays")
    if field is DAY_OF_MONTH and re.fullmatch(_BY_MONTH, word.text):
        message = f"{field.name} {quoted(word.text)} takes no range and no step"
        return _error(message, "term", field, word.column, "write the days one by one: `L,15W`")
    if field is DAY_OF_WEEK and re.fullmatch(_BY_WEEK, word.text):
        message = f"{field.name} {quoted(word.text)} takes no range and no step"
        return _error(message, "term", field, word.column, "write the days one by one: `5L,6L`")
    if field is DAY_OF_WEEK and word.text.upper() == "L":
        message = "day-of-week `L` is read differently by different crons"
        hint = "write `5L` for the last Friday of the month, `6` for Saturday"
        return _error(message, "term", field, word.column, hint)
    if not field.values:
        message = f"{field.name} {quoted(word.text)} is not a number"
        return _error(message, "number", field, word.column, _turned_round(field, word) or _use(field))
    message = f"{field.name} {quoted(word.text)} is neither a number nor a name"
    if field is DAY_OF_WEEK and (days := _GROUPS_OF_DAYS.get(word.text.lower())):
        return _error(message, "name", field, word.column, f"write `{days}`")
    hint = _turned_round(field, word) or did_you_mean(word.text, field.values) or _use(field)
    return _error(message, "name", field, word.column, hint)


def hashed_year(term: Word) -> ScheduleError:
    message = f"{YEAR.name} {quoted(term.text)} would be one hashed year of {LAST_YEAR - FIRST_YEAR + 1}"
    return _error(message, "term", YEAR, term.column, "write the years, or `*`")


def hashed_late(low: Word, highest: int) -> ScheduleError:
    message = f"{DAY_OF_MONTH.name} {low.text} is above {highest}, where not every month has the day"
    return _error(message, "range", DAY_OF_MONTH, low.column, f"`H(1-{highest})` is a day of every month")


def out_of_range(field: Field, word: Word) -> ScheduleError:
    message = f"{field.name} {int(word.text)} is out of range {field.low}-{field.high}"
    return _error(message, "range", field, word.column, _use(field))


def out_of_form(field: Field, word: Word, low: int, high: int, form: str) -> ScheduleError:
    message = f"{field.name} {int(word.text)} is out of range {low}-{high} for the n of `{form}`"
    return _error(message, "range", field, word.column, f"use {low}-{high}")


def not_a_step(field: Field, step: Word) -> ScheduleError:
    message = f"{field.name} has the step {quoted(step.text)}, which is no number above 0"
    return _error(message, "step", field, step.column, "`/2` is every second value")


def long_number(field: Field, word: Word, longest: int) -> ScheduleError:
    message = f"{field.name} {quoted(word.text)} has more than {longest} digits"
    return _error(message, "number", field, word.column, _use(field))


def backwards(field: Field, term: Word, first: int, last: int, stride: int) -> ScheduleError:
    """first, last: the bounds of the term's range, as numbers."""
    message = f"{field.name} {quoted(term.text)} runs backwards"
    runs = _forward_runs(field, first, last)
    hint = f"write `{_spelled(field, runs, stride, in_names=term.text[0].isalpha())}`"
    if field is YEAR:
        hint = f"write `{last}-{first}`"
    return _error(message, "reversed", field, term.column, hint)


def hashed_backwards(field: Field, low: Word, high: Word, first: int, last: int) -> ScheduleError:
    """first, last: what the words `low` and `high` stand for."""
    message = f"{field.name} {quoted(f'{low.text}-{high.text}')} runs backwards"
    spelled = _speller(field, in_names=low.text[0].isalpha())
    runs = [f"`H({spelled(run[0])}-{spelled(run[-1])})`" for run in _forward_runs(field, first, last)]
    return _error(message, "reversed", field, low.column, f"write {' or '.join(runs)}: it is one value")


def never(words: Sequence[Word]) -> ScheduleError:
    day_of_month, month, day_of_week = words[2:5] if len(words) == 5 else words[3:6]
    message = f"no day from {FIRST_YEAR} to {LAST_YEAR} is day-of-month {quoted(day_of_month.text)}"
    message += f" in month {quoted(month.text)}" + (
        "" if day_of_week.text[0] in "*?" else " on such a weekday"
    )
    if len(words) == 7 and words[6].text[0] != "*":
        message += f" in year {quoted(words[6].text)}"
    return ScheduleError(
        message,
        code="never",
        field=DAY_OF_MONTH.name,
        column=day_of_month.column,
        hint="the last day that every month has is 28; `L` is the last of each",
    )


def with_context(
    error: ScheduleError, words: Sequence[Word], is_schedule: Callable[[str], bool]
) -> ScheduleError:
    """Return an error of one field, or a better one, with the hint that only the whole text allows.

    is_schedule: whether another text is a schedule.
    """
    if found := _beyond(words, is_schedule):
        if error.column < found.column:
            return found
        # It may still have been meant as the field that it stands for.
        error.hint = f"{found.hint}; {error.hint}" if error.code == "name" else found.hint
        return error
    error.hint = _unspaced(words, is_schedule) or _about_the_year(error, words, is_schedule) or error.hint
    return error


def _beyond(words: Sequence[Word], is_schedule: Callable[[str], bool]) -> ScheduleError | None:
    """Return what is said about a command, a user or a comment behind a schedule, as crontabs have them."""
    count = next((place for place, word in enumerate(words) if place > 4 and _is_foreign(word.text)), 0)
    schedule = " ".join(word.text for word in words[:count])
    if not 5 <= count <= 7 or not is_schedule(schedule):
        return None
    message = f"a schedule has 5, 6 or 7 fields, and {quoted(words[count].text)} is none of them"
    hint = f"write `{schedule}`; a command, a user and a comment are no part of it"
    return ScheduleError(message, code="fields", column=words[count].column, hint=hint)


def _is_foreign(text: str) -> bool:
    """Return whether a word cannot have been meant as a day of the week or as a year."""
    names = re.findall(r"[a-z]+", text.lower())
    is_known = all(name in _SPECIAL_LETTERS or closest(name, DAY_OF_WEEK.values) for name in names)
    return text[0] in "#/" or not is_known


def _unspaced(words: Sequence[Word], is_schedule: Callable[[str], bool]) -> str:
    """Return the hint for a field that has spaces in it: "mon - fri", "1, 15"."""
    text = " ".join(word.text for word in words)
    together = re.sub(r" *([,/-]) *", r"\1", text)
    return f"a field has no space in it: `{together}`" if together != text and is_schedule(together) else ""


def _meant_by_few(words: Sequence[Word], nicknames: Iterable[str]) -> str:
    first = words[0].text.lower()
    if first == "every":
        return "`@every 15m` is every 15 minutes, `@daily` is every day"
    if len(words) == 1 and f"@{first}" in nicknames:
        return f"did you mean `@{first}`?"
    if len(words) == 1 and re.fullmatch("[0-9]{1,2}:[0-9]{2}", first):
        hour, minute = map(int, first.split(":"))
        return f"a time of day is two fields: `{minute} {hour} * * *` is {hour:02}:{minute:02} every day"
    return ""


def _about_the_year(error: ScheduleError, words: Sequence[Word], is_schedule: Callable[[str], bool]) -> str:
    texts = [word.text for word in words]
    years = [text for text in texts if re.fullmatch(_YEARS, text)]
    if len(words) == 6 and texts[-1:] == years and is_schedule(" ".join(["0", *texts])):
        return f"a year is the seventh field and seconds are the first: `0 {' '.join(texts)}`"
    if len(words) != 7:
        return ""
    others = [text for text in texts if text not in years]
    if len(years) == 1 and texts[-1:] != years and is_schedule(" ".join([*others, *years])):
        return f"the year is the last of seven fields: `{' '.join([*others, *years])}`"
    is_about_it = error.field == YEAR.name and error.code in ("range", "number", "term")
    if is_about_it and not texts[-1].upper().startswith("H"):
        return f"in seven fields seconds come first and the year last, {FIRST_YEAR}-{LAST_YEAR} or `*`"
    return ""


def _turned_round(field: Field, word: Word) -> str:
    """Return the hint for a letter that stands before its day, or ""."""
    turned = re.fullmatch(_TURNED[field.name], word.text) if field.name in _TURNED else None
    if turned is None or not (turned[1].isdigit() or turned[1].lower() in field.values):
        return ""
    return f"write `{turned[1]}{word.text[0].upper()}`"


def _way_out(field: Field, text: str, position: int) -> str:
    sign = text[position]
    if sign == "?":
        return "`?` is a whole day field, and there it means `*`"
    if sign == "+":
        return "`+` is the first character of day-of-week, before what must match as well as day-of-month"
    if sign == "#" and field is not DAY_OF_WEEK:
        return f"`{quoted(text)[1:-1]}` belongs in day-of-week"
    if sign == "#":
        return "`mon#2` is the second Monday of the month, `mon#L` the last; n is 1-5"
    if sign == "(":
        return "`H(0-29)` is a value from 0 to 29, hashed from the job's name"
    if sign == ":":
        return "a time of day is two fields: 03:30 is `30 3`"
    if sign in "\"'":
        return "leave out the quotes"
    if sign == ";":
        return "a list has commas: `1,15`"
    if text[position:].startswith(".."):
        return "a range has one `-`: `1-5`"
    if re.fullmatch(r"\*?/?[0-9]+", text):
        return f"did you mean `*/{text.lstrip('*/')}`?"
    if text[position:] == "-" and (field.values or text[0].isdigit()):
        end = _name(field, field.high) if text[0].isalpha() else field.high
        return f"a range has two ends: `{text}{end}`"
    if text.upper() == "L-" and field is DAY_OF_MONTH:
        return "`L-3` is the last day of the month but 3"
    if text[position:] == "/":
        return f"a step is a number: `{text}2`"
    return "a term is `*`, `a` or `a-b`, with or without a step `/n`"


def _misplaced(field: Field, word: Word) -> ScheduleError | None:
    """Return what is said about a word that another field understands."""
    name = word.text.lower()
    for other in (DAY_OF_WEEK, MONTH):
        if name in other.values and field is not other:
            kind = "weekday" if other is DAY_OF_WEEK else "month"
            message = f"{field.name} {quoted(word.text)} is a {kind}"
            return _error(
                message, "misplaced", field, word.column, f"the name of a {kind} belongs in {other.name}"
            )
    by_week = re.fullmatch(_BY_WEEK, name)
    if field is not DAY_OF_WEEK and by_week and (by_week[1].isdigit() or by_week[1] in DAY_OF_WEEK.values):
        message = f"{field.name} {quoted(word.text)} is the last such weekday of a month"
        hint = f"`{word.text}` belongs in day-of-week; the last day of the month is `L`, in day-of-month"
        return _error(message, "misplaced", field, word.column, hint)
    if field is not DAY_OF_MONTH and name != "l" and re.fullmatch(_BY_MONTH, name):
        message = f"{field.name} {quoted(word.text)} is a day of the month"
        return _error(message, "misplaced", field, word.column, f"`{word.text}` belongs in day-of-month")
    return None


def _error(message: str, code: str, field: Field, column: int, hint: str) -> ScheduleError:
    return ScheduleError(message, code=code, field=field.name, column=column, hint=hint)


def _use(field: Field) -> str:
    names = f" or {_name(field, 1)}, {_name(field, 2)}, ..." if field.values else ""
    return f"use {field.low}-{field.high}{names}"


def _forward_runs(field: Field, first: int, last: int) -> list[range]:
    """Return the runs that together are a range that goes on at the field's beginning."""
    if field is not DAY_OF_WEEK:
        runs = [range(first, field.high + 1), range(field.low, last + 1)]
    elif first == 7:
        runs = [range(last + 1)]
    else:
        runs = [range(first, 8), range(1, last + 1)]
    return [run for run in runs if run]


def _spelled(field: Field, runs: Sequence[range], stride: int, *, in_names: bool) -> str:
    """Return the runs as ranges, or as single values where a step leads from one run into the next."""
    parts: Iterable[Iterable[int]] = (sorted({run[0], run[-1]}) for run in runs)
    if stride > 1:
        parts = ([value] for value in [value for run in runs for value in run][::stride])
    return ",".join("-".join(map(_speller(field, in_names=in_names), part)) for part in parts)


def _speller(field: Field, *, in_names: bool) -> Callable[[int], str]:
    return partial(_name, field) if in_names else str


def _name(field: Field, value: int) -> str:
    """Return the three letters that stand for a value; both 0 and 7 are `sun`."""
    wanted = value % 7 if field is DAY_OF_WEEK else value
    return next(name for name, named in field.values.items() if named == wanted)[:3]
