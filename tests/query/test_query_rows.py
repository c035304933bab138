"""Fields and relations: what comes back, and in how many statements."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest


def test_a_row_has_the_types_that_its_columns_declare(shop):
    (ann,) = shop.graph("customers", filters={"id": 1}).data

    assert ann == {
        "id": 1,
        "email": "ann@example.com",
        "name": "Ann",
        "newsletter_subscribed": True,
        "age": 30,
        "balance": Decimal("9.90"),
        "score": 0.1,
        "born": date(1996, 2, 29),
        "opens": time(9, 30),
        "created_at": datetime(2026, 11, 24, 10),
        "seen_at": datetime(2026, 11, 24, 10, tzinfo=UTC),
        "settings": {"colour": "red", "sizes": [1, 2.5, None]},
        "token": UUID("6f1e2c1c-6d1f-4e0a-9a57-0123456789ab"),
        "picture": None,
        "deleted_at": None,
    }
    assert type(ann["newsletter_subscribed"]) is bool
    assert str(ann["balance"]) == "9.90"
    assert ann["created_at"].tzinfo is None
    assert ann["seen_at"].tzinfo is UTC


@pytest.mark.parametrize("entity", ["customer", "customers"])
def test_an_entity_is_found_in_the_singular_and_in_the_plural(shop, entity):
    assert [row["id"] for row in shop.graph(entity, ["id"]).data] == [1, 2, 3]


def test_the_exact_name_of_an_entity_wins(databases, ask):
    url = databases.create(
        "CREATE TABLE item (id INTEGER PRIMARY KEY); CREATE TABLE items (id INTEGER PRIMARY KEY);"
        "INSERT INTO item VALUES (1); INSERT INTO items VALUES (2);"
    )

    query = ask(url)

    assert query.graph("item").data == [{"id": 1}]
    assert query.graph("items").data == [{"id": 2}]


def test_only_the_fields_asked_for_come_back_in_their_order(shop):
    (row,) = shop.graph("orders", ["total", "customer.email", "id"], {"id": 10}).data

    assert list(row) == ["total", "customer", "id"]
    assert row == {"total": Decimal("20.00"), "customer": {"email": "ann@example.com"}, "id": 10}


def test_a_relation_named_alone_means_all_of_its_columns(shop):
    (alone,) = shop.graph("orders", ["customer"], {"id": 10}).data
    (starred,) = shop.graph("orders", ["customer.*"], {"id": 10}).data

    assert alone == starred
    assert alone["customer"]["name"] == "Ann"


def test_to_many_is_a_list_and_to_one_is_a_dict_or_none(shop):
    customers = shop.graph("customers", ["id", "orders.id"]).data
    orders = shop.graph("orders", ["id", "customer.id"]).data

    assert customers == [
        {"id": 1, "orders": [{"id": 10}, {"id": 11}]},
        {"id": 2, "orders": [{"id": 12}]},
        {"id": 3, "orders": []},
    ]
    assert [row["customer"] for row in orders] == [{"id": 1}, {"id": 1}, {"id": 2}, None, None]


def test_a_path_may_go_forth_and_back_to_any_depth(shop):
    (row,) = shop.graph("orders", ["customer.orders.customer.orders.total"], {"id": 12}).data

    inner = {"orders": [{"total": Decimal("80.00")}]}
    assert row == {"customer": {"orders": [{"customer": inner}]}}


def test_many_to_many_goes_through_the_table_between(shop):
    rows = shop.graph("customers", ["id", "customer_groups.group.name"]).data

    assert rows == [
        {"id": 1, "customer_groups": [{"group": {"name": "early"}}, {"group": {"name": "late"}}]},
        {"id": 2, "customer_groups": [{"group": {"name": "late"}}]},
        {"id": 3, "customer_groups": []},
    ]


def test_a_key_of_several_columns_joins_both_ways(shop):
    parcels = shop.graph("parcels", ["id", "order_item.product_id"]).data
    items = shop.graph("order_items", ["line", "parcels.id"], {"order_id": 10}).data

    assert [(row["id"], row["order_item"]) for row in parcels] == [
        (1, {"product_id": 100}),
        (2, {"product_id": 101}),
        (3, {"product_id": 100}),
        (4, None),
    ]
    assert items == [{"line": 1, "parcels": [{"id": 1}]}, {"line": 2, "parcels": [{"id": 2}]}]


def test_a_table_that_refers_to_itself_has_both_ways(shop):
    rows = shop.graph("employees", ["name", "manager.name", "employees.name"]).data

    assert rows[0] == {
        "name": "Chief",
        "manager": None,
        "employees": [{"name": "Second"}, {"name": "Third"}],
    }
    assert rows[3] == {"name": "Fourth", "manager": {"name": "Second"}, "employees": []}


def test_two_keys_to_one_table_are_told_apart_by_their_columns(shop):
    transfers = shop.graph("transfers", ["id", "sender.name", "receiver.name"]).data
    (ann,) = shop.graph("customers", ["transfers_by_sender.id", "transfers_by_receiver.id"], {"id": 1}).data

    assert transfers[0] == {"id": 1, "sender": {"name": "Ann"}, "receiver": {"name": "bob"}}
    assert ann == {"transfers_by_sender": [{"id": 1}], "transfers_by_receiver": [{"id": 2}]}


def test_soft_deleted_rows_are_hidden_everywhere_unless_asked_for(shop):
    def ids(**options):
        rows = shop.graph("customers", ["id", "orders.id"], {"id": [1, 4]}, **options).data
        return {row["id"]: [order["id"] for order in row["orders"]] for row in rows}

    (order,) = shop.graph("orders", ["customer.id"], {"id": 13}).data

    assert ids() == {1: [10, 11]}
    assert ids(with_deleted=True) == {1: [10, 11, 15], 4: [13]}
    assert order == {"customer": None}


def test_a_view_is_an_entity_with_the_relations_that_are_declared(shop_url, ask):
    relations = {"big_orders.customer": {"entity": "customers", "on": {"customer_id": "id"}}}

    rows = ask(shop_url, relations).graph("big_orders", ["id", "total", "customer.name"]).data

    assert [(row["id"], row["customer"]["name"]) for row in rows] == [(10, "Ann"), (12, "bob")]


def test_declared_relations_join_what_no_key_joins(shop_url, ask):
    relations = {
        "order.buyer": {"entity": "customer", "on": {"buyer_email": "email"}},
        "customers.purchases": {"entity": "orders", "on": {"email": "buyer_email"}, "many": True},
    }
    query = ask(shop_url, relations)

    orders = query.graph("orders", ["id", "buyer.name"]).data
    customers = query.graph("customers", ["id", "purchases.id"]).data

    assert {row["id"]: row["buyer"] and row["buyer"]["name"] for row in orders} == {
        10: "Ann",
        11: "bob",
        12: None,
        13: None,
        14: None,
    }
    assert [[order["id"] for order in row["purchases"]] for row in customers] == [[10], [11], []]


def test_a_declared_relation_wins_over_the_schema(shop_url, ask):
    relations = {"orders.customer": {"entity": "customers", "on": {"buyer_email": "email"}}}

    (row,) = ask(shop_url, relations).graph("orders", ["customer.name"], {"id": 11}).data

    assert row == {"customer": {"name": "bob"}}


def test_a_column_that_is_called_like_its_relation_keeps_its_name(databases, ask):
    url = databases.create(
        "CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE people (id INTEGER PRIMARY KEY, city INTEGER REFERENCES cities (id));"
        "INSERT INTO cities VALUES (1, 'Rome'); INSERT INTO people VALUES (1, 1);"
    )
    query = ask(url)

    assert query.graph("person", ["city"]).data == [{"city": 1}]
    assert query.graph("person", ["*", "city.name"]).data == [{"id": 1, "city": {"name": "Rome"}}]
    assert query.graph("city", ["people.id"]).data == [{"people": [{"id": 1}]}]


FIELDS = ["*", "customer.*", "customer.orders.total", "order_items.parcels.id"]


@pytest.mark.parametrize(("pagination", "expected"), [(None, 5), ({"take": 100_000}, 6)])
def test_statements_are_one_for_each_relation_however_many_rows(
    databases, ask, data_statements, statements, pagination, expected
):
    script = """
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE orders (
            id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), total INTEGER);
        CREATE TABLE order_items (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));
        CREATE TABLE parcels (id INTEGER PRIMARY KEY, order_item_id INTEGER REFERENCES order_items (id));
        INSERT INTO customers SELECT 1000 + n, 'x' FROM (WITH RECURSIVE c(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) SELECT n FROM c) AS t;
        INSERT INTO orders SELECT n, 1001 + n % 2000, n FROM (WITH RECURSIVE c(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) SELECT n FROM c) AS t;
        INSERT INTO order_items SELECT id, id FROM orders;
        INSERT INTO parcels SELECT id, id FROM orders;
    """
    query = ask(databases.create(script))
    query.graph("orders", FIELDS, {"id": 1})
    counts = []
    for filters in ({"id": 7}, {"id": {"$lt": 5000}}, None):
        statements.clear()
        rows = query.graph("orders", FIELDS, filters, pagination).data
        counts.append(len(data_statements()))

    assert counts == [expected] * 3
    assert len(rows) == 20_000
    assert rows[0]["order_items"] == [{"parcels": [{"id": 1}]}]
    assert rows[-1]["customer"]["id"] == 1001
    assert len(rows[-1]["customer"]["orders"]) == 10


def test_a_schema_is_read_once_and_only_what_is_touched(shop, statements):
    shop.graph("orders", ["id", "customer.id"])
    first = [each for each in statements if "pragma_table_xinfo" in each or "pg_attribute AS a" in each]
    statements.clear()
    shop.graph("orders", ["id", "customer.id"])
    second = [each for each in statements if "pragma_" in each or "pg_catalog" in each]

    assert len(first) == 2
    assert second == []


def test_all_statements_of_a_call_see_the_same_moment(databases, ask):
    """Rows that appear between a call's statements stay unseen by it."""
    from sqlalchemy import Engine, event

    url = databases.create(
        "CREATE TABLE a (id INTEGER PRIMARY KEY);"
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a);"
        "INSERT INTO a VALUES (1);" + ("PRAGMA journal_mode = WAL;" if databases.kind == "sqlite" else "")
    )
    query = ask(url)
    query.graph("a", ["id", "b.id"])
    interventions = iter(["INSERT INTO b VALUES (5, 1); INSERT INTO a VALUES (2);"])

    def intervene(connection, cursor, statement, *rest):
        if " b " in statement or '"b"' in statement:
            databases.run(url, next(interventions))

    event.listen(Engine, "before_cursor_execute", intervene)
    try:
        during = query.graph("a", ["id", "b.id"]).data
    finally:
        event.remove(Engine, "before_cursor_execute", intervene)
    after = query.graph("a", ["id", "b.id"]).data

    assert during == [{"id": 1, "b": []}]
    assert after == [{"id": 1, "b": [{"id": 5}]}, {"id": 2, "b": []}]
