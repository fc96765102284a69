"""Provider metadata (OpenID Connect Discovery §3, RFC 8414 §2): generated from what is really switched on.

Both well-known documents carry the same members; the one of RFC 8414 carries them signed as well. Endpoint paths stand here once; the HTTP
layer mounts them from here.
"""

from dataclasses import dataclass
from typing import Any

from idp.provider.assurance.vocabulary import METADATA as ASSURANCE
from idp.provider.authlib_server import Core
from idp.provider.authorization.details import AUTHORIZATION_DETAILS_TYPES
from idp.provider.authorization.pkce import CODE_CHALLENGE_METHOD
from idp.provider.authorization.request import PROMPTS
from idp.provider.clients.jwk_sets import CONTENT_ENCRYPTION, ENCRYPTING_ALGS
from idp.provider.clients.policies import POLICIES
from idp.provider.clients.signing_algorithms import SIGNING_ALGORITHMS
from idp.provider.composition import MutualTls
from idp.provider.proof.client_auth import ALL_METHODS, CERTIFICATE_METHODS
from idp.provider.proof.dpop import PROOF_ALGORITHMS
from idp.provider.resources.audiences import license_audience
from idp.provider.scopes import CLAIM_LABELS, SCOPES
from idp.vocabulary import ALL_ACR_VALUES


@dataclass(frozen=True, slots=True)
class EndpointPaths:
    """Where the endpoints live below the issuer."""

    openid_configuration: str = "/.well-known/openid-configuration"
    oauth_authorization_server: str = "/.well-known/oauth-authorization-server"
    jwks: str = "/oauth/jwks"
    authorize: str = "/oauth/authorize"
    token: str = "/oauth/token"
    device_authorization: str = "/oauth/device_authorization"
    ciba: str = "/oauth/ciba"
    par: str = "/oauth/par"
    introspect: str = "/oauth/introspect"
    revoke: str = "/oauth/revoke"
    userinfo: str = "/oauth/userinfo"
    logout: str = "/oauth/logout"
    check_session: str = "/oauth/session"
    register: str = "/oauth/register"


ENDPOINTS = EndpointPaths()


_ANSWER_ALGORITHMS: dict[str, list[str]] = {
    f"{kind}_{member}": list(values)
    for kind in ("id_token", "userinfo", "authorization")
    for member, values in (
        ("signing_alg_values_supported", SIGNING_ALGORITHMS),
        ("encryption_alg_values_supported", ENCRYPTING_ALGS),
        ("encryption_enc_values_supported", CONTENT_ENCRYPTION),
    )
} | {
    "introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
    "introspection_encryption_alg_values_supported": list(ENCRYPTING_ALGS),
    "introspection_encryption_enc_values_supported": list(CONTENT_ENCRYPTION),
    "request_object_encryption_alg_values_supported": list(ENCRYPTING_ALGS),
    "request_object_encryption_enc_values_supported": list(CONTENT_ENCRYPTION),
}
"""OpenID Connect Discovery §3 and JARM §4; a client chooses one of each in its registration."""


def provider_metadata(issuer: str, core: Core, *, mutual_tls: MutualTls) -> dict[str, Any]:
    """Return the metadata of this issuer; grant types are those registered with the core."""
    policies = POLICIES.values()
    methods = [method for method in ALL_METHODS if mutual_tls.is_on or method not in CERTIFICATE_METHODS]
    confidential = [method for method in methods if method != "none"]
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + ENDPOINTS.authorize,
        "token_endpoint": issuer + ENDPOINTS.token,
        "userinfo_endpoint": issuer + ENDPOINTS.userinfo,
        "jwks_uri": issuer + ENDPOINTS.jwks,
        "pushed_authorization_request_endpoint": issuer + ENDPOINTS.par,
        "device_authorization_endpoint": issuer + ENDPOINTS.device_authorization,
        "backchannel_authentication_endpoint": issuer + ENDPOINTS.ciba,
        "backchannel_token_delivery_modes_supported": ["poll", "ping"],
        "backchannel_authentication_request_signing_alg_values_supported": _all_of(
            policy.signing_algs for policy in policies
        ),
        "backchannel_user_code_parameter_supported": False,
        "introspection_endpoint": issuer + ENDPOINTS.introspect,
        "revocation_endpoint": issuer + ENDPOINTS.revoke,
        "end_session_endpoint": issuer + ENDPOINTS.logout,
        "check_session_iframe": issuer + ENDPOINTS.check_session,
        "registration_endpoint": issuer + ENDPOINTS.register,
        "scopes_supported": list(SCOPES),
        "response_types_supported": _all_of(policy.response_types for policy in policies),
        "response_modes_supported": _all_of(policy.response_modes for policy in policies),
        "grant_types_supported": [*core.grant_types(), "implicit"],
        "subject_types_supported": ["pairwise"],
        **_ANSWER_ALGORITHMS,
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": confidential,
        "revocation_endpoint_auth_methods_supported": methods,
        **{
            f"{endpoint}_endpoint_auth_signing_alg_values_supported": _all_of(
                policy.signing_algs for policy in policies
            )
            for endpoint in ("token", "introspection", "revocation")
        },
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": mutual_tls.is_on,
        **_aliases(mutual_tls),
        "protected_resources": [license_audience(issuer)],
        "authorization_details_types_supported": list(AUTHORIZATION_DETAILS_TYPES),
        "code_challenge_methods_supported": [CODE_CHALLENGE_METHOD],
        "acr_values_supported": list(ALL_ACR_VALUES),
        "prompt_values_supported": sorted(PROMPTS),
        "claim_types_supported": ["normal"],
        "claims_supported": ["sub", "acr", "amr", "auth_time", "sid", *CLAIM_LABELS],
        "claims_parameter_supported": True,
        **ASSURANCE,
        # What single clients or policies require stands in their registration.
        "require_pushed_authorization_requests": False,
        "require_signed_request_object": False,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": _all_of(policy.signing_algs for policy in policies),
        "authorization_response_iss_parameter_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "ui_locales_supported": ["zh-CN", "en"],
    }


def _aliases(mutual_tls: MutualTls) -> dict[str, dict[str, str]]:
    """RFC 8705 §5: the same endpoints at the origin that asks for certificates."""
    if not mutual_tls.is_on or mutual_tls.origin is None:
        return {}
    paths = {
        "token_endpoint": ENDPOINTS.token,
        "pushed_authorization_request_endpoint": ENDPOINTS.par,
        "device_authorization_endpoint": ENDPOINTS.device_authorization,
        "backchannel_authentication_endpoint": ENDPOINTS.ciba,
        "introspection_endpoint": ENDPOINTS.introspect,
        "revocation_endpoint": ENDPOINTS.revoke,
        "userinfo_endpoint": ENDPOINTS.userinfo,
    }
    return {"mtls_endpoint_aliases": {name: mutual_tls.origin + path for name, path in paths.items()}}


def _all_of(groups: Any) -> list[str]:
    return sorted({member for group in groups for member in group})
