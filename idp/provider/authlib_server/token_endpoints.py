"""Authlib's introspection and revocation endpoints on the provider's own tokens."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from dataclasses import dataclass
from typing import Any, ClassVar

from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from sqlalchemy.util import await_

from idp.provider.authlib_server.core_request import CoreRequest, RegisteredClient
from idp.provider.proof.client_auth import ALL_METHODS, CONFIDENTIAL_METHODS
from idp.provider.tokens.introspection import introspected_members
from idp.provider.tokens.revocation import RevocableToken, end_token, find_revocable


@dataclass(frozen=True, slots=True)
class IntrospectedToken:
    """A live access token the asking client serves, with the members of its answer."""

    members: dict[str, Any]

    def is_expired(self) -> bool:
        """Return False: the token was verified a moment ago."""
        return False

    def is_revoked(self) -> bool:
        """Return False: the revocations were asked when it was verified."""
        return False


class Introspection(IntrospectionEndpoint):
    """RFC 7662: memory alone but for the first sight of an opaque token, and only to the resource the token is for."""

    CLIENT_AUTH_METHODS: ClassVar = list(CONFIDENTIAL_METHODS)

    def authenticate_token(self, request: CoreRequest, client: RegisteredClient) -> IntrospectedToken | None:
        """Return the token when it is alive and for a resource of this client."""
        self.check_params(request, client)
        if request.signed_token is None:
            return None
        members = introspected_members(request.signed_token, client.client, provider=request.provider, now=request.now)
        return None if members is None else IntrospectedToken(members)

    def introspect_token(self, token: IntrospectedToken) -> dict[str, Any]:
        """Return the members of RFC 7662 §2.2."""
        return token.members


class Revocation(RevocationEndpoint):
    """RFC 7009: an unknown token and somebody else's are answered alike, and nothing happens to either."""

    CLIENT_AUTH_METHODS: ClassVar = list(ALL_METHODS)

    def authenticate_token(self, request: CoreRequest, client: RegisteredClient) -> RevocableToken | None:
        """Return the token when it is alive and the client's own."""
        self.check_params(request, client)
        work = find_revocable(
            request.parameters.values["token"], client.client, provider=request.provider, now=request.now
        )
        found: RevocableToken | None = await_(work)
        return found

    def revoke_token(self, token: RevocableToken, request: CoreRequest) -> None:
        """End it, with everything that hangs on it."""
        await_(
            end_token(
                token,
                request.known_client,
                provider=request.provider,
                origin=request.origin,
                now=request.now,
            )
        )
