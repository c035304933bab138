"""Prototype of a fast tick: five-field cron as integers, and the three ways to use them.

masks(expr) -> (minute, hour, dom, month, dow, any_dom, any_dow); due(m, t) is five shifts. next_minute(m, t) walks
months, days, hours and minutes with bit tricks. UTC only: it measures cost, it is not a cron implementation.
"""

import calendar
import datetime as dt
import functools

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
NAMES = {n.lower(): i for i, n in enumerate(calendar.month_abbr) if n}
NAMES |= {n: i for i, n in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}


@functools.lru_cache(4096)
def field(text, k):
    lo, hi = RANGES[k]
    mask = 0
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        if span == "*":
            a, b = lo, hi
        else:
            a, _, b = span.partition("-")
            a = int(a) if a.isdigit() else NAMES[a]
            b = (int(b) if b.isdigit() else NAMES[b]) if b else (hi if step else a)
        step = int(step or 1)
        if not (lo <= a <= b <= hi and step > 0):
            raise ValueError(f"{text!r} is out of range")
        for v in range(a, b + 1, step):
            mask |= 1 << v
    if k == 4 and mask >> 7 & 1:
        mask |= 1
    return mask


def masks(expr):
    f = expr.split()
    if len(f) != 5:
        raise ValueError(f"{expr!r}: five fields expected")
    return (
        field(f[0], 0),
        field(f[1], 1),
        field(f[2], 2),
        field(f[3], 3),
        field(f[4], 4),
        f[2][0] == "*",
        f[4][0] == "*",
    )


def day_ok(m, d, wd):
    dom, dow = m[2] >> d & 1, m[4] >> wd & 1
    return (dom and dow) if m[5] or m[6] else (dom or dow)


def due(m, minute, hour, day, month, wd):
    return m[0] >> minute & 1 and m[1] >> hour & 1 and m[3] >> month & 1 and day_ok(m, day, wd)


def low(mask, start):
    rest = mask >> start
    return start + (rest & -rest).bit_length() - 1 if rest else -1


def next_minute(m, t):
    """First matching datetime strictly after t (UTC), within 8 years."""
    t = t.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    day, hour, minute = t.date(), t.hour, t.minute
    last = day + dt.timedelta(days=366 * 8)
    while day <= last:
        if not m[3] >> day.month & 1:
            nxt = low(m[3], day.month + 1)
            day = dt.date(day.year, nxt, 1) if 0 < nxt <= 12 else dt.date(day.year + 1, low(m[3], 1), 1)
            hour = minute = 0
            continue
        if day_ok(m, day.day, day.isoweekday() % 7):
            if m[1] >> hour & 1:
                mi = low(m[0], minute)
                if mi >= 0:
                    return dt.datetime(day.year, day.month, day.day, hour, mi)
            h = low(m[1], hour + 1)
            if 0 <= h <= 23:
                return dt.datetime(day.year, day.month, day.day, h, low(m[0], 0))
        day += dt.timedelta(days=1)
        hour = minute = 0
    return None
