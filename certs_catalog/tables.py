"""The tables of this room.

Numbers, names and face data lie sealed; what is searched is keyed (blind index) or hashed. ``license_keys``
holds every way in which a license is found (holder and type, type and number, identifier), so that a lookup
is one indexed ``IN`` whatever it asks by.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)

from foundation.database import Instant, metadata

licenses = Table(
    "licenses",
    metadata,
    Column("license_id", String(32), primary_key=True),
    Column("identifier", String(128), nullable=False),
    Column("identifier_base", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    # The highest version of a base; earlier ones are found by their own identifier only.
    Column("is_current", Boolean, nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("issuer_code", String(18), nullable=False),
    Column("issuer_name", String(200), nullable=False),
    Column("issued_on", Date, nullable=True),
    Column("valid_from", Date, nullable=True),
    Column("valid_to", Date, nullable=True),
    Column("status", String(16), nullable=False),
    Column("trust_grade", String(1), nullable=False),
    Column("face_sealed", LargeBinary, nullable=False),
    Column("face_digest", LargeBinary(32), nullable=False),
    Column("provenance", String(64), nullable=False),
    Column("source_updated_at", Instant, nullable=False),
    Column("synced_at", Instant, nullable=False),
    UniqueConstraint("identifier_base", "version"),
    # Two nodes that register two versions at once must not both leave theirs current.
    Index(
        "uq_licenses_identifier_base_current",
        "identifier_base",
        unique=True,
        postgresql_where=text("is_current"),
        sqlite_where=text("is_current"),
    ),
    Index("ix_licenses_type_code", "type_code"),
)
license_keys = Table(
    "license_keys",
    metadata,
    Column("lookup_key", LargeBinary(32), primary_key=True),
    Column("license_id", String(32), ForeignKey("licenses.license_id"), primary_key=True),
    Column("any_version", Boolean, nullable=False),
)
license_holders = Table(
    "license_holders",
    metadata,
    Column("license_id", String(32), ForeignKey("licenses.license_id"), primary_key=True),
    Column("holder_index", LargeBinary(32), primary_key=True),
    Column("holder_type", String(3), nullable=False),
    Index("ix_license_holders_holder_index", "holder_index"),
)
protected_holders = Table(
    "protected_holders",
    metadata,
    Column("holder_index", LargeBinary(32), primary_key=True),
    Column("holder_type", String(3), nullable=False),
    Column("since", Instant, nullable=False),
)
grants = Table(
    "grants",
    metadata,
    Column("grant_id", String(32), primary_key=True),
    Column("department_id", String(32), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("current_version", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
grant_versions = Table(
    "grant_versions",
    metadata,
    Column("grant_id", String(32), ForeignKey("grants.grant_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content", JSON, nullable=False),
    Column("content_digest", LargeBinary(32), nullable=False),
    Column("validated_by", JSON, nullable=False),
    Column("validated_at", Instant, nullable=False),
)
accesses = Table(
    "accesses",
    metadata,
    Column("access_id", String(32), primary_key=True),
    # Rows of one lookup share its id: one row for each license type and each holder concerned.
    Column("lookup_id", String(32), nullable=False, index=True),
    Column("position", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("month", String(7), nullable=False),
    # Who may see the row; null when a question by identifier or number met nothing and so concerns nobody.
    Column("holder_index", LargeBinary(32), nullable=True),
    Column("holder_type", String(3), nullable=True),
    # True on exactly one row of each lookup: the row that counts for the officer.
    Column("is_leading", Boolean, nullable=False),
    Column("department_id", String(32), nullable=False),
    Column("department_name_zh", String(200), nullable=False),
    Column("department_name_en", String(200), nullable=False),
    Column("officer_id", String(32), nullable=False),
    Column("officer_label", String(200), nullable=False),
    Column("client_id", String(64), nullable=True),
    Column("channel", String(8), nullable=False),
    Column("grade", String(8), nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("type_name_zh", String(200), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("matter_code", String(64), nullable=False),
    Column("matter_name_zh", String(200), nullable=False),
    Column("matter_name_en", String(200), nullable=False),
    Column("case_number", String(64), nullable=True),
    Column("basis", String(16), nullable=False),
    Column("legal_basis", String(64), nullable=True),
    Column("grant_ref", String(48), nullable=True),
    Column("outcome", String(8), nullable=False),
    Column("code", String(5), nullable=True),
    Column("is_miss", Boolean, nullable=False),
    Column("source_mode", String(8), nullable=True),
    Column("request_id", String(36), nullable=True),
    Index("ix_accesses_holder_index_position", "holder_index", "position"),
    Index("ix_accesses_officer_id_position", "officer_id", "position"),
)
lookup_answers = Table(
    "lookup_answers",
    metadata,
    # SHA-256 over client, officer and request id: the same request id is the same lookup for 24 hours.
    Column("replay_key", LargeBinary(32), primary_key=True),
    Column("request_digest", LargeBinary(32), nullable=False),
    Column("lookup_id", String(32), nullable=False),
    Column("answer_sealed", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)
officer_blocks = Table(
    "officer_blocks",
    metadata,
    Column("block_id", String(32), primary_key=True),
    Column("officer_id", String(32), nullable=False, index=True),
    Column("since_position", BigInteger, nullable=False),
    Column("until", Instant, nullable=False, index=True),
    Column("misses", SmallInteger, nullable=False),
)
