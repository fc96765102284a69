"""What a provider under test has to offer the port: everything else goes over its public HTTP interface."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx2

from gateway.stories.browser import Browser, Page
from tests.conformance.listener import Listener
from tests.conformance.registrations import ClientCertificate, RegisteredClient

TIMEOUT_S = 20.0


class RegistrationRefused(AssertionError):
    """The provider does not take a client with such metadata."""


class Op(Protocol):
    """A running provider with the clients of `registrations.ROLES` and at least two people."""

    @property
    def name(self) -> str:
        """The name in test ids and tables."""

    @property
    def issuer(self) -> str:
        """The issuer identifier, without a trailing slash."""

    @property
    def http(self) -> "BackChannel":
        """Requests of programs."""

    @property
    def listener(self) -> Listener:
        """The web server of the relying party."""

    @property
    def takes_form_token(self) -> bool:
        """Whether UserInfo takes the access token from a form, which RFC 6750 §2.2 leaves to the provider."""

    def client(self, role: str) -> RegisteredClient:
        """Return the client of a role; `<role>-2` is another one of the kind."""

    def sign_in(self, browser: Browser, page: Page, person: int) -> Page | None:
        """Sign a person in on a sign-in page and return what comes next; None when this is no sign-in page."""

    def decide(self, browser: Browser, page: Page, *, agree: bool) -> Page | None:
        """Answer a consent page and return what comes next; None when this is no consent page."""

    def confirm_logout(self, browser: Browser, page: Page) -> Page | None:
        """Say yes to the question whether to sign out; None when the page does not ask it."""

    def is_error_page(self, page: Page) -> bool:
        """Tell whether the provider stopped here, with words for the person instead of an answer to the client."""

    def is_after_logout(self, page: Page) -> bool:
        """Tell whether the page says that the person is signed out."""

    def now(self) -> datetime:
        """The provider's clock."""

    def later(self, by: timedelta) -> AbstractContextManager[None]:
        """Move the provider's clock while the block lasts."""

    def answer_decoupled(self, browser: Browser, auth_req_id: str, *, agree: bool) -> None:
        """Let the first person answer the newest request that waits on another device."""

    def publish(self, path: str, document: Any) -> str:
        """Put a document of the relying party where the provider can fetch it, and return its address."""

    def rotate_keys(self) -> None:
        """Replace the keys that sign ID tokens, as an operator does."""

    def initiated_login(self, role: str) -> str:
        """Return the address at which the provider asks this client to begin a sign-in (OpenID Connect Core §4)."""

    def register(self, metadata: Mapping[str, Any]) -> httpx2.Response:
        """Ask for dynamic registration with whatever initial access token the provider wants."""


@dataclass(frozen=True)
class BackChannel:
    """Sends requests to the provider as a program does; a certificate travels as this provider expects it behind its proxy."""

    client: httpx2.Client
    certificate_header: Callable[[ClientCertificate], Mapping[str, str]]

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """GET; redirects are answers like any other."""
        return self.client.get(url, headers=dict(headers or {}))

    def post(
        self,
        url: str,
        form: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        certificate: ClientCertificate | None = None,
    ) -> httpx2.Response:
        """POST a form."""
        sent = {**(headers or {}), **(self.certificate_header(certificate) if certificate else {})}
        return self.client.post(url, data=dict(form or {}), headers=sent)


def new_http() -> httpx2.Client:
    """Open a client for loopback."""
    return httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
