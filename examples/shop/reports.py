"""Reports: what was sold, as files that a spreadsheet opens."""

import csv
from datetime import UTC, date, timedelta
from pathlib import Path
from sqlite3 import Connection, Row

from cronjobs.context import Context
from examples.shop.database import data_directory
from examples.shop.files import complete_file
from examples.shop.money import decimal_text

SALES = """
    SELECT products.sku, products.name,
           sum(quantity) AS quantity, sum(quantity * unit_price_cents) AS revenue_cents
      FROM order_lines
      JOIN orders ON orders.number = order_lines.order_number
      JOIN products ON products.sku = order_lines.sku
     WHERE date(orders.placed_at) = ? AND orders.status = 'paid'
     GROUP BY products.sku
     ORDER BY revenue_cents DESC, products.sku
"""


def report_sales(shop: Connection, context: Context) -> str:
    """Write what was sold on the day before the scheduled one (UTC), and return the file's path."""
    day = context.scheduled_for.astimezone(UTC).date() - timedelta(days=1)
    sales = shop.execute(SALES, (day.isoformat(),)).fetchall()
    path = report_path(day)
    write_report(path, sales)
    revenue = decimal_text(sum(row["revenue_cents"] for row in sales))
    # What a job prints stands in the log too: a logger is a choice, not a duty.
    print(f"{len(sales)} products sold on {day} for {revenue} EUR: {path}")
    return str(path)


def report_path(day: date) -> Path:
    """Return where the report of a day lies."""
    return data_directory() / "reports" / f"sales-{day}.csv"


def write_report(path: Path, sales: list[Row]) -> None:
    """Write the file, or leave the one before."""
    with complete_file(path) as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "name", "quantity", "revenue_eur"])
        for row in sales:
            writer.writerow([row["sku"], row["name"], row["quantity"], decimal_text(row["revenue_cents"])])
