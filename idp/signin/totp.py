"""Time-based one-time passwords (RFC 6238): six digits, thirty seconds, one step either side, each step once.

The last accepted step is in SQL and only moves forward, so a password seen over a shoulder is worth nothing once it was used, on
any worker and after any restart.
"""

import base64
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.sealing import Sealer
from idp.signin.tables import totp_credentials

SECRET_CONTEXT = "account.totp"
STEP_SECONDS = 30
_SKEW_STEPS = 1
_SECRET_OCTETS = 20
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TotpEnrolment:
    """A new secret in base32 and the address an authenticator app reads from a QR code; shown once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def canonical_one_time_password(text: str) -> str | None:
    """Return six ASCII digits of what was typed, spaces dropped and full-width digits folded, or None."""
    folded = unicodedata.normalize("NFKC", text[:64]).replace(" ", "")
    return folded if _CODE.fullmatch(folded) else None


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the time step whose password this is, among the current one and its neighbours, or None."""
    current = int(now.timestamp()) // STEP_SECONDS
    generator = pyotp.HOTP(secret)
    for step in range(current - _SKEW_STEPS, current + _SKEW_STEPS + 1):
        if pyotp.utils.strings_equal(generator.at(step), code):
            return step
    return None


_ENROLLED = select(totp_credentials.c.account_id).where(totp_credentials.c.account_id == bindparam("account"))


async def has_totp(connection: AsyncConnection, account_id: str) -> bool:
    """Tell whether the account has a one-time password enrolled."""
    found = await connection.execute(_ENROLLED, {"account": account_id})
    return found.scalar_one_or_none() is not None


async def spend_totp(connection: AsyncConnection, account_id: str, code: str, *, sealer: Sealer, now: datetime) -> bool:
    """Accept a code once: right, and of a later step than any accepted before. Decided by one conditional UPDATE."""
    sealed = (
        await connection.execute(
            select(totp_credentials.c.secret_sealed).where(totp_credentials.c.account_id == account_id)
        )
    ).scalar_one_or_none()
    if sealed is None:
        return False
    step = step_of(sealer.open_text(sealed, context=SECRET_CONTEXT), code, now=now)
    if step is None:
        return False
    done = await connection.execute(
        update(totp_credentials)
        .where(totp_credentials.c.account_id == account_id, totp_credentials.c.last_step < step)
        .values(last_step=step)
    )
    return done.rowcount == 1


async def add_totp(
    db: Database,
    connection: AsyncConnection,
    account_id: str,
    *,
    account_label: str,
    issuer: str,
    sealer: Sealer,
    entropy: Entropy,
    now: datetime,
    secret: str | None = None,
) -> TotpEnrolment:
    """Give the account a new secret in place of any other; `secret` (base32) is for tokens that bring their own."""
    if secret is None:
        secret = base64.b32encode(entropy.octets(_SECRET_OCTETS)).decode("ascii")
    values = {
        "secret_sealed": sealer.seal_text(secret, context=SECRET_CONTEXT),
        "enrolled_at": now,
        "last_step": 0,
    }
    await connection.execute(
        db.insert(totp_credentials)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )
    return TotpEnrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=account_label, issuer_name=issuer))


async def remove_totp(connection: AsyncConnection, account_id: str) -> None:
    """Take the second factor away, when the account is closed."""
    await connection.execute(delete(totp_credentials).where(totp_credentials.c.account_id == account_id))
