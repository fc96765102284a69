"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): an app asks to end the person's session.

The rules that keep a stranger from signing people out, or from bouncing them elsewhere: without a genuine
hint that fits the session nothing ends before the person confirms; the browser is sent on only to an
address registered for the client that asks; everything else ends on our own page.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import select

from foundation.ledger import Entry
from idp.people.account_events import add_event, event_row
from idp.provider.authorization.answer import show_error
from idp.provider.authorization.outcomes import ErrorShown
from idp.provider.authorization.reasons import LOGOUT_REDIRECT_NOT_REGISTERED, MALFORMED_REQUEST
from idp.provider.clients.redirects import is_registered_redirect_uri
from idp.provider.clients.registry import Client, ClientView, view_of
from idp.provider.composition import Provider
from idp.provider.errors import ShownError
from idp.provider.parameters import Parameters, UnreadableParameters, parse_parameters
from idp.provider.sign_out.backchannel import AppEnding, list_logout_deliveries
from idp.provider.sign_out.confirmation import WaitingLogout, keep_logout, take_logout
from idp.provider.sign_out.session_endings import GrantAndLogoutEndings
from idp.provider.tables import oauth_grants
from idp.provider.tokens.id_tokens import IdTokenHint, read_id_token_hint
from idp.provider.tokens.revocations import revocation
from idp.signin.sessions import Session, end_session_in

__all__ = [
    "AppEnding",
    "LoggedOut",
    "LogoutConfirmation",
    "confirm_logout",
    "list_logout_deliveries",
    "request_logout",
]

KIND = "oauth.logout"
REASON = "signed_out_by_app"
MAX_STATE_LENGTH = 2_048


@dataclass(frozen=True, slots=True)
class LogoutConfirmation:
    """Ask the person, then call `confirm_logout` with the same transaction from the page's own form."""

    transaction_id: str
    client: ClientView | None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The session is over. Go to `redirect_url` when there is one, else show which apps were told.

    With `needs_page` the result page comes first in any case, since some app can only be told from there; `client` is who asked.
    """

    redirect_url: str | None
    session_id: str | None
    apps: tuple[AppEnding, ...]
    client: ClientView | None = None

    @property
    def needs_page(self) -> bool:
        """Whether a page of ours must be shown before the browser goes on."""
        return any(app.by_browser for app in self.apps)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A logout request whose address was compared: `redirect_url` is None unless it is the client's own."""

    client: Client | None
    hint: IdTokenHint | None
    redirect_url: str | None


async def request_logout(
    octets: bytes,
    *,
    session: Session | None,
    browser: str,
    provider: Provider,
    now: datetime,
    request_id: str | None = None,
) -> LogoutConfirmation | LoggedOut | ErrorShown:
    """Answer a logout request; `octets` are the query of a GET or the form of a POST.

    A genuine hint for the session of this browser, or for its person, ends it at once. A genuine hint in a
    request that carried no cookie ends the session the hint names (a cross-site POST never carries the
    cookie).
    """
    await provider.clients.refresh()
    try:
        wish = _read(octets, provider, now)
    except ShownError as refused:
        return await _refuse(refused, provider, request_id, now)
    if wish.hint is not None and wish.client is not None:
        if session is None:
            session_id = await _session_of(wish.hint, provider)
            return await _end(session_id, wish.client, wish.redirect_url, provider, request_id, now)
        if _fits(wish.hint, wish.client, session, provider):
            return await _end(session.session_id, wish.client, wish.redirect_url, provider, request_id, now)
    if session is None:
        return LoggedOut(None, None, ())
    waiting = WaitingLogout(
        session_id=session.session_id,
        client_id=None if wish.client is None else wish.client.client_id,
        redirect_url=wish.redirect_url,
    )
    transaction_id = await keep_logout(waiting, browser=browser, store=provider.store, entropy=provider.entropy)
    return LogoutConfirmation(transaction_id, None if wish.client is None else view_of(wish.client))


async def confirm_logout(
    transaction_id: str,
    *,
    session: Session | None,
    browser: str,
    provider: Provider,
    now: datetime,
    request_id: str | None = None,
) -> LoggedOut | ErrorShown:
    """End the session the confirmation page was shown for.

    The caller has checked the page's own CSRF token.
    """
    await provider.clients.refresh()
    try:
        waiting = await take_logout(transaction_id, browser=browser, store=provider.store)
    except ShownError as refused:
        return await _refuse(refused, provider, request_id, now)
    client = None if waiting.client_id is None else provider.clients.find(waiting.client_id)
    if session is None or session.session_id != waiting.session_id:
        # It ended meanwhile, or another person signed in: that one did not confirm anything.
        return LoggedOut(waiting.redirect_url if session is None else None, waiting.session_id, ())
    return await _end(waiting.session_id, client, waiting.redirect_url, provider, request_id, now)


async def _refuse(refused: ShownError, provider: Provider, request_id: str | None, now: datetime) -> ErrorShown:
    client = None if refused.client_id is None else provider.clients.find(refused.client_id)
    entry = Entry(
        kind=KIND,
        at=now,
        outcome="refused",
        code=refused.code,
        client=None if client is None else client.client_id,
        request_id=request_id,
    )
    await provider.ledger.append(entry)
    return show_error(refused, client)


def _read(octets: bytes, provider: Provider, now: datetime) -> _Wish:
    try:
        parameters = parse_parameters(octets, max_octets=provider.limits.max_form_octets)
    except UnreadableParameters as unreadable:
        raise ShownError(MALFORMED_REQUEST, str(unreadable)) from unreadable
    if parameters.repeated or len(parameters.get("state") or "") > MAX_STATE_LENGTH:
        raise ShownError(MALFORMED_REQUEST, "repeated or too long")
    hint = _read_hint(parameters, provider, now)
    client_id = parameters.get("client_id") if hint is None else hint.client_id
    client = None if client_id is None else provider.clients.find_active(client_id)
    return _Wish(client, hint, _redirect_url(parameters, client))


def _read_hint(parameters: Parameters, provider: Provider, now: datetime) -> IdTokenHint | None:
    """Return the hint when it is ours and names the client that asks.

    A foreign one counts as no hint at all.
    """
    text = parameters.get("id_token_hint")
    if text is None:
        return None
    hint = read_id_token_hint(text, issuer=provider.issuer, keys=provider.keys, now=now)
    if hint is None or parameters.get("client_id") not in (None, hint.client_id):
        return None
    return hint


def _redirect_url(parameters: Parameters, client: Client | None) -> str | None:
    """Return where to go afterwards, with `state`.

    Raises ShownError for an address that is not registered (§3).
    """
    uri = parameters.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None:
        return None
    if not is_registered_redirect_uri(uri, client.post_logout_redirect_uris, client.application_type):
        raise ShownError(LOGOUT_REDIRECT_NOT_REGISTERED, client_id=client.client_id)
    state = parameters.get("state")
    if state is None:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}state={quote(state, safe='')}"


def _fits(hint: IdTokenHint, client: Client, session: Session, provider: Provider) -> bool:
    """Tell whether the hint names the session, or at least the person, who sits at this browser."""
    is_session = hint.sid == provider.subjects.session_identifier(client.client_id, session.session_id)
    return is_session or hint.subject == provider.subjects.subject(client.sector, session.person_id)


async def _session_of(hint: IdTokenHint, provider: Provider) -> str | None:
    async with provider.db.read() as connection:
        found = await connection.execute(
            select(oauth_grants.c.session_id)
            .where(oauth_grants.c.sid == hint.sid, oauth_grants.c.client_id == hint.client_id)
            .limit(1)
        )
        row = found.first()
    return None if row is None else str(row.session_id)


async def _end(
    session_id: str | None,
    client: Client | None,
    redirect_url: str | None,
    provider: Provider,
    request_id: str | None,
    now: datetime,
) -> LoggedOut:
    """End the session with its grants, its messages to the apps, its event for the owner and its entry, all
    or none.
    """
    if session_id is None:
        return LoggedOut(redirect_url, None, ())
    endings = GrantAndLogoutEndings(provider)
    change = revocation(f"session:{session_id}", lifetime=provider.limits.access_token_lifetime, now=now)
    async with provider.db.transaction() as connection:
        ended = await end_session_in(connection, session_id, reason=REASON, now=now)
        if ended is None:
            return LoggedOut(redirect_url, None, ())
        await endings(connection, [ended], now=now)
        event = event_row(
            account_id=ended.account_id,
            person_id=ended.person_id,
            kind="session.ended",
            outcome="done",
            code=None,
            at=now,
            entropy=provider.entropy,
            details={"reason": REASON, "client": None if client is None else client.client_id},
        )
        await add_event(connection, event)
        entry = Entry(
            kind=KIND,
            at=now,
            outcome="done",
            actor=f"person:{ended.person_id}",
            client=None if client is None else client.client_id,
            request_id=request_id,
            details={"session": session_id},
        )
        await provider.ledger.append_in(connection, entry, changes=[change])
    provider.feed.apply([change])
    endings_of_apps = await list_logout_deliveries(session_id, provider=provider)
    return LoggedOut(redirect_url, session_id, endings_of_apps, None if client is None else view_of(client))
