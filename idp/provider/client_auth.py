"""Client authentication (RFC 6749 §2.3): exactly one method, and exactly the registered one.

What decides is the method that was verified, never the one that was merely mentioned. Unknown client, wrong
method and wrong secret give one answer in one time.
"""

import base64
import binascii
from datetime import datetime
from urllib.parse import unquote_to_bytes

from foundation.values import value_type
from idp.provider.clients import AuthMethod, Client, ClientRegistry, is_secret_of
from idp.provider.errors import InvalidClient, TokenError
from idp.provider.parameters import Parameters
from idp.provider.token_reasons import CLIENT_NOT_AUTHENTICATED, TOKEN_REQUEST_MALFORMED

LONGEST_HEADER = 4_096
CONFIDENTIAL_METHODS: tuple[AuthMethod, ...] = ("client_secret_basic", "client_secret_post")
ALL_METHODS: tuple[AuthMethod, ...] = (*CONFIDENTIAL_METHODS, "none")


@value_type
class PresentedCredentials:
    """What a request claims: not verified. `secret` is None for the method `none`."""

    method: AuthMethod
    client_id: str
    secret: str | None


def read_credentials(authorization: tuple[str, ...], form: Parameters) -> PresentedCredentials:
    """Return the one set of credentials of a request.

    Raises TokenError invalid_request when two methods are used at once (RFC 6749 §2.3), InvalidClient when
    there are none or the header is malformed.
    """
    in_body = form.get("client_secret")
    if form.get("client_assertion") is not None or form.get("client_assertion_type") is not None:
        # No client may be registered for assertions yet; beside a secret they would be a second method.
        if in_body is not None or authorization:
            raise TokenError(TOKEN_REQUEST_MALFORMED, "two authentication methods")
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "assertion")
    if not authorization:
        client_id = form.get("client_id")
        if client_id is None:
            raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "no credentials")
        return PresentedCredentials("none" if in_body is None else "client_secret_post", client_id, in_body)
    if len(authorization) > 1:
        raise TokenError(TOKEN_REQUEST_MALFORMED, "repeated Authorization header")
    if in_body is not None:
        raise TokenError(TOKEN_REQUEST_MALFORMED, "two authentication methods")
    client_id, secret = _parse_basic(authorization[0])
    if form.get("client_id") not in (None, client_id):
        raise TokenError(TOKEN_REQUEST_MALFORMED, "client_id in body and header differ")
    return PresentedCredentials("client_secret_basic", client_id, secret)


def authenticate_client(
    presented: PresentedCredentials,
    clients: ClientRegistry,
    *,
    methods: tuple[AuthMethod, ...],
    now: datetime,
) -> Client:
    """Return the client that the credentials prove.

    Raises InvalidClient. `methods` are those of the endpoint.
    """
    client = clients.find_active(presented.client_id)
    basic_tried = presented.method == "client_secret_basic"
    is_proved = presented.method == "none" or is_secret_of(client, presented.secret or "", now=now)
    if (
        client is None
        or not is_proved
        or presented.method not in methods
        or presented.method != client.token_endpoint_auth_method
    ):
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "not proved", basic_tried=basic_tried)
    return client


def _parse_basic(header: str) -> tuple[str, str]:
    """RFC 7617 with the form-encoding of RFC 6749 §2.3.1; every loose spelling is refused."""
    scheme, _, credentials = header.partition(" ")
    is_basic = scheme.lower() == "basic"
    if not is_basic or len(header) > LONGEST_HEADER:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "not a Basic header", basic_tried=is_basic)
    try:
        octets = base64.b64decode(credentials.encode("ascii"), validate=True)
        if base64.b64encode(octets).decode("ascii") != credentials:
            raise ValueError("not canonical")
        client_id, colon, secret = octets.decode("utf-8").partition(":")
        if not colon:
            raise ValueError("no colon")
        return _form_decoded(client_id), _form_decoded(secret)
    except (ValueError, binascii.Error) as malformed:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "malformed Basic", basic_tried=True) from malformed


def _form_decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
