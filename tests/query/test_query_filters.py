"""Filters, by their words."""

import math
import uuid
from datetime import time
from decimal import Decimal
from enum import Enum, StrEnum

import pytest


class Plan(StrEnum):
    ANN = "Ann"


class Old(str, Enum):  # noqa: UP042 - what older code has
    ANN = "Ann"


def ids(query, filters, entity="customers"):
    return [row["id"] for row in query.graph(entity, ["id"], filters).data]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3]),
        (None, [1, 2, 3]),
        ({"id": 2}, [2]),
        ({"id": [1, 3]}, [1, 3]),
        ({"id": (1, 3)}, [1, 3]),
        ({"id": {"$in": {2, 3}}}, [2, 3]),
        ({"id": {"$in": range(2, 9)}}, [2, 3]),
        ({"id": {"$in": {2: "x"}.keys()}}, [2]),
        ({"age": None}, [2]),
        ({"age": {"$eq": None}}, [2]),
        ({"age": {"$ne": None}}, [1, 3]),
        ({"age": 30}, [1]),
        ({"age": 30.0}, [1]),
        ({"age": Decimal("30")}, [1]),
        ({"age": 30.5}, []),
        ({"age": {"$lt": 30.5}}, [1, 3]),
        ({"age": {"$gt": Decimal("29.999")}}, [1]),
        ({"age": 2**40}, []),
        ({"age": 10**400}, []),
        ({"age": {"$lt": 2**70}}, [1, 3]),
        ({"age": {"$gt": -(10**400)}}, [1, 3]),
        ({"id": True}, [1]),
        ({"balance": 9.9}, [1]),
        ({"balance": Decimal("9.90")}, [1]),
        ({"balance": {"$in": [9.9, 0]}}, [1, 2]),
        ({"balance": {"$lte": 0}}, [2]),
        ({"score": 0.1}, [1]),
        ({"score": Decimal("0.1")}, [1]),
        ({"score": {"$gt": -math.inf}}, [1, 2]),
        ({"score": {"$in": [0.1, 10**400]}}, [1]),
        ({"newsletter_subscribed": True}, [1, 3]),
        ({"newsletter_subscribed": 0}, [2]),
        ({"newsletter_subscribed": {"$ne": True}}, [2]),
        ({"name": Plan.ANN}, [1]),
        ({"name": Old.ANN}, [1]),
        ({"name": "ann"}, []),
        ({"name": {"$gt": "a"}}, [2, 3]),
        ({"name": {"$lt": "a"}}, [1]),
        ({"opens": time(9, 30)}, [1]),
        ({"opens": {"$gte": "10:00"}}, [3]),
        ({"token": "6f1e2c1c-6d1f-4e0a-9a57-0123456789ab"}, [1]),
        ({"token": "6F1E2C1C6D1F4E0A9A570123456789AB"}, [1]),
        ({"token": uuid.UUID("6f1e2c1c-6d1f-4e0a-9a57-0123456789ab")}, [1]),
        ({"token": {"$in": [uuid.UUID("6f1e2c1c-6d1f-4e0a-9a57-0123456789ab"), None]}}, [1, 2, 3]),
        ({"settings": None}, [3]),
        ({"settings": {"$ne": None}}, [1, 2]),
        ({"picture": b"x"}, []),
        # Lists, and what is in them.
        ({"id": []}, []),
        ({"id": {"$in": []}}, []),
        ({"id": {"$nin": []}}, [1, 2, 3]),
        ({"age": {"$in": [None]}}, [2]),
        ({"age": {"$in": [17, None]}}, [2, 3]),
        ({"age": {"$nin": [17]}}, [1, 2]),
        ({"age": {"$nin": [17, None]}}, [1]),
        # A row without a value differs from every value.
        ({"age": {"$ne": 30}}, [2, 3]),
        ({"age": {"$not": {"$eq": 30}}}, [2, 3]),
        ({"$not": {"age": 30}}, [2, 3]),
        ({"$not": {"age": {"$gt": 20}}}, [2, 3]),
        ({"$not": {"$not": {"age": {"$gt": 20}}}}, [1]),
        ({"$not": {"age": {"$ne": 30}}}, [1]),
        ({"$not": {"$or": [{"age": 17}, {"name": "Ann"}]}}, [2]),
        ({"$not": {}}, []),
        # Several at once.
        ({"age": {"$gte": 17, "$lt": 30}}, [3]),
        ({"id": {"$gt": 1}, "age": {"$gt": 1}}, [3]),
        ({"$and": [{"id": {"$gt": 1}}, {"age": {"$gt": 1}}]}, [3]),
        ({"$or": [{"id": 1}, {"age": None}]}, [1, 2]),
        ({"$or": [{"id": 1}, {"age": None}], "name": "bob"}, [2]),
        ({"$and": []}, [1, 2, 3]),
        ({"$or": []}, []),
        ({"id": {"$or": [{"$lt": 2}, {"$gt": 2}]}}, [1, 3]),
        ({"id": {"$and": [{"$gt": 1}, {"$ne": 2}]}}, [3]),
        ({"id": {"$not": [1, 2]}}, [3]),
        ({"id": {"$or": [1, [3]]}}, [1, 3]),
    ],
)
def test_filters(shop, filters, found):
    assert ids(shop, filters) == found


WORDS = [
    *("Ann", "ann", "ANN", "a%b", "a_b", "a\\b", "axb", "a*b", "a?b", "a[b]", "a]b", "", "émile", "ÉMILE"),
    *("straße", "STRASSE", "line\nbreak", "%", "日本", "a'b", 'a"b', "a;b"),
]


@pytest.fixture(scope="module")
def words_url(databases):
    quoted = [word.replace("'", "''") for word in WORDS]
    values = ", ".join(f"({number}, '{word}')" for number, word in enumerate(quoted))
    script = "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT); INSERT INTO words VALUES"
    return databases.create(f"{script} {values}, (99, NULL)")


@pytest.mark.parametrize(
    ("operator", "pattern", "found"),
    [
        ("$like", "a%", [word for word in WORDS if word.startswith("a")]),
        ("$like", "A%", ["Ann", "ANN"]),
        ("$like", "a_b", ["a%b", "a_b", "a\\b", "axb", "a*b", "a?b", "a]b", "a'b", 'a"b', "a;b"]),
        ("$like", r"a\_b", ["a_b"]),
        ("$like", r"a\%b", ["a%b"]),
        ("$like", r"a\\b", ["a\\b"]),
        ("$like", r"\axb", ["axb"]),
        ("$like", "a*b", ["a*b"]),
        ("$like", "a?b", ["a?b"]),
        ("$like", "a[b]", ["a[b]"]),
        ("$like", "a]b", ["a]b"]),
        ("$like", "%]", ["a[b]"]),
        ("$like", "", [""]),
        ("$like", "__", ["日本"]),
        ("$like", "line_break", ["line\nbreak"]),
        ("$like", "É%", ["ÉMILE"]),
        ("$ilike", "ann", ["Ann", "ann", "ANN"]),
        ("$ilike", "ÉM%", ["émile", "ÉMILE"]),
        ("$ilike", "STRASSE", ["STRASSE"]),
        ("$ilike", "STRA_E", ["straße"]),
        ("$ilike", "A[B]", ["a[b]"]),
        ("$ilike", r"A\_B", ["a_b"]),
    ],
)
def test_patterns(words_url, ask, operator, pattern, found):
    rows = ask(words_url).graph("words", ["word"], {"word": {operator: pattern}}).data

    assert [row["word"] for row in rows] == found


@pytest.mark.parametrize("word", WORDS)
def test_a_text_equals_itself_alone(words_url, ask, word):
    query = ask(words_url)

    assert query.graph("words", ["word"], {"word": word}).data == [{"word": word}]
    assert query.graph("words", ["word"], {"word": {"$ne": word}}, {"take": 0}).metadata["count"] == len(
        WORDS
    )


HOSTILE = [
    "'; DROP TABLE words; --",
    '"; DROP TABLE words; --',
    "' OR '1'='1",
    "%s %(x)s :x ? $1",
    "\\",
    "\\'",
    "a" * 100_000,
    "\u202e\ufeff",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_a_value(words_url, ask, value):
    query = ask(words_url)

    assert query.graph("words", filters={"word": value}).data == []
    assert query.graph("words", filters={"word": {"$in": [value, "ann"]}}).data == [{"id": 1, "word": "ann"}]
    assert len(query.graph("words").data) == len(WORDS) + 1


@pytest.fixture(scope="module")
def many_url(databases):
    return databases.create("""
        CREATE TABLE many (
            id INTEGER PRIMARY KEY, ratio DOUBLE PRECISION, word TEXT, raw BYTEA, moment TIMESTAMP);
        INSERT INTO many (id, ratio, word, moment) VALUES
            (1, 0.1, '1', '2026-01-01 00:00:00'), (2, 0.30000000000000004, 't2', '2026-01-02 00:00:00'),
            (3, NULL, NULL, NULL);
    """)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"id": {"$in": [*range(2, 100_002)]}}, [2, 3]),
        ({"id": {"$nin": [*range(2, 100_002)]}}, [1]),
        ({"ratio": {"$in": [0.1 + 0.2, *(n + 0.5 for n in range(70_000))]}}, [2]),
        ({"word": {"$in": ["t2", None, *(f"w{n}" for n in range(70_000))]}}, [2, 3]),
        ({"raw": {"$in": [n.to_bytes(4, "big") for n in range(70_000)]}}, []),
        ({"moment": {"$in": ["2026-01-02", *(f"2025-01-01T00:00:00.{n:06}" for n in range(70_000))]}}, [2]),
        ({"id": {"$in": [1, 2.5, 2**80, *range(5, 70_000)]}}, [1]),
    ],
)
def test_a_list_may_be_longer_than_a_statement_has_parameters(many_url, ask, filters, found):
    assert ids(ask(many_url), filters, "many") == found


def test_a_single_precision_column_holds_what_was_put_in(databases, ask):
    url = databases.create(
        "CREATE TABLE points (id INTEGER PRIMARY KEY, x REAL); INSERT INTO points VALUES (1, 0.1), (2, 0.7);"
    )
    query = ask(url)

    assert ids(query, {"x": 0.1}, "points") == [1]
    assert ids(query, {"x": {"$in": [0.7, 1e300]}}, "points") == [2]
    assert ids(query, {"x": {"$lt": 1e300}}, "points") == [1, 2]
    assert ids(query, {"x": {"$gt": 0.1}}, "points") == [2]
    assert query.graph("points", ["x"]).data == [{"x": 0.1}, {"x": 0.7}]
