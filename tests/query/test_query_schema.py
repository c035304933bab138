"""Reading schemas: the words in them, and the reader for databases without one of their own."""

import sqlite3

import pytest

from cronjobs.services.query.names import plurals, singulars
from cronjobs.services.query.plan import Planner
from cronjobs.services.query.schema import Kind, Memory, Schema
from cronjobs.services.query.sql.connect import opened
from cronjobs.services.query.sql.load import load
from cronjobs.services.query.sql.other import Other
from cronjobs.services.query.sql.sqlite import kind_of


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("customer", "customers"),
        ("category", "categories"),
        ("movie", "movies"),
        ("box", "boxes"),
        ("address", "addresses"),
        ("status", "statuses"),
        ("day", "days"),
        ("branch", "branches"),
        ("house", "houses"),
        ("person", "people"),
        ("contact_person", "contact_people"),
        ("woman", "women"),
        ("order_line", "order_lines"),
    ],
)
def test_one_and_many_find_each_other(one, many):
    assert many in plurals(one)
    assert one in singulars(many)
    assert singulars(one) == ()


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("INTEGER", Kind.INTEGER),
        ("bigint", Kind.INTEGER),
        ("VARCHAR(20)", Kind.TEXT),
        ("character varying ( 20 )", Kind.TEXT),
        ("NUMERIC(10, 2)", Kind.DECIMAL),
        ("double precision", Kind.REAL),
        ("Timestamp  With Time Zone", Kind.TIME_WITH_ZONE),
        ("TIMESTAMP(6)", Kind.TIME),
        ("DATETIME", Kind.TIME),
        ("date", Kind.DATE),
        ("BOOLEAN", Kind.BOOLEAN),
        ("JSONB", Kind.JSON),
        ("BLOB", Kind.BYTES),
        ("", Kind.ANY),
        ("STRING", Kind.ANY),
        ("((", Kind.ANY),
    ],
)
def test_sqlite_declares_kinds(declared, kind):
    assert kind_of(declared) is kind


def schema_of(database, reader, connection):
    """Return all that is known of a database, in words that do not depend on who read it."""
    schema = Schema(reader, connection, Memory())
    tables = {
        name.name: (
            schema.table(name).key,
            [
                (column.name, column.kind, column.is_nullable)
                for column in schema.table(name).columns.values()
            ],
        )
        for name in schema.names()
    }
    keys = {
        (key.table.name, key.columns, key.target.name, key.target_columns) for key in schema.foreign_keys()
    }
    return tables, keys


def test_the_reader_for_any_database_reads_what_the_own_ones_read(shop_url):
    database = opened(shop_url)

    with database.snapshot() as connection:
        own_tables, own_keys = schema_of(database, database.database, connection)
        tables, keys = schema_of(database, Other(), connection)
    database.engine.dispose()

    assert keys == own_keys
    assert len(keys) == 8
    assert tables.keys() == own_tables.keys()
    for name, (key, columns) in own_tables.items():
        # SQLAlchemy takes types of SQLite that it does not know for numbers, primary keys for nullable.
        kinds = {column: kind for column, kind, _ in columns if column not in ("token", "picture", "seen_at")}
        read = {column: kind for column, kind, _ in tables[name][1] if column in kinds}
        assert (tables[name][0], read) == (key, kinds)


QUESTIONS = [
    ("customers", ("id", "orders.total", "newsletter_subscribed"), {"name": {"$ilike": "a%"}}),
    ("customers", ("id", "created_at", "settings"), {"created_at": {"$gte": "2026-11-24"}}),
    ("orders", ("id", "customer.email", "order_items.parcels.id"), {"id": {"$nin": [11, None]}}),
    ("orders", ("id", "total"), {"$not": {"total": {"$gt": 5}}}),
    ("employees", ("name", "manager.name"), {"manager_id": None}),
]


@pytest.mark.parametrize(("entity", "fields", "filters"), QUESTIONS)
def test_any_database_answers_like_the_own_ones(shop_url, shop, entity, fields, filters):
    from cronjobs.services.query.arguments import Page

    database = opened(shop_url)
    page = Page(skip=0, take=3, order=((fields[0], True),))

    with database.snapshot() as connection:
        planner = Planner(Schema(Other(), connection, Memory()), ())
        question = planner.question(entity, fields, filters, page, with_deleted=False)
        rows, total = load(question, Other(), connection)
    database.engine.dispose()

    own = shop.graph(entity, fields, filters, {"skip": 0, "take": 3, "order": {fields[0]: "DESC"}})
    assert (rows, total) == (own.data, own.metadata["count"])
    assert rows


def test_sqlite_joins_keys_that_are_declared_briefly_and_in_another_case(tmp_path, ask):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript("""
        CREATE TABLE Customers (Code TEXT PRIMARY KEY, name TEXT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_code TEXT REFERENCES CUSTOMERS,
                             parent INTEGER REFERENCES Orders (ID), lost_id INTEGER REFERENCES nowhere);
        INSERT INTO Customers VALUES ('a', 'Ann');
        INSERT INTO orders VALUES (1, 'a', NULL, 5), (2, 'b', 1, NULL);
    """)
    connection.close()
    query = ask(f"sqlite:///{tmp_path / 'shop.db'}")

    rows = query.graph("orders", ["id", "customer_code", "customer_code.name", "parent.id"]).data
    customers = query.graph("Customer", ["Code", "orders.id"]).data

    assert rows == [
        {"id": 1, "customer_code": {"name": "Ann"}, "parent": None},
        {"id": 2, "customer_code": None, "parent": {"id": 1}},
    ]
    assert customers == [{"Code": "a", "orders": [{"id": 1}]}]


def test_sqlite_joins_texts_that_a_column_takes_for_equal(tmp_path, ask):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript("""
        CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer_email TEXT COLLATE NOCASE);
        INSERT INTO customers VALUES (1, 'Ann@x');
        INSERT INTO orders VALUES (1, 'ann@x'), (2, 'ANN@x'), (3, 'a');
    """)
    connection.close()
    relations = {"orders.buyer": {"entity": "customers", "on": {"buyer_email": "email"}}}

    rows = ask(f"sqlite:///{tmp_path / 'shop.db'}", relations).graph("orders", ["buyer.id"]).data

    assert [row["buyer"] for row in rows] == [{"id": 1}, {"id": 1}, None]


def test_postgresql_has_types_that_compare_by_their_text(postgresql_databases, ask):
    url = postgresql_databases.create("""
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
        CREATE DOMAIN mail AS varchar(40);
        CREATE DOMAIN short_mail AS mail;
        CREATE TABLE people (id INTEGER PRIMARY KEY, mood mood, mail mail, short short_mail, tags TEXT[],
                             host INET, data JSONB, code CHAR(5),
                             twice INTEGER GENERATED ALWAYS AS (id * 2) STORED);
        INSERT INTO people VALUES (1, 'happy', 'a@x', 'a@x', '{a,b}', '10.0.0.1', '{"a": 1}', 'abc'),
                                  (2, 'sad', 'b@x', NULL, NULL, NULL, NULL, NULL);
        CREATE TABLE parts (id INTEGER, day DATE, person_id INTEGER REFERENCES people, PRIMARY KEY (id, day))
            PARTITION BY RANGE (day);
        CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        INSERT INTO parts VALUES (1, '2026-05-05', 1);
        CREATE MATERIALIZED VIEW totals AS SELECT id FROM people;
    """)
    query = ask(url)

    def ids(filters):
        return [row["id"] for row in query.graph("people", ["id"], filters).data]

    assert ids({"mood": "happy"}) == [1]
    assert ids({"mood": "no such mood"}) == []
    assert ids({"mood": ["sad", "x"]}) == [2]
    assert ids({"mood": {"$like": "h%"}, "mail": {"$like": "a%"}, "short": "a@x"}) == [1]
    assert ids({"host": "10.0.0.1/32", "tags": "{a,b}", "code": "abc", "twice": 2}) == [1]
    (row,) = query.graph("people", ["mood", "tags", "data", "parts.id"], {"id": 1}).data
    assert row == {"mood": "happy", "tags": ["a", "b"], "data": {"a": 1}, "parts": [{"id": 1}]}
    ordered = query.graph("people", ["id"], None, {"order": {"mood": "ASC"}}).data
    assert [row["id"] for row in ordered] == [1, 2]
    assert query.graph("totals", ["id"], None, {"take": 1}).data == [{"id": 1}]


def test_a_table_that_may_not_be_read_is_told(postgresql_databases, ask):
    url = postgresql_databases.create("""
        CREATE ROLE visitor LOGIN; CREATE TABLE secrets (id INTEGER PRIMARY KEY);
    """)

    from cronjobs.core.errors import QueryError

    with pytest.raises(
        QueryError, match="secrets: the database refused: permission denied for table secrets"
    ):
        ask(url.replace("tester@", "visitor@")).graph("secrets")
