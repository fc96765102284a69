"""Apps that get their answers in every way there is, and what a relying party of theirs does with them."""

import base64
import json
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from joserfc import jwe, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwe import JWERegistry
from joserfc.jwk import ECKey, JWKRegistry, Key, KeySet, RSAKey

from foundation.signing import RotationPolicy, ensure_keys
from idp.provider.clients.metadata import ClientAlgorithms, ClientMetadata
from idp.provider.registration.register import ClientRegistration
from tests.idp.provider.world import HOUSING, ISSUER, START, Browser, World

ALL_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none")
RSA_KEY = RSAKey.generate_key(2048, {"use": "enc", "kid": "rsa-1"})
CURVE_KEY = ECKey.generate_key("P-256", {"use": "enc", "kid": "ec-1"})
CLIENT_KEYS: dict[str, Key] = {"rsa-1": RSA_KEY, "ec-1": CURVE_KEY}
JWKS = {"keys": [key.as_dict(private=False) for key in CLIENT_KEYS.values()]}
_ENCRYPTION = JWERegistry(algorithms=[*JWERegistry.algorithms["alg"], *JWERegistry.algorithms["enc"]])

OLD = replace(
    HOUSING,
    client_id="old-app",
    grant_types=("authorization_code", "refresh_token", "implicit"),
    redirect_uris=("https://old.test/cb", "https://old.test/cb?lang=zh"),
    post_logout_redirect_uris=("https://old.test/bye",),
    backchannel_logout_uri="https://old.test/backchannel-logout",
    policy="legacy",
    metadata=ClientMetadata(
        response_types=ALL_TYPES,
        legacy_exceptions=("implicit", "hybrid", "no_pkce", "none_response"),
        legacy_until=START + timedelta(days=300),
    ),
)
"""An app of policy `legacy` with every exception."""


def with_algorithms(client_id: str, **algorithms: Any) -> ClientRegistration:
    """An app like `old-app` that registered keys and these algorithms."""
    metadata = replace(OLD.metadata, jwks=JWKS, algorithms=ClientAlgorithms(**algorithms))
    return replace(OLD, client_id=client_id, sector="old.test", metadata=metadata)


async def add_all_keys(world: World) -> None:
    """Let the provider sign with every algorithm and be encrypted to, as the product does."""
    await ensure_keys(world.provider.db, sealer=world.sealer, policy=RotationPolicy(), now=world.now)
    await world.provider.keys.refresh(world.provider.db)


async def jwks_of(world: World) -> dict[str, Any]:
    """What the provider publishes."""
    async with world.http() as http:
        body: dict[str, Any] = (await http.get("/oauth/jwks")).json()
    return body


async def verified(world: World, token: str, alg: str) -> dict[str, Any]:
    """Check a JWT as a relying party does, by joserfc and the published keys; the claims are returned."""
    return check_signed(await jwks_of(world), token, alg)


def check_signed(jwks: Mapping[str, Any], token: str, alg: str) -> dict[str, Any]:
    """Check a JWT by a key set that was fetched before, and return its claims."""
    keys = KeySet([JWKRegistry.import_key(key) for key in jwks["keys"] if key["use"] == "sig"])
    with warnings.catch_warnings():
        # joserfc would have us use the names of RFC 9864, which OpenID Connect clients do not know yet.
        warnings.simplefilter("ignore", SecurityWarning)
        read = jwt.decode(token, keys, algorithms=[alg])
    assert read.header["alg"] == alg
    assert read.claims["iss"] == ISSUER
    return dict(read.claims)


def decrypted(token: str) -> str:
    """Decrypt with the app's own key, which the header names, and return what was inside."""
    inside = jwe.decrypt_compact(token, CLIENT_KEYS[header_of(token)["kid"]], registry=_ENCRYPTION)
    assert inside.plaintext is not None
    return inside.plaintext.decode()


def header_of(token: str) -> dict[str, Any]:
    """The header of a JWS or JWE, unchecked."""
    segment = token.split(".")[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return header


def parts_of_answer(response: httpx2.Response) -> tuple[str, Mapping[str, str]]:
    """Where the answer travelled, and its parameters; each occurs once."""
    if response.status_code == 200:
        body = response.json()
        return "form_post", body["fields"]
    assert response.status_code == 303, response.text
    address = urlsplit(response.headers["location"])
    assert not (address.query and address.fragment) or address.query == "lang=zh"
    carrier = "fragment" if address.fragment else "query"
    pairs = parse_qsl(address.fragment or address.query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return carrier, dict(pairs)


async def authorized(browser: Browser, client_id: str = "old-app", **changes: str | None) -> httpx2.Response:
    """Authorize as the app, and agree when asked."""
    changes = {"redirect_uri": "https://old.test/cb", **changes}
    response = await browser.authorize(client_id, **changes)
    if response.status_code == 303 and urlsplit(response.headers["location"]).path == "/consent":
        response = await browser.agree(response)
    return response
