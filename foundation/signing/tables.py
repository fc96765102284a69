"""The table of signing keys: public half in the clear, private half sealed and erased when it may not sign
any more.
"""

from sqlalchemy import JSON, Column, Integer, LargeBinary, String, Table, UniqueConstraint

from foundation.database import Instant, metadata

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("alg", String(16), nullable=False),
    # Two nodes that rotate at once compute the same generation: the constraint lets one of them win.
    Column("generation", Integer, nullable=False),
    Column("sealed_private_key", LargeBinary, nullable=True),
    Column("public_jwk", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("active_from", Instant, nullable=False),
    Column("retires_at", Instant, nullable=False),
    Column("withdrawn_at", Instant, nullable=True),
    Column("revoked_at", Instant, nullable=True),
    UniqueConstraint("purpose", "alg", "generation"),
)
