"""What a valid authorization request still needs: nothing, a sign-in, or consent. Pure.

The order of the rules is that of OpenID Connect Core §3.1.2.3: who it is, how fresh and how strong that is
known, whether it is the person the app expects, then whether the person agrees. `prompt=none` turns every
need into its error.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.provider.assurance.requests import voluntary_items
from idp.provider.authorization.consents import Consent
from idp.provider.authorization.details import details_items
from idp.provider.authorization.reasons import CONSENT_REQUIRED, LOGIN_REQUIRED, UNMET_AUTHENTICATION
from idp.provider.authorization.request import AuthorizationRequest
from idp.provider.clients.registry import Client
from idp.provider.errors import RedirectableError
from idp.provider.scopes import OPENID, claims_of, is_optional
from idp.signin.sessions import Session
from idp.vocabulary import RealNameLevel, SignInStrength, is_at_least, parse_acr

LOWEST = (RealNameLevel.NONE, SignInStrength.ONE_FACTOR)


@dataclass(frozen=True, slots=True)
class Proceed:
    """Everything is there: `items` are what the person agreed to, now or before, or by legal basis.

    What was declined is not among them.
    """

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeedSignIn:
    """The person has to sign in, at least at this level and strength.

    `anew` says that a live session is not enough.
    """

    level: RealNameLevel
    strength: SignInStrength
    anew: bool


@dataclass(frozen=True, slots=True)
class NeedConsent:
    """The person has to answer for `items`, of which `agreed_before` need no second look.

    Items declined before are listed like new ones: while the page is open, the person may think again.
    """

    items: tuple[str, ...]
    agreed_before: frozenset[str]


def decide_next(
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    *,
    expected_subject: str | None,
    subject: str | None,
    consent: Consent | None,
    begun_at: datetime | None,
    now: datetime,
) -> Proceed | NeedSignIn | NeedConsent:
    """Return what is missing, or raise RedirectableError when it cannot be had.

    `begun_at` is when this authorization began to wait, None at its first look: a sign-in after it satisfies
    `prompt=login` and `max_age`. `expected_subject` is the `sub` of an id_token_hint or of the claims
    parameter, `subject` that of the session's person. `consent` is what stands on record, None when the
    person has not answered this client or took the answer back.
    """
    silent = "none" in request.prompt
    fresh = session is not None and begun_at is not None and session.auth_time >= begun_at
    wanted = wanted_authentication(request)
    if session is None or (not fresh and _must_sign_in_anew(request, session, now)):
        if silent:
            raise RedirectableError(LOGIN_REQUIRED)
        return _sign_in(wanted, anew=session is not None)
    if expected_subject is not None and subject != expected_subject:
        # Somebody else sits there: asked once for the expected person, then told to the app.
        if silent or fresh:
            raise RedirectableError(LOGIN_REQUIRED, "another person than expected")
        return _sign_in(wanted, anew=True)
    if wanted and not any(is_at_least(session.acr, acr) for acr in wanted):
        if silent or fresh or not any(parse_acr(acr) for acr in wanted):
            raise RedirectableError(UNMET_AUTHENTICATION)
        return _sign_in(wanted, anew=True)
    return _decide_consent(request, client, consent, silent=silent)


def wanted_authentication(request: AuthorizationRequest) -> tuple[str, ...]:
    """Return the `acr` values of which one must be reached; essential ones replace voluntary ones.

    Voluntary values are honoured as well: an answer below what was asked for never passes as if it were
    enough.
    """
    return request.claims.essential_acr or request.acr_values or request.claims.voluntary_acr


def asked_items(request: AuthorizationRequest) -> tuple[str, ...]:
    """Return what consent is about:

    Each scope but `openid`, each claim asked for by name that no scope covers, each verified claim (that tells more than the claim), and
    each entry of the authorization details.
    """
    covered = claims_of(request.scope)
    scopes = tuple(name for name in request.scope if name != OPENID)
    by_name = tuple(f"claim:{name}" for name in sorted(request.claims.names - covered))
    details = tuple(details_items(request.authorization_details))
    return scopes + by_name + tuple(request.claims.verified_items) + details


def asked_purposes(request: AuthorizationRequest) -> dict[str, str | None]:
    """Return what the app says that single items are for, by consent item; None where it says nothing."""
    details = {item: entry["purpose"] for item, entry in details_items(request.authorization_details).items()}
    return request.claims.verified_items | details


def optional_items(request: AuthorizationRequest) -> frozenset[str]:
    """Return what of `asked_items` the person may leave out and still get in: scopes that are so by their nature, and verified claims that
    the app did not call essential.
    """
    wishes = (*request.claims.verified_id_token, *request.claims.verified_userinfo)
    return voluntary_items(wishes).union(filter(is_optional, request.scope))


def is_refusal(asked: Iterable[str], agreed: frozenset[str], optional: frozenset[str]) -> bool:
    """Tell whether an answer refuses the whole, by leaving out something that is not optional."""
    return not agreed.issuperset(set(asked) - optional)


def _must_sign_in_anew(request: AuthorizationRequest, session: Session, now: datetime) -> bool:
    if "login" in request.prompt or "select_account" in request.prompt:
        return True
    return request.max_age is not None and now - session.auth_time > timedelta(seconds=request.max_age)


def _sign_in(wanted: tuple[str, ...], *, anew: bool) -> NeedSignIn:
    reachable = [parsed for acr in wanted if (parsed := parse_acr(acr)) is not None]
    level, strength = min(reachable, default=LOWEST)
    return NeedSignIn(level, strength, anew)


def _decide_consent(
    request: AuthorizationRequest, client: Client, consent: Consent | None, *, silent: bool
) -> Proceed | NeedConsent:
    items = asked_items(request)
    if client.consent == "exempt" and "consent" not in request.prompt:
        return Proceed(items)
    agreed = frozenset[str]() if consent is None else consent.items
    if "consent" not in request.prompt and consent is not None:
        # Declined while it was optional, essential by now: then it is asked for again.
        answered = agreed | (consent.declined & optional_items(request))
        if answered.issuperset(items):
            return Proceed(tuple(item for item in items if item in agreed))
    if silent:
        raise RedirectableError(CONSENT_REQUIRED)
    return NeedConsent(items, agreed & frozenset(items))
