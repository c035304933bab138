"""The jobs of `jobs.toml` as plain functions: what each does, and that doing it twice does it once.

That they run, are killed and are gone on with stands in test_shop_runs.py.
"""

import asyncio
import csv
import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest

from cronjobs import Container, WorkflowFailedError
from cronjobs.context import Context, LastSuccess
from cronjobs.services.query import make_query
from cronjobs.workflows.memory import MemoryJournal
from examples.shop import catalogue, payments
from examples.shop.catalogue import sync_products
from examples.shop.database import data_directory, database_path, open_shop, stored, transaction
from examples.shop.health import Unhealthy, probe_health
from examples.shop.jobs.publish_products import publish_products
from examples.shop.jobs.remove_expired_carts import remove_expired_carts
from examples.shop.mail import Outbox, QuotaExceeded, open_mailer
from examples.shop.maintenance import compact_database
from examples.shop.money import cents
from examples.shop.newsletter import send_newsletter
from examples.shop.payments import reconcile_payments
from examples.shop.reports import report_sales

ROOT = Path(catalogue.__file__).parents[2]
SETTLEMENTS = Path(payments.__file__).with_name("settlements.csv")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fresh_data_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DATA", str(tmp_path / "data"))


@pytest.fixture
def logger():
    return logging.LoggerAdapter(logging.getLogger("shop"), {"job": "a-job"})


@pytest.fixture
def shop():
    with contextmanager(open_shop)() as connection:
        yield connection


@pytest.fixture
def query(shop):
    query = make_query(f"sqlite:///{database_path()}")
    yield query
    query.close()


@pytest.fixture
def container(logger, shop, query):
    services = {"logger": lambda: logger, "shop": lambda: shop, "query": lambda: query, "mailer": open_mailer}
    container = Container(services)
    container.journal = MemoryJournal()
    return container


def a_context(scheduled_for, last_success_at=None):
    return Context(
        job_name="a-job",
        run_id=f"a-job@{scheduled_for:%Y-%m-%dT%H:%M:%SZ}",
        scheduled_for=scheduled_for,
        attempt=1,
        execution_number=1,
        remaining_executions=2,
        last_success=lambda: None if last_success_at is None else LastSuccess(last_success_at, None),
    )


def rows(statement, *values):
    with contextmanager(open_shop)() as shop:
        return [tuple(row) for row in shop.execute(statement, values)]


def value(statement, *values):
    return rows(statement, *values)[0][0]


def change(statement):
    rows(statement)


def a_feed(path, *products):
    path.write_text(json.dumps({"products": products}), encoding="utf-8")
    return str(path)


def a_product(**changes):
    product = {"sku": "TEA-001", "name": "Assam", "category": "tea", "price": "8.90", "stock": 3}
    return product | {"updated_at": "2026-01-01T00:00:00Z"} | changes


def outbox_files():
    return sorted((data_directory() / "outbox" / "new").iterdir())


def mails():
    return [BytesParser(policy=policy.default).parsebytes(path.read_bytes()) for path in outbox_files()]


def write_newsletter(container, scheduled_for=NOON, **arguments):
    """Run the job as a run of its own would, on the container's services."""

    async def run():
        async with container.scope() as inner:
            inner.register("context", a_context(scheduled_for))
            return await send_newsletter(inner, **arguments)

    return asyncio.run(run())


# The database


# Fills one shop after the other, each at an instant that all processes agree on, and prints what it finds.
FILL_SHOPS = """
import os, sys, time
from contextlib import contextmanager
from examples.shop.database import open_shop
print("ready", flush=True)
start = float(input())
for number in range(20):
    os.environ["SHOP_DATA"] = os.path.join(sys.argv[1], str(number))
    while time.time() < start + number * 0.02:
        pass
    with contextmanager(open_shop)() as database:
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

    assert answers == [("20 17 10 30\n" * 20, "")] * 4


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


# The storefront


def pages():
    return {path.stem: json.loads(path.read_text()) for path in (data_directory() / "storefront").iterdir()}


def test_the_first_publication_has_a_page_for_each_product(query, shop, logger):
    assert publish_products(query, shop, a_context(NOON), logger) == 20

    assert len(pages()) == 20
    assert pages()["COF-006"] == {
        "sku": "COF-006",
        "name": "Kenya Nyeri AA, 250 g",
        "price_eur": "13.50",
        "is_available": False,
    }


def test_only_what_was_changed_since_the_last_publication_is_published(query, shop, logger):
    change("UPDATE products SET updated_at = '2026-11-23 11:58:59'")
    change("UPDATE products SET price_cents = 1, updated_at = '2026-11-23 12:00:01' WHERE sku = 'TEA-001'")

    published = publish_products(query, shop, a_context(NOON, last_success_at=NOON), logger)

    assert published == 1
    assert pages()["TEA-001"]["price_eur"] == "0.01"


def test_a_change_that_was_under_way_while_the_last_publication_read_comes_with_the_next(query, shop, logger):
    change("UPDATE products SET updated_at = '2020-01-01 00:00:00'")
    started_at = datetime.now(UTC)
    with transaction(shop):
        shop.execute("UPDATE products SET price_cents = 1, updated_at = ?", (stored(started_at),))
        # Another run, which began later and does not see what is not kept yet.
        began_at = datetime.now(UTC)
        publish_products(query, shop, a_context(NOON, last_success_at=began_at), logger)

    publish_products(query, shop, a_context(NOON, last_success_at=began_at), logger)

    assert {page["price_eur"] for page in pages().values()} == {"0.01"}


def test_what_a_sync_changes_is_published(container, query, shop, logger):
    change("UPDATE products SET updated_at = '2020-01-01 00:00:00'")
    sync_products(container)

    published = publish_products(query, shop, a_context(NOON, last_success_at=datetime.now(UTC)), logger)

    assert published == 11
    assert pages()["COF-001"]["price_eur"] == "12.40"


# The newsletter


def test_the_newsletter_reaches_subscribers_with_an_address_and_nobody_else(container):
    result = write_newsletter(container)

    subscribed = rows(
        "SELECT email FROM customers WHERE newsletter_subscribed AND deleted_at IS NULL AND id <> 17"
    )
    assert sorted((mail["To"].addresses[0].addr_spec,) for mail in mails()) == sorted(subscribed)
    assert result == {
        "written": len(subscribed),
        "left_out": ["Nils Aaberg: 'nils.aaberg@example,com' is no e-mail address"],
    }


def test_a_newsletter_file_is_an_e_mail_that_parses(container):
    write_newsletter(container, subject="Frühling am Hafen")

    mail = next(mail for mail in mails() if "Chloé Lambert" in mail["To"])
    assert mail["Subject"] == "Frühling am Hafen"
    assert mail["Date"].datetime == NOON
    assert mail["Message-ID"] == "<news-2026-W48.2.2.1@harbour-tea.example>"
    assert mail.get_content().startswith("Dear Chloé Lambert,")
    assert [mail.defects for mail in mails()] == [[]] * 11


def test_the_newsletter_offers_what_is_in_stock(container):
    change("UPDATE products SET stock = 1000, name = 'Plenty' WHERE sku = 'TEA-001'")
    change("UPDATE products SET stock = 2000, is_active = 0, name = 'Discontinued' WHERE sku = 'TEA-002'")

    write_newsletter(container)

    (text, *_) = (mail.get_content() for mail in mails())
    assert text.count(" EUR") == 5
    assert "Plenty" in text
    assert "Discontinued" not in text


def test_an_issue_is_not_written_twice_in_a_week(container):
    first = write_newsletter(container)
    files = outbox_files()
    files[0].unlink()  # the mail server has taken it

    assert write_newsletter(container, NOON + timedelta(days=6)) == first

    assert outbox_files() == files[1:]


def test_the_next_week_is_a_new_issue(container):
    write_newsletter(container)

    write_newsletter(container, NOON + timedelta(days=7))

    assert len(outbox_files()) == 2 * 11


def test_an_issue_that_cannot_be_sent_to_all_is_taken_back_and_can_be_sent_later(container, monkeypatch):
    monkeypatch.setenv("SHOP_MAIL_QUOTA", "5")
    with pytest.raises(WorkflowFailedError, match="the quota of 5 mails is used up"):
        write_newsletter(container)
    assert outbox_files() == []

    monkeypatch.delenv("SHOP_MAIL_QUOTA")

    assert write_newsletter(container)["written"] == 11
    assert {mail["Message-ID"].partition(".")[0] for mail in mails()} == {"<news-2026-W48~2"}


def test_other_mails_stay_when_an_issue_is_taken_back(container, monkeypatch):
    write_newsletter(container, name="news")
    files = outbox_files()
    monkeypatch.setenv("SHOP_MAIL_QUOTA", "5")

    with pytest.raises(WorkflowFailedError):
        write_newsletter(container, name="winter-sale")

    assert outbox_files() == files


def test_two_newsletters_of_one_week_are_two_issues_whatever_their_names(container):
    write_newsletter(container, name="sale: tea/coffee")
    write_newsletter(container, name="sale: tea")

    assert len(outbox_files()) == 2 * 11


# The outbox


def a_mail(message_id):
    mail = EmailMessage()
    mail["Message-ID"] = message_id
    mail.set_content("hello")
    return mail


def test_a_mail_is_laid_in_once():
    outbox = Outbox(data_directory() / "outbox")

    assert asyncio.run(outbox.send(a_mail("<a/b@shop>"))) is True
    assert asyncio.run(outbox.send(a_mail("<a/b@shop>"))) is False

    assert [path.name for path in outbox_files()] == ["a%2Fb@shop"]


def test_a_mail_that_a_mail_program_has_shown_is_not_laid_in_again_and_can_be_retracted():
    outbox = Outbox(data_directory() / "outbox")
    asyncio.run(outbox.send(a_mail("<a@shop>")))
    (file,) = outbox_files()
    shown = file.rename(file.parents[1] / "cur" / f"{file.name}:2,S")

    assert asyncio.run(outbox.send(a_mail("<a@shop>"))) is False
    asyncio.run(outbox.retract("<a@shop>"))

    assert not shown.exists()


def test_retracting_what_was_never_sent_does_nothing():
    outbox = Outbox(data_directory() / "outbox")
    asyncio.run(outbox.send(a_mail("<a@shop>")))

    asyncio.run(outbox.retract("<b@shop>"))

    assert len(outbox_files()) == 1


def test_a_mail_beyond_the_quota_is_refused():
    outbox = Outbox(data_directory() / "outbox", quota=1)
    asyncio.run(outbox.send(a_mail("<a@shop>")))

    with pytest.raises(QuotaExceeded):
        asyncio.run(outbox.send(a_mail("<b@shop>")))

    assert asyncio.run(outbox.send(a_mail("<a@shop>"))) is False


# Carts


def test_expired_carts_go_with_their_lines_and_fresh_ones_stay(shop, logger):
    change("UPDATE carts SET expires_at = '2026-11-23 12:00:01'")
    change("UPDATE carts SET expires_at = '2026-11-23 12:00:00' WHERE id IN (1, 2)")

    result = remove_expired_carts(shop, a_context(NOON), logger)

    assert result == {"removed": 2, "kept": 8}
    assert rows("SELECT id FROM carts WHERE id < 4") == [(3,)]
    assert rows("SELECT cart_id FROM cart_lines WHERE cart_id < 4 GROUP BY cart_id") == [(3,)]


def test_the_shipped_shop_has_expired_and_fresh_carts(shop, logger):
    result = remove_expired_carts(shop, a_context(datetime.now(UTC)), logger)

    assert result["removed"] >= 5
    assert result["kept"] >= 3


# Reports


def test_the_report_adds_up_to_what_the_orders_of_the_day_before_say(shop):
    placed_on = value("SELECT date(placed_at) FROM orders WHERE number = 1012")
    morning_after = datetime.fromisoformat(placed_on).replace(tzinfo=UTC) + timedelta(days=1, minutes=30)

    path = report_sales(shop, a_context(morning_after))

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


def test_a_report_written_again_is_the_same_file_and_leaves_no_other(shop):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    first = Path(report_sales(shop, a_context(tomorrow)))
    content = first.read_bytes()

    second = Path(report_sales(shop, a_context(tomorrow)))

    assert second.read_bytes() == content
    assert list(first.parent.iterdir()) == [first]


def test_a_day_without_sales_is_a_report_without_rows(shop):
    path = report_sales(shop, a_context(datetime(2001, 1, 1, tzinfo=UTC)))

    assert Path(path).read_text(encoding="utf-8") == "sku,name,quantity,revenue_eur\n"


# Health


def test_a_whole_shop_is_healthy(shop, logger):
    assert asyncio.run(probe_health(shop, a_context(NOON), logger, minimum_free_bytes=1)) == "healthy"


def test_the_probe_names_everything_that_is_wrong(shop, logger):
    shop.execute("PRAGMA foreign_keys = OFF")
    shop.execute("INSERT INTO carts (customer_id, expires_at) VALUES (99, '2026-11-23 12:00:00')")

    with pytest.raises(Unhealthy, match=r"of carts points at no row of customers; \d+ bytes are free"):
        asyncio.run(probe_health(shop, a_context(NOON), logger, minimum_free_bytes=10**18))


# Payments


def test_the_shipped_settlement_file_is_refused_with_its_two_wrong_lines_and_nothing_is_settled(shop, logger):
    with pytest.raises(payments.SettlementMismatch) as refusal:
        reconcile_payments(shop, a_context(NOON), logger, str(SETTLEMENTS))

    assert str(refusal.value) == (
        f"{SETTLEMENTS}, nothing was settled: "
        "PAY-88137: order 1007 is settled with 46.60 EUR, but comes to 64.60 EUR; "
        "PAY-88151: order 1071 does not exist"
    )
    assert value("SELECT count(*) FROM orders WHERE settled_at IS NOT NULL") == 0


def test_the_mended_settlement_file_is_settled_once(shop, logger, tmp_path):
    mended = tmp_path / "settlements.csv"
    mended.write_text(SETTLEMENTS.read_text().replace("1007,46.60", "1007,64.60").replace(",1071,", ",1011,"))

    first = reconcile_payments(shop, a_context(NOON), logger, str(mended))
    second = reconcile_payments(shop, a_context(NOON + timedelta(days=1)), logger, str(mended))

    assert (first, second) == (10, 0)
    assert rows("SELECT settled_at FROM orders WHERE settled_at IS NOT NULL") == [(stored(NOON),)] * 10


def test_an_order_settled_twice_is_refused(shop, logger, tmp_path):
    doubled = tmp_path / "settlements.csv"
    doubled.write_text("reference,order_number,amount_eur\nPAY-1,1002,26.90\nPAY-2,1002,26.90\n")

    with pytest.raises(payments.SettlementMismatch, match="PAY-2: order 1002 was settled by a line above"):
        reconcile_payments(shop, a_context(NOON), logger, str(doubled))


# Maintenance


def test_compacting_gives_space_back_and_keeps_the_rows(shop, logger):
    change("CREATE TABLE ballast AS SELECT zeroblob(500000) AS weight")
    change("DROP TABLE ballast")

    result = compact_database(shop, logger)

    assert result["before_bytes"] - result["after_bytes"] >= 500_000
    assert value("SELECT count(*) FROM products") == 20
