"""Invited applications of these tests: an invitation, and HTTP requests to the registration endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2

from idp.provider.clients.registry import Client
from idp.provider.registration.invitations import InvitationTerms, invite_clients
from tests.idp.provider.world import ISSUER, World

APP: dict[str, Any] = {
    "client_name": "不动产登记预约",
    "client_name#en": "Real estate appointments",
    "redirect_uris": ["https://bdc.test/cb"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "scope": "openid profile",
}
"""What an application of policy `baseline` sends."""


@dataclass(frozen=True)
class Registrar:
    """The registration endpoints as an application sees them."""

    world: World

    async def invite(self, *, uses: int = 1, days: float = 7, **terms: Any) -> str:
        """Return a new initial access token."""
        provider = self.world.provider
        _, token = await invite_clients(
            InvitationTerms(**({"department_id": "housing"} | terms)),
            uses=uses,
            expires_at=self.world.now + timedelta(days=days),
            db=provider.db,
            ledger=provider.ledger,
            entropy=provider.entropy,
            actor="system:test",
            now=self.world.now,
        )
        return token

    async def register(self, token: str | None, document: object = None, **changes: Any) -> httpx2.Response:
        """Ask for a registration; without a document it is APP with the changes, None taking a member out."""
        return await self._send("POST", "/oauth/register", token, _document(document, changes))

    async def registered(self, **changes: Any) -> dict[str, Any]:
        """Register an application that is accepted, and remember its secret."""
        response = await self.register(await self.invite(), **changes)
        assert response.status_code == 201, response.text
        return self.remember(response.json())

    def remember(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Keep the secret of an answer for the requests of the world."""
        if "client_secret" in answer:
            self.world.secrets[answer["client_id"]] = answer["client_secret"]
        return answer

    async def client_of(self, answer: Mapping[str, Any]) -> Client:
        """Return what is registered, as the endpoints see it."""
        await self.world.provider.clients.refresh()
        client = self.world.provider.clients.find(str(answer["client_id"]))
        assert client is not None
        return client

    async def manage(self, method: str, answer: Mapping[str, Any], **changes: Any) -> httpx2.Response:
        """Send a request to the application's own address with its token; a PUT sends APP with the changes."""
        path = str(answer["registration_client_uri"]).removeprefix(ISSUER)
        document = _document(None, {"client_id": answer["client_id"], **changes}) if method == "PUT" else None
        return await self._send(method, path, str(answer["registration_access_token"]), document)

    async def _send(self, method: str, path: str, token: str | None, document: object) -> httpx2.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.world.http() as http:
            if document is None:
                return await http.request(method, path, headers=headers)
            return await http.request(method, path, headers=headers, json=document)


def _document(document: object, changes: Mapping[str, Any]) -> object:
    if document is not None:
        return document
    return {name: value for name, value in {**APP, **changes}.items() if value is not None}
