"""The person's side: what is asked, by whom, from where, and the one answer.

Consent follows the rules of the authorization endpoint (`interaction.py`), and beyond them nothing is ever agreed to silently: also an app
that the person agreed to before, or that is exempt from consent, gets its answer here alone. The person looks at it on a device of their
own, which is all that protects them from a request that somebody else began (RFC 8628 §5.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.ledger import Entry
from idp.provider.authorization.consent_view import consent_view
from idp.provider.authorization.consents import Consent
from idp.provider.authorization.interaction import (
    NeedConsent,
    NeedSignIn,
    Proceed,
    decide_next,
    is_refusal,
    optional_items,
)
from idp.provider.authorization.outcomes import ConsentView
from idp.provider.authorization.success import write_consent_in
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.decoupled.asked import is_still_allowed
from idp.provider.decoupled.pings import release_notification_in
from idp.provider.decoupled.reasons import CONFIRMATION_GONE, REFUSED_ON_OTHER_DEVICE
from idp.provider.decoupled.requests import (
    DecoupledRequest,
    find_request,
    list_open_requests,
    settle_request_in,
)
from idp.provider.errors import RedirectableError, ShownError
from idp.provider.scopes import join_scope
from idp.provider.tokens.granting import new_grant
from idp.signin.sessions import Session
from idp.vocabulary import RealNameLevel, SignInStrength


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """One request as its page shows it. `view` lists what is asked for, with masked values; what was agreed to before is marked."""

    request: DecoupledRequest
    view: ConsentView


@dataclass(frozen=True, slots=True)
class StrongerSignInNeeded:
    """The app asked for a stronger sign-in than this session is."""

    request: DecoupledRequest
    level: RealNameLevel
    strength: SignInStrength


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is on record."""

    request: DecoupledRequest
    approved: bool


async def list_confirmations(
    session: Session, *, provider: Provider, now: datetime
) -> tuple[tuple[DecoupledRequest, Client], ...]:
    """Return what waits for this person, the newest first; requests of clients that are gone are left out."""
    await provider.clients.refresh()
    found = await list_open_requests(provider.db, session.person_id, now)
    clients = [(request, provider.clients.find_active(request.client_id)) for request in found]
    return tuple((request, client) for request, client in clients if client is not None)


async def open_confirmation(
    request_id: str, *, session: Session, provider: Provider, now: datetime
) -> ConfirmationView | StrongerSignInNeeded:
    """Return the page of one request; raises ShownError when there is nothing to answer for this person."""
    waiting, client = await _load(request_id, session, provider, now)
    needed = await _decide(waiting, client, session, provider, now)
    if isinstance(needed, NeedSignIn):
        return StrongerSignInNeeded(waiting, needed.level, needed.strength)
    if isinstance(needed, Proceed):
        needed = NeedConsent(needed.items, frozenset(needed.items))
    facts = await provider.people.load(session.person_id)
    view = consent_view(client, waiting.asked, needed, facts, license_types=provider.license_types)
    return ConfirmationView(waiting, view)


async def answer_confirmation(
    request_id: str,
    *,
    session: Session,
    agreed: frozenset[str] | None,
    provider: Provider,
    origin: Origin,
    now: datetime,
) -> Answered | StrongerSignInNeeded:
    """Put the person's answer on record; `agreed` are the items agreed to, None is a refusal.

    The caller has checked that the form is the person's own. Raises ShownError when the request has been answered or is over.
    """
    waiting, client = await _load(request_id, session, provider, now)
    needed = await _decide(waiting, client, session, provider, now)
    optional = optional_items(waiting.asked)
    if agreed is None or (isinstance(needed, NeedConsent) and is_refusal(needed.items, agreed, optional)):
        return await _refuse(waiting, client, session, provider, origin, now)
    if isinstance(needed, NeedSignIn):
        return StrongerSignInNeeded(waiting, needed.level, needed.strength)
    if isinstance(needed, NeedConsent) and not agreed <= set(needed.items):
        raise ShownError(CONFIRMATION_GONE, "agreed to what was not asked")
    return await _approve(waiting, client, session, needed, agreed, provider, origin, now)


async def _load(
    request_id: str, session: Session, provider: Provider, now: datetime
) -> tuple[DecoupledRequest, Client]:
    await provider.clients.refresh()
    waiting = await find_request(provider.db, request_id)
    if waiting is None or not waiting.is_open(now):
        raise ShownError(CONFIRMATION_GONE, "unknown, answered or expired")
    if waiting.person_id != session.person_id and (waiting.kind == "ciba" or waiting.person_id is not None):
        raise ShownError(CONFIRMATION_GONE, "addressed to somebody else")
    client = provider.clients.find_active(waiting.client_id)
    if client is None or not is_still_allowed(waiting.asked, client, issuer=provider.issuer):
        raise ShownError(CONFIRMATION_GONE, "the client lost what it asked for")
    return waiting, client


async def _decide(
    waiting: DecoupledRequest, client: Client, session: Session, provider: Provider, now: datetime
) -> Proceed | NeedSignIn | NeedConsent:
    consent: Consent | None = None
    if client.consent == "ask":
        consent = await provider.consents.load((session.person_id, client.client_id))
    try:
        return decide_next(
            waiting.asked,
            client,
            session,
            expected_subject=waiting.asked.claims.subject,
            subject=provider.subjects.subject(client.sector, session.person_id),
            consent=consent,
            begun_at=waiting.created_at,
            now=now,
        )
    except RedirectableError as unmet:
        # What cannot be met now may be met by another way of signing in, until the request is over; the app is told nothing before.
        if waiting.asked.claims.subject not in (None, provider.subjects.subject(client.sector, session.person_id)):
            raise ShownError(CONFIRMATION_GONE, "another subject is asked for") from unmet
        return NeedSignIn(RealNameLevel.NONE, SignInStrength.ONE_FACTOR, anew=True)


async def _approve(
    waiting: DecoupledRequest,
    client: Client,
    session: Session,
    needed: Proceed | NeedConsent,
    agreed: frozenset[str],
    provider: Provider,
    origin: Origin,
    now: datetime,
) -> Answered:
    """Make consent and grant in the transaction of the answer, so that a no that came first leaves nothing of this yes.

    The grant is redeemed like an authorization code: the secret's hash stands in its row.
    """
    asks = isinstance(needed, NeedConsent)
    items = tuple(item for item in needed.items if not asks or item in agreed)
    grant_id = provider.entropy.identifier()
    grant = new_grant(
        waiting.asked,
        session,
        items=items,
        grant_id=grant_id,
        sid=provider.subjects.session_identifier(client.client_id, session.session_id),
        code="",
        code_expires_at=waiting.expires_at,
        now=now,
    )
    row = {**grant.row, "code_hash": waiting.secret_hash}
    details = {"grant_id": grant_id, "scope": join_scope(row["request"]["scope"]), "acr": session.acr}
    entry = _entry(waiting, client, session, origin, now, outcome="allowed", details=details)
    async with provider.db.transaction() as connection:
        if not await settle_request_in(connection, waiting, state="approved", person_id=session.person_id, now=now):
            raise ShownError(CONFIRMATION_GONE, "answered meanwhile")
        entries = [entry]
        if asks:
            consented = await write_consent_in(
                connection, session, client, needed.items, agreed, provider, origin.request_id, now
            )
            entries.insert(0, consented)
        await connection.execute(grant.table.insert().values(**row))
        await release_notification_in(connection, waiting.request_id, now)
        for one in entries:
            await provider.ledger.append_in(connection, one)
    return Answered(waiting, approved=True)


async def _refuse(
    waiting: DecoupledRequest, client: Client, session: Session, provider: Provider, origin: Origin, now: datetime
) -> Answered:
    code = REFUSED_ON_OTHER_DEVICE.entry.code
    entry = _entry(waiting, client, session, origin, now, outcome="refused", code=code)
    async with provider.db.transaction() as connection:
        if not await settle_request_in(connection, waiting, state="refused", person_id=session.person_id, now=now):
            raise ShownError(CONFIRMATION_GONE, "answered meanwhile")
        await release_notification_in(connection, waiting.request_id, now)
        await provider.ledger.append_in(connection, entry)
    return Answered(waiting, approved=False)


def _entry(
    waiting: DecoupledRequest,
    client: Client,
    session: Session,
    origin: Origin,
    now: datetime,
    *,
    outcome: str,
    code: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    return Entry(
        kind=f"oauth.{waiting.kind}_answer",
        at=now,
        outcome=outcome,
        code=code,
        actor=f"person:{session.person_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=origin.request_id,
        details={"request": waiting.request_id, **(details or {})},
    )
