"""One back-channel request, and the things it names, in the shapes that Authlib's core reads."""

# Authlib carries no types, so its classes count as Any; this package alone subclasses them.
# mypy: disallow-subclassing-any=False

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Payload, OAuth2Request

from foundation.ledger import Entry
from idp.provider.back_channel import BackChannelRequest
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.grants.refresh_token import Refreshed
from idp.provider.parameters import Parameters
from idp.provider.proof.client_auth import PresentedCredentials
from idp.provider.proof.sender_constraint import Confirmation
from idp.provider.scopes import join_scope
from idp.provider.tokens.granting import Grant
from idp.provider.tokens.issuing import IssuedAccessToken


class FormPayload(OAuth2Payload):
    """The parameters of the body, the only ones there are."""

    def __init__(self, form: Parameters) -> None:
        self._form = form

    @property
    def data(self) -> Any:
        """Every parameter by name."""
        return self._form.values

    @property
    def datalist(self) -> Any:
        """The same, as lists; a repeated parameter was refused before."""
        return {name: [value] for name, value in self._form.values.items()}


@dataclass(frozen=True, slots=True)
class RegisteredClient(ClientMixin):
    """A client as Authlib asks about it; redirect URIs and scopes are judged elsewhere."""

    client: Client

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether the client is registered for the grant type; its policy was asked before."""
        return grant_type in self.client.grant_types


@dataclass(frozen=True, slots=True)
class RedeemedCode:
    """A grant whose code has just been spent; its address was compared when it was."""

    grant: Grant

    def get_redirect_uri(self) -> str:
        """Return the address of the authorization request."""
        return self.grant.request.redirect_uri

    def get_scope(self) -> str:
        """Return the granted scope."""
        return join_scope(self.grant.request.scope)


@dataclass(frozen=True, slots=True)
class SpentRefreshToken:
    """A rotation that has just been decided, for a client that was compared with it."""

    refreshed: Refreshed

    def get_scope(self) -> str:
        """Return the scope of the new access token."""
        return join_scope(self.refreshed.scope)

    def check_client(self, client: RegisteredClient) -> bool:
        """Tell whether the family belongs to the client."""
        return self.refreshed.grant.client_id == client.client.client_id


class CoreRequest(OAuth2Request):
    """One back-channel request in Authlib's shape, with what the provider's functions need to judge it."""

    def __init__(
        self,
        request: BackChannelRequest,
        form: Parameters,
        presented: PresentedCredentials,
        *,
        provider: Provider,
        now: datetime,
    ) -> None:
        # Not super().__init__: it judges the transport by a URI, which the settings of the issuer have
        # decided.
        self.method = "POST"
        self.uri = provider.issuer
        self.headers: dict[str, str] = {}
        self.payload = FormPayload(form)
        self.client: Any = None
        self.auth_method: str | None = None
        self.user: Any = None
        self.authorization_code: Any = None
        self.refresh_token: Any = None
        self.credential: Any = None
        self._scope = None
        self._body = None
        self.parameters = form
        self.presented = presented
        self.provider = provider
        self.origin = request.origin
        self.arrived = request
        self.confirmation: Confirmation | None = None
        self.now = now
        self.proved: RegisteredClient | None = None
        self.signed_token: str | None = None
        """The token that an introspection asks about, in its signed form."""
        self.issued: IssuedAccessToken | None = None
        self.entry: Entry | None = None
        """What is still to be put on record before the request is answered."""

    @property
    def form(self) -> Any:
        """The parameters of the body."""
        return self.parameters.values

    @property
    def known_client(self) -> Client:
        """The authenticated client."""
        known: Client = self.client.client
        return known

    @property
    def known_issue(self) -> IssuedAccessToken:
        """The token that was signed for this request."""
        if self.issued is None:
            raise AssertionError("a token is signed before it is recorded")
        return self.issued
