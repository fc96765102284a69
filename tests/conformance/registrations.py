"""The clients of the port, as RFC 7591 client metadata: every provider registers the same ones, each in its own way.

`policy`, `legacy_exceptions` and `department` are members of our product alone; other providers get the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey, RSAKey

RP = "https://rp.test"
CALLBACK = f"{RP}/callback"
OTHER_CALLBACK = f"{RP}/other"
QUERY_CALLBACK = f"{RP}/callback?foo=bar"
SIGNED_OUT = f"{RP}/signed-out"
CIBA_GRANT = "urn:openid:params:grant-type:ciba"
SCOPES = "openid profile phone realname offline_access"
OWN_MEMBERS = ("policy", "legacy_exceptions", "department")

_CODE = {
    "redirect_uris": [CALLBACK, OTHER_CALLBACK, QUERY_CALLBACK],
    "post_logout_redirect_uris": [SIGNED_OUT],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "scope": SCOPES,
    "backchannel_logout_uri": "{listener}/{client}/backchannel-logout",
    "backchannel_logout_session_required": True,
    "policy": "baseline",
}


@dataclass(frozen=True)
class RegisteredClient:
    """A client as one provider knows it, with the keys of the relying party itself."""

    client_id: str
    client_secret: str | None
    metadata: Mapping[str, Any]
    signing_key: ECKey
    certificate: "ClientCertificate | None" = None

    @property
    def auth_method(self) -> str:
        """How the client proves itself at the token endpoint."""
        return str(self.metadata["token_endpoint_auth_method"])


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate with its key, as PEM text."""

    certificate: str
    key: str


def new_signing_key(name: str) -> ECKey:
    """Draw the key with which a client signs its assertions and request objects."""
    return ECKey.generate_key("P-256", {"kid": f"{name}-1", "use": "sig", "alg": "ES256"})


def new_rsa_key(name: str, alg: str = "PS256") -> RSAKey:
    """Draw a key of the other kind."""
    return RSAKey.generate_key(2048, {"kid": f"{name}-rsa", "use": "sig", "alg": alg})


def public_jwks(*keys: ECKey | RSAKey) -> dict[str, Any]:
    """Return the public key set of some keys."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


_HYBRID = {
    **_CODE,
    "grant_types": ["authorization_code", "refresh_token", "implicit"],
    "response_types": ["code", "code id_token", "code token", "code id_token token"],
    "policy": "legacy",
    "legacy_exceptions": ["hybrid"],
}
_IN_FORM = {"token_endpoint_auth_method": "client_secret_post"}

DYNAMIC: Mapping[str, Any] = {
    "client_name": "Conformance",
    "redirect_uris": [CALLBACK, OTHER_CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "id_token_signed_response_alg": "ES256",
    "scope": SCOPES,
}
"""What an application registers by itself unless a module wants something else."""

_STRONG: Mapping[str, Mapping[str, Any]] = {
    "high": {"policy": "high"},
    "signed": {"policy": "high-signed", "require_signed_request_object": True},
}
_PROVES: Mapping[str, Mapping[str, Any]] = {
    "jwt": {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"},
    "tls": {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN={client}"},
}
_BINDS: Mapping[str, Mapping[str, Any]] = {
    "dpop": {"dpop_bound_access_tokens": True},
    "mtls": {"tls_client_certificate_bound_access_tokens": True},
}

_CIBA = {
    **_CODE,
    "redirect_uris": [CALLBACK, OTHER_CALLBACK],
    "grant_types": ["authorization_code", "refresh_token", CIBA_GRANT],
    "policy": "high-signed",
    "require_signed_request_object": True,
    "backchannel_authentication_request_signing_alg": "ES256",
    **_PROVES["jwt"],
    **_BINDS["mtls"],
}

ROLES: Mapping[str, Mapping[str, Any]] = {
    **{
        f"{policy}-{proof}-{binding}": {
            **_CODE,
            "redirect_uris": [CALLBACK, OTHER_CALLBACK],
            **_STRONG[policy],
            **_PROVES[proof],
            **_BINDS[binding],
        }
        for policy in _STRONG
        for proof in _PROVES
        for binding in _BINDS
    },
    "basic": _CODE,
    "basic-post": {**_CODE, **_IN_FORM},
    "ciba-poll": {**_CIBA, "backchannel_token_delivery_mode": "poll"},
    "ciba-ping": {
        **_CIBA,
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "{fetched}/{client}/ciba",
    },
    "third-party": {**_CODE, "initiate_login_uri": f"{RP}/initiate-login"},
    "front-channel": {
        **_CODE,
        "frontchannel_logout_uri": f"{RP}/front-channel-logout",
        "frontchannel_logout_session_required": True,
    },
    "hybrid": _HYBRID,
    "hybrid-post": {**_HYBRID, **_IN_FORM},
    "implicit": {
        **_CODE,
        "grant_types": ["authorization_code", "refresh_token", "implicit"],
        "response_types": ["code", "id_token", "id_token token"],
        "policy": "legacy",
        "legacy_exceptions": ["implicit"],
    },
}
"""Client metadata by role; every role has a second client just like the first, under the role's name with `-2`."""


def metadata_of(role: str, client_id: str, listener_url: str, fetched_url: str) -> dict[str, Any]:
    """Return the metadata of a role's client, with the addresses at which the relying party listens.

    `fetched_url` is the same place under the name that this provider wants to see for it.
    """

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return (
                value.replace("{listener}", listener_url)
                .replace("{fetched}", fetched_url)
                .replace("{client}", client_id)
            )
        return [filled(one) for one in value] if isinstance(value, list) else value

    return {name: filled(value) for name, value in ROLES[role].items()}
