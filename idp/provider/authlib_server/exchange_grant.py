"""Token exchange on Authlib's core."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin
from sqlalchemy.util import await_

from idp.provider.authlib_server.core_request import CoreRequest
from idp.provider.grants import token_exchange
from idp.provider.proof.client_auth import CONFIDENTIAL_METHODS


class TokenExchangeGrant(BaseGrant, TokenEndpointMixin):
    """RFC 8693: of confidential clients alone, since the client itself is the actor."""

    GRANT_TYPE = token_exchange.GRANT_TYPE
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(CONFIDENTIAL_METHODS)
    request: CoreRequest

    def validate_token_request(self) -> None:
        """Prove the client; its policy is asked there."""
        self.request.client = self.authenticate_token_endpoint_client()

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Exchange, put on record, answer (RFC 8693 §2.2.1)."""
        asked = self.request
        work = token_exchange.exchange_token(
            asked.parameters,
            asked.known_client,
            confirmation=asked.confirmation,
            provider=asked.provider,
            now=asked.now,
        )
        exchanged = await_(work)
        entry = token_exchange.exchange_entry(exchanged, asked.known_client, origin=asked.origin, now=asked.now)
        await_(asked.provider.ledger.append(entry, inserts=exchanged.issued.inserts))
        answer = {**exchanged.issued.answer(), "issued_token_type": token_exchange.ACCESS_TOKEN}
        return 200, answer, self.TOKEN_RESPONSE_HEADER
