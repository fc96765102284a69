"""Authlib's authorization server on the provider's memory and rules."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NoReturn, ParamSpec, TypeVar

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer
from sqlalchemy.util import await_, greenlet_spawn

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
from idp.provider.clients.policies import AtToken, check_policy
from idp.provider.clients.registry import AuthMethod, ClientRegistry
from idp.provider.composition import Provider
from idp.provider.errors import Reason, TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.client_auth import PresentedCredentials, authenticate_client
from idp.provider.proof.sender_constraint import check_binding, confirm_request
from idp.provider.tokens.introspection_answer import answer_introspection
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


async def run_core(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run Authlib's synchronous code; an error of its own leaves as the TokenError it stands for."""
    try:
        return await greenlet_spawn(partial(work, *args, **kwargs))
    except OAuth2Error as error:
        raise TokenError(_REASONS.get(error.error, TOKEN_REQUEST_MALFORMED), str(error.error)) from error


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

    def grant_types(self) -> list[str]:
        """Return the grant types the token endpoint takes, as registered above."""
        return [grant.GRANT_TYPE for grant, _ in self._token_grants]

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
        answered: OAuthResponse
        if endpoint == "token":
            answered = await run_core(self.create_token_response, asked)
        else:
            answered = await run_core(self.create_endpoint_response, endpoint, asked)
        if endpoint == "introspection":
            answered = await answer_introspection(answered, request, asked.known_client, provider=provider, now=now)
        if asked.confirmation is None or asked.confirmation.next_nonce is None:
            return answered
        nonce = {"DPoP-Nonce": asked.confirmation.next_nonce}
        return OAuthResponse(answered.status, answered.body, {**answered.headers, **nonce}, answered.media_type)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """Return an active client from memory."""
        client = self._clients.find_active(client_id)
        return None if client is None else RegisteredClient(client)

    def authenticate_client(
        self, request: CoreRequest, methods: list[AuthMethod], endpoint: str = "token"
    ) -> RegisteredClient:
        """Prove the client by the method it is registered with, then ask its policy for this door."""
        proved = await_(
            authenticate_client(
                request.presented,
                request.arrived,
                methods=tuple(methods),
                provider=request.provider,
                now=request.now,
            )
        )
        client, request.auth_method = proved.client, proved.method
        if endpoint == "token":
            work = confirm_request(request.arrived, provider=request.provider, now=request.now, client=client)
            request.confirmation = await_(work)
            check_binding(client, request.confirmation)
            doing = AtToken(str(request.payload.grant_type), proved.method, is_bound=request.confirmation is not None)
            check_policy(client, doing, now=request.now)
        return RegisteredClient(client)

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
