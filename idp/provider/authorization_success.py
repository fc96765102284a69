"""The two things an authorization puts on record when it succeeds: the person's answer, and the code."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from foundation.ledger import Entry
from idp.provider.authorization_answer import render_answer
from idp.provider.authorization_refusal import KIND
from idp.provider.authorization_request import AuthorizationRequest, CheckedAddress
from idp.provider.clients import Client
from idp.provider.composition import Provider
from idp.provider.consents import add_consent, find_consent_to_change, widen_consent
from idp.provider.granting import new_grant
from idp.provider.outcomes import FormPost, Redirect
from idp.signin.sessions import Session


async def remember_consent(
    session: Session,
    client: Client,
    asked: Iterable[str],
    agreed: frozenset[str],
    provider: Provider,
    request_id: str | None,
    now: datetime,
) -> None:
    """Put the answer on record: of the items `asked`, those not `agreed` to are declined."""
    key = (session.person_id, client.client_id)
    async with provider.db.transaction() as connection:
        before = await find_consent_to_change(connection, provider.db, key)
        consent = widen_consent(before, key, asked=frozenset(asked), agreed=agreed, now=now)
        entry = Entry(
            kind="oauth.consent",
            at=now,
            outcome="allowed",
            actor=f"person:{session.person_id}",
            department=client.department_id,
            client=client.client_id,
            request_id=request_id,
            details={"items": sorted(consent.items), "declined": sorted(consent.declined)},
        )
        await add_consent(connection, provider.db, consent)
        await provider.ledger.append_in(connection, entry)


async def issue_code(
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    items: Sequence[str],
    provider: Provider,
    request_id: str | None,
    now: datetime,
) -> Redirect | FormPost:
    """Make the code; the grant and its entry are durable before the browser learns of it."""
    code, grant_id = provider.entropy.token(), provider.entropy.identifier()
    grant = new_grant(
        request,
        session,
        items=items,
        grant_id=grant_id,
        sid=provider.subjects.session_identifier(client.client_id, session.session_id),
        code=code,
        code_expires_at=now + provider.limits.code_lifetime,
        now=now,
    )
    entry = Entry(
        kind=KIND,
        at=now,
        outcome="allowed",
        actor=f"person:{session.person_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=request_id,
        details={"grant_id": grant_id, "scope": " ".join(grant.row["request"]["scope"]), "acr": session.acr},
    )
    await provider.ledger.append(entry, inserts=[grant])
    address = CheckedAddress(client, request.redirect_uri, request.response_mode, request.state)
    return render_answer(address, {"code": code}, provider.issuer)
