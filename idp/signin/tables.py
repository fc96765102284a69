"""Tables of sessions, one-time codes, second factors, known devices and attempt counters.

Secrets are stored only as hashes (session tokens, device tokens, codes) or sealed (TOTP). What may be spent once carries a column
that one conditional UPDATE sets, so that losing Redis never gives a second use.
"""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from foundation.database import Instant, metadata

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(32), primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    Column("account_id", String(32), ForeignKey("accounts.account_id"), nullable=False),
    Column("person_id", String(32), ForeignKey("persons.person_id"), nullable=False),
    Column("officer_id", String(32), ForeignKey("officers.officer_id")),
    Column("department_id", String(32), ForeignKey("departments.department_id")),
    Column("auth_time", Instant, nullable=False),
    Column("amr", JSON, nullable=False),
    Column("level", Integer, nullable=False),
    Column("strength", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_because", String(32)),
    Column("user_agent_label", String(128), nullable=False),
    Column("network", String(64), nullable=False),
    Index("ix_sessions_account", "account_id", "ended_at"),
    Index("ix_sessions_officer", "officer_id", "ended_at"),
    Index("ix_sessions_expires_at", "expires_at"),
)

sms_codes = Table(
    "sms_codes",
    metadata,
    Column("code_id", String(32), primary_key=True),
    Column("phone_index", LargeBinary, nullable=False),
    Column("purpose", String(16), nullable=False),
    # SHA-256 of the flow the code was sent for: it opens no other flow, browser or purpose.
    Column("flow_hash", LargeBinary, nullable=False),
    Column("prefix", String(4), nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("spent_at", Instant),
    Index("ix_sms_codes_flow", "flow_hash", "phone_index"),
    Index("ix_sms_codes_expires_at", "expires_at"),
)

totp_credentials = Table(
    "totp_credentials",
    metadata,
    Column("account_id", String(32), ForeignKey("accounts.account_id"), primary_key=True),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    # The last 30-second step that was accepted; a step is accepted once and never an earlier one after it (RFC 6238 §5.2).
    Column("last_step", BigInteger, nullable=False),
)

known_devices = Table(
    "known_devices",
    metadata,
    Column("device_hash", LargeBinary, primary_key=True),
    Column("account_id", String(32), ForeignKey("accounts.account_id"), primary_key=True),
    Column("label", String(128), nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
)

attempt_counters = Table(
    "attempt_counters",
    metadata,
    Column("scope", String(32), primary_key=True),
    # A blind index or a hash of what is counted: never a name, number, phone or address.
    Column("subject", LargeBinary, primary_key=True),
    # The latest counted attempts, oldest first, as milliseconds since 1970; never more of them than the largest limit.
    Column("hits", JSON, nullable=False),
    Column("consecutive", Integer, nullable=False),
    Column("blocks", Integer, nullable=False),
    Column("blocked_until", Instant),
    Column("last_at", Instant, nullable=False),
)
