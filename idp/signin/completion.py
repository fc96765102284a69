"""The last step of every sign-in: a session, a remembered device, forgotten failures, one entry, all in one transaction.

The token is always new (a token planted before sign-in is worth nothing). When the browser already holds a live session of the same
account, that session goes on under the new token with a new `auth_time`, so that apps signed in through it stay signed in; a session
of anybody else ends first.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import Change
from foundation.ledger import Entry
from idp.people.accounts import PHONE_CONTEXT, Account
from idp.people.directory import Officer
from idp.people.persons import settle_level
from idp.ports import EndedSession
from idp.signin.attempt_store import forget_attempts
from idp.signin.beijing import beijing_moment
from idp.signin.devices import device_hash, remember_device
from idp.signin.entrance import Entrance
from idp.signin.errors import ACCOUNT_NOT_OPEN
from idp.signin.outcomes import Refused, SecondFactorNeeded, SignedIn
from idp.signin.records import entry_of, note_allowed, refuse, session_changes, write_account_event
from idp.signin.sessions import Session, end_sessions_in, find_session_in, is_live, session_row
from idp.signin.tables import sessions
from idp.signin.totp import has_totp
from idp.signin.visits import Visit, coarse_network, device_label
from idp.vocabulary import RealNameLevel, SessionKind, SignInStrength

SECOND_FACTOR_FLOW = "second-factor"
_ADD = insert(sessions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What somebody has shown so far: `amr` names the factors, `clears` the counters that a complete sign-in forgets."""

    account: Account
    amr: tuple[str, ...]
    kind: SessionKind = "citizen"
    officer: Officer | None = None
    clears: tuple[tuple[str, bytes], ...] = ()
    account_made: bool = False

    @property
    def strength(self) -> SignInStrength:
        """Two different factors make two-factor; the derived value `mfa` counts as none."""
        factors = {value for value in self.amr if value != "mfa"}
        return SignInStrength.TWO_FACTOR if len(factors) > 1 else SignInStrength.ONE_FACTOR


async def go_on(
    shown: Shown, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | Refused:
    """After the first factor: ask for the second when the account has one, otherwise complete the sign-in."""
    if not shown.account.is_open:
        return await refuse(
            ACCOUNT_NOT_OPEN, kind="signin.completed", visit=visit, entrance=entrance, now=now, account=shown.account
        )
    async with entrance.db.read() as connection:
        enrolled = await has_totp(connection, shown.account.account_id)
    if not enrolled:
        return await complete_sign_in(shown, visit=visit, entrance=entrance, now=now)
    state = {
        "account": shown.account.account_id,
        "kind": shown.kind,
        "officer": shown.officer.officer_id if shown.officer else None,
        "amr": list(shown.amr),
        "clears": [[scope, subject.hex()] for scope, subject in shown.clears],
    }
    flow = await entrance.flows.begin(SECOND_FACTOR_FLOW, browser=visit.browser, state=state)
    await note_allowed(
        "signin.first_factor",
        account=shown.account,
        visit=visit,
        entrance=entrance,
        now=now,
        details={"amr": list(shown.amr), "kind": shown.kind},
    )
    return SecondFactorNeeded(flow.flow_id)


async def complete_sign_in(shown: Shown, *, visit: Visit, entrance: Entrance, now: datetime) -> SignedIn:
    """Make or renew the session and return it once it is on record."""
    account = shown.account
    token = entrance.entropy.token()
    device = visit.device if visit.device and device_hash(visit.device) else entrance.entropy.token()
    async with entrance.db.transaction() as connection:
        level = await settle_level(connection, account.person_id, now=now)
        fresh = _new_session(shown, level, visit, entrance, now)
        session, changes = await _settle_session(connection, fresh, token, visit, entrance, now)
        for scope, subject in shown.clears:
            await forget_attempts(connection, scope=scope, subject=subject)
        new_device = await remember_device(
            entrance.db,
            connection,
            account_id=account.account_id,
            device=device,
            label=session.user_agent_label,
            now=now,
        )
        details = {"amr": list(shown.amr), "kind": shown.kind, "new_device": new_device}
        await write_account_event(
            connection,
            account,
            "signin.completed",
            outcome="done",
            visit=visit,
            entrance=entrance,
            now=now,
            details=details,
        )
        await entrance.ledger.append_in(connection, _entry(session, details, visit, now), changes=changes)
    entrance.feed.apply(changes)
    if new_device:
        _tell_owner(account, session, entrance, now)
    return SignedIn(session, token, device, new_device, shown.account_made)


def _new_session(shown: Shown, level: RealNameLevel, visit: Visit, entrance: Entrance, now: datetime) -> Session:
    limits = entrance.limits
    staff = shown.kind == "staff"
    return Session(
        session_id=entrance.entropy.identifier(),
        kind=shown.kind,
        account_id=shown.account.account_id,
        person_id=shown.account.person_id,
        officer_id=shown.officer.officer_id if shown.officer else None,
        department_id=shown.officer.department_id if shown.officer else None,
        auth_time=now,
        amr=(*shown.amr, "mfa") if shown.strength is SignInStrength.TWO_FACTOR else shown.amr,
        level=level,
        strength=shown.strength,
        created_at=now,
        last_seen_at=now,
        expires_at=now + (limits.staff_absolute if staff else limits.citizen_absolute),
        user_agent_label=device_label(visit.user_agent),
        network=coarse_network(visit.network),
    )


async def _settle_session(
    connection: AsyncConnection, fresh: Session, token: str, visit: Visit, entrance: Entrance, now: datetime
) -> tuple[Session, list[Change]]:
    """Renew the browser's session of the same account, or end whatever it had and write the new one."""
    current = await find_session_in(connection, visit.session_token)
    if current is not None and _goes_on(current, fresh, entrance, now):
        renewed = replace(fresh, session_id=current.session_id, created_at=current.created_at)
        # Ended meanwhile: zero rows, and a dead session does not rise again.
        done = await connection.execute(
            update(sessions)
            .where(sessions.c.session_id == renewed.session_id, sessions.c.ended_at.is_(None))
            .values(**session_row(renewed, token))
        )
        if done.rowcount:
            return renewed, []
    ended: tuple[EndedSession, ...] = ()
    if current is not None:
        ended = await end_sessions_in(connection, session_ids=(current.session_id,), reason="replaced", now=now)
    if ended:
        await entrance.end_with_sessions(connection, ended, now=now)
    await connection.execute(_ADD, session_row(fresh, token))
    return fresh, session_changes(ended, entrance, now=now)


def _goes_on(current: Session, fresh: Session, entrance: Entrance, now: datetime) -> bool:
    same = (current.account_id, current.kind, current.officer_id) == (
        fresh.account_id,
        fresh.kind,
        fresh.officer_id,
    )
    return same and is_live(current, entrance.limits, now=now)


def _entry(session: Session, details: dict[str, Any], visit: Visit, now: datetime) -> Entry:
    actor = f"officer:{session.officer_id}" if session.officer_id else f"person:{session.person_id}"
    return entry_of(
        "signin.completed",
        "done",
        visit=visit,
        now=now,
        actor=actor,
        person_id=session.person_id,
        department_id=session.department_id,
        details=details | {"session": session.session_id, "acr": session.acr},
    )


def _tell_owner(account: Account, session: Session, entrance: Entrance, now: datetime) -> None:
    if account.phone_sealed is None:
        return
    entrance.notices.send_soon(
        phone=entrance.sealer.open_text(account.phone_sealed, context=PHONE_CONTEXT),
        text=f"【{entrance.limits.sms_signature}】您的账户于{beijing_moment(now)}在新设备（{session.user_agent_label}）上登录。"
        "如非本人操作，请立即修改密码。",
        template="new-device",
    )
