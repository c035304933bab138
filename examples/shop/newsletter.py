"""The newsletter: a workflow, gone on with after a crash, and undone if it cannot be brought to its end."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from sqlite3 import Connection
from typing import Any, TypedDict
from urllib.parse import quote

from cronjobs import Container, StepContext, injected, parallel, step, workflow
from cronjobs.context import Context
from cronjobs.services.query import Query
from examples.shop.mail import Outbox
from examples.shop.money import decimal_text

SENDER = Address("Harbour Tea & Coffee", "news", "harbour-tea.example")
MAILS_AT_A_TIME = 4

Row = dict[str, Any]


class Letter(TypedDict):
    """What all mails of an issue share; of JSON, as all that goes into a workflow."""

    subject: str
    date: str


class BadAddress(Exception):
    """A customer's e-mail address is none."""


async def send_newsletter(
    container: Container, name: str = "news", subject: str = "News from the harbour"
) -> dict[str, Any]:
    """Write this week's issue to every subscriber; return how many have it, and why others were left out.

    name: of the newsletter; with the week it makes the issue, which nobody gets twice.
    """
    context: Context = container.resolve("context")
    logger = container.resolve("logger")
    issue = f"{name}-{context.scheduled_for.astimezone(UTC):%G-W%V}"
    letter = Letter(subject=subject, date=context.scheduled_for.isoformat())
    # The issue is the id: an issue that was begun is gone on with, one that is out stays, whichever run asks.
    done = await write_issue(container).run(letter, workflow_id=issue)
    left_out = [failure.error.message for failure in done.errors]
    logger.info("issue %s: %d have it, %d left out", issue, done.result["written"], len(left_out))
    return {**done.result, "left_out": left_out}


@workflow
async def write_issue(input: Letter) -> dict[str, int]:
    """Write to every subscriber, a few at a time; if that cannot be done, all mails are taken back."""
    readers = await choose_readers()
    offers = await choose_offers()
    written = 0
    for batch in batches(readers, MAILS_AT_A_TIME):
        answers = await parallel(*(partial(write_to, reader, offers, input) for reader in batch))
        written += sum(answers)
    return {"written": written}


async def write_to(reader: Row, offers: list[Row], letter: Letter) -> bool:
    """Send one reader's mail; return False for a reader without an address."""
    address = await check_address(reader)
    if address is None:
        return False
    await send_mail(reader["name"], address, offers, letter)
    return True


# Asking a database is a step of its own: a workflow that is gone on with has to see the same rows again.


@step
async def choose_readers(query: Query = injected, shop: Connection = injected) -> list[Row]:
    """Return who has subscribed. Customers whose `deleted_at` is set, `query` leaves out by itself.

    shop: named so that the database is filled before `query`, which only reads, looks for it.
    """
    customers = await query.graph(
        entity="customer", fields=["name", "email"], filters={"newsletter_subscribed": True}
    )
    return customers.data


@step
async def choose_offers(query: Query = injected) -> list[Row]:
    """Return the five products of which there is most."""
    offers = await query.graph(
        entity="product",
        fields=["name", "price_cents"],
        filters={"is_active": True, "stock": {"$gt": 0}},
        pagination={"take": 5, "order": {"stock": "DESC"}},
    )
    return offers.data


# One reader's broken address is no reason to take back all other mails: it is noted, and the others go on.
@step(continue_on_failure=True)
async def check_address(reader: Row) -> str | None:
    """Return the reader's e-mail address, or raise BadAddress."""
    try:
        return Address(addr_spec=reader["email"]).addr_spec
    except (MessageError, ValueError, IndexError) as exc:
        raise BadAddress(f"{reader['name']}: {reader['email']!r} is no e-mail address") from exc


# What is wrong with the mail server, on the other hand, may be over in a moment; if not, the issue is undone.
@step(max_retries=2, retry_interval=0.5, timeout="5s")
async def send_mail(
    name: str,
    address: str,
    offers: list[Row],
    letter: Letter,
    mailer: Outbox = injected,
    context: StepContext = injected,
) -> str:
    """Send one mail, and return its Message-ID."""
    message = mail(name, address, offers, letter)
    message["Message-ID"] = message_id(context)
    await mailer.send(message)
    return str(message["Message-ID"])


@send_mail.compensate
async def retract_mail(compensation_input: str | None, mailer: Outbox, context: StepContext) -> None:
    """Take the mail back. There is no input where the step was cut, and may have sent it all the same."""
    await mailer.retract(compensation_input or message_id(context))


def message_id(context: StepContext) -> str:
    """Return the Message-ID by which the outbox tells a repetition.

    `context.idempotency_key` would do for the step; but a compensation has another one, and has to find the
    mail by the same name. Where the step stands in which workflow is the same for both.
    """
    place = quote(
        f"{context.workflow_id}.{context.position}", safe=""
    )  # an id may hold what a Message-ID may not
    return f"<{place}@harbour-tea.example>"


def mail(name: str, address: str, offers: list[Row], letter: Letter) -> EmailMessage:
    """Return one reader's e-mail, without its Message-ID."""
    message = EmailMessage()
    message["Date"] = format_datetime(datetime.fromisoformat(letter["date"]))
    message["From"] = SENDER
    message["To"] = Address(name, addr_spec=address)
    message["Subject"] = letter["subject"]
    message["List-Unsubscribe"] = "<mailto:unsubscribe@harbour-tea.example>"
    message.set_content(body(name, offers))
    return message


def body(name: str, offers: list[Row]) -> str:
    """Return the text of an e-mail."""
    lines = [f"  {offer['name']:<32} {decimal_text(offer['price_cents']):>7} EUR" for offer in offers]
    return "\n".join([f"Dear {name},", "", "in stock and fresh:", "", *lines, "", "Your harbour shop", ""])


def batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Yield the rows in groups of `size`; the last one may be smaller."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
