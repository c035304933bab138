"""Carts: what customers have put aside and not bought."""

from sqlite3 import Connection

from cronjobs import job
from cronjobs.context import Context
from cronjobs.services.logger import JobLogger
from examples.shop.database import stored, transaction


# In production: "0 * * * *", every hour.
@job(name="remove-expired-carts", schedule="10,40 * * * * *")
def remove_expired_carts(shop: Connection, context: Context, logger: JobLogger) -> dict[str, int]:
    """Delete the carts that had expired at the scheduled moment, and return how many went and stayed."""
    with transaction(shop):
        # The scheduled moment, not the clock: a late run does what it would have done in time.
        moment = stored(context.scheduled_for)
        # Their lines go with them: the schema says ON DELETE CASCADE.
        removed = shop.execute("DELETE FROM carts WHERE expires_at <= ?", (moment,)).rowcount
        kept = shop.execute("SELECT count(*) FROM carts").fetchone()[0]
    logger.info("%d expired carts removed, %d kept", removed, kept)
    return {"removed": removed, "kept": kept}
