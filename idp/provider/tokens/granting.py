"""A grant: what one person allowed one app in one session. It begins as an authorization code that is spent once (`code_spending.py`).

The code is 256 random bits, stored as its SHA-256.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.ledger import Insert
from foundation.values import value_type
from idp.provider.assurance.requests import MEMBER as VERIFIED_CLAIMS
from idp.provider.assurance.requests import VerifiedClaimsWish, agreed_wishes
from idp.provider.authorization.details import Detail, agreed_details
from idp.provider.authorization.request import AuthorizationRequest
from idp.provider.authorization.response_types import gives, is_front_channel
from idp.provider.clients.policies import CODE, ID_TOKEN
from idp.provider.scopes import claims_of
from idp.provider.tables import oauth_grants
from idp.signin.sessions import Session


@value_type
class GrantedRequest:
    """What of the authorization request outlives it. `claims` are names, agreed to one by one."""

    redirect_uri: str
    code_challenge: str
    nonce: str | None
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    id_token_claims: tuple[str, ...]
    userinfo_claims: tuple[str, ...]
    dpop_jkt: str | None = None
    """Thumbprint of the key that the code is bound to (RFC 9449 §10)."""
    response_type: str = "code"
    verified_id_token: tuple[VerifiedClaimsWish, ...] = ()
    verified_userinfo: tuple[VerifiedClaimsWish, ...] = ()
    authorization_details: tuple[Detail, ...] = ()

    @property
    def plain_id_token_claims(self) -> tuple[str, ...]:
        """Names of the claims that ID tokens of the grant carry: those asked for by name, and those of the scopes too when no access
        token is ever issued that could fetch them (OpenID Connect Core §5.4)."""
        if self.response_type != ID_TOKEN:
            return self.id_token_claims
        return tuple(sorted({*self.id_token_claims, *claims_of(self.scope)} - {"sub"}))

    @property
    def claims_in_id_token(self) -> tuple[str, ...]:
        """Names of what ID tokens of the grant tell beyond who signed in, as the record names it."""
        return self.plain_id_token_claims + ((VERIFIED_CLAIMS,) if self.verified_id_token else ())


@value_type
class Authentication:
    """How the person had signed in when the grant was made."""

    acr: str
    amr: tuple[str, ...]
    auth_time: datetime


@value_type
class Grant:
    """One grant on record."""

    grant_id: str
    client_id: str
    person_id: str
    account_id: str
    officer_id: str | None
    session_id: str
    sid: str
    request: GrantedRequest
    authentication: Authentication
    code_expires_at: datetime
    redeemed_at: datetime | None
    ended_at: datetime | None
    created_at: datetime

    @property
    def has_reached_app(self) -> bool:
        """Whether the app has learned who signed in: by redeeming the code, or from tokens beside it."""
        return self.redeemed_at is not None or is_front_channel(self.request.response_type)


def code_hash(code: str) -> bytes:
    """Return the form in which a code is stored and looked for."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def new_grant(
    request: AuthorizationRequest,
    session: Session,
    *,
    items: Sequence[str],
    grant_id: str,
    sid: str,
    code: str,
    code_expires_at: datetime,
    now: datetime,
) -> Insert:
    """Return the row of a new grant, to be written in the transaction of its ledger entry.

    `items` are what the person agreed to: scopes and `claim:<name>` outside of it are not granted. Where the answer carries no code, the
    one of the row counts as redeemed from the beginning.
    """
    agreed = {*items, "openid"}
    by_name = {item.removeprefix("claim:") for item in items if item.startswith("claim:")}
    scope = tuple(name for name in request.scope if name in agreed)
    authentication = {
        "acr": session.acr,
        "amr": list(session.amr),
        "auth_time": session.auth_time.isoformat(),
    }
    verified = agreed_wishes(request.claims.verified_userinfo, items)
    granted = GrantedRequest(
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        scope=scope,
        resources=request.resources,
        id_token_claims=_agreed_claims(request.claims.id_token, scope, by_name),
        userinfo_claims=_agreed_claims(request.claims.userinfo, scope, by_name)
        + ((VERIFIED_CLAIMS,) if verified else ()),
        dpop_jkt=request.dpop_jkt,
        response_type=request.response_type,
        verified_id_token=agreed_wishes(request.claims.verified_id_token, items),
        verified_userinfo=verified,
        authorization_details=agreed_details(request.authorization_details, items),
    )
    return Insert(
        oauth_grants,
        {
            "grant_id": grant_id,
            "code_hash": code_hash(code),
            "code_expires_at": code_expires_at,
            "redeemed_at": None if gives(request.response_type, CODE) else now,
            "ended_at": None,
            "client_id": request.client_id,
            "person_id": session.person_id,
            "account_id": session.account_id,
            "officer_id": session.officer_id,
            "session_id": session.session_id,
            "sid": sid,
            "request": asdict(granted),
            "authentication": authentication,
            "created_at": now,
        },
    )


def grant_of(written: Insert) -> Grant:
    """Return the grant of the row that `new_grant` made."""
    return grant_of_row(written.row)


async def find_grant(db: Database, grant_id: str) -> Grant | None:
    """Return the grant, ended or not."""
    async with db.read() as connection:
        rows = await connection.execute(select(oauth_grants).where(oauth_grants.c.grant_id == grant_id))
        row = rows.mappings().first()
    return None if row is None else grant_of_row(row)


async def end_grants(
    connection: AsyncConnection,
    *,
    now: datetime,
    grant_id: str | None = None,
    session_ids: Sequence[str] = (),
    person_id: str | None = None,
    client_id: str | None = None,
) -> list[Grant]:
    """End every live grant that matches all the given members, in one statement, and return them; refresh families end with their grant.

    Access tokens are not reached from here: the caller announces them as revoked. At least one member is
    required.
    """
    conditions = []
    if grant_id is not None:
        conditions.append(oauth_grants.c.grant_id == grant_id)
    if session_ids:
        conditions.append(oauth_grants.c.session_id.in_(session_ids))
    if person_id is not None:
        conditions.append(oauth_grants.c.person_id == person_id)
    if client_id is not None:
        conditions.append(oauth_grants.c.client_id == client_id)
    if not conditions:
        raise ValueError("end_grants needs to know which grants")
    rows = await connection.execute(
        update(oauth_grants)
        .where(*conditions, oauth_grants.c.ended_at.is_(None))
        .values(ended_at=now)
        .returning(oauth_grants)
    )
    return [grant_of_row(row) for row in rows.mappings()]


def _agreed_claims(asked: Sequence[str], scope: Sequence[str], by_name: set[str]) -> tuple[str, ...]:
    from_scopes = claims_of(scope)
    return tuple(name for name in asked if name in by_name or name in from_scopes)


def grant_of_row(row: Mapping[Any, Any]) -> Grant:
    """Return the grant of a row that holds the columns of its table."""
    request, authentication = row["request"], row["authentication"]
    return Grant(
        grant_id=row["grant_id"],
        client_id=row["client_id"],
        person_id=row["person_id"],
        account_id=row["account_id"],
        officer_id=row["officer_id"],
        session_id=row["session_id"],
        sid=row["sid"],
        request=_granted_request(request),
        authentication=Authentication(
            acr=authentication["acr"],
            amr=tuple(authentication["amr"]),
            auth_time=datetime.fromisoformat(authentication["auth_time"]),
        ),
        code_expires_at=row["code_expires_at"],
        redeemed_at=row["redeemed_at"],
        ended_at=row["ended_at"],
        created_at=row["created_at"],
    )


def _granted_request(kept: Mapping[str, Any]) -> GrantedRequest:
    members: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    return GrantedRequest(**members)
