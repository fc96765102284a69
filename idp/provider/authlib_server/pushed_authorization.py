"""The endpoint for pushed authorization requests among Authlib's endpoints, so that clients are proved there as everywhere."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import TokenEndpoint
from sqlalchemy.util import await_

from idp.provider.authlib_server.core_request import CoreRequest
from idp.provider.authorization.par import ENDPOINT, keep_pushed_request
from idp.provider.clients.registry import Client
from idp.provider.proof.client_auth import ALL_METHODS
from idp.provider.proof.sender_constraint import KEY, confirm_request


class PushedAuthorization(TokenEndpoint):
    """RFC 9126 §2: authenticate the client, then judge and keep its request."""

    ENDPOINT_NAME = ENDPOINT
    CLIENT_AUTH_METHODS: ClassVar = list(ALL_METHODS)

    def create_endpoint_response(self, request: CoreRequest) -> tuple[int, dict[str, Any], list[Any]]:
        """Return 201 with the name of the request."""
        client: Client = self.authenticate_endpoint_client(request).client
        proving = confirm_request(request.arrived, provider=request.provider, now=request.now, client=client)
        confirmation = request.confirmation = await_(proving)
        work = keep_pushed_request(
            request.parameters,
            client,
            auth_method=str(request.auth_method),
            dpop_thumbprint=confirmation.thumbprint if confirmation and confirmation.kind == KEY else None,
            provider=request.provider,
            origin=request.origin,
            now=request.now,
        )
        return 201, await_(work), []
