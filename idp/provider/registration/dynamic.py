"""Dynamic client registration (RFC 7591, OpenID Connect Registration): an invited department registers an application by itself.

The invitation says whose application it will be, under which policy and how much it may ask for; the application says the rest, and every
rule of `registration/rules.py` holds for it. The client identifier, the secret and the registration access token are made here.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from foundation.ledger import Change
from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.redirects import host_of
from idp.provider.clients.registry import TOPIC, Client
from idp.provider.composition import Provider
from idp.provider.errors import InvalidClientMetadata, ProtocolError, TokenError
from idp.provider.registration.document import apply_document, render_document
from idp.provider.registration.invitations import Invitation, digest_of, find_invitation, spend_invitation
from idp.provider.registration.outside import judge_outside
from idp.provider.registration.reasons import INITIAL_TOKEN_INVALID
from idp.provider.registration.register import add_client, make_secret, new_client
from idp.provider.registration.requests import answer_refusal, check_rate, read_document, read_token
from idp.provider.registration.rules import ClientRegistration, check_registration
from idp.provider.registration.sectors import claim_sector
from idp.provider.scopes import OPENID

KIND = "oauth.registration"
REGISTRATION_PATH = "/oauth/register"
_DEFAULT_SCOPES = (OPENID, "profile")


async def register_application(request: BackChannelRequest, *, provider: Provider, now: datetime) -> OAuthResponse:
    """Answer a registration request (RFC 7591 §3); a refusal is returned, and on record, and has spent nothing."""
    try:
        await check_rate(request.origin.network, provider)
        invitation = await _invitation_of(request, provider, now)
        document = read_document(request, max_octets=provider.limits.max_form_octets)
        await provider.clients.refresh()
        wanted = apply_document(document, _template(invitation, f"c-{provider.entropy.identifier()}"))
        wanted = await judge_application(wanted, provider=provider, now=now)
        return await _store(wanted, invitation, request, provider, now)
    except (ProtocolError, InvalidClientMetadata) as refused:
        return await answer_refusal(refused, kind=KIND, client_id=None, request=request, provider=provider, now=now)


async def judge_application(wanted: ClientRegistration, *, provider: Provider, now: datetime) -> ClientRegistration:
    """Return what an application asked for itself, with its sector, when every rule and its invitation allow it.

    Raises InvalidClientMetadata. An operator's registration has no bounds but those of its policy; this one has. Whose the sector is, is
    left to `claim_sector` in the transaction that writes it.
    """
    bounds = wanted.metadata
    if not set(wanted.grant_types) <= set(bounds.registrable_grant_types):
        raise InvalidClientMetadata("grant_types", "beyond the invitation")
    if not set(wanted.scopes) <= set(bounds.registrable_scopes):
        raise InvalidClientMetadata("scope", "beyond the invitation")
    check_registration(replace(wanted, sector=_announced_sector(wanted)), now=now)
    return await judge_outside(wanted, fetcher=provider.fetcher)


def registration_answer(
    client: Client, *, issuer: str, registration_token: str, secret: str | None
) -> Mapping[str, Any]:
    """Return the client information response (RFC 7591 §3.2.1, RFC 7592 §3)."""
    answer = {
        **render_document(client),
        "client_id_issued_at": int(client.created_at.timestamp()),
        "registration_access_token": registration_token,
        "registration_client_uri": f"{issuer}{REGISTRATION_PATH}/{client.client_id}",
    }
    # Zero: a secret has no end of its own; it ends when an operator renews it or the application signs in otherwise.
    return answer if secret is None else {**answer, "client_secret": secret, "client_secret_expires_at": 0}


def template_within(bounds: ClientMetadata, basis: ClientRegistration) -> ClientRegistration:
    """Return what an application has that names nothing itself: the defaults of RFC 7591 §2 within its bounds."""
    scopes = tuple(name for name in _DEFAULT_SCOPES if name in bounds.registrable_scopes)
    return replace(basis, scopes=scopes, metadata=bounds)


async def _invitation_of(request: BackChannelRequest, provider: Provider, now: datetime) -> Invitation:
    token = read_token(request, INITIAL_TOKEN_INVALID)
    invitation = await find_invitation(provider.db, token, now=now)
    if invitation is None:
        raise TokenError(INITIAL_TOKEN_INVALID, "unknown, over or used up")
    return invitation


def _template(invitation: Invitation, client_id: str) -> ClientRegistration:
    terms = invitation.terms
    bounds = ClientMetadata(
        legacy_exceptions=tuple(terms.legacy_exceptions),
        legacy_until=terms.legacy_until,
        is_reviewed=False,
        registrable_scopes=tuple(sorted(terms.scopes)),
        registrable_grant_types=tuple(sorted(terms.grant_types)),
    )
    basis = ClientRegistration(
        client_id=client_id,
        name_zh=client_id,
        name_en=client_id,
        department_id=terms.department_id,
        policy=terms.policy,
        resources=tuple(terms.resources),
    )
    return template_within(bounds, basis)


async def _store(
    wanted: ClientRegistration, invitation: Invitation, request: BackChannelRequest, provider: Provider, now: datetime
) -> OAuthResponse:
    secret, registration_token = make_secret(wanted, provider.entropy), provider.entropy.token()
    client = replace(new_client(wanted, secret, now), registration_token_hash=digest_of(registration_token))
    changes = [Change(TOPIC, client.client_id)]
    async with provider.db.transaction() as connection:
        if not await spend_invitation(connection, invitation.invitation_id, now=now):
            raise TokenError(INITIAL_TOKEN_INVALID, "used up meanwhile")
        await claim_sector(connection, provider.db, client)
        await add_client(
            connection,
            client,
            ledger=provider.ledger,
            actor="system:registration",
            request_id=request.origin.request_id,
            details={"invitation": invitation.invitation_id},
            changes=changes,
            now=now,
        )
    provider.feed.apply(changes)
    answer = registration_answer(client, issuer=provider.issuer, registration_token=registration_token, secret=secret)
    return OAuthResponse(201, answer)


def _announced_sector(wanted: ClientRegistration) -> str | None:
    """The rules are judged before anything is fetched, so the sector document counts as sound until it is read."""
    uri = wanted.metadata.sector_identifier_uri
    return None if uri is None else host_of(uri)
