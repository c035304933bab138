"""Health: is the shop able to work at all?"""

import asyncio
import shutil
from sqlite3 import Connection

from cronjobs.context import Context
from cronjobs.services.logger import JobLogger
from examples.shop.database import data_directory


class Unhealthy(Exception):
    """Something the shop needs is broken; the message names everything that is."""


async def probe_health(
    shop: Connection, context: Context, logger: JobLogger, minimum_free_bytes: int = 50_000_000
) -> str:
    """Return "healthy", or raise Unhealthy.

    minimum_free_bytes: what must be free on the disk of the data directory.
    """
    # Both wait for a disk, so each has a thread, and the probe takes as long as the slower one.
    answers = await asyncio.gather(
        asyncio.to_thread(lambda: [*damages(shop), *dangling_references(shop)]),
        asyncio.to_thread(missing_space, minimum_free_bytes),
    )
    problems = [problem for answer in answers for problem in answer]
    if problems:
        raise Unhealthy("; ".join(problems))
    logger.info("healthy: execution %d, remaining %s", context.execution_number, context.remaining_executions)
    return "healthy"


def damages(shop: Connection) -> list[str]:
    """Return what SQLite finds broken in the database's file."""
    findings = [row[0] for row in shop.execute("PRAGMA quick_check")]
    return [f"database: {finding}" for finding in findings if finding != "ok"]


def dangling_references(shop: Connection) -> list[str]:
    """Return the rows that point at rows which are not there."""
    rows = shop.execute("PRAGMA foreign_key_check").fetchall()
    return [f"row {row['rowid']} of {row['table']} points at no row of {row['parent']}" for row in rows]


def missing_space(minimum_free_bytes: int) -> list[str]:
    """Return a problem if the disk is nearly full."""
    directory = data_directory()
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes >= minimum_free_bytes:
        return []
    return [f"{free_bytes} bytes are free at {directory}, at least {minimum_free_bytes} are needed"]
