"""Request objects: authorization requests that the client signed (RFC 9101), with the checks of FAPI 2.0 Message Signing §5.3.

A request object is judged as what it is, an untrusted JWT: form and header first, then the signature by the client's own keys, then issuer,
audience and times, and only then are its members read as parameters. What another JWT of the same client looks like (a client assertion,
a DPoP proof) is refused by type and by `sub` (RFC 9101 §10.8).
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from foundation.signing import InvalidSignedToken
from idp.provider.authorization.request_reasons import INVALID_REQUEST_OBJECT
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.policies import policy_of
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.errors import RedirectableError
from idp.provider.parameters import MAX_PARAMETERS, REPEATABLE, Parameters
from idp.provider.proof.client_jwts import (
    ClientJwt,
    UnusableJwt,
    check_not_early,
    instant_of,
    is_signed_by,
    parse_client_jwt,
)
from idp.provider.tokens.jwt_encryption import decrypt_request_object, is_encrypted

LONGEST_LIFE = timedelta(minutes=60)
"""FAPI 2.0 Message Signing §5.3.1: `nbf` is at most so old, and `exp` at most so long after it."""
TYPES = frozenset({"oauth-authz-req+jwt", "jwt"})
"""RFC 9101 §10.8; OpenID Connect Core §6.1 knows no explicit type, so plain JWTs are taken too."""

_JWT_MEMBERS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})


async def parameters_of_request_object(text: str, client: Client, *, provider: Provider, now: datetime) -> Parameters:
    """Return the parameters inside the client's request object; raises RedirectableError invalid_request_object."""
    policy, registered = policy_of(client), client.metadata
    strict = policy is None or policy.requires_par or registered.require_signed_request_object
    try:
        claims = await verify_request_object(
            text,
            client,
            registered_alg=registered.algorithms.request_object_signing_alg,
            strict=strict,
            provider=provider,
            now=now,
        )
        return _parameters(claims, client)
    except UnusableJwt as unusable:
        raise RedirectableError(INVALID_REQUEST_OBJECT, str(unusable)) from unusable


async def verify_request_object(
    text: str, client: Client, *, registered_alg: str | None, strict: bool, provider: Provider, now: datetime
) -> Mapping[str, Any]:
    """Return the claims of a JWT that the client signed for this provider as a request; raises UnusableJwt.

    It may be encrypted to this provider, then it is signed inside. `strict` asks for `exp` and `nbf`; where they stand they are judged in
    any case. Not checked: whether `jti` was seen before, since a
    page may be loaded again.
    """
    if is_encrypted(text):
        wanted = client.metadata.algorithms.request_object_encryption
        try:
            text = decrypt_request_object(text, provider, now, wanted=wanted)
        except InvalidSignedToken as undecipherable:
            raise UnusableJwt(f"JWE: {undecipherable.detail}") from undecipherable
    jwt = parse_client_jwt(text)
    if (jwt.typ or "jwt").lower().removeprefix("application/") not in TYPES:
        raise UnusableJwt("another type of JWT")
    await _check_signature(jwt, client, registered_alg, provider)
    claims = jwt.claims
    if claims.get("iss") != client.client_id:
        raise UnusableJwt("iss is not the client")
    named = claims.get("aud")
    audience = named if isinstance(named, list) else [named]
    if provider.issuer not in audience or not all(isinstance(entry, str) for entry in audience):
        raise UnusableJwt("aud is not this provider")
    if claims.get("sub") == client.client_id:
        raise UnusableJwt("sub is the client: a client assertion")
    _check_life(claims, strict=strict, now=now)
    return claims


async def _check_signature(jwt: ClientJwt, client: Client, registered_alg: str | None, provider: Provider) -> None:
    policy = policy_of(client)
    # `none` and the symmetric algorithms are in no policy, so nobody can register or use them here.
    if policy is None or jwt.alg not in policy.signing_algs or registered_alg not in (None, jwt.alg):
        raise UnusableJwt("alg outside the registration or the policy")
    try:
        keys = await provider.client_keys.verification_keys(client, kid=jwt.kid, alg=jwt.alg)
    except ClientKeysUnavailable as unavailable:
        raise UnusableJwt(f"no keys: {unavailable.problem}") from unavailable
    if not any(is_signed_by(jwt, key) for key in keys):
        raise UnusableJwt("signature")


def _check_life(claims: Mapping[str, Any], *, strict: bool, now: datetime) -> None:
    check_not_early(claims, now=now)
    at, longest = now.timestamp(), LONGEST_LIFE.total_seconds()
    exp, nbf = instant_of(claims, "exp"), instant_of(claims, "nbf")
    if strict and (exp is None or nbf is None):
        raise UnusableJwt("exp or nbf is missing")
    if exp is not None and at >= exp:
        raise UnusableJwt("expired")
    if nbf is not None and at - nbf > longest:
        raise UnusableJwt("nbf is too old")
    if exp is not None and exp - (at if nbf is None else nbf) > longest:
        raise UnusableJwt("exp is too far away")


def _parameters(claims: Mapping[str, Any], client: Client) -> Parameters:
    """RFC 9101 §4: members are parameters by name; JSON stays JSON, and a request never refers to another one (§10.5)."""
    values: dict[str, str] = {}
    resources: tuple[str, ...] = ()
    if len(claims) > MAX_PARAMETERS:
        raise UnusableJwt("too many members")
    for name, value in claims.items():
        if name in ("request", "request_uri"):
            raise UnusableJwt("a request inside the request")
        if name in _JWT_MEMBERS or value is None:
            continue
        if name == REPEATABLE:
            resources = _resources(value)
        elif rendered := _rendered(value):
            values[name] = rendered
    if values.setdefault("client_id", client.client_id) != client.client_id:
        raise UnusableJwt("client_id is another client's")
    return Parameters(values, resources=resources)


def _rendered(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    raise UnusableJwt("a member is neither text, integer nor JSON")


def _resources(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) and entry for entry in listed):
        raise UnusableJwt("resource is not a list of addresses")
    return tuple(dict.fromkeys(str(entry) for entry in listed))
