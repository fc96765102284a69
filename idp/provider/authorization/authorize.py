"""The authorization endpoint: from an app's request to the app's answer, with sign-in and consent between.

Three entries, one path. `authorize` reads a new request, `resume_authorization` continues a waiting one
after a sign-in, `decide_consent` continues it with the person's answer. Each asks `find_needs` what is
missing, and answers with a page, a waiting transaction, or a code that is on record.
"""

from datetime import datetime

from idp.provider.authorization.consent_view import consent_view
from idp.provider.authorization.interaction import (
    NeedConsent,
    NeedSignIn,
    Proceed,
    asked_purposes,
    is_refusal,
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
from idp.provider.authorization.success import issue_answer, remember_consent
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
    await provider.clients.refresh()
    address: CheckedAddress | None = None
    pushed: str | None = None
    try:
        outer = read_parameters(octets, provider)
        await provider.clients.learn(outer.get("client_id") or "")
        try:
            asked = await gather_parameters(outer, provider=provider, now=now)
        except RedirectableError as unreadable:
            address = address_beside(outer, unreadable, provider)
            raise
        pushed = None if asked.pushed is None else asked.pushed.uri_hash.hex()
        address = check_address(asked.parameters, provider.clients)
        request = parse_authorization_request(
            asked.parameters,
            address,
            issuer=provider.issuer,
            now=now,
            is_pushed=asked.is_pushed,
            is_signed=asked.is_signed,
            request_uri_hash=pushed,
            license_types=provider.license_types,
        )
        return await _go_on(
            request, address.client, session, None, browser, provider=provider, request_id=request_id, now=now
        )
    except ShownError as refused:
        return await refuse_on_page(refused, provider, request_id, now)
    except RedirectableError as refused:
        if address is None:
            raise AssertionError("an address is checked before an error may travel") from refused
        await spend_pushed(pushed, provider, now)
        return await refuse_to_client(refused, address, provider, request_id, now)


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
    await provider.clients.refresh()
    address: CheckedAddress | None = None
    pushed: str | None = None
    try:
        waiting = await find_transaction(transaction_id, browser=browser, store=provider.store)
        pushed = waiting.request.request_uri_hash
        address = _known_address(waiting.request, provider)
        check_still_allowed(waiting.request, address.client, issuer=provider.issuer, now=now)
        return await _go_on(
            waiting.request,
            address.client,
            session,
            waiting,
            browser,
            provider=provider,
            request_id=request_id,
            now=now,
        )
    except ShownError as refused:
        return await refuse_on_page(refused, provider, request_id, now)
    except RedirectableError as refused:
        if address is None:
            raise AssertionError("an address is checked before an error may travel") from refused
        await spend_pushed(pushed, provider, now)
        return await refuse_to_client(refused, address, provider, request_id, now)


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
    await provider.clients.refresh()
    address: CheckedAddress | None = None
    pushed: str | None = None
    try:
        waiting = await find_transaction(transaction_id, browser=browser, store=provider.store)
        pushed = waiting.request.request_uri_hash
        address = _known_address(waiting.request, provider)
        check_still_allowed(waiting.request, address.client, issuer=provider.issuer, now=now)
        if session is None or waiting.consent_person_id != session.person_id:
            raise ShownError(TRANSACTION_GONE, "consent page shown to nobody or somebody else")
        if agreed is not None and not agreed <= set(waiting.consent_items):
            raise ShownError(TRANSACTION_GONE, "agreed to what was not asked")
        await take_transaction(transaction_id, browser=browser, store=provider.store)
        if agreed is None or is_refusal(waiting.consent_items, agreed):
            raise RedirectableError(REFUSED_BY_PERSON)
        needed = await find_needs(waiting.request, address.client, session, waiting, provider, now, given=True)
        if not isinstance(needed, Proceed):
            raise ShownError(TRANSACTION_GONE, "the session became weaker meanwhile")
        await remember_consent(
            session,
            address.client,
            needed.items,
            agreed,
            provider,
            request_id,
            now,
            purposes=asked_purposes(waiting.request),
        )
        items = tuple(item for item in needed.items if item in agreed)
        await spend_or_refuse(waiting.request, provider, now)
        return await issue_answer(waiting.request, address.client, session, items, provider, request_id, now)
    except ShownError as refused:
        return await refuse_on_page(refused, provider, request_id, now)
    except RedirectableError as refused:
        if address is None:
            raise AssertionError("an address is checked before an error may travel") from refused
        await spend_pushed(pushed, provider, now)
        return await refuse_to_client(refused, address, provider, request_id, now)


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
