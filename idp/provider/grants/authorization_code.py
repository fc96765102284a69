"""The authorization code grant (RFC 6749 §4.1.3, §4.1.4; OpenID Connect Core §3.1.3)."""

from collections.abc import Sequence
from datetime import datetime

from foundation.ledger import Entry
from idp.provider.authorization.details import Detail, UnusableDetails, narrowed_details
from idp.provider.authorization.pkce import check_pkce
from idp.provider.authorization.request_reasons import INVALID_AUTHORIZATION_DETAILS
from idp.provider.authorization.response_reasons import CLIENT_KEY_UNAVAILABLE
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.errors import TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.sender_constraint import KEY, Confirmation, check_confirmation
from idp.provider.scopes import OFFLINE_ACCESS, OPENID
from idp.provider.tokens.code_spending import find_grant_by_code
from idp.provider.tokens.granting import Grant, code_hash, end_grants
from idp.provider.tokens.id_tokens import IssuedBeside, issue_id_token
from idp.provider.tokens.issuing import IssuedAccessToken, issue_entry, issue_for_grant
from idp.provider.tokens.jwt_encryption import check_encryptable
from idp.provider.tokens.reasons import (
    CODE_REPLAYED,
    GRANT_ENDED,
    INVALID_CODE,
    REDIRECT_URI_DIFFERS,
    RESOURCE_NOT_GRANTED,
    TOKEN_REQUEST_MALFORMED,
)
from idp.provider.tokens.refreshing import new_family
from idp.provider.tokens.revocations import revocation

GRANT_TYPE = "authorization_code"


async def redeem_code(
    form: Parameters,
    client: Client,
    *,
    confirmation: Confirmation | None,
    provider: Provider,
    origin: Origin,
    now: datetime,
) -> Grant:
    """Spend the code and return its grant, or raise TokenError invalid_grant.

    The code is spent first and judged afterwards, so that a wrong verifier, address or client burns it:
    nobody gets a second try (RFC 6749 §4.1.2, RFC 9700 §4.5). A code presented again ends everything that
    was issued from it.
    """
    code = form.get("code")
    if code is None:
        raise TokenError(TOKEN_REQUEST_MALFORMED, "no code")
    await check_readable(client, provider=provider)
    digest = code_hash(code)
    grant = await provider.codes.claim((digest, now))
    if grant is None:
        await _end_replayed(digest, client, provider, origin, now)
        raise TokenError(INVALID_CODE, "unknown code")
    if grant.client_id != client.client_id:
        raise TokenError(INVALID_CODE, "another client's code")
    if now >= grant.code_expires_at:
        raise TokenError(INVALID_CODE, "expired")
    if form.get("redirect_uri") != grant.request.redirect_uri:
        raise TokenError(REDIRECT_URI_DIFFERS)
    check_pkce(grant.request.code_challenge, form.get("code_verifier"))
    bound_to = grant.request.dpop_jkt
    check_confirmation(None if bound_to is None else Confirmation(KEY, bound_to), confirmation)
    check_alive(grant, provider, now, client_at=grant.created_at)
    return grant


def check_alive(grant: Grant, provider: Provider, now: datetime, *, client_at: datetime) -> None:
    """Raise TokenError when session, person, client or grant were revoked meanwhile.

    Memory alone, but fresh. The client is judged for what it was given at `client_at`.
    """
    revocations = provider.revocations
    revocations.check_fresh(now)
    keys = (f"grant:{grant.grant_id}", f"session:{grant.session_id}", f"person:{grant.person_id}")
    if (
        grant.ended_at is not None
        or revocations.is_revoked(*keys, issued_at=grant.created_at, now=now)
        or revocations.is_revoked(f"client:{grant.client_id}", issued_at=client_at, now=now)
    ):
        raise TokenError(GRANT_ENDED)


def narrowed_resources(form: Parameters, granted: Sequence[str]) -> tuple[str, ...]:
    """Return the resources of the new token: those asked for now, within the granted ones (RFC 8707 §2.2)."""
    if not form.resources:
        return tuple(granted)
    if not set(form.resources) <= set(granted):
        raise TokenError(RESOURCE_NOT_GRANTED)
    return form.resources


def narrowed_authorization_details(
    form: Parameters, grant: Grant, client: Client, *, provider: Provider
) -> tuple[Detail, ...]:
    """Return the details of the new token: those asked for now, within the granted ones (RFC 9396 §6); raises TokenError."""
    try:
        return narrowed_details(
            form.get("authorization_details"),
            grant.request.authorization_details,
            client,
            license_types=provider.license_types,
            issuer=provider.issuer,
        )
    except UnusableDetails as unusable:
        raise TokenError(INVALID_AUTHORIZATION_DETAILS, str(unusable)) from unusable


def issue_for_code(
    grant: Grant,
    form: Parameters,
    client: Client,
    *,
    confirmation: Confirmation | None,
    provider: Provider,
    now: datetime,
) -> IssuedAccessToken:
    """Sign the access token of a redeemed code, bound to what the request proved."""
    return issue_for_grant(
        grant,
        client,
        scope=grant.request.scope,
        resources=narrowed_resources(form, grant.request.resources),
        authorization_details=narrowed_authorization_details(form, grant, client, provider=provider),
        confirmation=confirmation,
        provider=provider,
        now=now,
    )


async def record_issue(
    issued: IssuedAccessToken,
    grant: Grant,
    client: Client,
    *,
    provider: Provider,
    origin: Origin,
    now: datetime,
    grant_type: str = GRANT_TYPE,
) -> str | None:
    """Put the issue on record together with a new refresh family, and return its first token when there is
    one.
    """
    entry = issue_entry(issued, client, grant_type=grant_type, grant=grant, origin=origin, now=now)
    inserts = issued.inserts
    refresh_token = None
    if OFFLINE_ACCESS in grant.request.scope and "refresh_token" in client.grant_types:
        limits = provider.limits
        is_staff = grant.officer_id is not None
        token, row = new_family(
            grant_id=grant.grant_id,
            client_id=client.client_id,
            idle=limits.refresh_idle,
            absolute=limits.staff_refresh_absolute if is_staff else limits.refresh_absolute,
            confirmation=None if issued.confirmation is None else str(issued.confirmation),
            entropy=provider.entropy,
            now=now,
        )
        refresh_token, inserts = str(token), (*inserts, row)
    await provider.ledger.append(entry, inserts=inserts)
    return refresh_token


async def id_token_for(
    grant: Grant, client: Client, access_token: str, *, nonce: str | None, provider: Provider, now: datetime
) -> str | None:
    """Return the ID token of an answer, None for a grant without `openid`."""
    if OPENID not in grant.request.scope:
        return None
    try:
        return await issue_id_token(grant, client, IssuedBeside(access_token), nonce=nonce, provider=provider, now=now)
    except ClientKeysUnavailable as unavailable:
        raise TokenError(CLIENT_KEY_UNAVAILABLE, unavailable.problem) from unavailable


async def check_readable(client: Client, *, provider: Provider) -> None:
    """Raise TokenError when the client's ID tokens are encrypted to a key that cannot be had: asked before anything is spent for it."""
    try:
        await check_encryptable(client, client.metadata.algorithms.id_token_encrypted_response, provider=provider)
    except ClientKeysUnavailable as unavailable:
        raise TokenError(CLIENT_KEY_UNAVAILABLE, unavailable.problem) from unavailable


async def _end_replayed(digest: bytes, client: Client, provider: Provider, origin: Origin, now: datetime) -> None:
    """When the code was spent before: end its grant in a transaction of its own, record it, and raise
    CODE_REPLAYED.

    It commits although the request is refused: a thief may have been first (RFC 6749 §4.1.2, RFC 9700
    §4.2.4).
    """
    grant = await find_grant_by_code(provider.db, digest)
    if grant is None or grant.redeemed_at is None:
        return
    entry = Entry(
        kind="oauth.code_replayed",
        at=now,
        outcome="refused",
        code=CODE_REPLAYED.entry.code,
        actor=f"person:{grant.person_id}",
        client=client.client_id,
        request_id=origin.request_id,
        details={"grant_id": grant.grant_id, "issued_to": grant.client_id},
    )
    change = revocation(f"grant:{grant.grant_id}", lifetime=provider.limits.access_token_lifetime, now=now)
    if grant.ended_at is None:
        async with provider.db.transaction() as connection:
            await end_grants(connection, grant_id=grant.grant_id, now=now)
            await provider.ledger.append_in(connection, entry, changes=[change])
        provider.feed.apply([change])
    else:
        await provider.ledger.append(entry)
    replayed = TokenError(CODE_REPLAYED)
    replayed.recorded = True
    raise replayed
