"""Where the parameters of an authorization request come from: the address itself, a pushed request, or a request object.

RFC 9126 §4 and RFC 9101 §6.3: of a request that was pushed or signed, nothing counts that travels beside it through the browser, except
`client_id`, which has to agree. That is what keeps a stranger from taking PKCE away or putting another scope in.
"""

from dataclasses import dataclass
from datetime import datetime

from idp.provider.authorization.pushed_requests import LONGEST_URI, URN, PushedRequest, uri_hash
from idp.provider.authorization.reasons import MALFORMED_REQUEST, UNKNOWN_CLIENT
from idp.provider.authorization.request import AuthorizationRequest, CheckedAddress, check_address
from idp.provider.authorization.request_objects import parameters_of_request_object
from idp.provider.authorization.request_reasons import (
    INVALID_REQUEST_URI,
    REQUEST_BY_TWO_WAYS,
    REQUEST_URI_NOT_ALLOWED,
    REQUEST_URI_NOT_FETCHED,
)
from idp.provider.clients.policies import policy_of
from idp.provider.clients.registry import Client
from idp.provider.clients.request_uris import address_of, is_document_of, is_registered_request_uri
from idp.provider.composition import Provider
from idp.provider.errors import RedirectableError, ShownError
from idp.provider.parameters import Parameters, UnreadableParameters, parse_parameters
from idp.provider.ports import UrlNotFetched

ACCEPT = "application/oauth-authz-req+jwt, application/jwt"


@dataclass(frozen=True, slots=True)
class SourcedRequest:
    """The parameters that count, and how they came."""

    parameters: Parameters
    is_pushed: bool = False
    is_signed: bool = False
    pushed: PushedRequest | None = None


def read_parameters(octets: bytes, provider: Provider) -> Parameters:
    """Return what a browser carries itself; raises ShownError when it cannot be read."""
    try:
        return parse_parameters(octets, max_octets=provider.limits.max_query_octets)
    except UnreadableParameters as unreadable:
        raise ShownError(MALFORMED_REQUEST, str(unreadable)) from unreadable


async def gather_parameters(outer: Parameters, *, provider: Provider, now: datetime) -> SourcedRequest:
    """Return the parameters that a browser's request stands for; `outer` are those it carries itself.

    Raises ShownError when client or request_uri cannot be trusted, and RedirectableError for a request object that breaks a rule: it may
    travel to an address among `outer`, once that was checked.
    """
    request_uri = outer.get("request_uri")
    if outer.get("request") is None and request_uri is None:
        return SourcedRequest(outer)
    if outer.repeated & {"client_id", "request", "request_uri"}:
        raise ShownError(UNKNOWN_CLIENT, "client_id, request or request_uri repeated")
    client = provider.clients.find_active(outer.get("client_id") or "")
    if client is None:
        raise ShownError(UNKNOWN_CLIENT, "unknown or disabled")
    if request_uri is not None and request_uri.startswith(URN) and outer.get("request") is None:
        return await _pushed(request_uri, client, provider, now)
    signed = await open_request_object(outer, client, provider=provider, now=now)
    if signed is None:
        raise AssertionError("either request or request_uri is there")
    return SourcedRequest(signed, is_signed=True)


async def open_request_object(
    outer: Parameters, client: Client, *, provider: Provider, now: datetime
) -> Parameters | None:
    """Return the parameters of the request object that `outer` carries or names, None when there is neither.

    Raises RedirectableError. Only an address that the client registered is fetched, through the guarded fetcher (RFC 9101 §10.4), and
    never for a client whose policy asks for pushed requests.
    """
    text, request_uri = outer.get("request"), outer.get("request_uri")
    if text is None and request_uri is None:
        return None
    if text is not None and request_uri is not None:
        raise RedirectableError(REQUEST_BY_TWO_WAYS, "request and request_uri")
    if text is None:
        text = await _fetch(request_uri or "", client, provider)
    return await parameters_of_request_object(text, client, provider=provider, now=now)


def address_beside(outer: Parameters, refused: RedirectableError, provider: Provider) -> CheckedAddress:
    """Return the client's address that stands beside an unusable request object; without one the refusal is shown."""
    try:
        return check_address(outer, provider.clients)
    except ShownError as untrusted:
        raise ShownError(refused.reason, refused.detail, client_id=untrusted.client_id) from refused


async def spend_pushed(request_uri_hash: str | None, provider: Provider, now: datetime) -> bool:
    """Spend the pushed request that is being answered, if it is one; False says that it was answered before."""
    return request_uri_hash is None or await provider.pushed_requests.spend(bytes.fromhex(request_uri_hash), now)


async def spend_or_refuse(request: AuthorizationRequest, provider: Provider, now: datetime) -> None:
    """Spend it before the code is made: of two browser tabs, and of two nodes, one gets past; raises ShownError."""
    if not await spend_pushed(request.request_uri_hash, provider, now):
        raise ShownError(INVALID_REQUEST_URI, "answered before", client_id=request.client_id)


async def _pushed(request_uri: str, client: Client, provider: Provider, now: datetime) -> SourcedRequest:
    """Unknown, expired, spent and somebody else's get one answer, and it never travels (RFC 9126 §2.2, §7.1)."""
    found = None
    if len(request_uri) <= LONGEST_URI:
        found = await provider.pushed_requests.find(uri_hash(request_uri))
    if found is None or found.client_id != client.client_id or now >= found.expires_at or found.used_at is not None:
        raise ShownError(INVALID_REQUEST_URI, client_id=client.client_id)
    parameters = found.parameters(request_uri)
    if parameters is None:
        raise ShownError(INVALID_REQUEST_URI, "kept in another form", client_id=client.client_id)
    return SourcedRequest(parameters, is_pushed=True, is_signed=found.is_signed, pushed=found)


async def _fetch(request_uri: str, client: Client, provider: Provider) -> str:
    policy = policy_of(client)
    if policy is None or policy.requires_par or client.metadata.require_pushed_authorization_requests:
        raise RedirectableError(REQUEST_URI_NOT_ALLOWED, "the policy asks for pushed requests")
    if not is_registered_request_uri(request_uri, client.metadata.request_uris):
        raise RedirectableError(REQUEST_URI_NOT_FETCHED, "not registered")
    try:
        fetched = await provider.fetcher.fetch(address_of(request_uri), accept=ACCEPT)
    except UrlNotFetched as failure:
        raise RedirectableError(REQUEST_URI_NOT_FETCHED, failure.problem) from failure
    if not is_document_of(request_uri, fetched.body):
        raise RedirectableError(REQUEST_URI_NOT_FETCHED, "the document is another one")
    return fetched.body.decode("ascii", "replace").strip()
