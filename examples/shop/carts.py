"""Carts: what customers have put aside and not bought."""

from examples.shop.database import stored, transaction
from examples.shop.ports import Context, JobLogger


def remove_expired_carts(context: Context, logger: JobLogger) -> dict[str, int]:
    """Delete the carts that had expired at the scheduled moment, and return how many went and stayed."""
    with transaction() as database:
        # The scheduled moment, not the clock: a late run does what it would have done in time.
        moment = stored(context.scheduled_for)
        # Their lines go with them: the schema says ON DELETE CASCADE.
        removed = database.execute("DELETE FROM carts WHERE expires_at <= ?", (moment,)).rowcount
        kept = database.execute("SELECT count(*) FROM carts").fetchone()[0]
    logger.info("%d expired carts removed, %d kept", removed, kept)
    return {"removed": removed, "kept": kept}
