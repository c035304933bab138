"""The newsletter: one e-mail a subscriber and issue, laid in a maildir for a mail server to pick up."""

import asyncio
import mailbox
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from sqlite3 import Row

from examples.shop.database import data_directory, shop
from examples.shop.money import decimal_text
from examples.shop.ports import Context, JobLogger

SENDER = formataddr(("Harbour Tea & Coffee", "news@harbour-tea.example"))

SUBSCRIBERS = """
    SELECT id, name, email FROM customers WHERE newsletter_subscribed AND deleted_at IS NULL ORDER BY id
"""
OFFERS = """
    SELECT name, price_cents FROM products WHERE is_active AND stock > 0 ORDER BY stock DESC, sku LIMIT 5
"""


async def send_newsletter(
    context: Context, logger: JobLogger, name: str = "news", subject: str = "News from the harbour"
) -> dict[str, int]:
    """Write today's issue to every subscriber who does not have it yet, and return how many were written.

    name: of the newsletter; with the day it makes the issue, which nobody gets twice.
    """
    issue = f"{name}-{context.scheduled_for.astimezone(UTC):%Y-%m-%d}"
    with shop() as database:
        subscribers = database.execute(SUBSCRIBERS).fetchall()
        offers = database.execute(OFFERS).fetchall()
    folder = issue_folder(issue)
    # The folder itself says who has the issue: a run that was killed half-way is completed, not repeated.
    already_written = {message["Message-ID"] for message in folder}
    mails = [mail(issue, subject, subscriber, offers, context.scheduled_for) for subscriber in subscribers]
    due = [message for message in mails if message["Message-ID"] not in already_written]
    for message in due:
        # In a thread, since a disk may be slow; one by one, since a Maildir is not made for threads.
        await asyncio.to_thread(folder.add, message)
    logger.info("issue %s: %d written, %d had it already", issue, len(due), len(mails) - len(due))
    return {"written": len(due), "already_written": len(mails) - len(due)}


def issue_folder(issue: str) -> mailbox.Maildir:
    """Return the issue's folder in the outbox; it exists afterwards."""
    return mailbox.Maildir(data_directory() / "outbox").add_folder(issue)


def mail(issue: str, subject: str, subscriber: Row, offers: list[Row], date: datetime) -> EmailMessage:
    """Return one subscriber's e-mail; its Message-ID is the same whenever it is written."""
    message = EmailMessage()
    message["Message-ID"] = f"<{issue}.{subscriber['id']}@harbour-tea.example>"
    message["Date"] = format_datetime(date)
    message["From"] = SENDER
    message["To"] = formataddr((subscriber["name"], subscriber["email"]))
    message["Subject"] = subject
    message["List-Unsubscribe"] = "<mailto:unsubscribe@harbour-tea.example>"
    message.set_content(body(subscriber["name"], offers))
    return message


def body(name: str, offers: list[Row]) -> str:
    """Return the text of an e-mail."""
    lines = [f"  {offer['name']:<32} {decimal_text(offer['price_cents']):>7} EUR" for offer in offers]
    return "\n".join([f"Dear {name},", "", "in stock and fresh:", "", *lines, "", "Your harbour shop", ""])
