"""Authlib's grants, each with its storage replaced by the functions of `idp.provider.grants`."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import grants
from authlib.oidc.core.grants import OpenIDCode
from sqlalchemy.util import await_

from idp.provider.authlib_server.core_request import (
    CoreRequest,
    RedeemedCode,
    RegisteredClient,
    SpentRefreshToken,
)
from idp.provider.grants import authorization_code, client_credentials, refresh_token
from idp.provider.proof.client_auth import ALL_METHODS, CONFIDENTIAL_METHODS
from idp.provider.tokens.granting import Grant
from idp.provider.tokens.issuing import issue_entry


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    """RFC 6749 §4.1: spend the code, then issue."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(ALL_METHODS)
    request: CoreRequest

    def query_authorization_code(self, code: str, client: RegisteredClient) -> RedeemedCode:
        """Spend the code; of parallel requests only the winner gets past this line."""
        asked = self.request
        work = authorization_code.redeem_code(
            asked.parameters,
            client.client,
            confirmation=asked.confirmation,
            provider=asked.provider,
            origin=asked.origin,
            now=asked.now,
        )
        return RedeemedCode(await_(work))

    def authenticate_user(self, code: RedeemedCode) -> Grant:
        """Return the grant: who it is about was judged when the code was spent."""
        return code.grant

    def generate_token(self, **_: Any) -> dict[str, Any]:
        """Sign the access token."""
        asked = self.request
        asked.issued = authorization_code.issue_for_code(
            asked.user,
            asked.parameters,
            asked.known_client,
            confirmation=asked.confirmation,
            provider=asked.provider,
            now=asked.now,
        )
        return asked.issued.answer()

    def save_token(self, token: dict[str, Any]) -> None:
        """Put the issue on record, with the first refresh token of a new family when there is one."""
        asked = self.request
        work = authorization_code.record_issue(
            asked.known_issue,
            asked.user,
            asked.known_client,
            provider=asked.provider,
            origin=asked.origin,
            now=asked.now,
        )
        if (first := await_(work)) is not None:
            token["refresh_token"] = first

    def delete_authorization_code(self, code: RedeemedCode) -> None:
        """Nothing is left to do: the code was spent before anything was issued."""


class RefreshTokenGrant(grants.RefreshTokenGrant):
    """RFC 6749 §6: rotate, then issue."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(ALL_METHODS)
    INCLUDE_NEW_REFRESH_TOKEN = True
    request: CoreRequest

    def authenticate_refresh_token(self, text: str) -> SpentRefreshToken:
        """Rotate the token; scope and resource are judged before it is spent."""
        asked = self.request
        work = refresh_token.spend_refresh_token(
            asked.parameters,
            asked.known_client,
            confirmation=asked.confirmation,
            provider=asked.provider,
            origin=asked.origin,
            now=asked.now,
        )
        return SpentRefreshToken(await_(work))

    def authenticate_user(self, token: SpentRefreshToken) -> Grant:
        """Return the grant of the family."""
        return token.refreshed.grant

    def issue_token(self, user: Grant, token: SpentRefreshToken) -> dict[str, Any]:
        """Sign the access token and answer with the successor of the refresh token."""
        asked = self.request
        asked.issued = refresh_token.issue_for_refresh(
            token.refreshed,
            asked.parameters,
            asked.known_client,
            confirmation=asked.confirmation,
            provider=asked.provider,
            now=asked.now,
        )
        return {**asked.issued.answer(), "refresh_token": str(token.refreshed.successor)}

    def save_token(self, token: dict[str, Any]) -> None:
        """Note the issue for the record."""
        _note_issue(self.request, refresh_token.GRANT_TYPE, self.request.user)

    def revoke_old_credential(self, token: SpentRefreshToken) -> None:
        """Nothing is left to do: the rotation replaced it."""


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    """RFC 6749 §4.4: issue to the client itself."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(CONFIDENTIAL_METHODS)
    request: CoreRequest

    def validate_requested_scope(self) -> None:
        """The scope is judged where the token is made."""

    def generate_token(self, **_: Any) -> dict[str, Any]:
        """Sign the access token."""
        asked = self.request
        asked.issued = client_credentials.issue_for_credentials(
            asked.parameters,
            asked.known_client,
            confirmation=asked.confirmation,
            provider=asked.provider,
            now=asked.now,
        )
        return asked.issued.answer()

    def save_token(self, token: dict[str, Any]) -> None:
        """Note the issue for the record."""
        _note_issue(self.request, client_credentials.GRANT_TYPE, None)


class IdTokens(OpenIDCode):
    """OpenID Connect Core §3.1.3.3: an ID token beside every access token of a grant with `openid`."""

    def exists_nonce(self, nonce: str, request: CoreRequest) -> bool:
        """Not asked at the token endpoint; a nonce is the client's own defence and may repeat."""
        return False

    def encode_id_token(self, token: dict[str, Any], request: CoreRequest) -> str | None:
        """Sign with the provider's keys; a refreshed ID token carries no nonce (Core §12.2)."""
        grant: Grant = request.user
        work = authorization_code.id_token_for(
            grant,
            request.known_client,
            token["access_token"],
            nonce=grant.request.nonce if request.refresh_token is None else None,
            provider=request.provider,
            now=request.now,
        )
        return await_(work)


def _note_issue(asked: CoreRequest, grant_type: str, grant: Grant | None) -> None:
    """Leave the entry of the issue to be recorded once the core is through."""
    asked.entry = issue_entry(
        asked.known_issue,
        asked.known_client,
        grant_type=grant_type,
        grant=grant,
        origin=asked.origin,
        now=asked.now,
    )
