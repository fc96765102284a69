"""The endpoints where a decoupled authorization begins, among Authlib's endpoints, so that clients are proved there as everywhere."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import TokenEndpoint
from sqlalchemy.util import await_

from idp.provider.authlib_server.core_request import CoreRequest
from idp.provider.decoupled import ciba_authentication, device_authorization
from idp.provider.proof.client_auth import ALL_METHODS, CONFIDENTIAL_METHODS


class DeviceAuthorization(TokenEndpoint):
    """RFC 8628 §3.1: a device asks for a code to show; a native app may be a public client here as elsewhere."""

    ENDPOINT_NAME = device_authorization.ENDPOINT
    CLIENT_AUTH_METHODS: ClassVar = list(ALL_METHODS)
    BEGIN: ClassVar = staticmethod(device_authorization.begin_device_authorization)

    def create_endpoint_response(self, request: CoreRequest) -> tuple[int, dict[str, Any], list[Any]]:
        """Prove the client, begin, and return the codes."""
        client = self.authenticate_endpoint_client(request)
        work = self.BEGIN(
            request.parameters,
            client.client,
            auth_method=str(request.auth_method),
            provider=request.provider,
            origin=request.origin,
            now=request.now,
        )
        return 200, await_(work), []


class BackchannelAuthentication(DeviceAuthorization):
    """CIBA Core §7.1: an app's server names the person; it has to prove itself, because a stranger's phone will ring."""

    ENDPOINT_NAME = ciba_authentication.ENDPOINT
    CLIENT_AUTH_METHODS: ClassVar = list(CONFIDENTIAL_METHODS)
    BEGIN: ClassVar = staticmethod(ciba_authentication.begin_ciba)
