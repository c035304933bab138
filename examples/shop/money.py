"""Amounts: whole cents inside, decimal text in other people's files."""

from decimal import Decimal, InvalidOperation


def cents(text: str) -> int:
    """Return the cents of a decimal text such as `12.90`.

    Raises ValueError if it is none, or is finer than a cent.
    """
    try:
        amount = Decimal(text) * 100
    except InvalidOperation as exc:
        raise ValueError(f"{text!r} is no amount") from exc
    if not amount.is_finite() or amount != int(amount):
        raise ValueError(f"{text!r} is no amount of whole cents")
    return int(amount)


def decimal_text(amount_cents: int) -> str:
    """Return an amount as decimal text with two places, without a currency."""
    return f"{Decimal(amount_cents) / 100:.2f}"
