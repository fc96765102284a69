"""The authorization endpoint: from an app's request to the app's answer, with sign-in and consent between.

Three entries, one path. `authorize` reads a new request, `resume_authorization` continues a waiting one
after a sign-in, `decide_consent` continues it with the person's answer. Each asks `find_needs` what is
missing, and answers with a page, a waiting transaction, or a code that is on record.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from idp.provider.authorization.consent_view import consent_view
from idp.provider.authorization.interaction import (
    NeedConsent,
    NeedSignIn,
    Proceed,
    asked_purposes,
    is_refusal,
    optional_items,
)
from idp.provider.authorization.needs import find_needs
from idp.provider.authorization.outcomes import AuthorizationOutcome, ConsentNeeded, SignInNeeded
from idp.provider.authorization.reasons import (
    REDIRECT_URI_NOT_REGISTERED,
    REFUSED_BY_PERSON,
    TRANSACTION_GONE,
    UNKNOWN_CLIENT,
)
from idp.provider.authorization.refusal import refuse_on_page, refuse_to_client
from idp.provider.authorization.request import (
    AuthorizationRequest,
    CheckedAddress,
    check_address,
    check_still_allowed,
    parse_authorization_request,
)
from idp.provider.authorization.sources import (
    address_beside,
    gather_parameters,
    read_parameters,
    spend_or_refuse,
    spend_pushed,
)
from idp.provider.authorization.success import check_readable, issue_answer, remember_consent
from idp.provider.authorization.transactions import (
    Transaction,
    begin_transaction,
    find_transaction,
    remember_consent_page,
    take_transaction,
)
from idp.provider.clients.redirects import is_registered_redirect_uri
from idp.provider.clients.registry import Client, view_of
from idp.provider.composition import Provider
from idp.provider.errors import RedirectableError, ShownError
from idp.signin.sessions import Session


async def authorize(
    octets: bytes,
    *,
    session: Session | None,
    browser: str,
    provider: Provider,
    now: datetime,
    request_id: str | None = None,
) -> AuthorizationOutcome:
    """Answer a new request.

    `octets` are the query of a GET or the form of a POST, `browser` the flow cookie's value.
    """

    async def steps(known: _Known) -> AuthorizationOutcome:
        outer = read_parameters(octets, provider)
        await provider.clients.learn(outer.get("client_id") or "")
        try:
            asked = await gather_parameters(outer, provider=provider, now=now)
        except RedirectableError as unreadable:
            known.address = address_beside(outer, unreadable, provider)
            raise
        known.pushed = None if asked.pushed is None else asked.pushed.uri_hash.hex()
        known.address = address = check_address(asked.parameters, provider.clients)
        request = parse_authorization_request(
            asked.parameters,
            address,
            issuer=provider.issuer,
            now=now,
            is_pushed=asked.is_pushed,
            is_signed=asked.is_signed,
            request_uri_hash=known.pushed,
            license_types=provider.license_types,
        )
        return await _go_on(
            request, address.client, session, None, browser, provider=provider, request_id=request_id, now=now
        )

    return await _answer(steps, provider, request_id, now)


async def resume_authorization(
    transaction_id: str,
    *,
    session: Session | None,
    browser: str,
    provider: Provider,
    now: datetime,
    request_id: str | None = None,
) -> AuthorizationOutcome:
    """Continue a waiting authorization; whatever is still missing is asked for again."""

    async def steps(known: _Known) -> AuthorizationOutcome:
        waiting, client = await _find_waiting(transaction_id, browser, known, provider, now)
        return await _go_on(
            waiting.request, client, session, waiting, browser, provider=provider, request_id=request_id, now=now
        )

    return await _answer(steps, provider, request_id, now)


async def decide_consent(
    transaction_id: str,
    *,
    session: Session | None,
    browser: str,
    agreed: frozenset[str] | None,
    provider: Provider,
    now: datetime,
    request_id: str | None = None,
) -> AuthorizationOutcome:
    """Continue with the person's answer: `agreed` are the items agreed to, None a refusal.

    Leaving out an optional item declines it, which is remembered; leaving out any other is a refusal too.
    The answer counts once, for the person, app and items of the page. The caller has checked its CSRF token.
    """

    async def steps(known: _Known) -> AuthorizationOutcome:
        waiting, client = await _find_waiting(transaction_id, browser, known, provider, now)
        request = waiting.request
        if session is None or waiting.consent_person_id != session.person_id:
            raise ShownError(TRANSACTION_GONE, "consent page shown to nobody or somebody else")
        if agreed is not None and not agreed <= set(waiting.consent_items):
            raise ShownError(TRANSACTION_GONE, "agreed to what was not asked")
        await take_transaction(transaction_id, browser=browser, store=provider.store)
        if agreed is None or is_refusal(waiting.consent_items, agreed, optional_items(request)):
            raise RedirectableError(REFUSED_BY_PERSON)
        needed = await find_needs(request, client, session, waiting, provider, now, given=True)
        if not isinstance(needed, Proceed):
            raise ShownError(TRANSACTION_GONE, "the session became weaker meanwhile")
        # Everything that may still refuse comes before the consent: one that is on record was followed by an answer.
        await check_readable(request, client, provider)
        await spend_or_refuse(request, provider, now)
        await remember_consent(
            session, client, needed.items, agreed, provider, request_id, now, purposes=asked_purposes(request)
        )
        items = tuple(item for item in needed.items if item in agreed)
        return await issue_answer(request, client, session, items, provider, request_id, now)

    return await _answer(steps, provider, request_id, now)


@dataclass(slots=True)
class _Known:
    """What is known of a request by the time it is refused: the address that may be told, and the pushed request that is then spent."""

    address: CheckedAddress | None = None
    pushed: str | None = None


async def _answer(
    steps: Callable[[_Known], Awaitable[AuthorizationOutcome]],
    provider: Provider,
    request_id: str | None,
    now: datetime,
) -> AuthorizationOutcome:
    """Take the steps, and turn a refusal into its answer: on a page, or at the client's address as soon as there is one."""
    await provider.clients.refresh()
    known = _Known()
    try:
        return await steps(known)
    except ShownError as refused:
        return await refuse_on_page(refused, provider, request_id, now)
    except RedirectableError as refused:
        if known.address is None:
            raise AssertionError("an address is checked before an error may travel") from refused
        await spend_pushed(known.pushed, provider, now)
        return await refuse_to_client(refused, known.address, provider, request_id, now)


async def _find_waiting(
    transaction_id: str, browser: str, known: _Known, provider: Provider, now: datetime
) -> tuple[Transaction, Client]:
    """Return the waiting authorization and its client, judged again by what the client may do now."""
    waiting = await find_transaction(transaction_id, browser=browser, store=provider.store)
    known.pushed = waiting.request.request_uri_hash
    known.address = _known_address(waiting.request, provider)
    check_still_allowed(waiting.request, known.address.client, issuer=provider.issuer, now=now)
    return waiting, known.address.client


def _known_address(request: AuthorizationRequest, provider: Provider) -> CheckedAddress:
    # The client may have been disabled, or may have lost the address, while the person was signing in.
    client = provider.clients.find_active(request.client_id)
    if client is None:
        raise ShownError(UNKNOWN_CLIENT, "disabled meanwhile")
    if not is_registered_redirect_uri(request.redirect_uri, client.redirect_uris, client.application_type):
        raise ShownError(REDIRECT_URI_NOT_REGISTERED, "removed meanwhile", client_id=client.client_id)
    return CheckedAddress(client, request.redirect_uri, request.response_mode, request.state)


async def _go_on(
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    waiting: Transaction | None,
    browser: str,
    *,
    provider: Provider,
    request_id: str | None,
    now: datetime,
) -> AuthorizationOutcome:
    needed = await find_needs(request, client, session, waiting, provider, now)
    if isinstance(needed, Proceed) and session is not None:
        if waiting is not None:
            await take_transaction(waiting.transaction_id, browser=browser, store=provider.store)
        await check_readable(request, client, provider)
        await spend_or_refuse(request, provider, now)
        return await issue_answer(request, client, session, needed.items, provider, request_id, now)
    if waiting is None:
        waiting = await begin_transaction(
            request,
            browser=browser,
            store=provider.store,
            entropy=provider.entropy,
            limits=provider.limits,
            now=now,
        )
    if isinstance(needed, NeedConsent) and session is not None:
        await remember_consent_page(
            waiting,
            person_id=session.person_id,
            items=needed.items,
            store=provider.store,
            limits=provider.limits,
        )
        facts = await provider.people.load(session.person_id)
        view = consent_view(client, request, needed, facts, license_types=provider.license_types)
        return ConsentNeeded(waiting.transaction_id, view)
    if not isinstance(needed, NeedSignIn):
        raise AssertionError("without a session the next thing is a sign-in")
    return SignInNeeded(
        transaction_id=waiting.transaction_id,
        client=view_of(client),
        level=needed.level,
        strength=needed.strength,
        anew=needed.anew,
        login_hint=request.login_hint,
        ui_locales=request.ui_locales,
    )
