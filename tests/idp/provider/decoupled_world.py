"""Apps that ask on one device, and what their people do on another; the pages are played by calling their use cases."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import httpx2

from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import CIBA, DEVICE_CODE
from idp.provider.composition import Origin
from idp.provider.decoupled.code_entry import CodeRefused, find_device_request
from idp.provider.decoupled.confirmation import (
    Answered,
    ConfirmationView,
    StrongerSignInNeeded,
    answer_confirmation,
    list_confirmations,
    open_confirmation,
)
from idp.provider.decoupled.requests import DecoupledRequest
from idp.provider.registration.register import ClientRegistration
from idp.signin.sessions import Session
from tests.idp.provider.world import LICENSES, World

ORIGIN = Origin("r-2", "198.51.100.9")
SCOPES = ("openid", "profile", "phone", "realname", "realname.id", "offline_access")
KIOSK = ClientRegistration(
    client_id="kiosk",
    name_zh="自助终端",
    name_en="Kiosk",
    department_id="approval",
    application_type="native",
    token_endpoint_auth_method="none",
    grant_types=(DEVICE_CODE, "refresh_token"),
    scopes=SCOPES,
)
COUNTER = ClientRegistration(
    client_id="counter",
    name_zh="综合窗口",
    name_en="Counter",
    department_id="approval",
    application_type="service",
    grant_types=(CIBA, "refresh_token"),
    scopes=(*SCOPES, "license.lookup"),
    resources=(LICENSES,),
    metadata=ClientMetadata(backchannel_token_delivery_mode="poll"),
)
RINGING = dataclasses.replace(
    COUNTER,
    client_id="ringing",
    metadata=ClientMetadata(
        backchannel_token_delivery_mode="ping",
        backchannel_client_notification_endpoint="https://counter.test/ciba",
    ),
)
OTHER_COUNTER = dataclasses.replace(COUNTER, client_id="other-counter")


@dataclass
class Phone:
    """A person's own device: signed in, and able to answer."""

    world: World
    session: Session

    async def enter(self, code: str) -> DecoupledRequest | CodeRefused:
        """Type the code of a screen."""
        world = self.world
        return await find_device_request(
            code, session=self.session, provider=world.provider, origin=ORIGIN, now=world.now
        )

    async def waiting(self) -> list[str]:
        """Return the ids of the requests that wait for this person."""
        found = await list_confirmations(self.session, provider=self.world.provider, now=self.world.now)
        return [request.request_id for request, _ in found]

    async def look(self, request_id: str) -> ConfirmationView | StrongerSignInNeeded:
        """Open the page of one request."""
        return await open_confirmation(
            request_id, session=self.session, provider=self.world.provider, now=self.world.now
        )

    async def answer(self, request_id: str, *, agreed: frozenset[str] | None) -> Answered | StrongerSignInNeeded:
        """Answer one request; None refuses."""
        world = self.world
        return await answer_confirmation(
            request_id, session=self.session, agreed=agreed, provider=world.provider, origin=ORIGIN, now=world.now
        )

    async def agree(self, request_id: str) -> Answered:
        """Agree to everything that is asked."""
        view = await self.look(request_id)
        assert isinstance(view, ConfirmationView)
        answered = await self.answer(request_id, agreed=frozenset(item.item for item in view.view.items))
        assert isinstance(answered, Answered)
        return answered


async def begin_device(world: World, client_id: str = "kiosk", **form: str) -> dict[str, Any]:
    """Let a device begin and return the codes."""
    await world.provider.feed.catch_up()
    asked = {"scope": "openid profile"} | form
    response = await world.ask("/oauth/device_authorization", client_id, **asked)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def poll_device(world: World, device_code: str, client_id: str = "kiosk", **form: str) -> httpx2.Response:
    """Ask for the tokens of a device."""
    await world.provider.feed.catch_up()
    return await world.token(client_id, grant_type=DEVICE_CODE, device_code=device_code, **form)


async def ask_ciba(world: World, client_id: str = "counter", **form: str) -> httpx2.Response:
    """Send a backchannel authentication request; an empty value leaves a parameter out."""
    await world.provider.feed.catch_up()
    asked = {"scope": "openid profile", "login_hint": "13800000001"} | form
    return await world.ask("/oauth/ciba", client_id, **{name: value for name, value in asked.items() if value})


async def begin_ciba(world: World, client_id: str = "counter", **form: str) -> dict[str, Any]:
    """Begin and return the members of the answer."""
    response = await ask_ciba(world, client_id, **form)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def poll_ciba(world: World, auth_req_id: str, client_id: str = "counter", **form: str) -> httpx2.Response:
    """Ask for the tokens of a request."""
    await world.provider.feed.catch_up()
    return await world.token(client_id, grant_type=CIBA, auth_req_id=auth_req_id, **form)


def error_of(response: httpx2.Response) -> tuple[int, str]:
    """Return status and error of a refusal."""
    return response.status_code, response.json()["error"]
