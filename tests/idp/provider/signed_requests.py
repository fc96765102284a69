"""An app that signs its authorization requests: its keys, its registration, and request objects sound or broken in one way."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from idp.provider.clients.metadata import ClientAlgorithms, ClientMetadata
from idp.provider.registration.register import ClientRegistration
from tests.idp.provider.world import BUSINESS, ISSUER, World, authorization

EC_KEY = ECKey.generate_key("P-256", private=True, auto_kid=True)
OTHER_EC_KEY = ECKey.generate_key("P-256", private=True, auto_kid=True)
RSA_KEY = RSAKey.generate_key(2048, private=True, auto_kid=True)
ED_KEY = OKPKey.generate_key("Ed25519", private=True, auto_kid=True)
KEYS: dict[str, Any] = {"ES256": EC_KEY, "RS256": RSA_KEY, "PS256": RSA_KEY, "EdDSA": ED_KEY}
JWKS = {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in (EC_KEY, RSA_KEY, ED_KEY)]}

SIGNING = replace(BUSINESS, metadata=ClientMetadata(jwks=JWKS))
"""The business app with its keys: it may sign and need not."""


def signing(client_id: str = "signer", **members: Any) -> ClientRegistration:
    """Return the registration of another signing app; `members` are of its metadata."""
    algorithms = ClientAlgorithms(**members.pop("algorithms", {}))
    metadata = ClientMetadata(**{"jwks": JWKS, **members}, algorithms=algorithms)
    return replace(BUSINESS, client_id=client_id, sector=client_id, metadata=metadata)


def claims_of(world: World, app: str = "signer", **changes: Any) -> dict[str, Any]:
    """Return the claims of a sound request object, changed as asked; None leaves one out."""
    at = int(world.now.timestamp())
    claims: dict[str, Any] = {
        "iss": app,
        "aud": ISSUER,
        "iat": at,
        "nbf": at,
        "exp": at + 300,
        "jti": f"jti-{at}",
        **authorization(app, redirect_uri="https://qyfw.test/cb"),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def sign(claims: Mapping[str, Any] | bytes, *, alg: str = "ES256", key: Any = None, **header: Any) -> str:
    """Sign claims, or any octets, as a compact JWS; `header` changes the protected header, None leaves a member out."""
    used = key or KEYS[alg]
    members = {"alg": alg, "kid": used.kid, "typ": "oauth-authz-req+jwt", **header}
    protected = json.dumps({name: value for name, value in members.items() if value is not None}).encode()
    payload = claims if isinstance(claims, bytes) else json.dumps(claims, ensure_ascii=False).encode()
    signing_input = f"{encoded(protected)}.{encoded(payload)}"
    signature = JWSRegistry.algorithms[alg].sign(signing_input.encode(), used)
    return f"{signing_input}.{encoded(signature)}"


def proof(world: World, key: Any, path: str, **changes: Any) -> str:
    """Return a DPoP proof of the key for a POST to one of our endpoints (RFC 9449 §4.2)."""
    claims = {"htm": "POST", "htu": ISSUER + path, "iat": int(world.now.timestamp()), "jti": secrets.token_hex(8)}
    return sign({**claims, **changes}, key=key, typ="dpop+jwt", kid=None, jwk=key.as_dict(private=False))


def thumbprint(key: Any) -> str:
    """Return the thumbprint by which a key is named (RFC 7638)."""
    return str(key.thumbprint())


def encoded(octets: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
