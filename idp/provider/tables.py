"""Tables of clients, grants, refresh families, consents and sign-out messages.

Codes, refresh tokens and client secrets are stored as SHA-256 of 256 random bits. What is spent once is
spent by one conditional UPDATE on its row here; Redis is never asked.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from foundation.database import Instant, metadata
from foundation.outbox import letter_columns, letter_indexes

oauth_clients = Table(
    "oauth_clients",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("name_zh", String(128), nullable=False),
    Column("name_en", String(128), nullable=False),
    Column("department_id", String(32), nullable=False),
    Column("policy", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("application_type", String(16), nullable=False),
    Column("token_endpoint_auth_method", String(32), nullable=False),
    # [{"sha256": hex, "expires_at": RFC 3339 or null}]: two during the overlap of a rotation.
    Column("secrets", JSON, nullable=False),
    Column("redirect_uris", JSON, nullable=False),
    Column("post_logout_redirect_uris", JSON, nullable=False),
    Column("backchannel_logout_uri", String(2000)),
    Column("grant_types", JSON, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("resources", JSON, nullable=False),
    Column("introspects", JSON, nullable=False),
    Column("sector", String(255), nullable=False),
    Column("consent", String(16), nullable=False),
    Column("consent_basis", String(255)),
    Column("home_uri", String(2000)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # Everything else it registered, as `idp/provider/clients/metadata.py` writes it.
    Column("metadata", JSON, nullable=False, server_default="{}"),
    # SHA-256 of the registration access token of an application that manages its own registration.
    Column("registration_token_hash", LargeBinary),
)

oauth_grants = Table(
    "oauth_grants",
    metadata,
    # A grant begins as an authorization code and lives on as what was issued from it.
    Column("grant_id", String(32), primary_key=True),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    Column("code_expires_at", Instant, nullable=False),
    Column("redeemed_at", Instant),
    Column("ended_at", Instant),
    Column("client_id", String(64), ForeignKey("oauth_clients.client_id"), nullable=False),
    Column("person_id", String(32), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("officer_id", String(32)),
    Column("session_id", String(32), nullable=False),
    # The name of the session for this client alone; by it an app may end a session whose cookie did not
    # travel.
    Column("sid", String(43), nullable=False),
    Column("request", JSON, nullable=False),
    Column("authentication", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_oauth_grants_session", "session_id"),
    Index("ix_oauth_grants_sid", "sid"),
    Index("ix_oauth_grants_person", "person_id", "client_id"),
    Index("ix_oauth_grants_created_at", "created_at"),
)

refresh_families = Table(
    "refresh_families",
    metadata,
    Column("family_id", String(32), primary_key=True),
    Column("grant_id", String(32), nullable=False, unique=True),
    Column("client_id", String(64), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("idle_expires_at", Instant, nullable=False),
    Column("absolute_expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    # Written by the version before this one, which may still be at work beside it: a family ends with its grant.
    Column("ended_at", Instant),
    # What the tokens of the family are bound to, as `idp/provider/proof/sender_constraint.py` writes it.
    Column("confirmation", String(64)),
    Index("ix_refresh_families_absolute_expires_at", "absolute_expires_at"),
)

one_time_values = Table(
    "one_time_values",
    metadata,
    # SHA-256 of the kind and the value, so that nothing a client sent stands here.
    Column("digest", LargeBinary, primary_key=True),
    # After this instant what carried the value is refused by its own time, and the row may go.
    Column("expires_at", Instant, nullable=False),
    Index("ix_one_time_values_expires_at", "expires_at"),
)

opaque_tokens = Table(
    "opaque_tokens",
    metadata,
    # SHA-256 of the reference that the client was given.
    Column("digest", LargeBinary, primary_key=True),
    # The access token that it stands for, sealed for this row alone.
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_opaque_tokens_expires_at", "expires_at"),
)

consents = Table(
    "consents",
    metadata,
    Column("person_id", String(32), primary_key=True),
    Column("client_id", String(64), ForeignKey("oauth_clients.client_id"), primary_key=True),
    Column("items", JSON, nullable=False),
    # What the person left out when asked; never in `items` at the same time.
    Column("declined", JSON, nullable=False),
    Column("agreed_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Index("ix_consents_withdrawn_at", "withdrawn_at"),
)

logout_messages = Table(
    "logout_messages",
    metadata,
    # One message for each app that a session had reached; its last state is the receipt.
    Column("message_id", String(32), primary_key=True),
    Column("session_id", String(32), nullable=False),
    Column("client_id", String(64), ForeignKey("oauth_clients.client_id"), nullable=False),
    Column("person_id", String(32), nullable=False),
    Column("sid", String(43), nullable=False),
    *letter_columns(),
    UniqueConstraint("session_id", "client_id"),
    *letter_indexes("logout_messages"),
)

pushed_requests = Table(
    "pushed_requests",
    metadata,
    # RFC 9126: named by the SHA-256 of 256 random bits, used up by the authorization that it led to.
    Column("uri_hash", LargeBinary, primary_key=True),
    Column("client_id", String(64), ForeignKey("oauth_clients.client_id"), nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("is_signed", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_pushed_requests_expiry", "expires_at"),
)
