"""Client authentication (RFC 6749 §2.3): exactly one method, and exactly the registered one.

What decides is the method that was verified, never the one that was merely mentioned. Unknown client, wrong
method and wrong proof give one answer in one time.
"""

import base64
import binascii
from datetime import datetime
from urllib.parse import unquote_to_bytes

from foundation.values import value_type
from idp.provider.back_channel import BackChannelRequest
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.registry import AuthMethod, Client, is_secret_of
from idp.provider.composition import Provider
from idp.provider.errors import InvalidClient, TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.client_assertions import ASSERTION_TYPE, check_assertion, read_assertion
from idp.provider.proof.client_certificates import UnusableCertificate, check_key, check_subject, read_certificate
from idp.provider.proof.client_jwts import ClientJwt, UnusableJwt
from idp.provider.tokens.reasons import CLIENT_NOT_AUTHENTICATED, TOKEN_REQUEST_MALFORMED

LONGEST_HEADER = 4_096
CONFIDENTIAL_METHODS: tuple[AuthMethod, ...] = (
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
)
ALL_METHODS: tuple[AuthMethod, ...] = (*CONFIDENTIAL_METHODS, "none")
CERTIFICATE_METHODS: tuple[AuthMethod, ...] = ("tls_client_auth", "self_signed_tls_client_auth")


@value_type
class PresentedCredentials:
    """What a request claims: not verified.

    `method` is what the parameters show: `none` when there are none, also beside a certificate, which belongs to the connection and
    proves a client only when it is registered so. `secret` and `assertion` are those of their methods.
    """

    method: AuthMethod
    client_id: str
    secret: str | None
    assertion: ClientJwt | None = None


@value_type
class AuthenticatedClient:
    """A client with the method that proved it."""

    client: Client
    method: AuthMethod


def read_credentials(authorization: tuple[str, ...], form: Parameters) -> PresentedCredentials:
    """Return the one set of credentials of a request.

    Raises TokenError invalid_request when two methods are used at once (RFC 6749 §2.3), InvalidClient when
    there are none or they are malformed.
    """
    in_body = form.get("client_secret")
    if form.get("client_assertion") is not None or form.get("client_assertion_type") is not None:
        if in_body is not None or authorization:
            raise TokenError(TOKEN_REQUEST_MALFORMED, "two authentication methods")
        return _read_assertion(form)
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


async def authenticate_client(
    presented: PresentedCredentials,
    request: BackChannelRequest,
    *,
    methods: tuple[AuthMethod, ...],
    provider: Provider,
    now: datetime,
) -> AuthenticatedClient:
    """Return the client that the credentials of a request prove, with the method that did.

    Raises InvalidClient. `methods` are those of the endpoint. Every back-channel endpoint calls this after `read_credentials`, and asks
    the client's policy afterwards. An assertion is spent by it. Who is refused by what this worker remembers is judged once more by what
    another node may have written since.
    """
    client = provider.clients.find_active(presented.client_id)
    try:
        return await _prove(presented, request, client, methods, provider, now)
    except InvalidClient:
        changed = None if client is None else await provider.clients.look_again(client)
        if changed is None:
            raise
    return await _prove(presented, request, changed, methods, provider, now)


async def _prove(
    presented: PresentedCredentials,
    request: BackChannelRequest,
    client: Client | None,
    methods: tuple[AuthMethod, ...],
    provider: Provider,
    now: datetime,
) -> AuthenticatedClient:
    method = presented.method
    if method == "none" and client is not None and client.token_endpoint_auth_method in CERTIFICATE_METHODS:
        method = client.token_endpoint_auth_method
    basic_tried = method == "client_secret_basic"
    try:
        await _check_proof(method, presented, request, client, provider, now)
    except (UnusableJwt, UnusableCertificate) as unusable:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, str(unusable)) from unusable
    except _WrongSecret:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "not proved", basic_tried=basic_tried) from None
    if client is None or method not in methods or method != client.token_endpoint_auth_method:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "not proved", basic_tried=basic_tried)
    return AuthenticatedClient(client, method)


class _WrongSecret(Exception):
    """The secret is not the client's."""


async def _check_proof(
    method: AuthMethod,
    presented: PresentedCredentials,
    request: BackChannelRequest,
    client: Client | None,
    provider: Provider,
    now: datetime,
) -> None:
    if method in ("client_secret_basic", "client_secret_post"):
        if not is_secret_of(client, presented.secret or "", now=now):
            raise _WrongSecret
    elif presented.assertion is not None:
        # One that is registered for another method is judged like an unknown one: nothing of it may be spent.
        is_its_method = client is not None and client.token_endpoint_auth_method == method
        await check_assertion(
            presented.assertion, client if is_its_method else None, path=request.path, provider=provider, now=now
        )
    elif client is not None and method in CERTIFICATE_METHODS:
        await _check_certificate(method, request, client, provider, now)


async def _check_certificate(
    method: AuthMethod, request: BackChannelRequest, client: Client, provider: Provider, now: datetime
) -> None:
    if request.certificate is None:
        raise UnusableCertificate("no certificate")
    read = read_certificate(request.certificate, now=now)
    if method == "tls_client_auth":
        if not request.is_chain_trusted:
            raise UnusableCertificate("chain not trusted")
        check_subject(read, client.metadata)
        return
    try:
        keys = [
            key
            for alg in read.algorithms
            for key in await provider.client_keys.verification_keys(client, kid=None, alg=alg)
        ]
    except ClientKeysUnavailable as unavailable:
        raise UnusableCertificate(unavailable.problem) from unavailable
    check_key(read, keys)


def _read_assertion(form: Parameters) -> PresentedCredentials:
    """RFC 7521 §4.2: both parameters, and a client_id beside them names the same client."""
    assertion = form.get("client_assertion")
    if assertion is None or form.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "assertion or its type missing")
    try:
        client_id, jwt = read_assertion(assertion)
    except UnusableJwt as unusable:
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, str(unusable)) from unusable
    if form.get("client_id") not in (None, client_id):
        raise InvalidClient(CLIENT_NOT_AUTHENTICATED, "client_id and assertion differ")
    return PresentedCredentials("private_key_jwt", client_id, None, jwt)


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
