"""Services in real runs: made in the run, cleaned up whatever ended it, known before they are needed."""

import sqlite3

import pytest
import tomli_w

SERVICES = """
from notebook import note

def first():
    note("make first")
    yield "first"
    note("clean first")

async def second(first):
    note("make second")
    yield f"second of {first}"
    note("clean second")

def fails_to_clean():
    yield "fragile"
    raise RuntimeError("cannot be cleaned up")

def fails_to_make(first):
    raise RuntimeError("cannot be made")
"""


@pytest.fixture
def shop(site):
    """A site with services; it returns a function that defines jobs on it, each to run once."""

    def shop(work, *, jobs, services, **modules):
        tables = {name: {"number_of_executions": 1} | job for name, job in jobs.items()}
        site.define(tables, work=work, **{"services": SERVICES} | modules)
        with site.file.open("a") as file:
            file.write(tomli_w.dumps({"services": services}))
        return site

    return shop


BOTH = {"first": "services:first", "my-second": "services:second"}
MADE = ["make first", "make second"]
CLEANED = ["clean second", "clean first"]


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_services_are_made_for_each_run_and_cleaned_up_at_its_end(shop, isolation, kind):
    site = shop(
        f"""
        import os
        from cronjobs import Container
        from notebook import note

        {kind} job(my_second, box: Container, first=None):
            note(my_second, first, box.resolve("first"))
        """,
        jobs={"job": {"isolation": isolation, "number_of_executions": 2}},
        services=BOTH,
    )

    site.run_until_done()

    assert site.notes() == [*MADE, "second of first first first", *CLEANED] * 2
    assert [row["state"] for row in site.history()] == ["succeeded"] * 2


ENDINGS = [
    ("raise ValueError('no beans')", "failed", "ValueError"),
    ("raise SystemExit(3)", "failed", "SystemExit"),
    ("import time; time.sleep(600)", "timed_out", None),
    ("while True: pass", "timed_out", None),
]


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(("ending", "state", "error"), ENDINGS, ids=[ending for ending, *_ in ENDINGS])
def test_clean_ups_run_whatever_ends_the_job(shop, kind, ending, state, error):
    site = shop(
        f"{kind} job(my_second):\n    {ending}\n",
        jobs={"job": {"timeout": "3s", "kill_after": "20s"}},
        services=BOTH,
    )

    site.run_until_done()

    (row,) = site.history()
    assert (row["state"], row["error"] and row["error"]["type"]) == (state, error)
    assert site.notes() == [*MADE, *CLEANED]


def test_an_async_job_that_waits_is_told_to_end_and_cleans_up(shop):
    site = shop(
        """
        import asyncio
        from notebook import note

        async def job(my_second):
            try:
                await asyncio.Event().wait()
            finally:
                note("unwound")
        """,
        jobs={"job": {"timeout": "3s", "kill_after": "20s"}},
        services=BOTH,
    )

    site.run_until_done()

    assert [row["state"] for row in site.history()] == ["timed_out"]
    assert site.notes() == [*MADE, "unwound", *CLEANED]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_clean_up_that_fails_fails_the_run_only_if_the_job_did_not(shop, kind):
    services = {"first": "services:first", "fragile": "services:fails_to_clean"}
    site = shop(
        f"{kind} well(first, fragile):\n    pass\n"
        f"{kind} badly(fragile, first):\n    raise ValueError('no beans')\n",
        jobs={"well": {}, "badly": {}},
        services=services,
    )

    scheduler = site.run_until_done()

    errors = {row["job"]: row["error"]["type"] for row in site.history()}
    assert errors == {"well": "RuntimeError", "badly": "ValueError"}
    assert sorted(site.notes()) == ["clean first"] * 2 + ["make first"] * 2
    printed = scheduler.output("badly", "stderr")
    assert "RuntimeError: cannot be cleaned up" in printed
    assert "in the clean-up of the service `fragile`" in printed
    assert "ValueError: no beans" in printed


def test_a_service_that_cannot_be_made_fails_the_run_as_itself_and_what_was_made_is_cleaned_up(shop):
    site = shop(
        "def job(broken):\n    pass\n",
        jobs={"job": {}},
        services={"first": "services:first", "broken": "services:fails_to_make"},
    )

    scheduler = site.run_until_done()

    (row,) = site.history()
    assert (row["error"]["type"], row["error"]["message"]) == ("RuntimeError", "cannot be made")
    assert site.notes() == ["make first", "clean first"]
    assert "while making the service `broken`" in scheduler.output("job", "stderr")


def test_a_service_whose_module_fails_fails_only_the_jobs_that_name_it(shop):
    site = shop(
        """
        from notebook import note

        def names(broken):
            pass

        def names_in_turn(outer):
            pass

        def resolves(container):
            note("began")
            container.resolve("broken")

        def healthy(first):
            note("healthy")
        """,
        jobs={name: {} for name in ("names", "names_in_turn", "resolves", "healthy")},
        services={**BOTH, "broken": "broken:make", "outer": "outer:make"},
        broken="raise LookupError('no beans at import')",
        outer="def make(broken):\n    pass\n",
    )

    scheduler = site.run_until_done()

    states = {row["job"]: (row["state"], row["error"] and row["error"]["type"]) for row in site.history()}
    assert states == {
        "names": ("failed", "LookupError"),
        "names_in_turn": ("failed", "LookupError"),
        "resolves": ("failed", "LookupError"),
        "healthy": ("succeeded", None),
    }
    assert sorted(site.notes()) == ["began", "clean first", "healthy", "make first"]
    (said,) = scheduler.logged("service_failed")
    assert "the service `broken`: importing `broken` failed: LookupError" in said["message"]
    assert {line["job"] for line in scheduler.logged("import_failed")} == {"names", "names_in_turn"}


@pytest.mark.parametrize(
    ("services", "says"),
    [
        ({"a": "circle:a", "b": "circle:b"}, "in a circle: a -> b -> a"),
        ({"a": "circle:typo", "first": "services:first"}, "nothing gives the parameter `frist` a value"),
        ({"a": "circle:nowhere"}, "module `circle` has no `nowhere`"),
    ],
)
def test_what_is_wrong_with_services_is_known_before_a_job_needs_them(shop, services, says):
    site = shop(
        "def job(a):\n    pass\n",
        jobs={"job": {}},
        services=services,
        circle="def a(b): ...\ndef b(a): ...\ndef typo(frist): ...\n",
    )

    scheduler = site.run_until_done()

    (said,) = scheduler.logged("import_failed", job="job")
    assert says in said["message"]
    (row,) = site.history()
    assert says in row["error"]["message"]


def test_a_service_that_no_fork_survives_moves_its_jobs_to_a_fresh_interpreter(shop):
    site = shop(
        """
        import os, sys
        from notebook import note

        def named(risky):
            note("named", sys.argv[0], risky)

        def plain(first):
            note("plain", os.getppid())
        """,
        jobs={"named": {}, "plain": {}},
        services={"first": "services:first", "risky": "risky:make"},
        risky="""
        import threading
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()

        def make():
            return thread.is_alive()
        """,
    )

    scheduler = site.run_until_done()

    assert [row["state"] for row in site.history()] == ["succeeded"] * 2
    assert "named -c True" in site.notes()
    (warning,) = scheduler.logged("import_leaves_threads")
    assert "`risky`" in warning["message"]


def test_a_heavy_service_is_imported_ahead_where_no_light_job_pays_for_it(shop):
    site = shop(
        """
        import sys
        from notebook import note

        def named(heavy):
            note("named", "slow" in sys.modules, heavy)

        def plain():
            note("plain", "slow" in sys.modules)
        """,
        jobs={"named": {"number_of_executions": 2}, "plain": {"number_of_executions": 2}},
        services={"heavy": "slow:make"},
        slow="""
        import os, time
        pid = os.getpid()
        time.sleep(0.2)

        def make():
            return "there" if pid != os.getpid() else "imported by the run"
        """,
    )

    site.run_until_done()

    assert sorted(site.notes()) == ["named True there"] * 2 + ["plain False"] * 2


def test_the_loggers_records_reach_handlers_of_the_jobs_own(shop):
    site = shop(
        """
        import logging
        from notebook import note

        class Noting(logging.Handler):
            def emit(self, record):
                fields = (record.job, record.run_id, record.scheduled_for.tzinfo, record.getMessage())
                note(*fields, getattr(record, "customer", "-"))

        logging.getLogger().addHandler(Noting())

        def job(logger, container):
            container.resolve("logger").warning("seen", extra={"customer": 7})
        """,
        jobs={"job": {}},
        services={},
    )

    site.run_until_done()

    (row,) = site.history()
    assert site.notes() == [f"job {row['id']} UTC seen 7"]


def test_trigger_gives_services_too(shop):
    site = shop(
        "def job(my_second):\n    print('got', my_second)\n    raise ValueError('no beans')\n",
        jobs={"job": {}},
        services=BOTH,
    )

    done = site.command("trigger", "job")

    assert (done.returncode, done.stdout) == (1, "got second of first\n")
    assert site.notes() == [*MADE, *CLEANED]


def test_a_fork_of_the_jobs_own_that_comes_back_cleans_nothing_up(shop):
    site = shop(
        """
        import os

        def job(first):
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
        """,
        jobs={"job": {}},
        services=BOTH,
    )

    site.run_until_done()

    assert site.notes() == ["make first", "clean first"]


# Query


@pytest.fixture
def database(site):
    connection = sqlite3.connect(site.directory / "shop.db")
    connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT)")
    connection.execute("INSERT INTO customers VALUES (1, 'ann@example.org')")
    connection.commit()
    connection.close()
    return f"sqlite:///{site.directory}/shop.db"


def test_a_job_that_names_query_asks_the_database_and_imports_nothing_for_it(shop, database):
    pytest.importorskip("sqlalchemy")
    site = shop(
        """
        import sys
        from notebook import note

        IMPORTED = "sqlalchemy" in sys.modules

        def asks(query):
            note("asks", query.graph("customers", ["email"]).data)

        async def waits(query):
            note("waits", (await query.graph("customers", ["email"])).data)

        async def waits_in_turn(emails):
            note("waits_in_turn", emails)

        def ahead(query):
            note("ahead", "sqlalchemy.dialects.sqlite" in sys.modules)

        def plain(context):
            note("plain", "sqlalchemy" in sys.modules)
        """,
        jobs={name: {} for name in ("asks", "waits", "waits_in_turn", "ahead", "plain")},
        services={"emails": "emails:emails"},
        emails="""
        async def emails(query):
            return [row["email"] for row in (await query.graph("customers")).data]
        """,
    )
    with site.file.open("a") as file:
        file.write(tomli_w.dumps({"query": {"url": database}}))

    site.run_until_done()

    assert sorted(site.notes()) == [
        "ahead True",
        "asks [{'email': 'ann@example.org'}]",
        "plain False",
        "waits [{'email': 'ann@example.org'}]",
        "waits_in_turn ['ann@example.org']",
    ]


def test_without_a_query_table_resolving_it_says_what_to_write(shop):
    site = shop("def job(container):\n    container.resolve('query')\n", jobs={"job": {}}, services={})

    site.run_until_done()

    (row,) = site.history()
    assert row["error"]["type"] == "ServiceError"
    assert 'write a table `[query]` with `url = "${DATABASE_URL}"`' in row["error"]["message"]
