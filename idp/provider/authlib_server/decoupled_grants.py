"""The grants in which a decoupled authorization ends: redeemed once, then issued like an authorization code."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin
from authlib.oauth2.rfc6749.hooks import hooked
from sqlalchemy.util import await_

from idp.provider.authlib_server.core_request import CoreRequest
from idp.provider.grants import authorization_code, ciba, device_code
from idp.provider.proof.client_auth import ALL_METHODS, CONFIDENTIAL_METHODS


class DeviceCodeGrant(BaseGrant, TokenEndpointMixin):
    """RFC 8628 §3.4: wait, be refused, or be given tokens once."""

    GRANT_TYPE = device_code.GRANT_TYPE
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(ALL_METHODS)
    REDEEM: ClassVar = staticmethod(device_code.redeem_device_code)
    request: CoreRequest

    def validate_token_request(self) -> None:
        """Redeem; of parallel requests only the winner gets past this."""
        asked = self.request
        asked.client = self.authenticate_token_endpoint_client()
        work = self.REDEEM(asked.parameters, asked.known_client, provider=asked.provider, now=asked.now)
        asked.user = await_(work)

    @hooked  # type: ignore[untyped-decorator]  # Authlib carries no types.
    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Sign, put on record, answer."""
        asked = self.request
        asked.issued = authorization_code.issue_for_code(
            asked.user,
            asked.parameters,
            asked.known_client,
            confirmation=asked.confirmation,
            provider=asked.provider,
            now=asked.now,
        )
        token = asked.issued.answer()
        work = authorization_code.record_issue(
            asked.issued,
            asked.user,
            asked.known_client,
            provider=asked.provider,
            origin=asked.origin,
            now=asked.now,
            grant_type=self.GRANT_TYPE,
        )
        if (first := await_(work)) is not None:
            token["refresh_token"] = first
        return 200, token, self.TOKEN_RESPONSE_HEADER


class CibaGrant(DeviceCodeGrant):
    """CIBA Core §10.1: the same for an auth_req_id, whose clients are confidential."""

    GRANT_TYPE = ciba.GRANT_TYPE
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(CONFIDENTIAL_METHODS)
    REDEEM: ClassVar = staticmethod(ciba.redeem_auth_req_id)
