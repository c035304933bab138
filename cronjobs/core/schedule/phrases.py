"""The parts of a sentence about a cron text: its times of day, its days, its months and its years."""

from collections.abc import Sequence
from itertools import pairwise

from cronjobs.core.schedule.cron import Cron
from cronjobs.core.schedule.days import EVERY_YEAR
from cronjobs.core.schedule.fields import DAY_OF_WEEK, FIRST_YEAR, LAST_DAY, MONTH, NEAREST, NTH

EVERY_DAY_OF_MONTH = (1 << 32) - 2
EVERY_MONTH = (1 << 13) - 2
EVERY_DAY_OF_WEEK = (1 << 7) - 1
_EVERY_HOUR = (1 << 24) - 1
_EVERY_MINUTE = _EVERY_SECOND = (1 << 60) - 1

WEEKDAYS = [name.capitalize() for name in DAY_OF_WEEK.values if len(name) > 3]
MONTHS = [name.capitalize() for name in MONTH.values if len(name) > 3 or name == "may"]
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_MOST_TIMES = 4
_MOST_FULL_HOURS = 6
_MOST_SPELLED = 6


def sentence(cron: Cron) -> str:
    """Return "at 03:00 every day", and whatever else there is to say."""
    at, on = times(cron), days(cron)
    is_of_hours = ":" in at or " in the hours " in at
    if is_of_hours and not on.startswith((" on ", " from ", " of ")):
        on = f" every day{on}"
    elif " from " in at and on.startswith(" from "):
        on = f", {on.removeprefix(' from ')}"
    return at + on


def times(cron: Cron) -> str:
    """Return "every 5 minutes", "at 03:00 and 15:00" or, where there are many, what each field says."""
    few = listed_times(cron, _MOST_TIMES)
    if few and cron.minutes == cron.seconds == 1:
        return few  # not "every 12 hours", which leaves open of which
    return repeated(cron) or few or _fields_of_time(cron)


def repeated(cron: Cron) -> str:
    """Return "every ..." if all fires are equally far apart, across midnight as well, or ""."""
    if cron.hours == _EVERY_HOUR and cron.minutes == _EVERY_MINUTE:
        return _every(cron.seconds, "second", of=60) or ("every minute" if cron.seconds == 1 else "")
    if cron.hours == _EVERY_HOUR and cron.seconds == 1:
        return _every(cron.minutes, "minute", of=60) or ("every hour" if cron.minutes == 1 else "")
    if cron.minutes == cron.seconds == 1:
        return _every(cron.hours, "hour", of=24)
    return ""


def listed_times(cron: Cron, most: int) -> str:
    """Return "at 03:00 and 15:00" if there are not more than `most` times of day, or ""."""
    hours, minutes, seconds = values(cron.hours), values(cron.minutes), values(cron.seconds)
    if len(hours) * len(minutes) * len(seconds) > most:
        return ""
    found = [(hour, minute, second) for hour in hours for minute in minutes for second in seconds]
    shown = 2 if seconds == [0] else 3
    return "at " + listed([":".join(f"{part:02}" for part in time[:shown]) for time in found])


def days(cron: Cron) -> str:
    """Return " on the first Monday of the month in 2027", or "" for always, with OR and AND of two fields."""
    dates, weekdays = _dates(cron.days_of_month), _weekdays(cron.days_of_week)
    months, years = _months(cron), _years(cron)
    if cron.either_day:
        is_every = "" if dates and weekdays else ", so every day"
        either = f"{dates or 'on every day of the month'} or {weekdays or 'on every day of the week'}"
        return f" {either} (one is enough{is_every}){months}{years}"
    if dates and weekdays:
        return f" {dates} and {weekdays} (both are needed){months}{years}"
    found = f" {dates or weekdays}" if dates or weekdays else ""
    is_of_months = dates or weekdays.startswith("on the ")  # not "on Sunday and the first Monday of May"
    if is_of_months and months.startswith(" in ") and found.endswith(" of the month"):
        return found.removesuffix("the month") + months.removeprefix(" in ") + years
    return found + months + years


def _months(cron: Cron) -> str:
    if cron.months == EVERY_MONTH:
        return ""
    return f" {_in_runs([value - 1 for value in values(cron.months)], MONTHS, 'in')}"


def _years(cron: Cron) -> str:
    if cron.years == EVERY_YEAR:
        return ""
    years = [value + FIRST_YEAR for value in values(cron.years)]
    return f" in {years[0]}" if len(years) == 1 else f" in the years {runs(years)}"


def listed(items: Sequence[str], word: str = "and") -> str:
    """Return "a, b and c"."""
    return f" {word} ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def runs(numbers: Sequence[int], names: Sequence[str] = ()) -> str:
    """Return "1 to 5, 7 and 9", or "0, 2, 4 and so on to 22"; names: what stands for each number."""
    spelled = [names[number] if names else str(number) for number in numbers]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    if len(numbers) > _MOST_SPELLED and len(steps) == 1 and steps != {1}:
        return f"{', '.join(spelled[:3])} and so on to {spelled[-1]}"
    words: list[str] = []
    start = 0
    for place, number in enumerate(numbers):
        if place + 1 < len(numbers) and numbers[place + 1] == number + 1:
            continue
        words += (
            spelled[start : place + 1] if place < start + 2 else [f"{spelled[start]} to {spelled[place]}"]
        )
        start = place + 1
    return listed(words)


def _in_runs(numbers: Sequence[int], names: Sequence[str], word: str) -> str:
    """Return "on Monday and Friday" with its word, or "from Monday to Friday"."""
    found = runs(numbers, names)
    return f"from {found}" if len(numbers) > 2 and _is_run(numbers) else f"{word} {found}"


def values(mask: int) -> list[int]:
    """Return the numbers of the bits that are set."""
    return [value for value in range(mask.bit_length()) if mask >> value & 1]


def _every(mask: int, unit: str, *, of: int) -> str:
    step = _step(mask, of)
    return "" if step is None or of % step else f"every {unit}" if step == 1 else f"every {step} {unit}s"


def _step(mask: int, size: int) -> int | None:
    """Return the n of a mask that `*/n` has."""
    found = values(mask)
    step = found[1] if len(found) > 1 else size
    return step if step < size and found == list(range(0, size, step)) else None


def _fields_of_time(cron: Cron) -> str:
    if cron.minutes == cron.seconds == 1:
        return _full_hours(cron)
    hours = _hours(cron)
    if cron.seconds == 1:
        minutes = _field(cron.minutes, "minute", 60)
        is_told = minutes.startswith("every") or hours.startswith(" in ") or cron.hours.bit_count() == 1
        words = minutes + ("" if hours and is_told else " of every hour") + hours
    else:
        seconds = _field(cron.seconds, "second", 60)
        of_each = "" if seconds.startswith("every") else " of every minute"
        if cron.minutes == _EVERY_MINUTE:
            words = seconds + of_each + (f"{hours}:59" if hours.startswith(" from ") else hours)
        else:
            words = seconds + _minutes(cron, of_each, hours)
    return words if words.startswith("every") else f"at {words}"


def _field(mask: int, unit: str, size: int) -> str:
    found = values(mask)
    if len(found) == size:
        return f"every {unit}"
    step = _step(mask, size)
    if step is not None and size % step == 0:
        return f"every {step} {unit}s"
    return f"{unit} {found[0]}" if len(found) == 1 else f"{unit}s {runs(found)}"


def _full_hours(cron: Cron) -> str:
    hours = values(cron.hours)
    if _is_run(hours):
        return f"on the hour from {hours[0]:02}:00 to {hours[-1]:02}:00"
    if len(hours) <= _MOST_FULL_HOURS:
        return listed_times(cron, _MOST_FULL_HOURS)
    return "on the hour" + _hours(cron)


def _minutes(cron: Cron, of_each: str, hours: str) -> str:
    """Return the minutes that some seconds are in, with their hours. of_each: " of every minute", or ""."""
    minutes = values(cron.minutes)
    first_hour = values(cron.hours)[0]
    if cron.hours == 1 << first_hour and _is_run(minutes):
        return f"{of_each} from {first_hour:02}:{minutes[0]:02} to {first_hour:02}:{minutes[-1]:02}:59"
    written = f" in minute{'s' if len(minutes) > 1 else ''} {runs(minutes)}"
    return written + (hours if hours.startswith(" in ") else f" of every hour{hours}")


def _hours(cron: Cron) -> str:
    """Return " from 09:00 to 17:59", or "" for every hour."""
    hours = values(cron.hours)
    if cron.hours == _EVERY_HOUR:
        return ""
    if _is_run(hours):
        return f" from {hours[0]:02}:00 to {hours[-1]:02}:59"
    return f" in the hours {runs(hours)}"


def _is_run(numbers: Sequence[int]) -> bool:
    return numbers[-1] - numbers[0] == len(numbers) - 1


def _dates(mask: int) -> str:
    if mask & EVERY_DAY_OF_MONTH == EVERY_DAY_OF_MONTH:
        return ""
    plain = values(mask & EVERY_DAY_OF_MONTH)
    words = [f"day{'s' if len(plain) > 1 else ''} {runs(plain)}"] if plain else []
    from_end = values(mask >> LAST_DAY & (1 << NEAREST - LAST_DAY) - 1)
    words += [f"the last day but {number}" if number else "the last day" for number in from_end]
    near = values(mask >> NEAREST)
    words += [f"the working day nearest to day {day}" if day else "the last working day" for day in near]
    return f"on {listed(words)} of the month"


def _weekdays(mask: int) -> str:
    if mask & EVERY_DAY_OF_WEEK == EVERY_DAY_OF_WEEK:
        return ""
    names = [*WEEKDAYS[1:], WEEKDAYS[0]]
    from_monday = sorted((day - 1) % 7 for day in values(mask & EVERY_DAY_OF_WEEK))
    counted = _counted_weekdays(mask)
    if not counted:
        return _in_runs(from_monday, names, "on")
    if not from_monday:
        return f"on {listed(counted)} of the month"
    return f"on {listed([runs(from_monday, names), *(f'{each} of the month' for each in counted)])}"


def _counted_weekdays(mask: int) -> list[str]:
    """Return "the first and third Monday" for each day of the week that is counted in its month."""
    found: dict[int, list[str]] = {}
    for bit in values(mask >> NTH):
        day, nth = divmod(bit, 8)
        found.setdefault(day, []).append(_ORDINALS[nth - 1] if nth else "last")
    return [
        f"the {listed(sorted(words, key=[*_ORDINALS, 'last'].index))} {WEEKDAYS[day]}"
        for day, words in found.items()
    ]
