"""Rendering the answer to an authorization request (RFC 6749 §4.1.2, RFC 9207) in its response mode."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from idp.provider.authorization.jarm import sign_answer
from idp.provider.authorization.outcomes import ErrorShown, FormPost, Redirect
from idp.provider.authorization.request import CheckedAddress
from idp.provider.authorization.response_modes import FORM_POST, FRAGMENT, carrier_of, is_signed
from idp.provider.clients.registry import Client, view_of
from idp.provider.composition import Provider
from idp.provider.errors import RedirectableError, ShownError


async def render_answer(
    address: CheckedAddress, parameters: Mapping[str, str], *, provider: Provider, now: datetime
) -> Redirect | FormPost:
    """Return the answer with `state` as it came and `iss` (RFC 9207 §2), in the response mode of the request.

    The parameters are added to the query or fragment of the registered URI, which stays as it is; every octet outside the unreserved set is
    escaped, so that no value can break out of the URL. A signed answer is the one parameter `response` (JARM §2.3). Raises ShownError when
    the client's answers are encrypted and its key cannot be had.
    """
    fields = dict(parameters)
    if address.state is not None:
        fields["state"] = address.state
    if is_signed(address.response_mode):
        fields = {"response": await sign_answer(address.client, fields, provider=provider, now=now)}
    else:
        fields["iss"] = provider.issuer
    carrier = carrier_of(address.response_mode)
    if carrier == FORM_POST:
        return FormPost(address.redirect_uri, tuple(fields.items()), is_refusal="error" in parameters)
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    if carrier == FRAGMENT:
        return Redirect(f"{address.redirect_uri}#{text}")
    separator = "&" if "?" in address.redirect_uri else "?"
    return Redirect(f"{address.redirect_uri}{separator}{text}")


def error_parameters(refused: RedirectableError) -> dict[str, str]:
    """Return the error members of RFC 6749 §4.1.2.1.

    The description is ASCII and says nothing of the person.
    """
    return {"error": refused.reason.error, "error_description": refused.reason.entry.title_en}


def show_error(refused: ShownError, client: Client | None) -> ErrorShown:
    """Return what the error page says.

    Nothing of the request is repeated there but the name of a known client.
    """
    entry = refused.reason.entry
    return ErrorShown(
        error=refused.reason.error,
        code=refused.code,
        title_zh=entry.title_zh,
        title_en=entry.title_en,
        description=refused.description,
        description_en=refused.description_en,
        remedy_zh=entry.remedy_zh,
        remedy_en=entry.remedy_en,
        client=None if client is None else view_of(client),
    )
