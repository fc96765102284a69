"""Rendering the answer to an authorization request (RFC 6749 §4.1.2, RFC 9207, OAuth 2.0 Form Post Response
Mode).
"""

from collections.abc import Mapping
from urllib.parse import quote

from idp.provider.authorization_request import CheckedAddress
from idp.provider.clients import Client, view_of
from idp.provider.errors import RedirectableError, ShownError
from idp.provider.outcomes import ErrorShown, FormPost, Redirect


def render_answer(address: CheckedAddress, parameters: Mapping[str, str], issuer: str) -> Redirect | FormPost:
    """Return the answer with `state` as it came and `iss` (RFC 9207 §2), in the response mode of the request.

    The parameters are added to the query of the registered URI, which stays as it is; every octet outside the
    unreserved set is escaped, so that no value can break out of the URL.
    """
    fields = dict(parameters)
    if address.state is not None:
        fields["state"] = address.state
    fields["iss"] = issuer
    if address.response_mode == "form_post":
        return FormPost(address.redirect_uri, tuple(fields.items()))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    separator = "&" if "?" in address.redirect_uri else "?"
    return Redirect(f"{address.redirect_uri}{separator}{query}")


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
