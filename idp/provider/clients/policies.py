"""Client policies: what a client of each kind must do, whichever door it comes through.

Every door (authorization, pushed requests, token of each grant, device and CIBA requests, registration) calls `check_policy`; no door lets
through what the policy forbids. A new policy is a row here, a new requirement a member with its check.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Protocol

from idp.provider.authorization.reasons import (
    CLIENT_NOT_ALLOWED,
    MUST_BE_PUSHED,
    MUST_BE_SIGNED,
    PKCE_REQUIRED,
    UNSUPPORTED_RESPONSE_MODE,
)
from idp.provider.clients.metadata import ClientAlgorithms, ClientMetadata, Encryption, LegacyException
from idp.provider.errors import InvalidClientMetadata, InvalidRedirectUri, RedirectableError, TokenError
from idp.provider.tokens.reasons import CLIENT_NOT_AUTHENTICATED, GRANT_TYPE_NOT_ALLOWED, TOKEN_MUST_BE_BOUND

CODE, ID_TOKEN, TOKEN = "code", "id_token", "token"
IMPLICIT = frozenset({"id_token", "id_token token"})
HYBRID = frozenset({"code id_token", "code token", "code id_token token"})
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

_EVERYDAY_METHODS = frozenset({"client_secret_basic", "client_secret_post", "none"})
_STRONG_METHODS = frozenset({"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"})
_GRANTS = frozenset({"authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, CIBA, TOKEN_EXCHANGE})
_PLAIN_MODES = frozenset({"query", "form_post"})
_JWT_MODES = frozenset({"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"})
_EVERYDAY_ALGS = frozenset({"ES256", "RS256", "PS256", "EdDSA"})
_STRONG_ALGS = frozenset({"ES256", "PS256", "EdDSA"})


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """What one policy allows and requires. `signing_algs` holds for what the client signs and for what is signed for it."""

    name: str
    auth_methods: frozenset[str]
    grant_types: frozenset[str]
    response_types: frozenset[str]
    response_modes: frozenset[str]
    signing_algs: frozenset[str]
    requires_pkce: bool
    requires_par: bool
    requires_signed_request: bool
    requires_signed_response: bool
    requires_bound_tokens: bool
    rotates_refresh_tokens: bool
    longest_code_life: timedelta
    has_exceptions: bool = False
    requires_issuer_audience: bool = False
    """Whether a client assertion must name the issuer alone (FAPI 2.0 Security Profile §5.3.2.1)."""
    requires_dpop_nonce: bool = False
    """Whether a DPoP proof needs a nonce of this server, so that none can be made in advance (RFC 9449 §11.2)."""


BASELINE = ClientPolicy(
    name="baseline",
    auth_methods=_EVERYDAY_METHODS | _STRONG_METHODS,
    grant_types=_GRANTS,
    response_types=frozenset({CODE}),
    response_modes=_PLAIN_MODES | _JWT_MODES,
    signing_algs=_EVERYDAY_ALGS,
    requires_pkce=True,
    requires_par=False,
    requires_signed_request=False,
    requires_signed_response=False,
    requires_bound_tokens=False,
    rotates_refresh_tokens=True,
    longest_code_life=timedelta(seconds=60),
)
# FAPI 2.0 Security Profile §5.3: the refresh token is bound to the client's key, so it does not rotate (§5.3.2.1).
HIGH = ClientPolicy(
    name="high",
    auth_methods=_STRONG_METHODS,
    grant_types=_GRANTS,
    response_types=frozenset({CODE}),
    response_modes=_PLAIN_MODES | _JWT_MODES,
    signing_algs=_STRONG_ALGS,
    requires_pkce=True,
    requires_par=True,
    requires_signed_request=False,
    requires_signed_response=False,
    requires_bound_tokens=True,
    rotates_refresh_tokens=False,
    longest_code_life=timedelta(seconds=60),
    requires_issuer_audience=True,
)
# FAPI 2.0 Message Signing §5.3, §5.4.
HIGH_SIGNED = ClientPolicy(
    name="high-signed",
    auth_methods=_STRONG_METHODS,
    grant_types=_GRANTS,
    response_types=frozenset({CODE}),
    response_modes=_JWT_MODES,
    signing_algs=_STRONG_ALGS,
    requires_pkce=True,
    requires_par=True,
    requires_signed_request=True,
    requires_signed_response=True,
    requires_bound_tokens=True,
    rotates_refresh_tokens=False,
    longest_code_life=timedelta(seconds=60),
    requires_issuer_audience=True,
    requires_dpop_nonce=True,
)
# Everything beyond `baseline` needs an exception of the client's own, which ends on its date.
LEGACY = ClientPolicy(
    name="legacy",
    auth_methods=_EVERYDAY_METHODS | _STRONG_METHODS,
    grant_types=_GRANTS | {"implicit"},
    response_types=frozenset({CODE, "none"}) | IMPLICIT | HYBRID,
    response_modes=_PLAIN_MODES | _JWT_MODES | {"fragment"},
    signing_algs=_EVERYDAY_ALGS,
    requires_pkce=True,
    requires_par=False,
    requires_signed_request=False,
    requires_signed_response=False,
    requires_bound_tokens=False,
    rotates_refresh_tokens=True,
    longest_code_life=timedelta(seconds=60),
    has_exceptions=True,
)

POLICIES: dict[str, ClientPolicy] = {policy.name: policy for policy in (BASELINE, HIGH, HIGH_SIGNED, LEGACY)}


@dataclass(frozen=True, slots=True)
class AtAuthorization:
    """What a client does at the authorization endpoint or when it pushes a request there.

    `response_mode` is None when none was asked for; `is_pushed` is true at the PAR endpoint itself too.
    """

    response_type: str
    response_mode: str | None = None
    has_code_challenge: bool = False
    is_pushed: bool = False
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class AtToken:
    """What a client does at the token endpoint, or at one that leads there (device, CIBA): `is_bound` says that the request proved
    possession of a key or certificate."""

    grant_type: str
    auth_method: str
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class AtRegistration:
    """A client registers or changes its registration: what is judged is all that it may do afterwards."""


class PolicyHolder(Protocol):
    """Whom a policy binds: a client, and a registration that would become one."""

    @property
    def policy(self) -> str: ...

    @property
    def application_type(self) -> str: ...

    @property
    def token_endpoint_auth_method(self) -> str: ...

    @property
    def redirect_uris(self) -> Collection[str]: ...

    @property
    def grant_types(self) -> Collection[str]: ...

    @property
    def metadata(self) -> ClientMetadata: ...


def policy_of(client: PolicyHolder) -> ClientPolicy | None:
    """Return the client's policy, None when its name is unknown: such a client may do nothing."""
    return POLICIES.get(client.policy)


def has_exception(client: PolicyHolder, exception: LegacyException, *, now: datetime) -> bool:
    """Tell whether policy `legacy` still lets this client do the named thing."""
    policy, until = policy_of(client), client.metadata.legacy_until
    return (
        policy is not None
        and policy.has_exceptions
        and exception in client.metadata.legacy_exceptions
        and until is not None
        and now < until
    )


def needs_bound_tokens(client: PolicyHolder) -> bool:
    """Tell whether every access token of the client must be bound to a key or certificate."""
    policy, registered = policy_of(client), client.metadata
    return (
        (policy is not None and policy.requires_bound_tokens)
        or registered.dpop_bound_access_tokens
        or registered.tls_client_certificate_bound_access_tokens
    )


def check_policy(
    client: PolicyHolder, doing: AtAuthorization | AtToken | AtRegistration, *, now: datetime
) -> ClientPolicy:
    """Return the client's policy when it allows what the client is doing.

    Raises RedirectableError at the authorization and PAR endpoints, InvalidClientMetadata at registration and TokenError elsewhere. A client
    whose policy is unknown may do nothing.
    """
    policy = policy_of(client)
    if isinstance(doing, AtRegistration):
        if policy is None:
            raise InvalidClientMetadata("policy", "unknown")
        _check_registration(client, policy)
        return policy
    if isinstance(doing, AtAuthorization):
        if policy is None:
            raise RedirectableError(CLIENT_NOT_ALLOWED, "unknown policy")
        _check_authorization(client, policy, doing, now)
        return policy
    if policy is None or doing.auth_method not in policy.auth_methods:
        raise TokenError(CLIENT_NOT_AUTHENTICATED, "authentication method outside the policy")
    if doing.grant_type not in policy.grant_types or doing.grant_type not in client.grant_types:
        raise TokenError(GRANT_TYPE_NOT_ALLOWED, "grant type outside the policy or the registration")
    if needs_bound_tokens(client) and not doing.is_bound:
        raise TokenError(TOKEN_MUST_BE_BOUND)
    return policy


def _check_authorization(client: PolicyHolder, policy: ClientPolicy, doing: AtAuthorization, now: datetime) -> None:
    asked, registered = doing.response_type, client.metadata
    if asked not in policy.response_types or asked not in registered.response_types:
        raise RedirectableError(CLIENT_NOT_ALLOWED, "response_type outside the policy or the registration")
    exception = exception_for(asked)
    if exception is not None and not has_exception(client, exception, now=now):
        raise RedirectableError(CLIENT_NOT_ALLOWED, "response_type without an exception in force")
    if TOKEN in asked.split(" ") and needs_bound_tokens(client):
        raise RedirectableError(CLIENT_NOT_ALLOWED, "a token from this endpoint is bound to nothing")
    if CODE in asked.split(" ") and "authorization_code" not in client.grant_types:
        raise RedirectableError(CLIENT_NOT_ALLOWED, "the client is not registered for the code flow")
    if (policy.requires_par or registered.require_pushed_authorization_requests) and not doing.is_pushed:
        raise RedirectableError(MUST_BE_PUSHED)
    if (policy.requires_signed_request or registered.require_signed_request_object) and not doing.is_signed:
        raise RedirectableError(MUST_BE_SIGNED)
    needs_pkce = policy.requires_pkce and CODE in asked.split(" ") and not has_exception(client, "no_pkce", now=now)
    if needs_pkce and not doing.has_code_challenge:
        raise RedirectableError(PKCE_REQUIRED, "no challenge")
    if doing.response_mode is not None and doing.response_mode not in policy.response_modes:
        raise RedirectableError(UNSUPPORTED_RESPONSE_MODE, "response_mode outside the policy")


def _check_registration(client: PolicyHolder, policy: ClientPolicy) -> None:
    registered = client.metadata
    if client.token_endpoint_auth_method not in policy.auth_methods:
        raise InvalidClientMetadata("token_endpoint_auth_method", "not allowed by the policy")
    if not client.grant_types or not set(client.grant_types) <= policy.grant_types:
        raise InvalidClientMetadata("grant_types", "not allowed by the policy")
    if not set(registered.response_types) <= policy.response_types:
        raise InvalidClientMetadata("response_types", "not allowed by the policy")
    if registered.legacy_exceptions and not policy.has_exceptions:
        raise InvalidClientMetadata("legacy_exceptions", f"none under policy {policy.name}")
    for response_type in registered.response_types:
        # That it is registered is enough here: whether it is still in force is asked at every use.
        needed = exception_for(response_type)
        if needed is not None and needed not in registered.legacy_exceptions:
            raise InvalidClientMetadata("response_types", f"needs the exception {needed}")
    for member in fields(ClientAlgorithms):
        alg = getattr(registered.algorithms, member.name)
        if alg is not None and not isinstance(alg, Encryption) and alg not in policy.signing_algs:
            raise InvalidClientMetadata(member.name, "not allowed by the policy")
    # FAPI 2.0 Security Profile §5.3.2.2: no plain http, but for native applications on their own machine.
    has_http = any(not uri.startswith("https://") for uri in client.redirect_uris)
    if policy.requires_par and client.application_type != "native" and has_http:
        raise InvalidRedirectUri("redirect_uris", f"policy {policy.name} needs https")


def exception_for(response_type: str) -> LegacyException | None:
    """Return the exception of policy `legacy` that a response type needs, None when it needs none."""
    if response_type in IMPLICIT:
        return "implicit"
    if response_type in HYBRID:
        return "hybrid"
    return "none_response" if response_type == "none" else None
