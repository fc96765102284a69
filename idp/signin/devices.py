"""Known devices: browsers from which an account was signed in before, recognised by a long-lived random cookie.

A known device keeps its owner able to sign in while somebody else guesses passwords from other networks, and a new one is worth a
notice. It is no factor: it never replaces a credential.
"""

import hashlib
import re
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from idp.signin.tables import known_devices

DEVICE_COOKIE = "__Host-rz_device"
DEVICE_LIFETIME = timedelta(days=400)
_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


# Built once, because they run at every sign-in.
_OF_ACCOUNT = (known_devices.c.device_hash == bindparam("device")) & (
    known_devices.c.account_id == bindparam("account")
)
_SEEN_SINCE = select(known_devices.c.account_id).where(_OF_ACCOUNT, known_devices.c.last_seen_at > bindparam("since"))
_SEE_AGAIN = update(known_devices).where(_OF_ACCOUNT)


def device_hash(device: str | None) -> bytes | None:
    """Return what is stored of a device cookie, or None for a missing or malformed one."""
    if device is None or not _FORM.fullmatch(device):
        return None
    return hashlib.sha256(device.encode("ascii")).digest()


async def is_known_device(
    connection: AsyncConnection, account_id: str | None, device: str | None, *, now: datetime
) -> bool:
    """Tell whether this browser signed in to this account within the lifetime of its cookie; asks in any case, for equal time."""
    asked = {"device": device_hash(device) or b"", "account": account_id or "", "since": now - DEVICE_LIFETIME}
    found = await connection.execute(_SEEN_SINCE, asked)
    return found.scalar_one_or_none() is not None


async def remember_device(
    db: Database, connection: AsyncConnection, *, account_id: str, device: str, label: str, now: datetime
) -> bool:
    """Remember a device after a sign-in; returns True when the account had devices and this is a new one."""
    digest = device_hash(device)
    seen_again = await connection.execute(
        _SEE_AGAIN, {"device": digest, "account": account_id, "last_seen_at": now, "label": label}
    )
    if seen_again.rowcount:
        return False
    others = await connection.execute(
        select(func.count()).select_from(known_devices).where(known_devices.c.account_id == account_id)
    )
    row = {
        "device_hash": digest,
        "account_id": account_id,
        "label": label,
        "first_seen_at": now,
        "last_seen_at": now,
    }
    await connection.execute(db.insert(known_devices).values(row).on_conflict_do_nothing())
    return bool(others.scalar_one())
