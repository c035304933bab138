"""Products: what the supplier's feed says, taken over into the shop."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from cronjobs import Container
from examples.shop.database import transaction
from examples.shop.money import cents

FEED = Path(__file__).with_name("feed.json")
NEVER = datetime.min.replace(tzinfo=UTC)

# The WHERE leaves a row alone that says the same already, so that what is counted is what changed.
UPSERT = """
    INSERT INTO products (sku, name, category, price_cents, stock, is_active, updated_at)
    VALUES (:sku, :name, :category, :price_cents, :stock, :is_active, datetime('now'))
    ON CONFLICT (sku) DO UPDATE
       SET name = excluded.name, category = excluded.category, price_cents = excluded.price_cents,
           stock = excluded.stock, is_active = excluded.is_active,
           updated_at = excluded.updated_at
     WHERE (name, category, price_cents, stock, is_active)
    IS NOT (excluded.name, excluded.category, excluded.price_cents, excluded.stock, excluded.is_active)
"""


class FeedError(Exception):
    """The supplier's feed cannot be read."""


class FeedProduct(NamedTuple):
    """One product as the supplier describes it."""

    sku: str
    name: str
    category: str
    price_cents: int
    stock: int
    is_active: bool
    updated_at: datetime  # by the supplier's clock, aware


def sync_products(container: Container, feed: str = str(FEED)) -> dict[str, int]:
    """Bring the products that changed since the last sync up to date, and return how many did.

    feed: the path of the supplier's file.

    When the last sync was stands in the shop, in one transaction with the products, so that neither is ever
    there without the other, not even in last week's database, restored from a backup. Of that
    `context.last_success_at` would know nothing.
    """
    logger = container.resolve("logger")
    shop = container.resolve("shop")
    # Before the read: what the supplier changes meanwhile is then read again next time, and never missed.
    started_at = datetime.now(UTC)
    products = read_feed(Path(feed))
    with transaction(shop):
        since = last_synced_at(shop)
        recent = [product for product in products if product.updated_at >= since]
        changed = upsert(shop, recent)
        remember_sync(shop, started_at)
    logger.info(
        "%d read, %d touched since %s, %d changed",
        len(products),
        len(recent),
        "the beginning" if since == NEVER else f"{since:%Y-%m-%d %H:%M:%S}",
        changed,
    )
    return {"in_feed": len(products), "recent": len(recent), "changed": changed}


def read_feed(path: Path) -> list[FeedProduct]:
    """Return the products of a feed, in its order.

    Raises FeedError naming the file and, where it is one product's fault, the product.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["products"]
    except (ValueError, LookupError, TypeError) as exc:
        raise FeedError(f"{path}: no JSON object with a list of `products`: nothing was synced") from exc
    return [feed_product(entry, path) for entry in entries]


def feed_product(entry: dict[str, Any], path: Path) -> FeedProduct:
    """Return one entry of the feed, checked."""
    try:
        return FeedProduct(
            sku=entry["sku"],
            name=entry["name"],
            category=entry["category"],
            price_cents=cents(entry["price"]),
            stock=int(entry["stock"]),
            is_active=not entry.get("discontinued", False),
            updated_at=datetime.fromisoformat(entry["updated_at"]).astimezone(UTC),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        raise FeedError(f"{path}: product {entry!r} is unusable ({exc!r}): nothing was synced") from exc


def upsert(shop: sqlite3.Connection, products: Iterable[FeedProduct]) -> int:
    """Insert or update the products, and return how many rows that changed."""
    return sum(shop.execute(UPSERT, product._asdict()).rowcount for product in products)


def last_synced_at(shop: sqlite3.Connection) -> datetime:
    """Return when the last complete sync began, or `NEVER`."""
    row = shop.execute("SELECT synced_at FROM syncs WHERE source = 'supplier'").fetchone()
    return datetime.fromisoformat(row["synced_at"]) if row else NEVER


def remember_sync(shop: sqlite3.Connection, started_at: datetime) -> None:
    """Keep when this sync began, in the transaction that keeps its products."""
    shop.execute(
        "INSERT INTO syncs (source, synced_at) VALUES ('supplier', ?)"
        " ON CONFLICT (source) DO UPDATE SET synced_at = excluded.synced_at",
        (started_at.isoformat(),),
    )
