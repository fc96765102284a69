"""One-time codes by text message: made, kept as a keyed hash, tried and spent.

A code belongs to one phone, one purpose and one flow of one browser. Its prefix is shown on the page and in the message, so that a
late message is told from the right one; an earlier code stays valid until it expires. Decisions are conditional UPDATEs in SQL.
"""

import hmac
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.entropy import Entropy
from foundation.sealing import BlindIndex
from idp.signin.flows import flow_hash
from idp.signin.limits import SignInLimits
from idp.signin.tables import sms_codes

DIGITS = 6
PREFIX_LETTERS = "ABCDEFGHJKMNPQRTUVWXY"
_TYPED = re.compile(r"(?:([A-Z]{3})-?)?([0-9]{6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code in clear, on its way into one message and nowhere else."""

    prefix: str
    digits: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TypedCode:
    """What somebody typed: six digits, with the prefix when they copied it too."""

    prefix: str | None
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeRight:
    """The code was right and is spent, with every other code of its flow."""


@dataclass(frozen=True, slots=True)
class CodeWrong:
    """The code was wrong; so many tries are left for the codes that are alive."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class CodeExpired:
    """No code of this flow is alive: expired, spent, or tried too often."""


def parse_typed_code(text: str) -> TypedCode | None:
    """Read what was typed: spaces dropped, full-width characters folded, letters in either case; None when it is no code."""
    folded = unicodedata.normalize("NFKC", text[:64]).upper().replace(" ", "")
    match = _TYPED.fullmatch(folded)
    return TypedCode(match[1], match[2]) if match else None


async def add_code(
    connection: AsyncConnection,
    *,
    phone: bytes,
    purpose: str,
    flow_id: str,
    limits: SignInLimits,
    index: BlindIndex,
    entropy: Entropy,
    now: datetime,
) -> NewCode:
    """Make a code for a phone's blind index, store its hash and return it in clear for the message."""
    code = NewCode(_prefix(entropy), entropy.digits(DIGITS), now + limits.code_lifetime)
    code_id = entropy.identifier()
    await connection.execute(
        insert(sms_codes).values(
            code_id=code_id,
            phone_index=phone,
            purpose=purpose,
            flow_hash=flow_hash(flow_id),
            prefix=code.prefix,
            code_hash=_code_hash(index, code_id, code.digits),
            tries=0,
            created_at=now,
            expires_at=code.expires_at,
        )
    )
    return code


async def try_code(
    connection: AsyncConnection,
    typed: TypedCode,
    *,
    phone: bytes,
    purpose: str,
    flow_id: str,
    limits: SignInLimits,
    index: BlindIndex,
    now: datetime,
) -> CodeRight | CodeWrong | CodeExpired:
    """Try a code; the caller holds the lock of the phone's counter, so tries of one phone come one after another.

    The try is counted on every code it is compared with before it is compared, and a right code is spent in the same statement
    sequence: a second caller finds none alive.
    """
    mine = (
        sms_codes.c.flow_hash == flow_hash(flow_id),
        sms_codes.c.phone_index == phone,
        sms_codes.c.purpose == purpose,
        sms_codes.c.spent_at.is_(None),
    )
    alive = (*mine, sms_codes.c.expires_at > now, sms_codes.c.tries < limits.code_tries)
    named = (*alive, sms_codes.c.prefix == typed.prefix) if typed.prefix else alive
    rows = (
        await connection.execute(
            update(sms_codes)
            .where(*named)
            .values(tries=sms_codes.c.tries + 1)
            .returning(sms_codes.c.code_id, sms_codes.c.code_hash, sms_codes.c.tries)
        )
    ).all()
    if not rows:
        return CodeExpired()
    # Every candidate is compared, so that time does not tell which message was meant.
    matches = [hmac.compare_digest(bytes(row.code_hash), _code_hash(index, row.code_id, typed.digits)) for row in rows]
    if not any(matches):
        return CodeWrong(limits.code_tries - min(row.tries for row in rows))
    await connection.execute(update(sms_codes).where(*mine).values(spent_at=now))
    return CodeRight()


def _code_hash(index: BlindIndex, code_id: str, digits: str) -> bytes:
    return index.index(f"sms-code:{code_id}", digits)


def _prefix(entropy: Entropy) -> str:
    return "".join(PREFIX_LETTERS[octet % len(PREFIX_LETTERS)] for octet in entropy.octets(3))
