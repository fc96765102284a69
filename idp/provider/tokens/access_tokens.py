"""Access tokens: RFC 9068 JWTs, ES256, checked without SQL.

What only this provider may read (person, officer, session, grant, claims agreed by name) travels sealed in
the one member `ctx`, so that no resource and no app can join what two sectors know. Verifying is:
signature, times, issuer, audience, then the list of revocations, which must be fresh.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from foundation.sealing import SealBroken, Sealer
from foundation.signing import Algorithm, InvalidSignedToken, KeyRing
from foundation.values import value_type
from idp.provider.errors import InsufficientScope, InvalidToken
from idp.provider.proof.sender_constraint import Confirmation, confirmation_from_claim
from idp.provider.scopes import join_scope, split_scope
from idp.provider.tokens.claims_encoding import encode_claims
from idp.provider.tokens.revocations import RevocationList, consent_key

TYPE = "at+jwt"
ALGORITHM: Algorithm = "ES256"
CONTEXT = "access-token.context"


@value_type
class TokenContext:
    """Whom a token is about, for this provider's eyes only; empty for a client acting for itself."""

    grant_id: str | None = None
    person_id: str | None = None
    officer_id: str | None = None
    session_id: str | None = None
    claims: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    """Identifiers of the tokens that were exchanged for this one, the latest first: it dies with each of them."""


NO_CONTEXT = TokenContext()


@value_type
class AccessTokenFacts:
    """Everything that goes into one access token."""

    subject: str
    client_id: str
    audience: tuple[str, ...]
    scope: tuple[str, ...]
    lifetime: timedelta
    context: TokenContext = NO_CONTEXT
    acr: str | None = None
    auth_time: datetime | None = None
    sid: str | None = None
    confirmation: Confirmation | None = None
    actors: tuple[str, ...] = ()
    """The applications that act for the subject, the current one first (`act`, RFC 8693 §4.1)."""
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    """What the token is narrowed to (RFC 9396 §9.1)."""


@value_type
class VerifiedAccessToken:
    """A token that was checked for one audience; only `read_access_token` makes it."""

    client_id: str
    subject: str
    person_id: str | None
    officer_id: str | None
    session_id: str | None
    scope: frozenset[str]
    acr: str | None
    auth_time: datetime | None
    jti: str
    grant_id: str | None
    claims: tuple[str, ...]
    audience: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    confirmation: Confirmation | None = None
    """What the bearer must prove to possess; the resource compares it with the request."""
    actors: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()


def sign_access_token(
    facts: AccessTokenFacts, *, issuer: str, jti: str, keys: KeyRing, sealer: Sealer, now: datetime
) -> str:
    """Return the signed token (RFC 9068 §2); raises NoSigningKey."""
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": facts.subject,
        "aud": facts.audience[0] if len(facts.audience) == 1 else list(facts.audience),
        "exp": issued_at + int(facts.lifetime.total_seconds()),
        "iat": issued_at,
        "jti": jti,
        "client_id": facts.client_id,
    }
    if facts.scope:
        claims["scope"] = join_scope(facts.scope)
    if facts.acr is not None:
        claims["acr"] = facts.acr
    if facts.auth_time is not None:
        claims["auth_time"] = int(facts.auth_time.timestamp())
    if facts.sid is not None:
        claims["sid"] = facts.sid
    if facts.confirmation is not None:
        claims["cnf"] = facts.confirmation.as_claim()
    if facts.authorization_details:
        claims["authorization_details"] = facts.authorization_details
    if facts.actors:
        claims["act"] = act_claim(facts.actors)
    if facts.context is not NO_CONTEXT:
        claims["ctx"] = _seal_context(facts.context, sealer)
    return keys.sign_compact(encode_claims(claims), purpose="oidc", alg=ALGORITHM, typ=TYPE, now=now)


def read_access_token(
    token: str, *, issuer: str, keys: KeyRing, sealer: Sealer, revocations: RevocationList, now: datetime
) -> VerifiedAccessToken:
    """Check everything but audience and scope, which are the caller's to compare; raises InvalidToken.

    Raises StorageUnavailable when this worker has not heard of revocations lately.
    """
    revocations.check_fresh(now)
    try:
        claims = keys.verify(token, purpose="oidc", algs=(ALGORITHM,), typ=TYPE, now=now, issuer=issuer).claims
        context = _open_context(claims.get("ctx"), sealer)
        actors = _unnest_actors(claims.get("act"))
    except (InvalidSignedToken, SealBroken) as invalid:
        raise InvalidToken(invalid.detail) from invalid
    client_id, jti = claims["client_id"], claims["jti"]
    issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    if revocations.is_revoked(*_revocation_keys(client_id, jti, context, actors), issued_at=issued_at, now=now):
        raise InvalidToken("revoked")
    audience = claims["aud"]
    auth_time = claims.get("auth_time")
    return VerifiedAccessToken(
        client_id=client_id,
        subject=claims["sub"],
        person_id=context.person_id,
        officer_id=context.officer_id,
        session_id=context.session_id,
        scope=frozenset(split_scope(claims.get("scope", ""))),
        acr=claims.get("acr"),
        auth_time=None if auth_time is None else datetime.fromtimestamp(auth_time, UTC),
        jti=jti,
        grant_id=context.grant_id,
        claims=context.claims,
        audience=(audience,) if isinstance(audience, str) else tuple(audience),
        issued_at=issued_at,
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        confirmation=confirmation_from_claim(claims.get("cnf")),
        actors=actors,
        parents=context.parents,
        authorization_details=tuple(claims.get("authorization_details", ())),
    )


def act_claim(actors: Sequence[str]) -> dict[str, Any]:
    """Return the claim `act`: the current actor, with those before it inside (RFC 8693 §4.1)."""
    nested: dict[str, Any] = {}
    for actor in reversed(actors):
        nested = {"sub": actor, "act": nested} if nested else {"sub": actor}
    return nested


def check_reach(token: VerifiedAccessToken, *, audience: str, scope: str) -> None:
    """Raise InvalidToken unless the token is for the audience, InsufficientScope unless it carries the
    scope.
    """
    if audience not in token.audience:
        raise InvalidToken("another audience")
    if scope not in token.scope:
        raise InsufficientScope(scope)


def _revocation_keys(client_id: str, jti: str, context: TokenContext, actors: Sequence[str]) -> Sequence[str]:
    keys = [f"jti:{jti}", f"client:{client_id}"]
    keys += [f"client:{actor}" for actor in actors]
    keys += [f"jti:{parent}" for parent in context.parents]
    if context.grant_id is not None:
        keys.append(f"grant:{context.grant_id}")
    if context.session_id is not None:
        keys.append(f"session:{context.session_id}")
    if context.person_id is not None:
        keys.append(f"person:{context.person_id}")
        # The grant is that of the application the person signed in to; those that act for it may have asked for themselves.
        keys += [consent_key(context.person_id, actor) for actor in actors]
    return keys


def _unnest_actors(nested: dict[str, Any] | None) -> tuple[str, ...]:
    actors: list[str] = []
    while nested is not None:
        actors.append(nested["sub"])
        nested = nested.get("act")
    return tuple(actors)


def _seal_context(context: TokenContext, sealer: Sealer) -> str:
    members: list[Any] = [context.grant_id, context.person_id, context.officer_id, context.session_id]
    if context.parents:
        # A list among names: only a token that another was exchanged for carries it.
        members.append(context.parents)
    members += context.claims
    sealed = sealer.seal(orjson.dumps(members), context=CONTEXT)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _open_context(text: str | None, sealer: Sealer) -> TokenContext:
    if text is None:
        return NO_CONTEXT
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as broken:
        raise SealBroken("context is not base64url") from broken
    grant_id, person_id, officer_id, session_id, *rest = orjson.loads(sealer.open(sealed, context=CONTEXT))
    parents = rest.pop(0) if rest and isinstance(rest[0], list) else ()
    return TokenContext(grant_id, person_id, officer_id, session_id, tuple(rest), tuple(parents))
