"""Tables and columns may be called anything that a database allows."""

import pytest

NAMES = [
    *("order", "select", "two words", 'with "quotes"', "it's", "a.b", "näme", "日本", "per%cent", "%(x)s"),
    *(
        ":colon",
        "semi; DROP TABLE safe; --",
        "brackets[0]",
        "(round), comma",
        "back\\slash",
        "`tick`",
        "CamelCase",
    ),
    *("tab\there", "$dollar", "?", "-dash", " leading", "$or", "x" * 60),
]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def named_url(databases):
    script = "CREATE TABLE safe (id INTEGER PRIMARY KEY);"
    for number, name in enumerate(NAMES):
        table, column, link = quoted(name), quoted(name), quoted(name + "_id")
        script += (
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column} TEXT,"
            f" {link} INTEGER REFERENCES {table} (id));"
            f"INSERT INTO {table} VALUES (1, 'value {number}', NULL), (2, 'other', 1);"
        )
    return databases.create(script)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name(named_url, ask, name):
    number = NAMES.index(name)
    query = ask(named_url)

    found = query.graph(
        name, [name, f"{name}_id"], {name: {"$like": "value%"}}, {"order": {name: "DESC"}}
    ).data
    related = query.graph(name, ["id", f"{name}.{name}"], {"id": 2}, {"take": 1}).data

    assert found == [{name: f"value {number}", f"{name}_id": None}]
    assert related == [{"id": 2, name: {name: f"value {number}"}}]
    assert query.graph("safe").data == []


def test_a_table_with_a_dot_wins_over_a_schema_of_that_name(postgresql_databases, ask):
    url = postgresql_databases.create("""
        CREATE SCHEMA sales; CREATE SCHEMA "strange.one"; CREATE SCHEMA hidden;
        CREATE TABLE people (id INTEGER PRIMARY KEY);
        CREATE TABLE sales.orders (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people);
        CREATE TABLE "sales.invoices" (id INTEGER PRIMARY KEY);
        CREATE TABLE sales.invoices (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES sales.orders);
        CREATE TABLE "strange.one".things (id INTEGER PRIMARY KEY);
        CREATE TABLE hidden.orders (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people);
        INSERT INTO people VALUES (1); INSERT INTO sales.orders VALUES (2, 1);
        INSERT INTO "sales.invoices" VALUES (3); INSERT INTO sales.invoices VALUES (4, 2);
        INSERT INTO "strange.one".things VALUES (5); INSERT INTO hidden.orders VALUES (6, 1);
    """)
    query = ask(url)

    assert query.graph("sales.order", ["id", "person.id"]).data == [{"id": 2, "person": {"id": 1}}]
    assert query.graph("sales.invoices").data == [{"id": 3}]
    assert query.graph("strange.one.things").data == [{"id": 5}]
    assert query.graph("person", ["sales.orders.invoices.id"]).data == [
        {"sales.orders": [{"invoices": [{"id": 4}]}]}
    ]
    assert query.graph("people", ["hidden.orders"]).data == [{"hidden.orders": [{"id": 6, "person_id": 1}]}]


def test_the_search_path_makes_names_plain(postgresql_databases, ask):
    url = postgresql_databases.create("""
        CREATE SCHEMA sales; CREATE TABLE sales.orders (id INTEGER PRIMARY KEY);
        CREATE TABLE public.orders (id INTEGER PRIMARY KEY); INSERT INTO sales.orders VALUES (7);
    """)
    database = url.split("/")[3].split("?")[0]
    postgresql_databases.run(url, f'ALTER DATABASE "{database}" SET search_path = sales, public')

    query = ask(url)

    assert query.graph("order").data == [{"id": 7}]
    assert query.graph("public.orders").data == []
