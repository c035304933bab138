"""Maintenance of the database's file."""

from sqlite3 import Connection

from cronjobs.services.logger import JobLogger
from examples.shop.database import database_path


def compact_database(shop: Connection, logger: JobLogger) -> dict[str, int]:
    """Give the space of deleted rows back to the disk, and return the file's size before and after."""
    before_bytes = database_path().stat().st_size
    shop.execute("VACUUM")
    shop.execute("PRAGMA optimize")
    after_bytes = database_path().stat().st_size
    logger.info("%d bytes before, %d after", before_bytes, after_bytes)
    return {"before_bytes": before_bytes, "after_bytes": after_bytes}
