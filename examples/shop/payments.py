"""Payments: does the payment provider pay out what customers paid?"""

import csv
from collections.abc import Iterable
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

from cronjobs.context import Context
from cronjobs.services.logger import JobLogger
from examples.shop.database import stored, transaction
from examples.shop.money import cents, decimal_text

TOTALS = """
    SELECT order_number, sum(quantity * unit_price_cents) AS total_cents
      FROM order_lines
     GROUP BY order_number
"""


class SettlementMismatch(Exception):
    """The provider's file and the orders disagree; the message names every line that does."""


class Settlement(NamedTuple):
    """One line of the provider's file."""

    reference: str
    order_number: int
    amount_cents: int


def reconcile_payments(shop: Connection, context: Context, logger: JobLogger, settlements: str) -> int:
    """Mark the orders of a settlement file as settled, and return how many are new; all of them or none.

    settlements: the path of the provider's file.
    Raises SettlementMismatch if an amount is not the order's, or an order is unknown or named twice.
    """
    lines = read_settlements(Path(settlements))
    with transaction(shop):
        mismatches = find_mismatches(lines, order_totals(shop))
        if mismatches:
            raise SettlementMismatch(f"{settlements}, nothing was settled: {'; '.join(mismatches)}")
        settled = settle(shop, lines, stored(context.scheduled_for))
    logger.info("%d payments match their orders, %d settled now", len(lines), settled)
    return settled


def read_settlements(path: Path) -> list[Settlement]:
    """Return the lines of a settlement file, in its order."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Settlement(row["reference"], int(row["order_number"]), cents(row["amount_eur"]))
            for row in csv.DictReader(file)
        ]


def order_totals(shop: Connection) -> dict[int, int]:
    """Return {order number: cents}."""
    return {row["order_number"]: row["total_cents"] for row in shop.execute(TOTALS)}


def find_mismatches(lines: Iterable[Settlement], totals: dict[int, int]) -> list[str]:
    """Return what is wrong with the lines, in their order.

    totals: {order number: cents}. An order that no line names is simply not paid out yet.
    """
    mismatches = []
    seen: set[int] = set()
    for line in lines:
        total_cents = totals.get(line.order_number)
        place = f"{line.reference}: order {line.order_number}"
        if total_cents is None:
            mismatches.append(f"{place} does not exist")
        elif line.order_number in seen:
            mismatches.append(f"{place} was settled by a line above")
        elif line.amount_cents != total_cents:
            settled, ordered = decimal_text(line.amount_cents), decimal_text(total_cents)
            mismatches.append(f"{place} is settled with {settled} EUR, but comes to {ordered} EUR")
        seen.add(line.order_number)
    return mismatches


def settle(shop: Connection, lines: Iterable[Settlement], settled_at: str) -> int:
    """Mark the lines' orders as settled, but for those that are, and return how many were not."""
    statement = "UPDATE orders SET settled_at = ? WHERE number = ? AND settled_at IS NULL"
    return sum(shop.execute(statement, (settled_at, line.order_number)).rowcount for line in lines)
