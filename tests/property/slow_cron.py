"""A cron that looks at the wall clock at every step and remembers what it has seen: easy to believe.

Nothing of the engine is used here: texts are read anew, value by value.
"""

from calendar import monthrange
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
THREE_HOURS = 3 * 3600


def scan(text, zone, start, end, *, every):
    """Return the fires from `start` on and before `end`, looking every so many seconds, from a day before."""
    fields = text.split()
    if len(fields) == 5:
        fields.insert(0, "0")
    is_fixed = not any(field.startswith("*") for field in fields[:3])
    rules = ZoneInfo(zone)
    fires, seen = [], set()
    previous = None
    for instant in range(start - 86400, end, every):
        time = datetime.fromtimestamp(instant, rules)
        wall = instant + int(time.utcoffset().total_seconds())
        skipped = []
        if previous is not None:
            jump = wall - previous - every
            if abs(jump) > THREE_HOURS:
                seen.clear()
            elif jump > 0 and is_fixed:
                skipped = range(previous + every, wall, every)
        is_due = matches(fields, datetime.fromtimestamp(wall, UTC)) and not (is_fixed and wall in seen)
        is_due = is_due or any(matches(fields, datetime.fromtimestamp(at, UTC)) for at in skipped)
        if is_due and instant >= start:
            fires.append(instant)
        seen.add(wall)
        previous = wall
    return fires


def matches(fields, wall):
    """Return whether six or seven fields match a wall time."""
    second, minute, hour, day_of_month, month, day_of_week = fields[:6]
    if not has(second, wall.second, 0, 59) or not has(minute, wall.minute, 0, 59):
        return False
    if not has(hour, wall.hour, 0, 23) or not has(month, wall.month, 1, 12, MONTHS):
        return False
    if len(fields) == 7 and not has(fields[6], wall.year, 1970, 2199):
        return False
    by_date = any(has_date(term, wall.date()) for term in day_of_month.split(","))
    by_weekday = any(has_weekday(term, wall.date()) for term in day_of_week.lstrip("+").split(","))
    is_both = day_of_month[0] in "*?" or day_of_week[0] in "*?+"
    return by_date and by_weekday if is_both else by_date or by_weekday


def has(field, value, low, high, names=()):
    return any(term_has(term, value, low, high, names) for term in field.lower().split(","))


def term_has(term, value, low, high, names=()):
    values, _, step = term.partition("/")
    first, _, last = values.partition("-")
    if first in ("*", "?"):
        first, last = low, high
    else:
        first = number(first, names)
        last = "7" if last == "sun" and first > 0 else last
        last = number(last, names) if last else high if step else first
    return first <= value <= last and (value - first) % int(step or 1) == 0


def number(word, names):
    return names.index(word) + (len(names) == 12) if word in names else int(word)


def has_date(term, day):
    term = term.upper()
    length = monthrange(day.year, day.month)[1]
    if term == "LW":
        return day == max(weekdays_of(day))
    if term.endswith("W"):
        wanted = int(term[:-1])
        if wanted > length:
            return False
        return day == min(weekdays_of(day), key=lambda other: abs(other.day - wanted))
    if term.startswith("L"):
        return day.day == length - int(term[2:] or 0)
    return term_has(term, day.day, 1, 31)


def weekdays_of(day):
    length = monthrange(day.year, day.month)[1]
    days = [date(day.year, day.month, number) for number in range(1, length + 1)]
    return [each for each in days if each.weekday() < 5]


def has_weekday(term, day):
    term = term.lower()
    is_last_of_month = day.day + 7 > monthrange(day.year, day.month)[1]
    if "#" in term:
        weekday, nth = term.split("#")
        is_nth = is_last_of_month if nth == "l" else (day.day + 6) // 7 == int(nth)
        return is_nth and has_weekday(weekday, day)
    if term.endswith("l"):
        return is_last_of_month and has_weekday(term[:-1], day)
    sunday_first = day.isoweekday() % 7
    return any(term_has(term, value, 0, 7, WEEKDAYS) for value in {sunday_first, sunday_first or 7})
