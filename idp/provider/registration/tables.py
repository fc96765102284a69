"""Table of the invitations by which applications register themselves (initial access tokens, RFC 7591 §3)."""

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table

from foundation.database import Instant, metadata

client_invitations = Table(
    "client_invitations",
    metadata,
    Column("invitation_id", String(32), primary_key=True),
    # SHA-256 of a token of 256 random bits.
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("department_id", String(32), nullable=False),
    Column("policy", String(16), nullable=False),
    Column("grant_types", JSON, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("resources", JSON, nullable=False),
    Column("legacy_exceptions", JSON, nullable=False),
    Column("legacy_until", Instant),
    # How many applications may still register; spent by one conditional UPDATE.
    Column("remaining", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_client_invitations_expires_at", "expires_at"),
)
