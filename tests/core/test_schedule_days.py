"""Which days match, against the standard library's calendar, month by month."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cronjobs.core.schedule import ScheduleError, parse_schedule

YEARS = range(1999, 2029)  # every weekday begins a leap year and a common one


def last_day(year, month):
    return monthrange(year, month)[1]


def nearest_weekday(year, month, day):
    """Return the day from Monday to Friday that is closest in the same month: no two are equally close."""
    weekdays = [
        other for other in range(1, last_day(year, month) + 1) if date(year, month, other).isoweekday() < 6
    ]
    return min(weekdays, key=lambda other: abs(other - day))


def by_month(term):
    """Return what a day-of-month term is: from a year and a month to a set of days."""
    if term == "LW":
        return lambda year, month: {
            max(
                day for day in range(20, last_day(year, month) + 1) if date(year, month, day).isoweekday() < 6
            )
        }
    if term.endswith("W"):
        day = int(term[:-1])
        return lambda year, month: (
            {nearest_weekday(year, month, day)} if day <= last_day(year, month) else set()
        )
    from_end = int(term[2:] or 0)
    return lambda year, month: {last_day(year, month) - from_end} - set(range(-30, 1))


def by_week(term):
    weekday, nth = int(term[0]) % 7 or 7, term[-1]

    def days(year, month):
        found = [
            day
            for day in range(1, last_day(year, month) + 1)
            if date(year, month, day).isoweekday() == weekday
        ]
        return set(found[-1:] if nth == "L" else found[int(nth) - 1 : int(nth)])

    return days


def check(text, days):
    """Compare a schedule that fires at midnight with the days of each month."""
    start = int(datetime(YEARS[0], 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC).timestamp())

    found = list(parse_schedule(text).between(start - 1, end - 1))

    dates = [date(1970, 1, 1) + timedelta(seconds=instant) for instant in found]
    assert dates == [
        date(year, month, day)
        for year in YEARS
        for month in range(1, 13)
        for day in sorted(days(year, month))
    ]


BY_MONTH = ["L", "LW", *(f"L-{n}" for n in range(1, 31)), *(f"{n}W" for n in range(1, 32))]
BY_WEEK = [f"{day}{form}" for day in range(8) for form in ("L", "#L", "#1", "#2", "#3", "#4", "#5")]


@pytest.mark.parametrize("term", BY_MONTH)
def test_days_that_are_counted_in_the_month(term):
    check(f"0 0 {term} * *", by_month(term))


@pytest.mark.parametrize("term", BY_WEEK)
def test_weekdays_that_are_counted_in_the_month(term):
    check(f"0 0 * * {term}", by_week(term))


def some(terms):
    return st.lists(st.sampled_from(terms), min_size=1, max_size=3)


@settings(deadline=None)
@given(some(BY_MONTH), some(BY_WEEK), st.booleans())
def test_lists_of_them_and_both_day_fields(month_terms, week_terms, is_both):
    def days(year, month):
        by_date = set().union(*(by_month(term)(year, month) for term in month_terms))
        by_weekday = set().union(*(by_week(term)(year, month) for term in week_terms))
        return by_date & by_weekday if is_both else by_date | by_weekday

    text = f"0 0 {','.join(month_terms)} * {'+' if is_both else ''}{','.join(week_terms)}"
    try:
        parse_schedule(text)
    except ScheduleError:
        assert not any(days(year, month) for year in YEARS for month in range(1, 13))
    else:
        check(text, days)


def test_a_year_restricts_the_years():
    schedule = parse_schedule("0 0 0 29 2 * 2023-2032,2190/3,*/200")

    found = [(date(1970, 1, 1) + timedelta(seconds=instant)).year for instant in schedule.between(0, 2**33)]

    assert found == [2024, 2028, 2032, 2196]
