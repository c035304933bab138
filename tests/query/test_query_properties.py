"""Whatever the filter, both databases find the rows that plain Python finds."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cronjobs.services.query import make_query

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTEGERS = [None, -3, 0, 1, 2, 2**31 - 1]
REALS = [None, -0.5, 0.0, 0.1, 1.0, 2.5e10]
DECIMALS = [None, Decimal("-1.50"), Decimal("0.00"), Decimal("0.10"), Decimal("1.00"), Decimal("2.50")]
TEXTS = [None, "", "a", "A", "ab", "aB", "É", "é", "%", "a_b", "a\\", "[a]", "z*"]
TIMES = [
    None,
    datetime(2026, 11, 24),
    datetime(2026, 11, 24, 10),
    datetime(2026, 11, 24, 10, 0, 0, 1),
    datetime(1969, 12, 31, 23, 59, 59, 999999),
]
WRITINGS = [
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S.%f}",
    lambda moment: moment.isoformat() + "Z",
    lambda moment: (moment + timedelta(hours=2)).isoformat(" ") + "+02:00",
]
BOOLEANS = [None, True, False]
COLUMNS = {
    "n": ("INTEGER", INTEGERS),
    "r": ("DOUBLE PRECISION", REALS),
    "d": ("NUMERIC(12,2)", DECIMALS),
    "t": ("TEXT", TEXTS),
    "m": ("TIMESTAMP WITH TIME ZONE", TIMES),
    "b": ("BOOLEAN", BOOLEANS),
}


def rows():
    """Return one row for each value of each column, the others beside it shifted, so that all meet."""
    found = []
    for number in range(60):
        row = {"id": number}
        for shift, (name, (_, values)) in enumerate(COLUMNS.items(), 1):
            row[name] = values[(number * shift + number // 7) % len(values)]
        found.append(row)
    return found


ROWS = rows()


def literal(value, number):
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        value = WRITINGS[number % len(WRITINGS)](value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


@pytest.fixture(scope="module")
def query(databases):
    columns = ", ".join(f"{name} {declared}" for name, (declared, _) in COLUMNS.items())
    lines = ["(" + ", ".join(literal(value, row["id"]) for value in row.values()) + ")" for row in ROWS]
    create = f"CREATE TABLE things (id INTEGER PRIMARY KEY, {columns})"
    url = databases.create(f"{create}; INSERT INTO things VALUES {', '.join(lines)}")
    query = make_query(url)
    yield query
    query.close()


# What the filters mean, in plain Python.


def comparable(value):
    """Return a value as it is compared; times are aware, and dates their midnight."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


def equal(stored, value):
    if stored is None or value is None:
        return stored is value
    if isinstance(stored, Decimal) and isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(stored, float) and isinstance(value, Decimal):
        value = float(value)
    return comparable(stored) == comparable(value)


def less(stored, value):
    if isinstance(stored, Decimal) and isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(stored, float) and isinstance(value, Decimal):
        value = float(value)
    return comparable(stored) < comparable(value)


def like(text, pattern):
    if not pattern:
        return not text
    if pattern[0] == "%":
        return like(text, pattern[1:]) or (bool(text) and like(text[1:], pattern))
    if pattern[0] == "_":
        return bool(text) and like(text[1:], pattern[1:])
    if pattern[0] == "\\":
        pattern = pattern[1:]
    return bool(text) and text[0] == pattern[0] and like(text[1:], pattern[1:])


OPERATORS = {
    "$eq": equal,
    "$ne": lambda stored, value: not equal(stored, value),
    "$in": lambda stored, values: any(equal(stored, value) for value in values),
    "$nin": lambda stored, values: not any(equal(stored, value) for value in values),
    "$gt": lambda stored, value: stored is not None and not less(stored, value) and not equal(stored, value),
    "$gte": lambda stored, value: stored is not None and not less(stored, value),
    "$lt": lambda stored, value: stored is not None and less(stored, value),
    "$lte": lambda stored, value: stored is not None and (less(stored, value) or equal(stored, value)),
    "$like": lambda stored, pattern: stored is not None and like(stored, pattern),
    "$ilike": lambda stored, pattern: stored is not None and like(stored.lower(), pattern.lower()),
}


def meets(row, filters):
    return all(meets_entry(row, key, value) for key, value in filters.items())


def meets_entry(row, key, value):
    if key == "$not":
        return not meets(row, value)
    if key == "$and":
        return all(meets(row, part) for part in value)
    if key == "$or":
        return any(meets(row, part) for part in value)
    return meets_field(row[key], value)


def meets_field(stored, value):
    if isinstance(value, list):
        return OPERATORS["$in"](stored, value)
    if not isinstance(value, dict):
        return equal(stored, value)
    logical = {
        "$not": lambda part: not meets_field(stored, part),
        "$and": lambda parts: all(meets_field(stored, part) for part in parts),
        "$or": lambda parts: any(meets_field(stored, part) for part in parts),
    }
    return all(
        logical[key](each) if key in logical else OPERATORS[key](stored, each) for key, each in value.items()
    )


# Filters.

NUMBERS = st.one_of(
    st.sampled_from([each for each in [*INTEGERS, *REALS, *DECIMALS] if each is not None]),
    st.integers(-(2**70), 2**70),
    st.floats(-5, 5).map(lambda number: round(number, 2)),
)
MOMENTS = [each for each in TIMES if each is not None]
VALUES = {
    **dict.fromkeys("nrd", NUMBERS),
    "t": st.one_of(st.sampled_from(TEXTS[1:]), st.text("aAbBéÉ%_\\*[]? '", max_size=4)),
    "m": st.one_of(
        st.sampled_from(MOMENTS),
        st.sampled_from([date(2026, 11, 24), date(2026, 11, 25)]),
        st.sampled_from([moment.replace(tzinfo=UTC) for moment in MOMENTS]),
    ),
    "b": st.booleans(),
}
PATTERNS = st.text("aAbBéÉ%_*[]?", max_size=5) | st.sampled_from([r"a\_b", r"\%", r"a\\", r"[\a]", "%_%"])


@st.composite
def conditions(draw, name):
    values = VALUES[name]
    several = st.lists(values | st.none(), max_size=4)
    of_one = st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("$gt", "$gte", "$lt", "$lte"), values),
            **dict.fromkeys(("$eq", "$ne"), values | st.none()),
            **dict.fromkeys(("$in", "$nin"), several),
            **(dict.fromkeys(("$like", "$ilike"), PATTERNS) if name == "t" else {}),
        },
    ).filter(bool)
    plain = st.one_of(values, st.none(), several, of_one)
    logical = st.one_of(
        plain,
        st.builds(lambda part: {"$not": part}, plain),
        st.builds(
            lambda key, parts: {key: parts}, st.sampled_from(["$and", "$or"]), st.lists(plain, max_size=3)
        ),
    )
    return draw(logical)


FIELDS = st.sampled_from(sorted(COLUMNS)).flatmap(
    lambda name: conditions(name).map(lambda condition: {name: condition})
)
FILTERS = st.recursive(
    FIELDS,
    lambda inner: st.one_of(
        st.builds(lambda part: {"$not": part}, inner),
        st.builds(
            lambda key, parts: {key: parts}, st.sampled_from(["$and", "$or"]), st.lists(inner, max_size=3)
        ),
        st.builds(lambda one, other: {**one, **other}, inner, inner),
    ),
    max_leaves=6,
)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filters=FILTERS)
def test_a_filter_finds_what_plain_python_finds(query, filters):
    found = query.graph("things", ["id"], filters).data

    assert [row["id"] for row in found] == [row["id"] for row in ROWS if meets(row, filters)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.dictionaries(st.sampled_from([*COLUMNS, "id"]), st.sampled_from(["ASC", "DESC"]), max_size=3),
    skip=st.integers(0, 70),
    take=st.none() | st.integers(0, 70),
)
def test_an_order_is_the_one_of_plain_python(query, order, skip, take):
    found = query.graph("things", ["id"], None, {"order": order, "skip": skip, "take": take})

    expected = sorted(ROWS, key=lambda row: row["id"])
    for name, direction in reversed(order.items()):
        values = [row for row in expected if row[name] is not None]
        values.sort(key=lambda row, name=name: row[name], reverse=direction == "DESC")
        expected = values + [row for row in expected if row[name] is None]
    end = None if take is None else skip + take
    assert [row["id"] for row in found.data] == [row["id"] for row in expected][skip:end]
    assert found.metadata == {"count": len(ROWS), "skip": skip, "take": take}


def test_every_row_comes_back_as_it_was_put_in(query):
    found = query.graph("things").data

    for row, original in zip(found, ROWS, strict=True):
        assert {key: comparable(value) for key, value in row.items()} == {
            key: comparable(value) for key, value in original.items()
        }
