"""One authorization request: read, judged in specification order, and kept as a frozen value.

The order matters. Client and redirect_uri come first, because nothing may be sent to an address that is not
theirs (RFC 6749 §4.1.2.1); then the rules of OAuth, then those of OpenID Connect. What is kept is all that
later steps use: no parameter of a later request can change it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from idp.provider.authorization.details import Detail, UnusableDetails, parse_authorization_details
from idp.provider.authorization.pkce import check_code_challenge
from idp.provider.authorization.reasons import (
    INVALID_MAX_AGE,
    INVALID_PARAMETER,
    INVALID_PROMPT,
    INVALID_SCOPE,
    INVALID_TARGET,
    REDIRECT_URI_MISSING,
    REDIRECT_URI_NOT_REGISTERED,
    REGISTRATION_NOT_SUPPORTED,
    REPEATED_PARAMETER,
    UNKNOWN_CLIENT,
)
from idp.provider.authorization.request_reasons import DPOP_KEY_DIFFERS, INVALID_AUTHORIZATION_DETAILS
from idp.provider.authorization.response_modes import answering_mode, check_response_mode
from idp.provider.authorization.response_types import check_front_channel, gives, parse_response_type
from idp.provider.claims import ClaimsRequest, parse_claims_parameter
from idp.provider.clients.memory import ClientRegistry
from idp.provider.clients.policies import CODE, AtAuthorization, check_policy
from idp.provider.clients.redirects import MAX_URI_LENGTH, is_registered_redirect_uri
from idp.provider.clients.registry import Client
from idp.provider.errors import RedirectableError, ShownError
from idp.provider.parameters import Parameters
from idp.provider.ports import LicenseTypes
from idp.provider.resources.audiences import are_resources_of, license_audience, userinfo_audience
from idp.provider.scopes import OFFLINE_ACCESS, OPENID, SCOPES, split_scope

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
MAX_VALUE_LENGTH = 2_048
MAX_LIST_ENTRIES = 20

_MAX_AGE = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_BOUNDED = ("state", "nonce", "scope", "acr_values", "login_hint", "ui_locales", "display", "prompt")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request that broke no rule. `resources` is empty when none was named."""

    client_id: str
    redirect_uri: str
    response_mode: str
    state: str | None
    scope: tuple[str, ...]
    code_challenge: str
    nonce: str | None
    prompt: tuple[str, ...]
    max_age: int | None
    acr_values: tuple[str, ...]
    login_hint: str | None
    id_token_hint: str | None
    ui_locales: tuple[str, ...]
    claims: ClaimsRequest
    resources: tuple[str, ...]
    response_type: str = "code"
    is_pushed: bool = False
    is_signed: bool = False
    request_uri_hash: str | None = None
    """Digest of the pushed request, hexadecimal: it is spent when the client is answered (RFC 9126 §4)."""
    dpop_jkt: str | None = None
    """Thumbprint of the key that the code is bound to (RFC 9449 §10)."""
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    """Checked authorization details (RFC 9396 §2), each of a type the client registered."""

    @property
    def doing(self) -> AtAuthorization:
        """What the request does, as the client's policy asks about it."""
        return AtAuthorization(
            response_type=self.response_type,
            response_mode=self.response_mode,
            has_code_challenge=bool(self.code_challenge),
            is_pushed=self.is_pushed,
            is_signed=self.is_signed,
        )

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that `authorization_request_from_json` reads back."""
        return asdict(self)


def authorization_request_from_json(kept: dict[str, Any]) -> AuthorizationRequest:
    """Read back what `as_json` wrote; lists become tuples again."""
    members: dict[str, Any] = {name: _frozen(value) for name, value in kept.items() if name != "claims"}
    claims: dict[str, Any] = {name: _frozen(value) for name, value in kept["claims"].items()}
    return AuthorizationRequest(**members, claims=ClaimsRequest(**claims))


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """A client and one of its own redirect URIs: what an answer, also a refusing one, may be sent to."""

    client: Client
    redirect_uri: str
    response_mode: str
    state: str | None


def check_address(parameters: Parameters, clients: ClientRegistry) -> CheckedAddress:
    """Return to whom the request may be answered, or raise ShownError: from there on, and only there,
    errors travel.

    A repeated client_id or redirect_uri is shown as well, because which of the two is meant is anybody's
    guess.
    """
    if parameters.repeated & {"client_id", "redirect_uri"}:
        raise ShownError(UNKNOWN_CLIENT, "client_id or redirect_uri repeated")
    client = clients.find_active(parameters.get("client_id") or "")
    if client is None:
        raise ShownError(UNKNOWN_CLIENT, "unknown or disabled")
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None:
        raise ShownError(REDIRECT_URI_MISSING, client_id=client.client_id)
    if len(redirect_uri) > MAX_URI_LENGTH or not is_registered_redirect_uri(
        redirect_uri, client.redirect_uris, client.application_type
    ):
        raise ShownError(REDIRECT_URI_NOT_REGISTERED, client_id=client.client_id)
    # An error travels the way the answer would (RFC 6749 §4.1.2.1, OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    response_mode = answering_mode(
        parameters.get("response_type"), parameters.get("response_mode"), client=client, redirect_uri=redirect_uri
    )
    return CheckedAddress(client, redirect_uri, response_mode, parameters.get("state"))


def parse_authorization_request(
    parameters: Parameters,
    address: CheckedAddress,
    *,
    issuer: str,
    now: datetime,
    is_pushed: bool = False,
    is_signed: bool = False,
    request_uri_hash: str | None = None,
    license_types: LicenseTypes,
) -> AuthorizationRequest:
    """Judge every other parameter and return the request; `is_pushed` and the next two say how it came.

    Raises RedirectableError at the first broken rule.
    """
    client = address.client
    if parameters.repeated:
        raise RedirectableError(REPEATED_PARAMETER, "repeated parameter")
    if parameters.get("registration") is not None:
        # OpenID Connect Core §7.2.1: what is not supported has its own error.
        raise RedirectableError(REGISTRATION_NOT_SUPPORTED)
    response_type = parse_response_type(parameters.get("response_type"))
    doing = AtAuthorization(
        response_type,
        response_mode=address.response_mode,
        has_code_challenge=parameters.get("code_challenge") is not None,
        is_pushed=is_pushed,
        is_signed=is_signed,
    )
    check_policy(client, doing, now=now)
    _check_lengths(parameters)
    check_response_mode(parameters.get("response_mode"), response_type=response_type, answering=address.response_mode)
    check_front_channel(response_type, nonce=parameters.get("nonce"), client=client)
    scope = _check_scope(parameters.get("scope"), client, response_type)
    challenge = _check_challenge(parameters)
    try:
        details = parse_authorization_details(
            parameters.get("authorization_details"), client, license_types=license_types, issuer=issuer
        )
    except UnusableDetails as unusable:
        raise RedirectableError(INVALID_AUTHORIZATION_DETAILS, str(unusable)) from unusable
    resources = parameters.resources or _resources_of(details, issuer)
    if not are_resources_of(client, resources, issuer):
        raise RedirectableError(INVALID_TARGET, "resource outside the registration")
    claims = parse_claims_parameter(parameters.get("claims"), client)
    acr_values = _listed(parameters.get("acr_values"))
    if not (acr_values or claims.essential_acr or claims.voluntary_acr):
        acr_values = client.metadata.default_acr_values
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=address.redirect_uri,
        response_mode=address.response_mode,
        state=address.state,
        scope=scope,
        code_challenge=challenge,
        nonce=parameters.get("nonce"),
        prompt=_check_prompt(parameters.get("prompt")),
        max_age=_check_max_age(parameters.get("max_age"), client),
        acr_values=acr_values,
        login_hint=parameters.get("login_hint"),
        id_token_hint=parameters.get("id_token_hint"),
        ui_locales=_listed(parameters.get("ui_locales")),
        claims=claims,
        resources=resources,
        response_type=response_type,
        is_pushed=is_pushed,
        is_signed=is_signed,
        request_uri_hash=request_uri_hash,
        dpop_jkt=_check_dpop_jkt(parameters.get("dpop_jkt")),
        authorization_details=details,
    )


def check_still_allowed(request: AuthorizationRequest, client: Client, *, issuer: str, now: datetime) -> None:
    """Raise RedirectableError when the client has lost, since the request was judged, what the request needs."""
    check_policy(client, request.doing, now=now)
    check_front_channel(request.response_type, nonce=request.nonce, client=client)
    if not set(request.scope) <= client.scopes | {OPENID}:
        raise RedirectableError(INVALID_SCOPE, "scope lost meanwhile")
    if not are_resources_of(client, request.resources, issuer):
        raise RedirectableError(INVALID_TARGET, "resource lost meanwhile")
    if not {entry["type"] for entry in request.authorization_details} <= set(
        client.metadata.authorization_details_types
    ):
        raise RedirectableError(INVALID_AUTHORIZATION_DETAILS, "type lost meanwhile")


def _check_lengths(parameters: Parameters) -> None:
    for name in _BOUNDED:
        if len(parameters.get(name) or "") > MAX_VALUE_LENGTH:
            raise RedirectableError(INVALID_PARAMETER, f"{name} is too long")
        # No column holds it, and no app has business with it (RFC 6749 appendix A).
        if "\x00" in (parameters.get(name) or ""):
            raise RedirectableError(INVALID_PARAMETER, f"{name} holds U+0000")


def _check_challenge(parameters: Parameters) -> str:
    """Return the PKCE challenge, empty when there is none: whether it may be missing is the policy's to say."""
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    return "" if challenge is None and method is None else check_code_challenge(challenge, method)


def _check_scope(text: str | None, client: Client, response_type: str) -> tuple[str, ...]:
    """RFC 6749 §3.3 and OpenID Connect Core §3.1.2.1: known, entitled to, and with `openid`."""
    scope = split_scope(text or "")
    if OPENID not in scope:
        raise RedirectableError(INVALID_SCOPE, "openid is missing")
    if any(name not in SCOPES or not SCOPES[name].for_persons for name in scope):
        raise RedirectableError(INVALID_SCOPE, "unknown scope")
    if not set(scope) <= client.scopes | {OPENID}:
        raise RedirectableError(INVALID_SCOPE, "scope outside the entitlement")
    if "refresh_token" not in client.grant_types or not gives(response_type, CODE):
        # OpenID Connect Core §11: ignored when the client could not get or use a refresh token anyway.
        scope = tuple(name for name in scope if name != OFFLINE_ACCESS)
    return scope


def _resources_of(details: Sequence[Detail], issuer: str) -> tuple[str, ...]:
    # What is to be read at the license API needs a token for it; userinfo stays within reach, as without details.
    return (userinfo_audience(issuer), license_audience(issuer)) if details else ()


def _check_prompt(text: str | None) -> tuple[str, ...]:
    prompts = _listed(text)
    if not set(prompts) <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RedirectableError(INVALID_PROMPT)
    return prompts


def _check_max_age(text: str | None, client: Client) -> int | None:
    if text is None:
        # OpenID Connect Dynamic Registration §2: what the request says replaces it.
        return client.metadata.default_max_age
    if not _MAX_AGE.fullmatch(text):
        raise RedirectableError(INVALID_MAX_AGE)
    return int(text)


def _check_dpop_jkt(text: str | None) -> str | None:
    if text is not None and not _THUMBPRINT.fullmatch(text):
        raise RedirectableError(DPOP_KEY_DIFFERS, "dpop_jkt is no thumbprint")
    return text


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(" "))[:MAX_LIST_ENTRIES] if text else ()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
