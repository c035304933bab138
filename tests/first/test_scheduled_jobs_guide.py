"""Scheduled jobs by example, from a greeting to an idempotent sync. Read it from top to bottom.

The six examples are those of Medusa's guide to scheduled jobs, written as one writes them in Python. Each
has a job, what `jobs.toml` says of it, and tests of what really happens: commands run as in a shell, in a
directory of their own, on a real database; `cronjobs.testing` calls the same functions right here.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from cronjobs.definitions import DEFINED
from cronjobs.testing import run_job, simulate


def cronjobs(directory, *words):
    """Type a command in a directory; return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "cronjobs", *words],
        cwd=directory,
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def surroundings():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRONJOBS_")}
    return {**kept, "TZ": "UTC"}


def answer_of(directory, *words):
    """Return the JSON document that a command prints."""
    return json.loads(cronjobs(directory, *words, "--json").stdout)


def run_until(directory, is_enough):
    """Let `cronjobs run` go on until something is so, then stop it; return its exit code and its log."""
    deadline = time.monotonic() + 30
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "cronjobs", "run"],
        cwd=directory,
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while not is_enough():
            assert time.monotonic() < deadline, "it takes too long"
            time.sleep(0.05)
    finally:
        scheduler.send_signal(signal.SIGTERM)
        log, _ = scheduler.communicate(timeout=30)
    return scheduler.returncode, log


def states_of(directory, job):
    """Return how the job's runs stand, the newest first."""
    return [run["state"] for run in answer_of(directory, "history", "--name", job)]


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files of a project; return its directory, from which this process can import as well."""
    monkeypatch.syspath_prepend(tmp_path)
    defined = list(DEFINED)

    def write_files(**texts):
        for name, text in texts.items():
            (tmp_path / name.replace("_toml", ".toml").replace("_py", ".py")).write_text(text)
        return tmp_path

    yield write_files
    for name in [name for name in sys.modules if name in ("tasks", "shop")]:
        del sys.modules[name]
    DEFINED[:] = defined


# 1. A first job: it takes its logger from the container, and greets.

GREETING = """
async def greet(container):
    logger = container.resolve("logger")
    logger.info("good morning, shop")
"""
GREETING_JOB = """
[jobs.greet-every-day]
callable = "tasks:greet"
schedule = "0 0 * * *"
"""


def test_the_greeting_is_logged(write):
    home = write(tasks_py=GREETING, jobs_toml=GREETING_JOB)

    answer = cronjobs(home, "trigger", "greet-every-day")

    assert (answer.returncode, answer.stdout) == (0, "INFO good morning, shop\n")


def test_the_greeting_can_be_tested_without_any_of_that(write):
    write(tasks_py=GREETING)
    from tasks import greet

    assert run_job(greet).logs == [("INFO", "good morning, shop")]


# 2. Its configuration: a name, a schedule, and how many times it runs in all. It stands in the file, or
# beside the function.

IN_THE_FILE = """
[jobs.greet-thrice]
callable = "tasks:greet"
schedule = "*/2 * * * * *"
number_of_executions = 3
"""
BESIDE_THE_FUNCTION = """
from cronjobs import job

@job(name="greet-thrice", schedule="*/2 * * * * *", number_of_executions=3)
async def greet(container):
    container.resolve("logger").info("good morning, shop")
"""
DISCOVERY = """
[cronjobs]
discover = ["tasks"]
"""


def test_both_ways_to_say_it_mean_the_same(write):
    start = ["--from", "2026-11-24T10:00Z"]
    home = write(tasks_py=GREETING, jobs_toml=IN_THE_FILE)
    in_the_file = answer_of(home, "next", "--count", "5", *start)
    write(tasks_py=BESIDE_THE_FUNCTION, jobs_toml=DISCOVERY)
    beside = answer_of(home, "next", "--count", "5", *start)

    assert in_the_file == beside
    assert [(run["job"], run["scheduled_for"], run["execution_number"]) for run in beside] == [
        ("greet-thrice", "2026-11-24T10:00:02Z", 1),
        ("greet-thrice", "2026-11-24T10:00:04Z", 2),
        ("greet-thrice", "2026-11-24T10:00:06Z", 3),
    ]


def test_it_runs_three_times_and_never_again(write):
    home = write(tasks_py=BESIDE_THE_FUNCTION, jobs_toml=DISCOVERY)

    first = cronjobs(home, "run", "--exit-when-done")
    again = cronjobs(home, "run", "--exit-when-done")

    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout.count("good morning, shop") == 3
    assert again.stdout.count("good morning, shop") == 0
    assert [run["state"] for run in answer_of(home, "history")] == ["succeeded"] * 3


# 3. One execution at midnight is the next midnight's: the limit counts runs, it does not start one now.

# The zone in which it is noon now, so that this test never meets a midnight.
NOON_IS_NOW = 12 - datetime.now(UTC).hour
ONCE = f"""
[jobs.once]
callable = "tasks:greet"
schedule = "0 0 * * *"
timezone = "Etc/GMT{-NOON_IS_NOW:+d}"
number_of_executions = 1

[jobs.witness]
callable = "tasks:greet"
schedule = "* * * * * *"
number_of_executions = 1
"""


def next_midnight():
    zone = timezone(timedelta(hours=NOON_IS_NOW))
    today = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=1)).astimezone(UTC)


def test_one_execution_at_midnight_is_next_midnight_and_no_other(write):
    home = write(tasks_py=GREETING, jobs_toml=ONCE)
    now = datetime.now(UTC)

    runs = simulate(home / "jobs.toml", now, now + timedelta(days=7))
    coming = answer_of(home, "next", "--name", "once", "--count", "5")

    assert [run[1:] for run in runs if run.job == "once"] == [(next_midnight(), 1)]
    assert [run["scheduled_for"] for run in coming] == [f"{next_midnight():%Y-%m-%dT%H:%M:%SZ}"]


def test_the_scheduler_does_not_start_it_before(write):
    home = write(tasks_py=GREETING, jobs_toml=ONCE)

    # Both are on the agenda from the start: when the witness is done, the other one would be, too.
    code, _ = run_until(home, lambda: states_of(home, "witness") == ["succeeded"])

    assert code == 0
    assert states_of(home, "once") == []
    assert {job["job"]: job["executions"] for job in answer_of(home, "status")} == {"once": 0, "witness": 1}


# 4. The six schedules that everybody needs, and when they are due after a Tuesday's 10:17:30.

SCHEDULES = [
    ("* * * * *", ["11-24 10:18", "11-24 10:19", "11-24 10:20"]),  # every minute
    ("*/5 * * * *", ["11-24 10:20", "11-24 10:25", "11-24 10:30"]),  # every five minutes
    ("0 * * * *", ["11-24 11:00", "11-24 12:00", "11-24 13:00"]),  # every hour
    ("0 0 * * *", ["11-25 00:00", "11-26 00:00", "11-27 00:00"]),  # every midnight
    ("0 0 * * 0", ["11-29 00:00", "12-06 00:00", "12-13 00:00"]),  # the midnight that a Sunday begins with
    ("0 */6 * * *", ["11-24 12:00", "11-24 18:00", "11-25 00:00"]),  # every six hours
]


@pytest.mark.parametrize(("schedule", "due"), SCHEDULES)
def test_the_usual_schedules(write, schedule, due):
    jobs = f'[jobs.greet]\ncallable = "tasks:greet"\nschedule = "{schedule}"\ntimezone = "UTC"\n'
    home = write(jobs_toml=jobs)
    start = datetime(2026, 11, 24, 10, 17, 30, tzinfo=UTC)
    expected = [datetime.fromisoformat(f"2026-{text}:00+00:00") for text in due]

    coming = answer_of(home, "next", "--count", "3", "--from", start.isoformat())
    simulated = simulate(home / "jobs.toml", start, expected[-1])

    assert [datetime.fromisoformat(run["scheduled_for"]) for run in coming] == expected
    assert [run.scheduled_for for run in simulated] == expected


# 5. A newsletter: asks the database who wants it, and runs a workflow that sends it.

NEWSLETTER = """
from cronjobs import StepResponse, job, parallel, step, workflow

class Outbox:
    def send(self, email):
        with open("outbox", "a") as file:
            file.write(email + "\\n")

@step(max_retries=2)
async def send_email(customer, mailer):
    mailer.send(customer["email"])
    return StepResponse({"sent_to": customer["id"]}, compensation_input=customer["email"])

@workflow
async def send_newsletter(input):
    return await parallel(*(send_email(customer) for customer in input["customers"]))

@job(name="newsletter", schedule="0 9 * * 1")
async def newsletter(container):
    query = container.resolve("query")
    customers = (
        await query.graph(
            entity="customer", fields=["id", "email"], filters={"newsletter_subscribed": True}
        )
    ).data
    sent = await send_newsletter(container).run(input={"customers": customers})
    return sent.result
"""
NEWSLETTER_JOBS = """
[cronjobs]
discover = ["shop"]

[query]
url = "sqlite:///shop.db"

[services]
mailer = "shop:Outbox"
"""
CUSTOMERS = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, newsletter_subscribed BOOLEAN);
INSERT INTO customers VALUES
    (1, 'ann@example.com', true), (2, 'bob@example.com', false), (3, 'cleo@example.com', true);
"""


def database(directory, script):
    """Run a script in the shop's database."""
    connection = sqlite3.connect(directory / "shop.db")
    connection.executescript(script)
    connection.commit()
    connection.close()


def test_those_who_want_the_newsletter_get_it(write):
    home = write(shop_py=NEWSLETTER, jobs_toml=NEWSLETTER_JOBS)
    database(home, CUSTOMERS)

    checked = cronjobs(home, "validate")
    answer = cronjobs(home, "trigger", "newsletter")

    assert checked.returncode == 0, checked.stdout
    assert answer.returncode == 0, answer.stderr
    assert sorted((home / "outbox").read_text().split()) == ["ann@example.com", "cleo@example.com"]
    assert answer_of(home, "history")[0]["result"] == [{"sent_to": 1}, {"sent_to": 3}]
    (workflow,) = answer_of(home, "workflow", "list")
    assert workflow["state"] == "succeeded"


def test_the_newsletter_asks_the_database_and_a_mailer_that_is_none(write):
    home = write(shop_py=NEWSLETTER)
    database(home, CUSTOMERS)
    from shop import newsletter

    class Mailer:
        def __init__(self):
            self.sent = []
            self.is_busy = True

        def send(self, email):
            if self.is_busy:
                self.is_busy = False
                raise ConnectionError("try again")
            self.sent.append(email)

    mailer = Mailer()

    done = run_job(newsletter, services={"mailer": mailer}, query_url=f"sqlite:///{home}/shop.db")

    assert done.result == [{"sent_to": 1}, {"sent_to": 3}]
    assert sorted(mailer.sent) == ["ann@example.com", "cleo@example.com"]
    assert [(each.name, each.state) for each in done.workflows] == [("send_newsletter", "succeeded")]


# 6. A sync that may run twice: it remembers when it last looked, and fails with grace.

SYNC = """
import sqlite3
from datetime import UTC, datetime

from cronjobs import job

class Index:
    def __init__(self):
        self.database = sqlite3.connect("index.db")
        self.database.execute("CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, title TEXT)")

    def put(self, product):
        with self.database:
            self.database.execute(
                "INSERT INTO entries VALUES (:id, :title)"
                " ON CONFLICT (id) DO UPDATE SET title = excluded.title", product
            )

def open_index():
    index = Index()
    yield index
    index.database.close()

@job(name="sync-products", schedule="0 * * * *")
async def sync_products(query, index, context, logger):
    # Before the read: what changes from here on is newer than this, and the next run's.
    looked_at = datetime.now(UTC)
    since = (context.last_result or {}).get("looked_at")
    filters = {"updated_at": {"$gte": since}} if since else None
    products = (await query.graph(entity="product", fields=["id", "title"], filters=filters)).data
    failed = 0
    for product in products:
        try:
            index.put(product)
        except ValueError as error:
            failed += 1
            logger.error("product %d is left out: %s", product["id"], error)
    logger.info("%d products synced", len(products) - failed)
    # What was left out is not newer the next time: the next run looks back as far as this one.
    return {"looked_at": since if failed else looked_at.isoformat(), "synced": len(products) - failed}

@job(name="broken", schedule="* * * * * *", number_of_executions=2)
def broken(logger):
    logger.error("the supplier does not answer")
    raise ConnectionError("no route to the supplier")
"""
SYNC_JOBS = """
[cronjobs]
discover = ["shop"]

[query]
url = "sqlite:///shop.db"

[services]
index = "shop:open_index"
"""
PRODUCTS = """
CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT, updated_at TIMESTAMP);
INSERT INTO products VALUES (1, 'Green tea', '2026-01-01 10:00:00'), (2, 'Black tea', '2026-01-02 10:00:00');
"""


def renamed(product, title):
    """Return a statement that renames a product, now."""
    return f"UPDATE products SET title = '{title}', updated_at = '{datetime.now(UTC)}' WHERE id = {product};"


def index_of(directory):
    connection = sqlite3.connect(directory / "index.db")
    entries = connection.execute("SELECT id, title FROM entries ORDER BY id").fetchall()
    connection.close()
    return entries


def test_the_second_sync_has_nothing_to_do_and_the_third_only_what_changed(write):
    home = write(shop_py=SYNC, jobs_toml=SYNC_JOBS)
    database(home, PRODUCTS)

    first = cronjobs(home, "trigger", "sync-products")
    second = cronjobs(home, "trigger", "sync-products")
    database(home, renamed(2, "Smoked tea"))
    third = cronjobs(home, "trigger", "sync-products")

    assert [each.stdout for each in (first, second, third)] == [
        "INFO 2 products synced\n",
        "INFO 0 products synced\n",
        "INFO 1 products synced\n",
    ], first.stderr
    assert index_of(home) == [(1, "Green tea"), (2, "Smoked tea")]
    assert [run["result"]["synced"] for run in answer_of(home, "history")] == [1, 0, 2]


class Entries:
    """An index in memory. interrupt: called before the first product is put into it."""

    def __init__(self, interrupt=lambda: None):
        self.titles = {}
        self._interrupt = interrupt

    def put(self, product):
        interrupt, self._interrupt = self._interrupt, lambda: None
        interrupt()
        self.titles[product["id"]] = product["title"]


def test_a_product_that_changes_while_a_sync_runs_is_the_next_ones(write):
    home = write(shop_py=SYNC)
    database(home, PRODUCTS)
    from shop import sync_products

    entries = Entries(interrupt=lambda: database(home, renamed(1, "Jasmine tea")))
    options = {"services": {"index": entries}, "query_url": f"sqlite:///{home}/shop.db"}

    first = run_job(sync_products, **options)
    in_between = dict(entries.titles)
    second = run_job(sync_products, last_result=first.result, last_success_at=first.started_at, **options)
    third = run_job(sync_products, last_result=second.result, last_success_at=second.started_at, **options)

    assert in_between == {1: "Green tea", 2: "Black tea"}  # what it had read by then
    assert entries.titles == {1: "Jasmine tea", 2: "Black tea"}
    assert [each.result["synced"] for each in (first, second, third)] == [2, 1, 0]


def test_one_bad_product_keeps_no_other_out_and_is_tried_again(write):
    home = write(shop_py=SYNC)
    database(home, PRODUCTS)
    from shop import sync_products

    def refuse():
        raise ValueError("the title is too long")

    entries = Entries(interrupt=refuse)
    options = {"services": {"index": entries}, "query_url": f"sqlite:///{home}/shop.db"}

    first = run_job(sync_products, **options)
    in_between = dict(entries.titles)
    run_job(sync_products, last_result=first.result, last_success_at=first.started_at, **options)

    assert first.logs == [
        ("ERROR", "product 1 is left out: the title is too long"),
        ("INFO", "1 products synced"),
    ]
    assert in_between == {2: "Black tea"}
    assert entries.titles == {1: "Green tea", 2: "Black tea"}


def test_a_job_that_raises_is_recorded_and_its_schedule_lives_on(write):
    home = write(shop_py=SYNC, jobs_toml=SYNC_JOBS)

    code, log = run_until(home, lambda: states_of(home, "broken") == ["failed", "failed"])

    assert code == 0
    assert log.count("the supplier does not answer") == 2
    second, first = answer_of(home, "history", "--name", "broken")
    assert (first["execution_number"], second["execution_number"]) == (1, 2)
    assert first["error"]["type"] == "ConnectionError"
