"""The service `mailer`: an outbox, from which a mail server would pick up what is to be sent."""

import asyncio
import os
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from threading import Lock

from cronjobs.services.logger import JobLogger
from examples.shop.database import data_directory


class QuotaExceeded(Exception):
    """The mail server takes no more mails from one client, as mail servers do."""


class Outbox:
    """A maildir that knows mails by their Message-ID: however often a mail is sent, it lies there once."""

    def __init__(self, directory: Path, quota: int | None = None) -> None:
        """quota: how many mails may be sent by this object."""
        self.sent = self.retracted = 0  # by this object
        self._directory = directory
        self._quota = quota
        self._lock = Lock()
        for name in ("tmp", "new", "cur"):
            (directory / name).mkdir(parents=True, exist_ok=True)

    async def send(self, message: EmailMessage) -> bool:
        """Lay a mail into the outbox; return False if it lay there already."""
        # In a thread: a disk may be slow, and meanwhile the other mails go on.
        return await asyncio.to_thread(self._lay, message)

    async def retract(self, message_id: str) -> None:
        """Take a mail back, if it lies there."""
        await asyncio.to_thread(self._take, message_id)

    def _lay(self, message: EmailMessage) -> bool:
        name = file_name(message["Message-ID"])
        with self._lock:
            if self._paths(name):
                return False
            if self._quota is not None and self.sent >= self._quota:
                raise QuotaExceeded(f"the quota of {self._quota} mails is used up")
            # First whole, then there: a mail server takes whatever lies in `new`.
            unfinished = self._directory / "tmp" / name
            unfinished.write_bytes(bytes(message))
            unfinished.rename(self._directory / "new" / name)
            self.sent += 1
        return True

    def _take(self, message_id: str) -> None:
        with self._lock:
            for path in self._paths(file_name(message_id)):
                path.unlink(missing_ok=True)
                self.retracted += 1

    def _paths(self, name: str) -> list[Path]:
        """Return where a mail lies; a mail program that has shown it moves it to `cur`, with flags."""
        fresh = self._directory / "new" / name
        flagged = (self._directory / "cur").iterdir()
        return [*([fresh] if fresh.exists() else []), *(p for p in flagged if p.name.split(":")[0] == name)]


async def open_mailer(logger: JobLogger) -> AsyncIterator[Outbox]:
    """Make the service `mailer`. The environment variable SHOP_MAIL_QUOTA is its quota, if it is set."""
    quota = os.environ.get("SHOP_MAIL_QUOTA")
    mailer = await asyncio.to_thread(Outbox, data_directory() / "outbox", int(quota) if quota else None)
    yield mailer
    logger.info("outbox: %d mails laid in, %d taken back", mailer.sent, mailer.retracted)


def file_name(message_id: str) -> str:
    """Return the name of a mail's file, in which a path keeps the `/` for itself."""
    return message_id.strip("<>").replace("/", "%2F")
