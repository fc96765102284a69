"""Cutting the life of signing keys short, so that the rotation plan makes their successors now."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.signing.tables import signing_keys


async def retire_early(connection: AsyncConnection, purpose: str, retires_at: datetime) -> list[str]:
    """Let the present keys of a purpose sign only until `retires_at` and return their ids.

    What they signed stays valid for as long as before: `withdrawn_at` is left alone. Keys that retire sooner
    anyway, or that are published but do not sign yet, are not touched.
    """
    changed = await connection.execute(
        update(signing_keys)
        .where(
            signing_keys.c.purpose == purpose,
            signing_keys.c.revoked_at.is_(None),
            signing_keys.c.active_from < retires_at,
            signing_keys.c.retires_at > retires_at,
        )
        .values(retires_at=retires_at)
        .returning(signing_keys.c.kid)
    )
    return sorted(changed.scalars())
