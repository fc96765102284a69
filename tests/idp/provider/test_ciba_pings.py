"""CIBA in ping mode: the letter to the client (CIBA Core §10.2), the message to the person, and what neither may tell (D10)."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest

from foundation.outbox import NotDelivered
from idp.people.directory import Directory
from idp.provider.decoupled.announcements import announce_requests
from idp.provider.decoupled.pings import deliver_notifications
from idp.provider.decoupled.tables import ciba_notifications, decoupled_requests
from idp.provider.registration.register import set_client_status
from tests.idp.provider.decoupled_world import (
    Phone,
    ask_ciba,
    begin_ciba,
    error_of,
    poll_ciba,
)
from tests.idp.provider.world import World

TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"


@dataclass
class Letterbox:
    """The notification endpoints of all clients: what arrived, and how the next ones are answered."""

    arrived: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    problem: str | None = None

    async def notify(self, url: str, *, bearer: str, body: bytes, timeout: timedelta) -> int:  # noqa: ASYNC109 - the port's parameter
        if self.problem is not None:
            raise NotDelivered(self.problem)
        self.arrived.append((url, bearer, orjson.loads(body)))
        return self.statuses.pop(0) if self.statuses else 204


@dataclass
class Messages:
    """Text messages that were sent."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def send_soon(self, *, phone: str, text: str, template: str) -> None:
        self.sent.append((phone, text))


async def deliver(world: World, box: Letterbox) -> int:
    """Let the job run once."""
    await world.provider.feed.catch_up()
    return await deliver_notifications(provider=world.provider, http=box, worker="w1", now=world.now)


@pytest.mark.parametrize("agrees", [True, False])
async def test_ping_tells_the_client_to_look(world: World, phone: Phone, agrees: bool) -> None:
    """CIBA Core §10.2: after the answer, not before, with the client's own token; then the tokens or the refusal are fetched."""
    box = Letterbox()
    begun = await begin_ciba(world, "ringing", client_notification_token=TOKEN)
    assert await deliver(world, box) == 0
    (request_id,) = await phone.waiting()
    await (phone.agree(request_id) if agrees else phone.answer(request_id, agreed=None))
    assert await deliver(world, box) == 1
    assert box.arrived == [("https://counter.test/ciba", TOKEN, {"auth_req_id": begun["auth_req_id"]})]
    assert await world.last_entry() == ("oauth.ciba_notification", "done", None)
    answer = await poll_ciba(world, begun["auth_req_id"], "ringing")
    assert (answer.status_code == 200) is agrees
    (row,) = await world.rows(ciba_notifications)
    assert (row["state"], row["sealed"]) == ("delivered", None)
    assert await deliver(world, box) == 0


async def test_the_notification_is_sealed_while_it_waits(world: World, phone: Phone) -> None:
    """Neither the client's token nor the auth_req_id stands in the database or in the ledger."""
    begun = await begin_ciba(world, "ringing", client_notification_token=TOKEN)
    kept = repr([*await world.rows(ciba_notifications), *await world.rows(decoupled_requests), *await world.entries()])
    assert TOKEN not in kept
    assert begun["auth_req_id"] not in kept


async def test_what_a_client_answers_to_a_ping(world: World, phone: Phone) -> None:
    """D10: redirects are not followed, a client's no is final, its faults are tried again, and at last the letter is dead."""
    for statuses, state in (
        ([204], "delivered"),
        ([200], "delivered"),
        ([302], "dead"),
        ([401], "dead"),
        ([403], "dead"),
    ):
        box = Letterbox(statuses=list(statuses))
        await begin_ciba(world, "ringing", client_notification_token=TOKEN)
        await phone.agree((await phone.waiting())[0])
        assert await deliver(world, box) == 1
        newest = max(await world.rows(ciba_notifications), key=lambda row: row["created_at"])
        assert newest["state"] == state
        assert await deliver(world, box) == 0
        world.later(minutes=10)
        await world.touch(phone.session)


async def test_a_client_that_is_down_is_tried_again_and_then_left(world: World, phone: Phone) -> None:
    """Six tries with a doubling pause; the tokens can be fetched all the same."""
    box = Letterbox(problem="no connection")
    begun = await begin_ciba(world, "ringing", client_notification_token=TOKEN)
    await phone.agree((await phone.waiting())[0])
    for pause in (0, 2, 4, 8, 16, 32):
        world.later(seconds=pause - 1)
        if pause:
            assert await deliver(world, box) == 0
        world.later(seconds=1)
        assert await deliver(world, box) == 1
    (row,) = await world.rows(ciba_notifications)
    assert (row["state"], row["attempts"], row["last_problem"], row["sealed"]) == ("dead", 6, "no connection", None)
    assert (await poll_ciba(world, begun["auth_req_id"], "ringing")).status_code == 200


async def test_a_ping_client_needs_its_token(world: World, phone: Phone) -> None:
    """CIBA Core §7.1: required in ping mode, at most 1024 characters of RFC 6750's alphabet."""
    for token in ("", "a b", "ü", "x" * 1_025):
        assert error_of(await ask_ciba(world, "ringing", client_notification_token=token)) == (400, "invalid_request")


async def test_people_are_told_once(world: World, phone: Phone) -> None:
    """One message for each request that names somebody, without link, code or binding message."""
    messages = Messages()

    async def announce() -> int:
        return await announce_requests(
            provider=world.provider,
            directory=Directory(world.provider.db),
            notices=messages,
            signature="青榆区",
            now=world.now,
        )

    await begin_ciba(world, binding_message="QY-0042")
    await begin_ciba(world, login_hint="13999999999")
    assert await announce() == 1
    assert await announce() == 0
    ((number, text),) = messages.sent
    assert number == "13800000001"
    assert "综合窗口" in text
    assert not any(part in text for part in ("http", "QY-0042", "13800000001"))


async def test_a_request_that_nobody_answered_is_told_too(world: World, phone: Phone) -> None:
    """CIBA Core §10.2: when the request is over the client is told to look, and finds that it expired."""
    box = Letterbox()
    begun = await begin_ciba(world, "ringing", client_notification_token=TOKEN, requested_expiry="60")
    world.later(seconds=59)
    assert await deliver(world, box) == 0
    world.later(seconds=1)
    assert await deliver(world, box) == 1
    assert [body for _, _, body in box.arrived] == [{"auth_req_id": begun["auth_req_id"]}]
    assert error_of(await poll_ciba(world, begun["auth_req_id"], "ringing")) == (400, "expired_token")


async def test_a_client_that_lost_its_address_is_told_nothing(world: World, phone: Phone) -> None:
    """Disabled meanwhile: nobody is called, and the letter is closed with its secrets emptied."""
    box = Letterbox()
    await begin_ciba(world, "ringing", client_notification_token=TOKEN)
    await phone.agree((await phone.waiting())[0])
    await set_client_status(
        "ringing",
        "disabled",
        token_lifetime=world.provider.limits.access_token_lifetime,
        db=world.provider.db,
        ledger=world.provider.ledger,
        actor="system:test",
        now=world.now,
    )
    assert await deliver(world, box) == 1
    (row,) = await world.rows(ciba_notifications)
    assert (row["state"], row["sealed"], box.arrived) == ("no_channel", None, [])
