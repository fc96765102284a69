"""Statements on the table of signing keys; each takes a connection and never commits."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.signing.keys import SigningKey
from foundation.signing.tables import signing_keys

SEALING_CONTEXT = "signing-key"


async def list_signing_keys(connection: AsyncConnection) -> list[tuple[SigningKey, bytes | None]]:
    """Return every key ever made with its sealed private half, or None where that is erased, oldest first."""
    rows = await connection.execute(select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.generation))
    found: list[tuple[SigningKey, bytes | None]] = []
    for row in rows.mappings():
        fields = dict(row)
        sealed = fields.pop("sealed_private_key")
        found.append((SigningKey(**fields), sealed))
    return found


async def add_signing_key(
    connection: AsyncConnection, db: Database, key: SigningKey, sealed_private_key: bytes
) -> None:
    """Insert the key unless another node made the same generation first; the caller reads again to see
    which one stands.
    """
    statement = db.insert(signing_keys).values(
        kid=key.kid,
        purpose=key.purpose,
        alg=key.alg,
        generation=key.generation,
        sealed_private_key=sealed_private_key,
        public_jwk=dict(key.public_jwk),
        created_at=key.created_at,
        published_at=key.published_at,
        active_from=key.active_from,
        retires_at=key.retires_at,
        withdrawn_at=key.withdrawn_at,
        revoked_at=key.revoked_at,
    )
    await connection.execute(statement.on_conflict_do_nothing())


async def erase_private_key(connection: AsyncConnection, kid: str) -> None:
    """Forget the sealed private half of the key."""
    await connection.execute(update(signing_keys).where(signing_keys.c.kid == kid).values(sealed_private_key=None))


async def revoke_signing_key(connection: AsyncConnection, kid: str, now: datetime) -> bool:
    """Take the key out of use at once, private half included; False when it is unknown or was revoked
    before.
    """
    revoked = await connection.execute(
        update(signing_keys)
        .where(signing_keys.c.kid == kid, signing_keys.c.revoked_at.is_(None))
        .values(revoked_at=now, sealed_private_key=None)
        .returning(signing_keys.c.kid)
    )
    return revoked.first() is not None
