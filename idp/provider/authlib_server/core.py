"""Authlib's authorization server on the provider's memory and rules."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NoReturn, ParamSpec, TypeVar

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer
from sqlalchemy.util import greenlet_spawn

from idp.provider.authlib_server.core_request import CoreRequest, RegisteredClient
from idp.provider.authlib_server.decoupled_endpoints import BackchannelAuthentication, DeviceAuthorization
from idp.provider.authlib_server.decoupled_grants import CibaGrant, DeviceCodeGrant
from idp.provider.authlib_server.exchange_grant import TokenExchangeGrant
from idp.provider.authlib_server.pushed_authorization import PushedAuthorization
from idp.provider.authlib_server.token_endpoints import Introspection, Revocation
from idp.provider.authlib_server.token_grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    IdTokens,
    RefreshTokenGrant,
)
from idp.provider.back_channel import BackChannelRequest, OAuthResponse
from idp.provider.clients.memory import ClientRegistry
from idp.provider.clients.policies import AtToken, check_policy
from idp.provider.clients.registry import AuthMethod
from idp.provider.composition import Provider
from idp.provider.errors import Reason, TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.client_auth import PresentedCredentials, authenticate_client
from idp.provider.proof.sender_constraint import check_binding, confirm_request
from idp.provider.tokens.introspection_answer import answer_introspection
from idp.provider.tokens.reading import find_signed_form
from idp.provider.tokens.reasons import (
    CLIENT_NOT_AUTHENTICATED,
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_CODE,
    SCOPE_TOO_BROAD,
    TOKEN_REQUEST_MALFORMED,
    UNSUPPORTED_GRANT_TYPE,
    UNSUPPORTED_TOKEN_TYPE,
)

P = ParamSpec("P")
R = TypeVar("R")

_REASONS: dict[str | None, Reason] = {
    "invalid_client": CLIENT_NOT_AUTHENTICATED,
    "invalid_grant": INVALID_CODE,
    "invalid_scope": SCOPE_TOO_BROAD,
    "unauthorized_client": GRANT_TYPE_NOT_ALLOWED,
    "unsupported_grant_type": UNSUPPORTED_GRANT_TYPE,
    "unsupported_token_type": UNSUPPORTED_TOKEN_TYPE,
}


_WITHOUT_WAITING = frozenset({ClientCredentialsGrant.GRANT_TYPE})
"""Grants that ask no storage between the proof of the client and the record of the issue."""


async def run_core(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run Authlib's synchronous code where `await_` may wait inside it; an error of its own leaves as the TokenError it stands for."""
    try:
        return await greenlet_spawn(partial(work, *args, **kwargs))
    except OAuth2Error as error:
        raise _refused(error) from error


def run_directly(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run Authlib's code where nothing inside it waits: the busiest requests do without a greenlet."""
    try:
        return work(*args, **kwargs)
    except OAuth2Error as error:
        raise _refused(error) from error


def _refused(error: OAuth2Error) -> TokenError:
    return TokenError(_REASONS.get(error.error, TOKEN_REQUEST_MALFORMED), str(error.error))


class Core(AuthorizationServer):
    """One per worker; it holds no state of any request."""

    def __init__(self, clients: ClientRegistry) -> None:
        super().__init__()
        self._clients = clients
        self.register_grant(AuthorizationCodeGrant, [IdTokens()])
        self.register_grant(RefreshTokenGrant, [IdTokens()])
        self.register_grant(ClientCredentialsGrant)
        self.register_grant(TokenExchangeGrant)
        self.register_grant(DeviceCodeGrant, [IdTokens()])
        self.register_grant(CibaGrant, [IdTokens()])
        self.register_endpoint(Introspection)
        self.register_endpoint(Revocation)
        self.register_endpoint(DeviceAuthorization)
        self.register_endpoint(BackchannelAuthentication)
        self.register_endpoint(PushedAuthorization)
        self._methods = self._methods_of_doors()

    def grant_types(self) -> list[str]:
        """Return the grant types the token endpoint takes, as registered above."""
        return [grant.GRANT_TYPE for grant, _ in self._token_grants]

    def _methods_of_doors(self) -> dict[tuple[str, str | None], tuple[AuthMethod, ...]]:
        """Return how a client may prove itself at each (endpoint, grant type); the type is None where there is none."""
        doors: dict[tuple[str, str | None], tuple[AuthMethod, ...]] = {
            ("token", grant.GRANT_TYPE): tuple(grant.TOKEN_ENDPOINT_AUTH_METHODS) for grant, _ in self._token_grants
        }
        for name, endpoints in self._endpoints.items():
            for endpoint in endpoints:
                doors[name, None] = tuple(endpoint.CLIENT_AUTH_METHODS)
        return doors

    async def answer(
        self,
        endpoint: str,
        request: BackChannelRequest,
        form: Parameters,
        presented: PresentedCredentials,
        *,
        provider: Provider,
        now: datetime,
    ) -> OAuthResponse:
        """Answer a request to one of the back-channel endpoints; raises TokenError for every refusal."""
        asked = CoreRequest(request, form, presented, provider=provider, now=now)
        await self._prove(asked, endpoint)
        answered: OAuthResponse
        if endpoint == "token":
            answered = await self._run_grant(asked)
        elif endpoint == "introspection":
            asked.signed_token = await find_signed_form(form.get("token"), provider=provider)
            answered = run_directly(self.create_endpoint_response, endpoint, asked)
            answered = await answer_introspection(answered, request, asked.known_client, provider=provider, now=now)
        else:
            answered = await run_core(self.create_endpoint_response, endpoint, asked)
        if asked.confirmation is None or asked.confirmation.next_nonce is None:
            return answered
        nonce = {"DPoP-Nonce": asked.confirmation.next_nonce}
        return OAuthResponse(answered.status, answered.body, {**answered.headers, **nonce}, answered.media_type)

    async def _run_grant(self, asked: CoreRequest) -> OAuthResponse:
        if asked.payload.grant_type in _WITHOUT_WAITING:
            answered: OAuthResponse = run_directly(self.create_token_response, asked)
        else:
            answered = await run_core(self.create_token_response, asked)
        if asked.entry is not None:
            # Nothing is answered before it is on record.
            await asked.provider.ledger.append(asked.entry, inserts=asked.known_issue.inserts)
        return answered

    async def _prove(self, asked: CoreRequest, endpoint: str) -> None:
        """Prove the client by the method it is registered with, then ask its policy for this door."""
        grant_type = asked.payload.grant_type
        methods = self._methods.get((endpoint, grant_type if endpoint == "token" else None))
        if methods is None:
            raise TokenError(UNSUPPORTED_GRANT_TYPE)
        provider, now = asked.provider, asked.now
        proved = await authenticate_client(asked.presented, asked.arrived, methods=methods, provider=provider, now=now)
        asked.proved, asked.auth_method = RegisteredClient(proved.client), proved.method
        if endpoint == "token":
            asked.confirmation = await confirm_request(asked.arrived, provider=provider, now=now, client=proved.client)
            check_binding(proved.client, asked.confirmation)
            doing = AtToken(str(grant_type), proved.method, is_bound=asked.confirmation is not None)
            check_policy(proved.client, doing, now=now)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """Return an active client from memory."""
        client = self._clients.find_active(client_id)
        return None if client is None else RegisteredClient(client)

    def authenticate_client(
        self, request: CoreRequest, methods: list[AuthMethod], endpoint: str = "token"
    ) -> RegisteredClient:
        """Return the client that was proved before the core began, by one of the methods of this very grant or endpoint."""
        if request.proved is None:
            raise AssertionError("a client is proved before the core runs")
        return request.proved

    def create_oauth2_request(self, request: CoreRequest) -> CoreRequest:
        """Return the request, which has its shape already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> OAuthResponse:
        """Return the answer; its headers are the same for every answer of the back channel."""
        return OAuthResponse(status, body)

    def handle_error_response(self, request: CoreRequest, error: OAuth2Error) -> NoReturn:
        """Raise: a returned error would look like an answer that may be committed."""
        raise error

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: what happens is in the ledger."""
