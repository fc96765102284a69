"""Apps that prove themselves by signature or certificate, and requests that prove possession of a key."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2

from idp.provider.clients.metadata import ClientMetadata
from idp.provider.proof.client_assertions import ASSERTION_TYPE
from idp.provider.registration.register import ClientRegistration
from tests.idp.provider.signed_requests import JWKS, encoded, sign
from tests.idp.provider.world import HOUSING, ISSUER, LICENSE_API, LICENSES, NATIVE, World

PROVER = replace(
    HOUSING,
    client_id="prover",
    sector="prover",
    token_endpoint_auth_method="private_key_jwt",
    metadata=ClientMetadata(jwks=JWKS),
)
"""An app of the plain policy that signs assertions; it may bind its tokens and need not."""
HIGH = replace(PROVER, client_id="high", sector="high", policy="high")
SIGNED = replace(
    PROVER,
    client_id="high-signed",
    sector="high-signed",
    policy="high-signed",
    metadata=ClientMetadata(jwks=JWKS, require_signed_request_object=True),
)
TERMINAL = replace(
    NATIVE,
    client_id="terminal",
    sector="terminal",
    scopes=("openid", "profile", "offline_access"),
    metadata=ClientMetadata(dpop_bound_access_tokens=True),
)
"""A public app whose every token is bound to its key."""
VERIFIER_SERVICE = replace(
    LICENSE_API,
    client_id="verifier",
    sector="verifier",
    policy="high-signed",
    token_endpoint_auth_method="private_key_jwt",
    metadata=ClientMetadata(jwks=JWKS),
)
"""A resource whose policy has every answer signed."""
CREDENTIALS = {"grant_type": "client_credentials", "scope": "license.lookup", "resource": LICENSES}


async def add_provers(world: World, *registrations: ClientRegistration) -> None:
    """Register these apps, or those of every kind."""
    for registration in registrations or (PROVER, HIGH, SIGNED, TERMINAL, VERIFIER_SERVICE):
        await world.add_client(registration)


def assertion_claims(world: World, client_id: str, **changes: Any) -> dict[str, Any]:
    """Return the claims of a sound client assertion, changed as asked; None leaves one out."""
    at = int(world.now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": at,
        "exp": at + 60,
        "jti": secrets.token_hex(8),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def assertion(world: World, client_id: str, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """Return a client assertion, changed as asked."""
    return sign(assertion_claims(world, client_id, **changes), **{"typ": "JWT", **(header or {})})


def asserted(token: str) -> dict[str, str]:
    """Return the parameters by which a client shows its assertion."""
    return {"client_assertion": token, "client_assertion_type": ASSERTION_TYPE}


def proof_claims(world: World, path: str, *, access_token: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return the claims of a sound DPoP proof for one of our addresses; None leaves one out."""
    claims: dict[str, Any] = {
        "htm": "POST",
        "htu": ISSUER + path,
        "iat": int(world.now.timestamp()),
        "jti": secrets.token_hex(8),
    }
    if access_token is not None:
        claims["ath"] = encoded(hashlib.sha256(access_token.encode()).digest())
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def dpop_proof(
    world: World, key: Any, path: str, *, alg: str = "ES256", header: Mapping[str, Any] | None = None, **changes: Any
) -> str:
    """Return a DPoP proof of the key, changed as asked."""
    members = {"typ": "dpop+jwt", "kid": None, "jwk": key.as_dict(private=False), **(header or {})}
    return sign(proof_claims(world, path, **changes), alg=alg, key=key, **members)


async def ask_token(
    world: World, client_id: str, form: Mapping[str, str], *, proofs: tuple[str, ...] = (), path: str = "/oauth/token"
) -> httpx2.Response:
    """Ask an endpoint as a client that signs, or as a public one, with these DPoP proofs."""
    client = world.provider.clients.find(client_id)
    assert client is not None
    own = {"client_id": client_id}
    if client.token_endpoint_auth_method == "private_key_jwt":
        own |= asserted(assertion(world, client_id))
    return await post(world, path, {**form, **own}, proofs=proofs)


async def post(
    world: World, path: str, form: Mapping[str, str], *, proofs: tuple[str, ...] = (), **headers: str
) -> httpx2.Response:
    """Post a form with these DPoP headers, each one its own line."""
    lines = [("DPoP", proof) for proof in proofs] + list(headers.items())
    async with world.http() as http:
        return await http.post(path, data=dict(form), headers=lines)


async def read(world: World, scheme: str, token: str, *, proofs: tuple[str, ...] = ()) -> httpx2.Response:
    """Ask the userinfo endpoint with a token in this scheme."""
    lines = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
    async with world.http() as http:
        return await http.get("/oauth/userinfo", headers=lines)
