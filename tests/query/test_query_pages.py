"""Pages and orders."""

import pytest


def ids(result):
    return [row["id"] for row in result.data]


def test_a_page_says_how_many_there_are_in_all(shop):
    result = shop.graph("orders", ["id"], {"total": {"$gte": 2}}, {"skip": 1, "take": 2})

    assert ids(result) == [11, 12]
    assert result.metadata == {"count": 4, "skip": 1, "take": 2}


@pytest.mark.parametrize(
    ("pagination", "found", "metadata"),
    [
        ({"take": 0}, [], {"count": 5, "skip": 0, "take": 0}),
        ({"skip": 3}, [13, 14], {"count": 5, "skip": 3, "take": None}),
        ({"take": 2}, [10, 11], {"count": 5, "skip": 0, "take": 2}),
        ({"skip": 2**63 - 1, "take": 1}, [], {"count": 5, "skip": 2**63 - 1, "take": 1}),
        ({"order": {"id": "desc"}}, [14, 13, 12, 11, 10], {}),
        ({}, [10, 11, 12, 13, 14], {}),
    ],
)
def test_pages_may_be_cut_anywhere(shop, pagination, found, metadata):
    result = shop.graph("orders", ["id"], pagination=pagination)

    assert (ids(result), result.metadata) == (found, metadata)


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ({"age": "ASC"}, [3, 1, 2]),
        ({"age": "DESC"}, [1, 3, 2]),
        ({"created_at": "ASC"}, [1, 2, 3]),
        ({"created_at": "DESC"}, [2, 1, 3]),
        ({"newsletter_subscribed": "DESC", "id": "DESC"}, [3, 1, 2]),
        ({"name": "ASC"}, [1, 2, 3]),
        ({"name": "DESC"}, [3, 2, 1]),
        ({"seen_at": "ASC"}, [1, 2, 3]),
        ({"token": "ASC"}, [1, 2, 3]),
        ({"opens": "DESC"}, [3, 1, 2]),
    ],
)
def test_none_comes_last_and_equal_rows_by_their_key(shop, order, found):
    assert ids(shop.graph("customers", ["id"], pagination={"order": order})) == found


def test_texts_are_ordered_by_their_code_points(databases, ask):
    words = ["a", "B", "b", "É", "e", "Z", "z", "_", "a b", "ab", "😀", "\uffee"]
    values = ", ".join(f"({number}, '{word}')" for number, word in enumerate(words))
    url = databases.create(
        f"CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT); INSERT INTO words VALUES {values}"
    )

    rows = ask(url).graph("words", ["word"], pagination={"order": {"word": "ASC"}}).data

    assert [row["word"] for row in rows] == sorted(words)


def test_a_relation_belongs_to_the_rows_of_the_page(shop, data_statements):
    rows = shop.graph(
        "orders", ["id", "customer.id"], pagination={"take": 1, "order": {"total": "DESC"}}
    ).data

    assert rows == [{"id": 12, "customer": {"id": 2}}]
    assert len(data_statements()) == 3


@pytest.mark.parametrize("entity", ["events", "event_view"])
def test_paging_through_many_equal_rows_gives_each_once(databases, ask, entity):
    url = databases.create("""
        CREATE TABLE events (id INTEGER PRIMARY KEY, kind INTEGER);
        CREATE VIEW event_view AS SELECT kind, id FROM events;
        INSERT INTO events SELECT n, n % 3 FROM (WITH RECURSIVE c(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000) SELECT n FROM c) AS t;
    """)
    query = ask(url)

    found, skip = [], 0
    while page := query.graph(
        entity, ["id"], None, {"skip": skip, "take": 9000, "order": {"kind": "ASC"}}
    ).data:
        found += [row["id"] for row in page]
        skip += len(page)

    assert len(found) == 100_000
    assert len(set(found)) == 100_000
