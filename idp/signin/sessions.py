"""Sessions: who is signed in, since when, how strongly, until when.

The cookie carries a random token and the database its SHA-256, so a copy of the database opens no session. `session_id` is the
public `sid` of tokens (OpenID Connect Back-Channel Logout §2.4); the token changes at every sign-in and step-up, the old one dies.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.batching import Coalescer
from foundation.database import Database
from idp.people.accounts import OPEN
from idp.people.directory import ACTIVE
from idp.people.tables import accounts, officers
from idp.ports import EndedSession
from idp.signin.limits import SignInLimits
from idp.signin.tables import sessions
from idp.vocabulary import RealNameLevel, SessionKind, SignInStrength, acr_of

SESSION_COOKIE = "__Host-rz_session"
_TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Session:
    """One live session. `amr` are RFC 8176 values and `fed` for an upper center; `network` is coarse."""

    session_id: str
    kind: SessionKind
    account_id: str
    person_id: str
    officer_id: str | None
    department_id: str | None
    auth_time: datetime
    amr: tuple[str, ...]
    level: RealNameLevel
    strength: SignInStrength
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent_label: str
    network: str

    @property
    def acr(self) -> str:
        """The `acr` value of this session."""
        return acr_of(self.level, self.strength)


class SessionFinder:
    """Finds the session of a cookie; one per worker, because concurrent requests share its round trips."""

    def __init__(self, db: Database, limits: SignInLimits) -> None:
        self._db = db
        self._limits = limits
        self._by_hash = _live_sessions().where(db.among(sessions.c.token_hash, "hashes"))
        self._live: Coalescer[bytes, Session] = Coalescer(self._fetch)

    async def find(self, token: str | None, *, now: datetime) -> Session | None:
        """Return the live session of a cookie value; None for a missing, malformed, ended, idle or outlived one.

        The account must be open and an officer's post held, read in the same round trip; so closing either ends the session at
        once. Its last use is written at most once a minute, and never to a session that ended meanwhile.
        """
        if token is None or not _TOKEN_FORM.fullmatch(token):
            return None
        session = await self._live.load(token_hash(token))
        if session is None or not is_live(session, self._limits, now=now):
            return None
        if now - session.last_seen_at >= self._limits.touch_interval:
            await self._touch(session.session_id, now=now)
            session = replace(session, last_seen_at=now)
        return session

    async def _fetch(self, hashes: Sequence[bytes]) -> Mapping[bytes, Session]:
        async with self._db.read() as connection:
            rows = (await connection.execute(self._by_hash, {"hashes": hashes})).all()
        return {bytes(row.token_hash): _session(row) for row in rows}

    async def _touch(self, session_id: str, *, now: datetime) -> None:
        async with self._db.read() as connection:
            await connection.execute(
                update(sessions)
                .where(
                    sessions.c.session_id == session_id,
                    sessions.c.ended_at.is_(None),
                    sessions.c.last_seen_at <= now - self._limits.touch_interval,
                )
                .values(last_seen_at=now)
            )


def token_hash(token: str) -> bytes:
    """Return what is stored of a session token."""
    return hashlib.sha256(token.encode("ascii", "replace")).digest()


def is_live(session: Session, limits: SignInLimits, *, now: datetime) -> bool:
    """Tell whether neither the idle nor the absolute limit has passed."""
    idle = limits.staff_idle if session.kind == "staff" else limits.citizen_idle
    return now < session.expires_at and now - session.last_seen_at < idle


def is_freshly_authenticated(session: Session, limits: SignInLimits, *, now: datetime) -> bool:
    """Tell whether the last sign-in is so recent that a sensitive action needs no new one."""
    return now - session.auth_time <= limits.fresh_for


async def find_session_in(connection: AsyncConnection, token: str | None) -> Session | None:
    """Return the session of a cookie value inside a transaction, unless it ended; limits are not looked at."""
    if token is None or not _TOKEN_FORM.fullmatch(token):
        return None
    row = (await connection.execute(_live_sessions().where(sessions.c.token_hash == token_hash(token)))).one_or_none()
    return None if row is None else _session(row)


async def list_sessions(account_id: str, *, db: Database, limits: SignInLimits, now: datetime) -> tuple[Session, ...]:
    """Return the live sessions of an account, the latest used first."""
    query = _live_sessions().where(sessions.c.account_id == account_id)
    async with db.read() as connection:
        rows = (await connection.execute(query.order_by(sessions.c.last_seen_at.desc()))).all()
    return tuple(found for found in map(_session, rows) if is_live(found, limits, now=now))


async def end_session_in(
    connection: AsyncConnection, session_id: str, *, reason: str, now: datetime
) -> EndedSession | None:
    """End one session inside the caller's transaction; None when it had ended. Writes no entry and tells nobody."""
    ended = await end_sessions_in(connection, session_ids=(session_id,), reason=reason, now=now)
    return ended[0] if ended else None


async def end_sessions_in(
    connection: AsyncConnection,
    *,
    session_ids: Sequence[str] | None = None,
    account_id: str | None = None,
    officer_id: str | None = None,
    except_for: str | None = None,
    reason: str,
    now: datetime,
) -> tuple[EndedSession, ...]:
    """End every session that meets all given criteria, at least one of them; returns those that had not ended."""
    criteria: list[ColumnElement[bool]] = []
    if session_ids is not None:
        criteria.append(sessions.c.session_id.in_(session_ids))
    if account_id is not None:
        criteria.append(sessions.c.account_id == account_id)
    if officer_id is not None:
        criteria.append(sessions.c.officer_id == officer_id)
    if not criteria:
        raise ValueError("ending sessions needs a criterion")
    if except_for is not None:
        criteria.append(sessions.c.session_id != except_for)
    rows = await connection.execute(
        update(sessions)
        .where(*criteria, sessions.c.ended_at.is_(None))
        .values(ended_at=now, ended_because=reason)
        .returning(sessions.c.session_id, sessions.c.person_id, sessions.c.account_id, sessions.c.expires_at)
    )
    return tuple(EndedSession(row.session_id, row.person_id, row.account_id, row.expires_at) for row in rows)


def session_row(session: Session, token: str) -> dict[str, object]:
    """Return the database row of a new session."""
    return {
        "session_id": session.session_id,
        "token_hash": token_hash(token),
        "kind": session.kind,
        "account_id": session.account_id,
        "person_id": session.person_id,
        "officer_id": session.officer_id,
        "department_id": session.department_id,
        "auth_time": session.auth_time,
        "amr": list(session.amr),
        "level": int(session.level),
        "strength": int(session.strength),
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
        "user_agent_label": session.user_agent_label,
        "network": session.network,
    }


def _live_sessions() -> Select[Any]:
    post = and_(officers.c.officer_id == sessions.c.officer_id, officers.c.status == ACTIVE)
    return (
        select(sessions)
        .join(accounts, accounts.c.account_id == sessions.c.account_id)
        .outerjoin(officers, post)
        .where(
            sessions.c.ended_at.is_(None),
            accounts.c.status == OPEN,
            or_(sessions.c.officer_id.is_(None), officers.c.officer_id.is_not(None)),
        )
    )


def _session(row: Row[Any]) -> Session:
    return Session(
        session_id=row.session_id,
        kind=row.kind,
        account_id=row.account_id,
        person_id=row.person_id,
        officer_id=row.officer_id,
        department_id=row.department_id,
        auth_time=row.auth_time,
        amr=tuple(row.amr),
        level=RealNameLevel(row.level),
        strength=SignInStrength(row.strength),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        user_agent_label=row.user_agent_label,
        network=row.network,
    )
