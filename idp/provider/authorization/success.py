"""The two things an authorization puts on record when it succeeds: the person's answer, and what the client is given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger import Entry, Insert
from idp.provider.authorization.answer import render_answer
from idp.provider.authorization.challenge_reuse import count_reused_challenge
from idp.provider.authorization.consents import add_consent, find_consent_to_change, widen_consent
from idp.provider.authorization.outcomes import FormPost, Redirect
from idp.provider.authorization.refusal import KIND
from idp.provider.authorization.request import AuthorizationRequest, CheckedAddress
from idp.provider.authorization.response_modes import is_signed
from idp.provider.authorization.response_reasons import CLIENT_KEY_UNAVAILABLE
from idp.provider.authorization.response_types import NONE, gives, is_front_channel
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.policies import CODE, ID_TOKEN, TOKEN, policy_of
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.errors import RedirectableError, ShownError
from idp.provider.sign_out.session_management import new_session_state
from idp.provider.tokens.granting import Grant, grant_of, new_grant
from idp.provider.tokens.id_tokens import IssuedBeside, issue_id_token
from idp.provider.tokens.issuing import issue_for_grant
from idp.provider.tokens.jwt_encryption import check_encryptable
from idp.signin.sessions import Session

NO_PURPOSES: Mapping[str, str | None] = MappingProxyType({})


async def remember_consent(
    session: Session,
    client: Client,
    asked: Iterable[str],
    agreed: frozenset[str],
    provider: Provider,
    request_id: str | None,
    now: datetime,
    *,
    purposes: Mapping[str, str | None] = NO_PURPOSES,
) -> None:
    """Put the answer on record: of the items `asked`, those not `agreed` to are declined.

    `purposes` are what the app said beside single items. They are the app's own words and may name anything, so they are sealed.
    """
    async with provider.db.transaction() as connection:
        entry = await write_consent_in(
            connection, session, client, asked, agreed, provider, request_id, now, purposes=purposes
        )
        await provider.ledger.append_in(connection, entry)


async def write_consent_in(
    connection: AsyncConnection,
    session: Session,
    client: Client,
    asked: Iterable[str],
    agreed: frozenset[str],
    provider: Provider,
    request_id: str | None,
    now: datetime,
    *,
    purposes: Mapping[str, str | None] = NO_PURPOSES,
) -> Entry:
    """Write what `remember_consent` puts on record in the caller's transaction, and return its entry for the end of it."""
    given = {item: purpose for item, purpose in purposes.items() if item in agreed and purpose is not None}
    key = (session.person_id, client.client_id)
    before = await find_consent_to_change(connection, provider.db, key)
    consent = widen_consent(before, key, asked=frozenset(asked), agreed=agreed, now=now)
    await add_consent(connection, provider.db, consent)
    return Entry(
        kind="oauth.consent",
        at=now,
        outcome="allowed",
        actor=f"person:{session.person_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=request_id,
        details={"items": sorted(consent.items), "declined": sorted(consent.declined)},
        personal={"purposes": given} if given else {},
    )


async def check_readable(request: AuthorizationRequest, client: Client, provider: Provider) -> None:
    """Find out whether the client will be able to read its answer, while a refusal still costs nothing.

    Raises RedirectableError or ShownError, and then nothing happened, when it is encrypted to a key that cannot be had.
    """
    registered = client.metadata.algorithms
    if is_signed(request.response_mode):
        # Not even the refusal could be told to the client.
        try:
            await check_encryptable(client, registered.authorization_encrypted_response, provider=provider)
        except ClientKeysUnavailable as unavailable:
            raise ShownError(CLIENT_KEY_UNAVAILABLE, unavailable.problem, client_id=client.client_id) from unavailable
    if gives(request.response_type, ID_TOKEN):
        try:
            await check_encryptable(client, registered.id_token_encrypted_response, provider=provider)
        except ClientKeysUnavailable as unavailable:
            raise RedirectableError(CLIENT_KEY_UNAVAILABLE, unavailable.problem) from unavailable


async def issue_answer(
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    items: Sequence[str],
    provider: Provider,
    request_id: str | None,
    now: datetime,
) -> Redirect | FormPost:
    """Make what the response type names: a code, tokens, both or neither.

    The grant and its one entry are durable before the browser learns of anything. The caller has asked `check_readable`.
    """
    address = CheckedAddress(client, request.redirect_uri, request.response_mode, request.state)
    answer: dict[str, str] = {}
    details: dict[str, Any] = {"scope": " ".join(request.scope)}
    rows: Sequence[Insert] = ()
    if request.response_type != NONE:
        answer, details, rows = await _issue(request, client, session, items, provider, now)
    if (uses := await count_reused_challenge(request, provider=provider)) is not None:
        details["challenge_uses"] = uses
    await provider.ledger.append(_entry(client, session, details, request_id, now), inserts=rows)
    browser_state = provider.subjects.browser_state(session.session_id)
    answer |= new_session_state(client, request.redirect_uri, browser_state, entropy=provider.entropy)
    rendered = await render_answer(address, answer, provider=provider, now=now)
    return replace(rendered, browser_state=browser_state if "session_state" in answer else None)


async def _issue(
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    items: Sequence[str],
    provider: Provider,
    now: datetime,
) -> tuple[dict[str, str], dict[str, Any], Sequence[Insert]]:
    """Return what the client is given, what the record says of it, and the rows to be written with the record."""
    code, grant_id = provider.entropy.token(), provider.entropy.identifier()
    written = new_grant(
        request,
        session,
        items=items,
        grant_id=grant_id,
        sid=provider.subjects.session_identifier(client.client_id, session.session_id),
        code=code,
        code_expires_at=now + _code_life(client, provider),
        now=now,
    )
    grant = grant_of(written)
    answer: dict[str, str] = {}
    details: dict[str, Any] = {"grant_id": grant_id, "scope": " ".join(grant.request.scope)}
    if gives(request.response_type, CODE):
        answer["code"] = code
    if not is_front_channel(request.response_type):
        return answer, details, (written,)
    tokens, issued, beside = await _tokens_beside(grant, client, request, answer.get("code"), provider, now)
    return answer | tokens, details | issued, (written, *beside)


async def _tokens_beside(
    grant: Grant,
    client: Client,
    request: AuthorizationRequest,
    code: str | None,
    provider: Provider,
    now: datetime,
) -> tuple[dict[str, str], dict[str, Any], Sequence[Insert]]:
    """Return the tokens that travel through the browser (OpenID Connect Core §3.2.2.5, §3.3.2.5), what the record says of them, and
    rows to be written with it."""
    answer: dict[str, str] = {}
    details: dict[str, Any] = {"response_type": request.response_type}
    rows: Sequence[Insert] = ()
    if gives(request.response_type, TOKEN):
        issued = issue_for_grant(
            grant,
            client,
            scope=grant.request.scope,
            resources=grant.request.resources,
            # No request of a browser proves possession; the policy lets no client that needs bound tokens come here.
            confirmation=None,
            provider=provider,
            now=now,
        )
        answer |= {name: str(value) for name, value in issued.answer().items()}
        details |= {"jti": issued.jti, "aud": list(issued.audience)}
        rows = issued.inserts
    if gives(request.response_type, ID_TOKEN):
        if grant.request.claims_in_id_token:
            details["id_token_claims"] = list(grant.request.claims_in_id_token)
        beside = IssuedBeside(answer.get("access_token"), code, request.state)
        answer["id_token"] = await issue_id_token(
            grant, client, beside, nonce=request.nonce, provider=provider, now=now
        )
    return answer, details, rows


def _code_life(client: Client, provider: Provider) -> timedelta:
    policy, wanted = policy_of(client), provider.limits.code_lifetime
    return wanted if policy is None else min(wanted, policy.longest_code_life)


def _entry(
    client: Client, session: Session, details: Mapping[str, Any], request_id: str | None, now: datetime
) -> Entry:
    return Entry(
        kind=KIND,
        at=now,
        outcome="allowed",
        actor=f"person:{session.person_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=request_id,
        details={**details, "acr": session.acr},
    )
