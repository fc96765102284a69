"""Signing in with a password: counted first, evaluated second, and the same for names nobody has.

Order of the checks: network limit, place in the hashing pool, one read of the account, reservation of an attempt, one hash. A burst
in parallel therefore evaluates no more passwords than the limit, and an unknown name takes the same road with a dummy hash.
"""

from datetime import datetime

from foundation.expiring import Window as ExpiringWindow
from idp.people.accounts import Account, find_account_by_login, set_password_hash
from idp.people.directory import Officer
from idp.people.user_names import LoginName, parse_login_name
from idp.signin.attempt_store import (
    PASSWORD_ACCOUNT,
    PASSWORD_DEVICE_ACCOUNT,
    Attempt,
    reserve_attempts,
)
from idp.signin.beijing import beijing_date
from idp.signin.completion import Shown, go_on
from idp.signin.devices import device_hash, is_known_device
from idp.signin.entrance import Entrance
from idp.signin.errors import (
    NETWORK_TOO_BUSY,
    NOT_AN_OFFICER,
    PASSWORD_STOPPED,
    SECOND_FACTOR_MISSING,
    TOO_MANY_ATTEMPTS,
    WRONG_CREDENTIALS,
)
from idp.signin.outcomes import Refused, SecondFactorNeeded, SignedIn
from idp.signin.passwords import Turn
from idp.signin.records import refuse
from idp.signin.throttling import Held, count_password_attempt, count_towards_stop
from idp.signin.totp import has_totp
from idp.signin.visits import Visit, counted_network
from idp.vocabulary import SessionKind

KIND = "signin.password"
PAIR = "password.pair"


async def sign_in_with_password(
    login: str, password: str, *, kind: SessionKind = "citizen", visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | Refused:
    """Check name and password; `kind` staff also needs a post and an enrolled one-time password.

    Raises HashingBusy before anything was counted when too many checks wait.
    """
    if held := await _network_hold(visit, entrance, now):
        return await refuse(NETWORK_TOO_BUSY, kind=KIND, visit=visit, entrance=entrance, now=now, retry_at=held)
    name = parse_login_name(login, today=beijing_date(now))
    async with entrance.hasher.turn() as turn:
        async with entrance.db.read() as connection:
            account = await find_account_by_login(connection, name, index=entrance.index)
            known = await is_known_device(connection, account.account_id if account else None, visit.device, now=now)
        attempts = _attempts(account, name, visit, entrance, known=known, now=now)
        async with entrance.db.transaction() as connection:
            held_by = await reserve_attempts(entrance.db, connection, attempts, now=now)
        if held_by is not None:
            return await _refuse_held(held_by, account, visit, entrance, now)
        if not await turn.verify(password, account.password_hash if account else None) or account is None:
            return await refuse(WRONG_CREDENTIALS, kind=KIND, visit=visit, entrance=entrance, now=now, account=account)
        await _rehash(turn, account, password, entrance, now)
    clears = tuple((attempt.scope, attempt.subject) for attempt in attempts)
    return await _enter(Shown(account=account, amr=("pwd",), kind=kind, clears=clears), visit, entrance, now)


async def check_current_password(
    account: Account, password: str, *, turn: Turn, visit: Visit, entrance: Entrance, now: datetime
) -> Refused | None:
    """Check the password of somebody signed in, under the same counters; returns the recorded refusal, or None when right."""
    async with entrance.db.read() as connection:
        known = await is_known_device(connection, account.account_id, visit.device, now=now)
    name = LoginName("unknown", "")
    attempts = _attempts(account, name, visit, entrance, known=known, now=now)
    async with entrance.db.transaction() as connection:
        held_by = await reserve_attempts(entrance.db, connection, attempts, now=now)
    if held_by is not None:
        return await _refuse_held(held_by, account, visit, entrance, now)
    if not await turn.verify(password, account.password_hash):
        return await refuse(
            WRONG_CREDENTIALS,
            kind=KIND,
            visit=visit,
            entrance=entrance,
            now=now,
            account=account,
            field="current_password",
        )
    return None


def password_counters(account_id: str, entrance: Entrance) -> tuple[tuple[str, bytes], ...]:
    """Return the counters of the whole account, which signing in another way forgets."""
    subject = entrance.index.index("signin.account", account_id)
    return ((PASSWORD_ACCOUNT, subject), (PASSWORD_DEVICE_ACCOUNT, subject))


async def _enter(
    shown: Shown, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | Refused:
    if shown.kind == "citizen":
        return await go_on(shown, visit=visit, entrance=entrance, now=now)
    account = shown.account
    officer = await _post_of(account, entrance)
    async with entrance.db.read() as connection:
        enrolled = await has_totp(connection, account.account_id)
    if officer is None or not enrolled:
        reason = NOT_AN_OFFICER if officer is None else SECOND_FACTOR_MISSING
        return await refuse(reason, kind=KIND, visit=visit, entrance=entrance, now=now, account=account)
    with_post = Shown(account=account, amr=shown.amr, kind="staff", officer=officer, clears=shown.clears)
    return await go_on(with_post, visit=visit, entrance=entrance, now=now)


async def _post_of(account: Account, entrance: Entrance) -> Officer | None:
    posts = await entrance.directory.officers_of(account.person_id)
    return posts[0] if posts else None


async def _network_hold(visit: Visit, entrance: Entrance, now: datetime) -> datetime | None:
    limits = entrance.limits
    if not limits.network_attempts:
        return None
    network = entrance.index.index("signin.network", counted_network(visit.network)).hex()
    window = ExpiringWindow(f"signin:network:{network}", limits.network_attempts, limits.network_window)
    (result,) = await entrance.store.hit_windows([window])
    return None if result.allowed else now + result.retry_after


def _attempts(
    account: Account | None, name: LoginName, visit: Visit, entrance: Entrance, *, known: bool, now: datetime
) -> list[Attempt]:
    """The whole account first, then account and network; a known device has counters of its own.

    Whoever guesses from elsewhere can thus neither pause nor stop the owner's own device.
    """
    limits = entrance.limits
    who = account.account_id if account else f"{name.kind}:{name.canonical}"
    whole = entrance.index.index("signin.account", who)
    device = device_hash(visit.device) if known else None
    where = device.hex() if device else counted_network(visit.network)
    pair = entrance.index.index("signin.pair", f"{who}|{where}")
    scope, stop = (
        (PASSWORD_DEVICE_ACCOUNT, limits.known_device_hard_stop)
        if known
        else (PASSWORD_ACCOUNT, limits.password_hard_stop)
    )
    return [
        Attempt(scope, whole, lambda counter: count_towards_stop(counter, stop, now=now)),
        Attempt(PAIR, pair, lambda counter: count_password_attempt(counter, limits, now=now)),
    ]


async def _refuse_held(held: Held, account: Account | None, visit: Visit, entrance: Entrance, now: datetime) -> Refused:
    reason = TOO_MANY_ATTEMPTS if held.until else PASSWORD_STOPPED
    return await refuse(
        reason, kind=KIND, visit=visit, entrance=entrance, now=now, account=account, retry_at=held.until
    )


async def _rehash(turn: Turn, account: Account, password: str, entrance: Entrance, now: datetime) -> None:
    """Store a hash made with today's parameters, unless the password was changed meanwhile."""
    stored = account.password_hash
    if stored is None or not entrance.hasher.needs_rehash(stored):
        return
    renewed = await turn.hash(password)
    async with entrance.db.transaction() as connection:
        await set_password_hash(connection, account.account_id, renewed, now=now, instead_of=stored)
