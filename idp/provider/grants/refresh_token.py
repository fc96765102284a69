"""The refresh token grant (RFC 6749 §6) with rotation and reuse detection (RFC 9700 §4.14.2)."""

from dataclasses import dataclass
from datetime import datetime

from foundation.ledger import Entry
from idp.provider.clients.policies import policy_of
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.errors import TokenError
from idp.provider.grants.authorization_code import (
    check_alive,
    check_readable,
    narrowed_authorization_details,
    narrowed_resources,
)
from idp.provider.parameters import Parameters
from idp.provider.proof.sender_constraint import Confirmation, check_refresh_confirmation, parse_confirmation
from idp.provider.scopes import split_scope
from idp.provider.tokens.granting import Grant, end_grants
from idp.provider.tokens.issuing import IssuedAccessToken, issue_for_grant
from idp.provider.tokens.reasons import (
    INVALID_REFRESH_TOKEN,
    REFRESH_TOKEN_REUSED,
    SCOPE_TOO_BROAD,
    TOKEN_REQUEST_MALFORMED,
)
from idp.provider.tokens.refreshing import RefreshToken, Rotation, is_reuse, parse_refresh_token, successor_of
from idp.provider.tokens.revocations import revocation

GRANT_TYPE = "refresh_token"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A rotated family:

    Its grant, the successor of the presented token, and the scope of the new access token.
    """

    grant: Grant
    successor: RefreshToken
    scope: tuple[str, ...]


async def spend_refresh_token(
    form: Parameters,
    client: Client,
    *,
    confirmation: Confirmation | None,
    provider: Provider,
    origin: Origin,
    now: datetime,
) -> Refreshed:
    """Rotate the presented token, or prolong it where the client's policy does not rotate; raises TokenError.

    Binding, scope and resource are judged before the token is spent: asking for too much is an error of the
    client's, not a sign of theft, and must not cost the person a new sign-in. They never reach beyond the
    grant.
    """
    text = form.get("refresh_token")
    if text is None:
        raise TokenError(TOKEN_REQUEST_MALFORMED, "no refresh token")
    await check_readable(client, provider=provider)
    presented = parse_refresh_token(text)
    if presented is None:
        raise TokenError(INVALID_REFRESH_TOKEN, "malformed")
    family = await provider.families.find(presented.family_id)
    if family is None or family.client_id != client.client_id:
        raise TokenError(INVALID_REFRESH_TOKEN, "unknown or another client's")
    grant = family.grant
    # Disabling a client stops its families without ending them, so an enabled one goes on with them at once: it is judged as it
    # stands now. Whatever ends a family itself (grant, session, person) is judged as of the grant, and in SQL by `rotate`.
    check_alive(grant, provider, now, client_at=now)
    check_refresh_confirmation(client, parse_confirmation(family.confirmation), confirmation)
    scope = _narrowed_scope(form, grant, client)
    narrowed_resources(form, grant.request.resources)
    narrowed_authorization_details(form, grant, client, provider=provider)
    successor = successor_of(presented, entropy=provider.entropy) if _rotates(client) else presented
    idle_until = now + provider.limits.refresh_idle
    if not await provider.families.rotate(Rotation(presented, successor, client.client_id, idle_until, now)):
        await _judge_refused(presented, client, grant, provider, origin, now)
        raise TokenError(INVALID_REFRESH_TOKEN, "expired, ended or altered")
    return Refreshed(grant, successor, scope)


def issue_for_refresh(
    refreshed: Refreshed,
    form: Parameters,
    client: Client,
    *,
    confirmation: Confirmation | None,
    provider: Provider,
    now: datetime,
) -> IssuedAccessToken:
    """Sign the access token of a rotation, bound to what the request proved."""
    return issue_for_grant(
        refreshed.grant,
        client,
        scope=refreshed.scope,
        resources=narrowed_resources(form, refreshed.grant.request.resources),
        authorization_details=narrowed_authorization_details(form, refreshed.grant, client, provider=provider),
        confirmation=confirmation,
        provider=provider,
        now=now,
    )


def _rotates(client: Client) -> bool:
    policy = policy_of(client)
    # A public client's token always rotates: nothing else shows that it was copied (RFC 9700 §4.14.2).
    return policy is None or policy.rotates_refresh_tokens or client.token_endpoint_auth_method == "none"


def _narrowed_scope(form: Parameters, grant: Grant, client: Client) -> tuple[str, ...]:
    # A scope that the client has lost since then is lost here as well.
    held = tuple(name for name in grant.request.scope if name in client.scopes or name == "openid")
    wanted = form.get("scope")
    if wanted is None:
        return held
    asked = split_scope(wanted)
    if not set(asked) <= set(held):
        raise TokenError(SCOPE_TOO_BROAD)
    return asked


async def _judge_refused(
    presented: RefreshToken, client: Client, grant: Grant, provider: Provider, origin: Origin, now: datetime
) -> None:
    """When the refused token is an older generation:

    End the family, in a transaction of its own, and raise.
    """
    family = await provider.families.find(presented.family_id)
    if family is None or not is_reuse(presented, family, client.client_id):
        return
    entry = Entry(
        kind="oauth.refresh_token_reused",
        at=now,
        outcome="refused",
        code=REFRESH_TOKEN_REUSED.entry.code,
        actor=f"person:{grant.person_id}",
        client=client.client_id,
        request_id=origin.request_id,
        details={"grant_id": grant.grant_id, "generation": presented.generation, "newest": family.generation},
    )
    change = revocation(f"grant:{grant.grant_id}", lifetime=provider.limits.access_token_lifetime, now=now)
    async with provider.db.transaction() as connection:
        await end_grants(connection, grant_id=grant.grant_id, now=now)
        await provider.ledger.append_in(connection, entry, changes=[change])
    provider.feed.apply([change])
    reused = TokenError(REFRESH_TOKEN_REUSED)
    reused.recorded = True
    raise reused
