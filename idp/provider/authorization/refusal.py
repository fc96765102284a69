"""Refusing an authorization request: on record first, then on a page or at the client's own address."""

from datetime import datetime

from foundation.ledger import Entry
from idp.provider.authorization.answer import error_parameters, render_answer, show_error
from idp.provider.authorization.outcomes import AuthorizationOutcome, Leaving, Redirect
from idp.provider.authorization.reasons import REFUSED_BY_PERSON
from idp.provider.authorization.request import CheckedAddress
from idp.provider.clients.registry import Client, view_of
from idp.provider.composition import Provider
from idp.provider.errors import ProtocolError, RedirectableError, ShownError

KIND = "oauth.authorize"


async def refuse_on_page(
    refused: ShownError, provider: Provider, request_id: str | None, now: datetime
) -> AuthorizationOutcome:
    """Answer with an error page; nothing was decided for the client."""
    client = None if refused.client_id is None else provider.clients.find(refused.client_id)
    await _record(refused, client, provider, request_id, now)
    return show_error(refused, client)


async def refuse_to_client(
    refused: RedirectableError, address: CheckedAddress, provider: Provider, request_id: str | None, now: datetime
) -> AuthorizationOutcome:
    """Answer the client at its checked address (RFC 6749 §4.1.2.1), as the answer it hoped for would have travelled.

    A client whose answers are encrypted to a key that cannot be had is not told anything: the person is. To an app that registered itself
    and that no operator has looked at, the browser is not sent on unasked, unless the person has just said no on our own page: a link to
    this provider could otherwise lead anywhere (RFC 9700 §4.11.2).
    """
    await _record(refused, address.client, provider, request_id, now)
    try:
        answer = await render_answer(address, error_parameters(refused), provider=provider, now=now)
    except ShownError as unreadable:
        return show_error(unreadable, address.client)
    is_expected = address.client.metadata.is_reviewed or refused.reason is REFUSED_BY_PERSON
    if isinstance(answer, Redirect) and not is_expected:
        return Leaving(answer.url, view_of(address.client))
    return answer


async def _record(
    refused: ProtocolError, client: Client | None, provider: Provider, request_id: str | None, now: datetime
) -> None:
    entry = Entry(
        kind=KIND,
        at=now,
        outcome="refused",
        code=refused.code,
        department=None if client is None else client.department_id,
        client=None if client is None else client.client_id,
        request_id=request_id,
        details={"error": refused.reason.error},
    )
    await provider.ledger.append(entry)
