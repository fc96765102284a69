"""ID tokens (OpenID Connect Core §2, §3.1.3.6): who signed in, to one app."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from foundation.signing import Algorithm, InvalidSignedToken, KeyRing
from idp.provider.assurance.release import verified_claims_of
from idp.provider.claims import released_claims
from idp.provider.clients.registry import Client
from idp.provider.clients.signing_algorithms import SIGNING_ALGORITHMS, half_hash, signing_algorithm
from idp.provider.composition import Provider
from idp.provider.scopes import SCOPE_OF_CLAIM
from idp.provider.tokens.claims_encoding import encode_claims
from idp.provider.tokens.granting import Grant
from idp.provider.tokens.jwt_encryption import encrypt_for

TYPE = "JWT"
HINT_ACCEPTED_AFTER_EXPIRY = timedelta(days=90)
"""An id_token_hint may be expired (RP-Initiated Logout §2); after this time its key is gone anyway."""


@dataclass(frozen=True, slots=True)
class IdTokenFacts:
    """Everything that goes into one ID token; `claims` are those asked for by name and agreed to."""

    subject: str
    client_id: str
    sid: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    nonce: str | None
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IssuedBeside:
    """What is handed over in the same answer, to which the ID token is bound (OpenID Connect Core §3.3.2.11).

    `state` is that of an answer through the browser; its hash is that of FAPI 1.0 Part 2 §5.1.1.
    """

    access_token: str | None = None
    code: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """An ID token of ours that a client handed back: the signature was checked, the time was not."""

    subject: str
    client_id: str
    sid: str


async def issue_id_token(
    grant: Grant, client: Client, beside: IssuedBeside, *, nonce: str | None, provider: Provider, now: datetime
) -> str:
    """Return the ID token of an answer, signed and when wanted encrypted as the client registered.

    An entitlement that the client lost since the grant was made is lost here as well. Raises NoSigningKey, and ClientKeysUnavailable for a
    client whose tokens are encrypted.
    """
    registered = client.metadata.algorithms
    names = [name for name in grant.request.plain_id_token_claims if SCOPE_OF_CLAIM[name] in client.scopes]
    claims: dict[str, Any] = {}
    wishes = grant.request.verified_id_token
    if names or wishes:
        known = await provider.people.load(grant.person_id)
        if known is not None:
            claims = released_claims(known, names)
            claims |= await verified_claims_of(wishes, known, client, provider=provider, now=now)
    facts = IdTokenFacts(
        subject=provider.subjects.subject(client.sector, grant.person_id),
        client_id=client.client_id,
        sid=grant.sid,
        acr=grant.authentication.acr,
        amr=grant.authentication.amr,
        auth_time=grant.authentication.auth_time,
        nonce=nonce,
        claims=claims,
    )
    signed = sign_id_token(
        facts,
        beside,
        algorithm=signing_algorithm(registered.id_token_signed_response_alg),
        lifetime=provider.limits.id_token_lifetime,
        issuer=provider.issuer,
        keys=provider.keys,
        now=now,
    )
    wanted = registered.id_token_encrypted_response
    return signed if wanted is None else await encrypt_for(client, signed, wanted, provider=provider)


def sign_id_token(
    facts: IdTokenFacts,
    beside: IssuedBeside,
    *,
    algorithm: Algorithm,
    lifetime: timedelta,
    issuer: str,
    keys: KeyRing,
    now: datetime,
) -> str:
    """Return the signed token, bound to what is issued beside it by `at_hash`, `c_hash` and `s_hash`; raises NoSigningKey."""
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        **facts.claims,
        "iss": issuer,
        "sub": facts.subject,
        "aud": facts.client_id,
        "exp": issued_at + int(lifetime.total_seconds()),
        "iat": issued_at,
        "auth_time": int(facts.auth_time.timestamp()),
        "acr": facts.acr,
        "amr": list(facts.amr),
        "sid": facts.sid,
    }
    for name, value in (("at_hash", beside.access_token), ("c_hash", beside.code), ("s_hash", beside.state)):
        if value is not None:
            claims[name] = half_hash(value, algorithm)
    if facts.nonce is not None:
        claims["nonce"] = facts.nonce
    return keys.sign_compact(encode_claims(claims), purpose="oidc", alg=algorithm, typ=TYPE, now=now)


def read_id_token_hint(hint: str, *, issuer: str, keys: KeyRing, now: datetime) -> IdTokenHint | None:
    """Return what the hint says when it is an ID token of this provider, else None; an expired one is accepted.

    Every algorithm this provider signs with is accepted. Userinfo and authorization answers have the same type, since that is what client
    libraries expect, but not the members of an ID token.
    """
    try:
        claims = keys.verify(
            hint,
            purpose="oidc",
            algs=SIGNING_ALGORITHMS,
            typ=TYPE,
            now=now,
            issuer=issuer,
            leeway=HINT_ACCEPTED_AFTER_EXPIRY,
        ).claims
    except InvalidSignedToken:
        return None
    if not _MEMBERS_OF_ID_TOKEN.issubset(claims):
        return None
    return IdTokenHint(claims["sub"], claims["aud"], claims["sid"])


_MEMBERS_OF_ID_TOKEN = frozenset({"sub", "aud", "sid", "auth_time"})
