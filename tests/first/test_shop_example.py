"""The jobs of `jobs.toml` as plain functions: what each does, and that doing it twice does it once."""

import asyncio
import csv
import importlib
import inspect
import json
import logging
import os
import subprocess
import sys
import threading
import time
import tomllib
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

from cronjobs.context import Context
from cronjobs.services.container import Container
from examples.shop import catalogue, payments
from examples.shop.carts import remove_expired_carts
from examples.shop.catalogue import sync_products
from examples.shop.database import data_directory, shop, stored
from examples.shop.health import Unhealthy, probe_health
from examples.shop.maintenance import compact_database
from examples.shop.money import cents
from examples.shop.newsletter import send_newsletter
from examples.shop.payments import reconcile_payments
from examples.shop.reports import report_sales

ROOT = Path(catalogue.__file__).parents[2]
SETTLEMENTS = Path(payments.__file__).with_name("settlements.csv")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
INJECTED = {"container", "logger", "context"}


@pytest.fixture(autouse=True)
def _fresh_data_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DATA", str(tmp_path / "data"))


@pytest.fixture
def logger():
    return logging.LoggerAdapter(logging.getLogger("shop"), {"job": "a-job"})


@pytest.fixture
def container(logger):
    return Container({"logger": lambda: logger})


def a_context(scheduled_for):
    return Context(
        job_name="a-job",
        run_id=f"a-job@{scheduled_for:%Y-%m-%dT%H:%M:%SZ}",
        scheduled_for=scheduled_for,
        attempt=1,
        execution_number=1,
        remaining_executions=2,
    )


def rows(query, *values):
    with shop() as database:
        return [tuple(row) for row in database.execute(query, values)]


def value(query, *values):
    return rows(query, *values)[0][0]


def change(statement):
    with shop() as database:
        database.execute(statement)


def a_feed(path, *products):
    path.write_text(json.dumps({"products": products}), encoding="utf-8")
    return str(path)


def a_product(**changes):
    product = {"sku": "TEA-001", "name": "Assam", "category": "tea", "price": "8.90", "stock": 3}
    return product | {"updated_at": "2026-01-01T00:00:00Z"} | changes


def outbox_files():
    return sorted((data_directory() / "outbox").glob(".*/new/*"))


def jobs_of_the_example():
    return tomllib.loads((ROOT / "jobs.toml").read_text(encoding="utf-8"))["jobs"]


# jobs.toml


@pytest.mark.parametrize("name", jobs_of_the_example())
def test_every_job_of_jobs_toml_names_a_function_that_takes_its_args(name):
    job = jobs_of_the_example()[name]
    module, _, attribute = job["callable"].partition(":")

    function = getattr(importlib.import_module(module), attribute)

    parameters = inspect.signature(function).parameters
    inspect.signature(function).bind(**job.get("args", {}), **dict.fromkeys(INJECTED & set(parameters)))


# The database


# Fills one shop after the other, each at an instant that all processes agree on, and prints what it finds.
FILL_SHOPS = """
import os, sys, time
from examples.shop.database import shop
print("ready", flush=True)
start = float(input())
for number in range(20):
    os.environ["SHOP_DATA"] = os.path.join(sys.argv[1], str(number))
    while time.time() < start + number * 0.02:
        pass
    with shop() as database:
        counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in sys.argv[2:]]
    print(*counts)
"""


def test_jobs_that_start_at_the_same_instant_find_one_whole_shop(tmp_path):
    children = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                FILL_SHOPS,
                str(tmp_path),
                "products",
                "customers",
                "carts",
                "order_lines",
            ],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert [child.stdout.readline() for child in children] == ["ready\n"] * 4

    start = time.time() + 0.05
    for child in children:
        child.stdin.write(f"{start}\n")
        child.stdin.flush()
    answers = [child.communicate(timeout=60) for child in children]

    assert answers == [("20 16 10 30\n" * 20, "")] * 4


def test_what_a_job_changed_is_not_filled_in_again():
    change("DELETE FROM carts")

    assert value("SELECT count(*) FROM carts") == 0


# The product sync


def test_a_sync_brings_what_the_feed_says(container):
    result = sync_products(container)

    assert result == {"in_feed": 24, "recent": 24, "changed": 11}
    assert rows("SELECT price_cents, stock FROM products WHERE sku = 'COF-001'") == [(1240, 60)]
    assert rows("SELECT name FROM products WHERE sku = 'WAR-007'") == [("Kitchen Scale, 0.1 g",)]
    assert value("SELECT is_active FROM products WHERE sku = 'TEA-008'") == 0


def test_a_second_sync_changes_nothing(container):
    sync_products(container)
    products = rows("SELECT * FROM products ORDER BY sku")

    result = sync_products(container)

    assert result == {"in_feed": 24, "recent": 0, "changed": 0}
    assert rows("SELECT * FROM products ORDER BY sku") == products


def test_a_sync_that_has_forgotten_its_time_reads_all_and_still_changes_nothing(container):
    sync_products(container)
    change("DELETE FROM syncs")

    assert sync_products(container) == {"in_feed": 24, "recent": 24, "changed": 0}


def test_a_sync_takes_only_what_the_supplier_touched_since_the_last_one(container, tmp_path):
    sync_products(container)
    later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    touched = a_product(price="9.10", updated_at=later)
    untouched = a_product(sku="TEA-002", price="1.00")

    result = sync_products(container, a_feed(tmp_path / "feed.json", touched, untouched))

    assert result == {"in_feed": 2, "recent": 1, "changed": 1}
    assert value("SELECT price_cents FROM products WHERE sku = 'TEA-001'") == 910


def test_what_the_supplier_changes_while_the_feed_is_read_comes_with_the_next_sync(container, tmp_path):
    # A pipe, so that the supplier knows when the job has begun to read.
    pipe = tmp_path / "feed"
    os.mkfifo(pipe)
    changed_at = []

    def supply():
        with pipe.open("w", encoding="utf-8") as feed:
            changed_at.append(datetime.now(UTC))
            json.dump({"products": [a_product()]}, feed)

    supplier = threading.Thread(target=supply, daemon=True)
    supplier.start()
    sync_products(container, str(pipe))
    supplier.join(timeout=10)
    changed = a_product(price="9.99", updated_at=changed_at[0].isoformat())

    result = sync_products(container, a_feed(tmp_path / "feed.json", changed))

    assert result["changed"] == 1


@pytest.mark.parametrize(
    ("product", "culprit"),
    [
        ({"sku": "TEA-999"}, "TEA-999"),
        (a_product(price="8.905"), "8.905"),
        (a_product(stock="many"), "many"),
        (7, "7"),
    ],
)
def test_a_feed_with_an_unusable_product_is_refused_whole(container, tmp_path, product, culprit):
    with pytest.raises(catalogue.FeedError, match=culprit):
        sync_products(container, a_feed(tmp_path / "feed.json", a_product(price="1.00"), product))

    assert value("SELECT price_cents FROM products WHERE sku = 'TEA-001'") == 890
    assert rows("SELECT * FROM syncs") == []


# The newsletter


def test_the_newsletter_reaches_subscribers_and_nobody_else(logger):
    result = asyncio.run(send_newsletter(a_context(NOON), logger))

    subscribed = rows("SELECT email FROM customers WHERE newsletter_subscribed AND deleted_at IS NULL")
    mails = [BytesParser(policy=policy.default).parsebytes(path.read_bytes()) for path in outbox_files()]
    assert sorted((mail["To"].addresses[0].addr_spec,) for mail in mails) == sorted(subscribed)
    assert result == {"written": len(subscribed), "already_written": 0}


def test_a_newsletter_file_is_an_e_mail_that_parses(logger):
    asyncio.run(send_newsletter(a_context(NOON), logger, subject="Frühling am Hafen"))

    mails = [BytesParser(policy=policy.default).parsebytes(path.read_bytes()) for path in outbox_files()]
    mail = next(mail for mail in mails if "Chloé Lambert" in mail["To"])
    assert mail["Subject"] == "Frühling am Hafen"
    assert mail["Date"].datetime == NOON
    assert mail["Message-ID"] == "<news-2026-11-23.3@harbour-tea.example>"
    assert mail.get_content().startswith("Dear Chloé Lambert,")
    assert [mail.defects for mail in mails] == [[]] * len(mails)


def test_an_issue_is_not_written_twice(logger):
    asyncio.run(send_newsletter(a_context(NOON), logger))
    files = outbox_files()

    result = asyncio.run(send_newsletter(a_context(NOON + timedelta(hours=1)), logger))

    assert outbox_files() == files
    assert result == {"written": 0, "already_written": len(files)}


def test_an_issue_that_was_cut_short_is_completed(logger):
    asyncio.run(send_newsletter(a_context(NOON), logger))
    files = outbox_files()
    files[0].unlink()

    result = asyncio.run(send_newsletter(a_context(NOON), logger))

    assert result == {"written": 1, "already_written": len(files) - 1}


def test_a_mail_that_was_read_is_not_written_again(logger):
    asyncio.run(send_newsletter(a_context(NOON), logger))
    files = outbox_files()
    # As a mail program marks what it has seen.
    files[0].rename(files[0].parents[1] / "cur" / f"{files[0].name}:2,S")

    result = asyncio.run(send_newsletter(a_context(NOON), logger))

    assert result["written"] == 0


def test_the_next_day_is_a_new_issue(logger):
    asyncio.run(send_newsletter(a_context(NOON), logger))
    files = outbox_files()

    asyncio.run(send_newsletter(a_context(NOON + timedelta(days=1)), logger))

    assert len(outbox_files()) == 2 * len(files)


# Carts


def test_expired_carts_go_with_their_lines_and_fresh_ones_stay(logger):
    change("UPDATE carts SET expires_at = '2026-11-23 12:00:01'")
    change("UPDATE carts SET expires_at = '2026-11-23 12:00:00' WHERE id IN (1, 2)")

    result = remove_expired_carts(a_context(NOON), logger)

    assert result == {"removed": 2, "kept": 8}
    assert rows("SELECT id FROM carts WHERE id < 4") == [(3,)]
    assert rows("SELECT cart_id FROM cart_lines WHERE cart_id < 4 GROUP BY cart_id") == [(3,)]


def test_the_shipped_shop_has_expired_and_fresh_carts(logger):
    result = remove_expired_carts(a_context(datetime.now(UTC)), logger)

    assert result["removed"] >= 5
    assert result["kept"] >= 3


# Reports


def test_the_report_adds_up_to_what_the_orders_of_the_day_before_say():
    placed_on = value("SELECT date(placed_at) FROM orders WHERE number = 1012")
    morning_after = datetime.fromisoformat(placed_on).replace(tzinfo=UTC) + timedelta(days=1, minutes=30)

    path = report_sales(a_context(morning_after))

    with open(path, newline="", encoding="utf-8") as file:
        report = list(csv.DictReader(file))
    expected = rows(
        "SELECT sum(quantity), sum(quantity * unit_price_cents)"
        " FROM order_lines JOIN orders ON number = order_number"
        " WHERE status = 'paid' AND placed_at LIKE ? || '%'",
        placed_on,
    )
    quantity = sum(int(row["quantity"]) for row in report)
    revenue_cents = sum(cents(row["revenue_eur"]) for row in report)
    assert [(quantity, revenue_cents)] == expected == [(21, 25640)]
    assert Path(path).name == f"sales-{placed_on}.csv"


def test_a_report_written_again_is_the_same_file_and_leaves_no_other():
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    first = Path(report_sales(a_context(tomorrow)))
    content = first.read_bytes()

    second = Path(report_sales(a_context(tomorrow)))

    assert second.read_bytes() == content
    assert list(first.parent.iterdir()) == [first]


def test_a_day_without_sales_is_a_report_without_rows():
    path = report_sales(a_context(datetime(2001, 1, 1, tzinfo=UTC)))

    assert Path(path).read_text(encoding="utf-8") == "sku,name,quantity,revenue_eur\n"


# Health


def test_a_whole_shop_is_healthy(logger):
    assert asyncio.run(probe_health(a_context(NOON), logger, minimum_free_bytes=1)) == "healthy"


def test_the_probe_names_everything_that_is_wrong(logger):
    with shop() as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("INSERT INTO carts (customer_id, expires_at) VALUES (99, '2026-11-23 12:00:00')")

    with pytest.raises(Unhealthy, match=r"of carts points at no row of customers; \d+ bytes are free"):
        asyncio.run(probe_health(a_context(NOON), logger, minimum_free_bytes=10**18))


# Payments


def test_the_shipped_settlement_file_is_refused_with_its_two_wrong_lines_and_nothing_is_settled(logger):
    with pytest.raises(payments.SettlementMismatch) as refusal:
        reconcile_payments(a_context(NOON), logger, str(SETTLEMENTS))

    assert str(refusal.value) == (
        f"{SETTLEMENTS}, nothing was settled: "
        "PAY-88137: order 1007 is settled with 46.60 EUR, but comes to 64.60 EUR; "
        "PAY-88151: order 1071 does not exist"
    )
    assert value("SELECT count(*) FROM orders WHERE settled_at IS NOT NULL") == 0


def test_the_mended_settlement_file_is_settled_once(logger, tmp_path):
    mended = tmp_path / "settlements.csv"
    mended.write_text(SETTLEMENTS.read_text().replace("1007,46.60", "1007,64.60").replace(",1071,", ",1011,"))

    first = reconcile_payments(a_context(NOON), logger, str(mended))
    second = reconcile_payments(a_context(NOON + timedelta(days=1)), logger, str(mended))

    assert (first, second) == (10, 0)
    assert rows("SELECT settled_at FROM orders WHERE settled_at IS NOT NULL") == [(stored(NOON),)] * 10


def test_an_order_settled_twice_is_refused(logger, tmp_path):
    doubled = tmp_path / "settlements.csv"
    doubled.write_text("reference,order_number,amount_eur\nPAY-1,1002,26.90\nPAY-2,1002,26.90\n")

    with pytest.raises(payments.SettlementMismatch, match="PAY-2: order 1002 was settled by a line above"):
        reconcile_payments(a_context(NOON), logger, str(doubled))


# Maintenance


def test_compacting_gives_space_back_and_keeps_the_rows(logger):
    change("CREATE TABLE ballast AS SELECT zeroblob(500000) AS weight")
    change("DROP TABLE ballast")

    result = compact_database(logger)

    assert result["before_bytes"] - result["after_bytes"] >= 500_000
    assert value("SELECT count(*) FROM products") == 20
