"""Tables of requests that wait for an answer on another device, and of the notifications that follow it.

Device codes, auth_req_ids and user codes are stored as SHA-256. An answer is given once, by one conditional UPDATE on its row here; what
was approved is a row of `oauth_grants`, and it is redeemed there as an authorization code is.
"""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from foundation.database import Instant, metadata
from foundation.outbox import letter_columns, letter_indexes

decoupled_requests = Table(
    "decoupled_requests",
    metadata,
    Column("request_id", String(32), primary_key=True),
    # "device" or "ciba"
    Column("kind", String(8), nullable=False),
    # Of the device_code or auth_req_id; the grant of an approved request carries the same hash as its code.
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("user_code_hash", LargeBinary, unique=True),
    Column("client_id", String(64), ForeignKey("oauth_clients.client_id"), nullable=False),
    # Who is asked (CIBA), or who has answered (device flow). A CIBA request for nobody waits like any other until it expires.
    Column("person_id", String(32)),
    Column("request", JSON, nullable=False),
    Column("binding_message", String(64)),
    # Where the request came from, coarse enough to be kept and fine enough to be recognised.
    Column("network", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("interval_seconds", Integer, nullable=False),
    Column("polled_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("decided_at", Instant),
    # When the person was sent a text message; set from the start where nobody is to be told.
    Column("announced_at", Instant),
    Index("ix_decoupled_requests_person", "person_id", "state"),
    Index("ix_decoupled_requests_expiry", "expires_at"),
    Index("ix_decoupled_requests_announced", "announced_at"),
)

ciba_notifications = Table(
    "ciba_notifications",
    metadata,
    # One for each request of a client in ping mode: held until the person has answered, then delivered like a letter.
    Column("request_id", String(32), primary_key=True),
    Column("client_id", String(64), ForeignKey("oauth_clients.client_id"), nullable=False),
    # {"auth_req_id": …, "token": the client_notification_token}; emptied when it is settled.
    Column("sealed", LargeBinary),
    # In state "held", "waiting", "delivered", "dead" or "no_channel".
    *letter_columns(),
    *letter_indexes("ciba_notifications"),
)
