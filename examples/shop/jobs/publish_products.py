"""The storefront: a page of JSON for each product, made again when the product has changed."""

import json
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any

from cronjobs import job
from cronjobs.context import Context
from cronjobs.services.logger import JobLogger
from cronjobs.services.query import Query
from examples.shop.database import data_directory
from examples.shop.files import complete_file
from examples.shop.money import decimal_text

# A row's `updated_at` is from before its transaction ended. No transaction of the shop takes as long as this.
LONGEST_TRANSACTION = timedelta(minutes=1)


# In production: "5/15 * * * *", five minutes after each sync.
@job(name="publish-products", schedule="5,35 * * * * *")
def publish_products(query: Query, shop: Connection, context: Context, logger: JobLogger) -> int:
    """Write the pages of the products that changed since the last run that succeeded; return how many.

    shop: named so that the database is filled before `query`, which only reads, looks for it.
    """
    filters = changed_since(context.last_success_at)
    products = query.graph("products", ["sku", "name", "price_cents", "stock", "is_active"], filters).data
    for product in products:
        publish(product)
    logger.info("%d pages written", len(products))
    return len(products)


def changed_since(last_success_at: datetime | None) -> dict[str, Any] | None:
    """Return the filter for what may not be published yet; None, at the first time, for everything.

    last_success_at: when that run began, which was before it read. Some products come twice, since pages
    cannot be written in one transaction with that time; written twice, a page is the same.
    """
    if last_success_at is None:
        return None
    return {"updated_at": {"$gte": last_success_at - LONGEST_TRANSACTION}}


def publish(product: dict[str, Any]) -> None:
    """Write one product's page."""
    page = {
        "sku": product["sku"],
        "name": product["name"],
        "price_eur": decimal_text(product["price_cents"]),
        "is_available": product["is_active"] and product["stock"] > 0,
    }
    with complete_file(data_directory() / "storefront" / f"{product['sku']}.json") as file:
        json.dump(page, file, ensure_ascii=False)
