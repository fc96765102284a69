"""Tables of persons, accounts, evidence, departments, officers and upper-center identities.

Names, numbers and phones are sealed; what must be found is a keyed blind index beside the sealed value. Every rule of the kind
"only one" is a unique constraint here, because only the database sees all processes.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
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

persons = Table(
    "persons",
    metadata,
    Column("person_id", String(32), primary_key=True),
    Column("document_type", String(3), nullable=False),
    Column("document_index", LargeBinary, nullable=False),
    # Null once the account is closed: the blind index alone stays, so that subjects are stable and the number is not taken twice.
    Column("document_sealed", LargeBinary),
    Column("name_sealed", LargeBinary),
    Column("level", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("document_type", "document_index"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("persons.person_id"), nullable=False, unique=True),
    Column("user_name", String(64)),
    Column("user_name_canonical", String(64), unique=True),
    Column("password_hash", String(255)),
    Column("password_changed_at", Instant),
    # One phone opens one account at most; a number that changes hands moves away from the old account.
    Column("phone_index", LargeBinary, unique=True),
    Column("phone_sealed", LargeBinary),
    Column("phone_confirmed_at", Instant),
    Column("status", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("evidence_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("persons.person_id"), nullable=False),
    Column("method", String(32), nullable=False),
    Column("source", String(128), nullable=False),
    Column("reference", String(128), nullable=False),
    Column("level", Integer, nullable=False),
    Column("proved_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("withdrawn_at", Instant),
    Index("ix_evidence_person", "person_id", "proved_at"),
)

upstream_identities = Table(
    "upstream_identities",
    metadata,
    Column("identity_id", String(32), primary_key=True),
    Column("center", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("account_id", String(32), ForeignKey("accounts.account_id"), nullable=False),
    Column("person_id", String(32), ForeignKey("persons.person_id"), nullable=False),
    Column("level", Integer, nullable=False),
    Column("linked_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    UniqueConstraint("center", "subject"),
    Index("ix_upstream_identities_account", "account_id"),
)

departments = Table(
    "departments",
    metadata,
    Column("department_id", String(32), primary_key=True),
    Column("slug", String(64), nullable=False, unique=True),
    Column("name_zh", String(128), nullable=False),
    Column("name_en", String(128), nullable=False),
    Column("uscc", String(18), nullable=False, unique=True),
    Column("parent_id", String(32), ForeignKey("departments.department_id")),
    Column("created_at", Instant, nullable=False),
)

officers = Table(
    "officers",
    metadata,
    Column("officer_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("persons.person_id"), nullable=False),
    Column("department_id", String(32), ForeignKey("departments.department_id"), nullable=False),
    Column("work_number", String(32), nullable=False),
    Column("post_zh", String(64), nullable=False),
    Column("post_en", String(64), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("left_at", Instant),
    UniqueConstraint("department_id", "work_number"),
    Index("ix_officers_person", "person_id"),
)

account_events = Table(
    "account_events",
    metadata,
    Column("event_id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("person_id", String(32), nullable=False),
    Column("kind", String(48), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("code", String(5)),
    Column("at", Instant, nullable=False),
    # Nothing personal: device label, coarse network, the center's or the app's name.
    Column("details", JSON, nullable=False),
    Column("position", BigInteger),
    Index("ix_account_events_account", "account_id", "at"),
)
