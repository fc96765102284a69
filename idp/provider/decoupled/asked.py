"""What an app asks for without a redirect, judged by the rules of the authorization endpoint as far as they apply."""

from collections.abc import Sequence
from datetime import datetime

from idp.provider.authorization.details import Detail, UnusableDetails, parse_authorization_details
from idp.provider.authorization.interaction import wanted_authentication
from idp.provider.authorization.reasons import UNMET_AUTHENTICATION
from idp.provider.authorization.request import MAX_LIST_ENTRIES, MAX_VALUE_LENGTH, AuthorizationRequest
from idp.provider.authorization.request_reasons import INVALID_AUTHORIZATION_DETAILS
from idp.provider.claims import parse_claims_parameter
from idp.provider.clients.policies import AtToken, check_policy
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.errors import RedirectableError, TokenError
from idp.provider.parameters import Parameters
from idp.provider.resources.audiences import are_resources_of, license_audience, userinfo_audience
from idp.provider.scopes import OFFLINE_ACCESS, OPENID, SCOPES, split_scope
from idp.provider.tokens.reasons import RESOURCE_NOT_GRANTED, SCOPE_TOO_BROAD, TOKEN_REQUEST_MALFORMED
from idp.vocabulary import parse_acr


def judge_asked(
    form: Parameters, client: Client, *, grant_type: str, auth_method: str, provider: Provider, now: datetime
) -> AuthorizationRequest:
    """Return what the person will be asked, or raise TokenError at the first broken rule.

    The client's policy is asked as at the token endpoint, where the result is fetched; that the token is bound to a key is shown there.
    """
    check_policy(client, AtToken(grant_type, auth_method, is_bound=True), now=now)
    for name in ("scope", "acr_values"):
        if len(form.get(name) or "") > MAX_VALUE_LENGTH:
            raise TokenError(TOKEN_REQUEST_MALFORMED, f"{name} is too long")
    try:
        claims = parse_claims_parameter(form.get("claims"), client)
        details = parse_authorization_details(
            form.get("authorization_details"), client, license_types=provider.license_types, issuer=provider.issuer
        )
    except RedirectableError as malformed:
        raise TokenError(malformed.reason, malformed.detail) from malformed
    except UnusableDetails as unusable:
        raise TokenError(INVALID_AUTHORIZATION_DETAILS, str(unusable)) from unusable
    resources = form.resources or _resources_of(details, provider.issuer)
    if not are_resources_of(client, resources, provider.issuer):
        raise TokenError(RESOURCE_NOT_GRANTED, "resource outside the registration")
    asked = AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri="",
        response_mode="",
        state=None,
        scope=_judge_scope(form.get("scope"), client),
        code_challenge="",
        nonce=None,
        prompt=(),
        max_age=None,
        acr_values=tuple((form.get("acr_values") or "").split())[:MAX_LIST_ENTRIES]
        or client.metadata.default_acr_values,
        login_hint=None,
        id_token_hint=None,
        ui_locales=(),
        claims=claims,
        resources=resources,
        authorization_details=details,
    )
    wanted = wanted_authentication(asked)
    if wanted and not any(parse_acr(acr) for acr in wanted):
        # Nobody could ever answer such a request: the app is told now instead of the person in a circle.
        raise TokenError(UNMET_AUTHENTICATION, "no acr value of this provider")
    return asked


def is_still_allowed(asked: AuthorizationRequest, client: Client, *, issuer: str) -> bool:
    """Tell whether the client still has everything that it asked for; its policy is asked again at the token endpoint."""
    return (
        set(asked.scope) <= client.scopes | {OPENID}
        and are_resources_of(client, asked.resources, issuer)
        and {entry["type"] for entry in asked.authorization_details} <= set(client.metadata.authorization_details_types)
    )


def _resources_of(details: Sequence[Detail], issuer: str) -> tuple[str, ...]:
    """Return whom the token is for when no resource is named: licenses are read at the license API."""
    return (userinfo_audience(issuer), license_audience(issuer)) if details else ()


def _judge_scope(text: str | None, client: Client) -> tuple[str, ...]:
    """OpenID Connect Core §3.1.2.1: with `openid`, known, for persons, and within the client's entitlement."""
    scope = split_scope(text or "")
    if OPENID not in scope:
        raise TokenError(SCOPE_TOO_BROAD, "openid is missing")
    if any(name not in SCOPES or not SCOPES[name].for_persons for name in scope):
        raise TokenError(SCOPE_TOO_BROAD, "unknown scope")
    if not set(scope) <= client.scopes | {OPENID}:
        raise TokenError(SCOPE_TOO_BROAD, "scope outside the entitlement")
    if "refresh_token" not in client.grant_types:
        scope = tuple(name for name in scope if name != OFFLINE_ACCESS)
    return scope
