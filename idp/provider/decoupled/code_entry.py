"""From the code that somebody typed to the request that waits on a screen (RFC 8628 §3.3), with few guesses (§5.1)."""

from dataclasses import dataclass
from datetime import datetime

from foundation.ledger import Entry
from idp.provider.composition import Origin, Provider
from idp.provider.decoupled.reasons import TOO_MANY_USER_CODES, UNKNOWN_USER_CODE
from idp.provider.decoupled.requests import DecoupledRequest, find_by_user_code
from idp.provider.decoupled.user_codes import parse_user_code, user_code_hash
from idp.provider.errors import Reason
from idp.signin.attempt_store import reserve_attempts, within
from idp.signin.sessions import Session
from idp.signin.throttling import Held, Window
from idp.signin.visits import counted_network


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """The code leads nowhere; `retry_at` is when another one may be tried, None when at once."""

    reason: Reason
    retry_at: datetime | None = None


async def find_device_request(
    text: str, *, session: Session, provider: Provider, origin: Origin, now: datetime
) -> DecoupledRequest | CodeRefused:
    """Return the open request of the code; a refusal is on record.

    Every code counts, also a right one: whoever guesses could begin requests of their own to be right in between.
    """
    limits, index = provider.limits, provider.index
    per_account = Window(limits.user_code_attempts, limits.user_code_window)
    per_network = Window(limits.user_code_network_attempts, limits.user_code_window)
    attempts = [
        within("user-code.account", index.index("account", session.account_id), per_account, now=now),
        within("user-code.network", index.index("network", counted_network(origin.network)), per_network, now=now),
    ]
    async with provider.db.transaction() as connection:
        held = await reserve_attempts(provider.db, connection, attempts, now=now)
    if isinstance(held, Held):
        return await _refuse(CodeRefused(TOO_MANY_USER_CODES, held.until), session, provider, origin, now)
    code = parse_user_code(text)
    found = None if code is None else await find_by_user_code(provider.db, user_code_hash(code))
    if found is None or not found.is_open(now):
        return await _refuse(CodeRefused(UNKNOWN_USER_CODE), session, provider, origin, now)
    return found


async def _refuse(
    refused: CodeRefused, session: Session, provider: Provider, origin: Origin, now: datetime
) -> CodeRefused:
    entry = Entry(
        kind="oauth.user_code",
        at=now,
        outcome="refused",
        code=refused.reason.entry.code,
        actor=f"person:{session.person_id}",
        request_id=origin.request_id,
    )
    await provider.ledger.append(entry)
    return refused
