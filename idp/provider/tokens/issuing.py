"""Making the tokens of one answer.

Nothing is written here: a token counts once its ledger entry is durable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from foundation.ledger import Entry, Insert
from idp.provider.authorization.details import Detail
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.proof.sender_constraint import Confirmation
from idp.provider.resources.audiences import userinfo_audience
from idp.provider.scopes import is_sensitive, join_scope
from idp.provider.tokens.access_tokens import NO_CONTEXT, AccessTokenFacts, TokenContext, sign_access_token
from idp.provider.tokens.granting import Grant
from idp.provider.tokens.opaque_tokens import new_opaque_token


@dataclass(frozen=True, slots=True)
class IssuedAccessToken:
    """A signed token with what the answer and the record say about it."""

    token: str
    jti: str
    scope: tuple[str, ...]
    audience: tuple[str, ...]
    lifetime: timedelta
    confirmation: Confirmation | None = None
    inserts: tuple[Insert, ...] = ()
    """Rows to be written with the entry of the issue; without them an opaque token is unknown."""
    authorization_details: tuple[Detail, ...] = ()

    @property
    def token_type(self) -> str:
        """How the token is to be presented."""
        return "Bearer" if self.confirmation is None else self.confirmation.token_type

    def answer(self) -> dict[str, Any]:
        """Return the members of the token response (RFC 6749 §5.1, RFC 9396 §7)."""
        members: dict[str, Any] = {
            "access_token": self.token,
            "token_type": self.token_type,
            "expires_in": int(self.lifetime.total_seconds()),
            "scope": join_scope(self.scope),
        }
        if self.authorization_details:
            members["authorization_details"] = self.authorization_details
        return members


def issue_for_grant(
    grant: Grant,
    client: Client,
    *,
    scope: tuple[str, ...],
    resources: Sequence[str],
    confirmation: Confirmation | None,
    provider: Provider,
    now: datetime,
    authorization_details: tuple[Detail, ...] | None = None,
) -> IssuedAccessToken:
    """Sign an access token about the person of the grant, bound to `confirmation` and narrowed to the details, None for the grant's own.

    `resources` empty means the userinfo endpoint.
    """
    details = grant.request.authorization_details if authorization_details is None else authorization_details
    audience = tuple(resources) or (userinfo_audience(provider.issuer),)
    facts = AccessTokenFacts(
        subject=provider.subjects.subject(client.sector, grant.person_id),
        client_id=client.client_id,
        audience=audience,
        scope=scope,
        lifetime=provider.limits.license_token_lifetime if details else lifetime_of(scope, provider),
        context=TokenContext(
            grant.grant_id, grant.person_id, grant.officer_id, grant.session_id, grant.request.userinfo_claims
        ),
        acr=grant.authentication.acr,
        auth_time=grant.authentication.auth_time,
        sid=grant.sid,
        confirmation=confirmation,
        authorization_details=details,
    )
    return issue_token(facts, client, provider=provider, now=now)


def issue_for_client(
    client: Client,
    *,
    scope: tuple[str, ...],
    resources: Sequence[str],
    confirmation: Confirmation | None,
    provider: Provider,
    now: datetime,
) -> IssuedAccessToken:
    """Sign an access token about the client itself, bound to `confirmation`; `sub` is its client_id (RFC 9068 §2.2)."""
    audience = tuple(resources)
    facts = AccessTokenFacts(
        subject=client.client_id,
        client_id=client.client_id,
        audience=audience,
        scope=scope,
        lifetime=lifetime_of(scope, provider),
        context=NO_CONTEXT,
        confirmation=confirmation,
    )
    return issue_token(facts, client, provider=provider, now=now)


def issue_token(facts: AccessTokenFacts, client: Client, *, provider: Provider, now: datetime) -> IssuedAccessToken:
    """Sign the token, and put a reference in its place for a client that is registered for opaque ones; raises NoSigningKey."""
    jti = provider.entropy.identifier()
    token = sign_access_token(
        facts, issuer=provider.issuer, jti=jti, keys=provider.keys, sealer=provider.sealer, now=now
    )
    inserts: tuple[Insert, ...] = ()
    if client.metadata.access_token_format == "opaque":
        expires_at = now + facts.lifetime
        token, row = new_opaque_token(token, expires_at=expires_at, sealer=provider.sealer, entropy=provider.entropy)
        inserts = (row,)
    return IssuedAccessToken(
        token,
        jti,
        facts.scope,
        facts.audience,
        facts.lifetime,
        facts.confirmation,
        inserts,
        facts.authorization_details,
    )


def lifetime_of(scope: Sequence[str], provider: Provider) -> timedelta:
    """Return how long a token with this scope lives: shorter when it reaches real-name data or licenses."""
    limits = provider.limits
    return limits.license_token_lifetime if is_sensitive(scope) else limits.access_token_lifetime


def issue_entry(
    issued: IssuedAccessToken,
    client: Client,
    *,
    grant_type: str,
    grant: Grant | None,
    origin: Origin,
    now: datetime,
) -> Entry:
    """Return the ledger entry of a successful token request:

    Which token, for whom, never the token itself.
    """
    details: dict[str, Any] = {
        "grant_type": grant_type,
        "jti": issued.jti,
        "scope": join_scope(issued.scope),
        "aud": list(issued.audience),
    }
    if issued.confirmation is not None:
        details["cnf"] = issued.confirmation.kind
    if issued.authorization_details:
        # Without the purpose, which is the app's own text and may name somebody.
        details["authorization_details"] = [
            {name: entry[name] for name in ("type", "license_types", "grade")} for entry in issued.authorization_details
        ]
    if grant is not None:
        details["grant_id"] = grant.grant_id
        if grant.request.claims_in_id_token:
            details["id_token_claims"] = list(grant.request.claims_in_id_token)
    return Entry(
        kind="oauth.token",
        at=now,
        outcome="allowed",
        actor=f"client:{client.client_id}" if grant is None else f"person:{grant.person_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=origin.request_id,
        details=details,
    )
