"""Maintenance of the database's file."""

from examples.shop.database import database_path, shop
from examples.shop.ports import JobLogger


def compact_database(logger: JobLogger) -> dict[str, int]:
    """Give the space of deleted rows back to the disk, and return the file's size before and after."""
    with shop() as database:
        before_bytes = database_path().stat().st_size
        database.execute("VACUUM")
        database.execute("PRAGMA optimize")
    after_bytes = database_path().stat().st_size
    logger.info("%d bytes before, %d after", before_bytes, after_bytes)
    return {"before_bytes": before_bytes, "after_bytes": after_bytes}
