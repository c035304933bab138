"""URLs, drivers, files; and that nothing is ever written."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy.exc import DBAPIError

from cronjobs.core.errors import QueryError
from cronjobs.services.query import make_query
from cronjobs.services.query.sql.connect import opened

SECRET = "hunter2"


@pytest.mark.parametrize("url", ["", "shop.db", None, 5])
def test_what_is_no_url_is_refused_at_once(url):
    with pytest.raises(QueryError, match=r"query.url: no database is named; write such as"):
        make_query(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("nosuch://user:hunter2@host/db", "knows no database `nosuch`"),
        ("postgresql://user:hunter2@host:port/db", "no URL of a database"),
        ("postgresql://user:hunter2@127.0.0.1:1/db", r"cannot connect to postgresql\+psycopg://user:\*\*\*@127.0.0.1:1/db"),
        ("postgres://user:hunter2@127.0.0.1:1/db?password=hunter2", r"cannot connect to .*@127.0.0.1:1/db: "),
        ("sqlite+aiosqlite:///shop.db", "works with asyncio only; write `sqlite://`"),
        ("postgresql+asyncpg://user:hunter2@host/db", "works with asyncio only; write `postgresql://`"),
        ("oracle+cx_oracle://user:hunter2@host/db", "the driver of `oracle.cx_oracle` cannot be imported"),
    ],
)  # fmt: skip
def test_a_url_that_leads_nowhere_is_told_without_its_password(ask, url, message):
    with pytest.raises(QueryError, match=message) as raised:
        ask(url).graph("customers")

    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_missing_file_is_named_and_not_made(tmp_path, ask, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(QueryError, match=rf"there is no file {tmp_path}/shop.db"):
        ask("sqlite:///shop.db").graph("customers")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_told(tmp_path, ask):
    (tmp_path / "shop.db").write_text("no database" * 100)

    with pytest.raises(QueryError, match=r"customers: the database refused: file is not a database"):
        ask(f"sqlite:///{tmp_path}/shop.db").graph("customers")


@pytest.mark.parametrize(
    "name", ["two words.db", "per%20cent#.db", "näme.db", "a'b\".db", "a&mode=memory.db"]
)
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_file_may_have_any_name_and_any_journal(tmp_path, ask, name, mode):
    connection = sqlite3.connect(tmp_path / name)
    connection.executescript(f"PRAGMA journal_mode = {mode}; CREATE TABLE a (id INTEGER PRIMARY KEY)")
    connection.close()
    from sqlalchemy import URL

    url = URL.create("sqlite", database=str(tmp_path / name)).render_as_string()

    assert ask(url).graph("a").data == []
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".db"] == [name]


def test_a_relative_file_and_a_uri_are_found(tmp_path, ask, monkeypatch):
    monkeypatch.chdir(tmp_path)
    connection = sqlite3.connect("shop.db")
    connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
    connection.close()

    assert ask("sqlite:///shop.db").graph("a").data == []
    assert ask("sqlite:///file:shop.db?mode=ro&uri=true").graph("a").data == []


def test_what_is_written_but_not_yet_committed_is_not_seen(databases, ask):
    url = databases.create("CREATE TABLE a (id INTEGER PRIMARY KEY)")
    query = ask(url)
    before = query.graph("a").data
    databases.run(url, "BEGIN; INSERT INTO a VALUES (1); ROLLBACK; INSERT INTO a VALUES (2);")

    assert before == []
    assert query.graph("a").data == [{"id": 2}]


def test_a_question_can_write_nothing(databases):
    url = databases.create("CREATE TABLE a (id INTEGER PRIMARY KEY)")
    database = opened(url)

    with pytest.raises(DBAPIError, match=r"read-only|readonly"), database.snapshot() as connection:
        connection.exec_driver_sql("INSERT INTO a VALUES (1)")
    database.engine.dispose()


def test_connections_are_few_and_closed(shop_url, ask, databases):
    query = ask(shop_url)
    query.graph("groups")
    if databases.kind == "postgresql":
        import psycopg

        def connections():
            with psycopg.connect(shop_url) as own:
                counting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                return own.execute(counting).fetchone()[0] - 1
    else:

        def connections():
            links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
            paths = [os.readlink(link) for link in links if os.path.islink(link)]
            return paths.count(shop_url.removeprefix("sqlite:///"))

    opened_before = connections()
    query.graph("orders", ["customer.orders.id"])
    opened_after = connections()
    query.close()
    query.close()

    assert opened_before == opened_after >= 1
    with pytest.raises(QueryError, match="this query is closed"):
        query.graph("groups")


def test_a_lost_connection_is_replaced(postgresql_databases, ask):
    import psycopg

    url = postgresql_databases.create("CREATE TABLE a (id INTEGER PRIMARY KEY)")
    query = ask(url)
    query.graph("a")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert query.graph("a").data == []


def run(program, *arguments):
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_query_that_nobody_asks_imports_nothing_heavy():
    program = (
        "import sys; from cronjobs.services.query import make_query; make_query('postgresql://host/db');"
        " print(*sys.modules)"
    )

    found = set(run(program).split())

    assert found & {"sqlalchemy", "psycopg", "asyncio", "decimal", "uuid", "json", "sqlite3"} == set()


def test_a_sync_question_imports_no_asyncio_of_ours(tmp_path):
    sqlite3.connect(tmp_path / "shop.db").close()
    program = (
        "import builtins, sys; real = builtins.__import__\n"
        "def watching(name, scope=None, *rest):\n"
        "    if name == 'asyncio' and str((scope or {}).get('__name__', '')).startswith('cronjobs'):\n"
        "        raise AssertionError(scope['__name__'])\n"
        "    return real(name, scope, *rest)\n"
        "builtins.__import__ = watching\n"
        "from cronjobs.core.errors import QueryError\n"
        "from cronjobs.services.query import make_query\n"
        "try: make_query(sys.argv[1]).graph('customers')\n"
        "except QueryError as error: print(error)\n"
    )

    said = run(program, f"sqlite:///{tmp_path}/shop.db")

    assert said == "query: no entity `customers`; there is none\n"


@pytest.mark.parametrize(
    ("missing", "url", "hint"),
    [
        ("sqlalchemy", "sqlite:///shop.db", 'pip install "cronjobs[query]"'),
        ("psycopg", "postgresql://host/db", 'pip install "cronjobs[postgres]"'),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(missing, url, hint):
    program = (
        "import sys, json; sys.modules[sys.argv[1]] = None\n"
        "from cronjobs.core.errors import QueryError\n"
        "from cronjobs.services.query import make_query\n"
        "try: make_query(sys.argv[2]).graph('customers')\n"
        "except QueryError as error: print(json.dumps([str(error), error.hint]))\n"
    )

    message, said = json.loads(run(program, missing, url))

    assert said == hint
    assert hint in message
