"""The mark of the shared expiring store as SQL remembers it, so that a loss shows even across a restart."""

from sqlalchemy import Column, String, Table

from foundation.database import Instant, metadata

expiring_epochs = Table(
    "expiring_epochs",
    metadata,
    Column("store", String(32), primary_key=True),
    Column("epoch", String(64), nullable=False),
    # Set by the first node that notices a loss; cleared by the one that ends the hold.
    Column("lost_at", Instant, nullable=True),
)
