"""Flow state: bound to its browser and kind, sealed, taken once."""

import asyncio
from datetime import timedelta

import pytest

from idp.signin.flows import Flows
from tests.idp.stage import Stage

pytestmark = pytest.mark.anyio
STATE = {"step": "code", "phone": "13800000002"}


async def test_a_flow_is_found_by_its_own_browser_and_kind_alone(stage: Stage) -> None:
    """Neither another browser nor another kind of flow opens it (F08, C18)."""
    flows = stage.entrance.flows
    flow = await flows.begin("registration", browser="b-1", state=STATE)
    found = await flows.find("registration", flow.flow_id, browser="b-1")
    assert found is not None
    assert found.state == STATE
    for kind, flow_id, browser in (
        ("recovery", flow.flow_id, "b-1"),
        ("registration", flow.flow_id, "b-2"),
        ("registration", flow.flow_id, ""),
        ("registration", flow.flow_id + "x", "b-1"),
        ("registration", flow.flow_id[:-1], "b-1" + flow.flow_id[-1]),
        ("registration", "", "b-1"),
        ("registration", "\ud800", "\ud800"),
    ):
        assert await flows.find(kind, flow_id, browser=browser) is None
        assert await flows.take(kind, flow_id, browser=browser) is None


@pytest.mark.parametrize("browser", ["x", "é" * 50, "\udcff", "a" * 10_000, "' or 1=1", "\x00"])
async def test_a_cookie_that_a_browser_made_up_works_or_finds_nothing(stage: Stage, browser: str) -> None:
    """An odd cookie binds a flow like any other and never fails (F21)."""
    flow = await stage.entrance.flows.begin("registration", browser=browser, state=STATE)
    assert await stage.entrance.flows.find("registration", flow.flow_id, browser=browser) is not None


async def test_of_many_takers_one_gets_the_flow(stage: Stage) -> None:
    """The end of a flow happens once (B09)."""
    flows = stage.entrance.flows
    flow = await flows.begin("arrival", browser="b-1", state=STATE)
    taken = await asyncio.gather(*(flows.take("arrival", flow.flow_id, browser="b-1") for _ in range(30)))
    assert sum(one is not None for one in taken) == 1


async def test_what_a_flow_holds_is_sealed_in_the_store(stage: Stage) -> None:
    """A copy of the store shows no phone number."""
    entrance = stage.entrance
    seen: list[bytes] = []

    class Watching:
        """The store, with what is written to it noted."""

        async def set(self, key: str, value: bytes, ttl: timedelta) -> None:
            seen.append(key.encode() + value)
            await entrance.store.set(key, value, ttl)

        def __getattr__(self, name: str) -> object:
            return getattr(entrance.store, name)

    watching = Flows(
        Watching(),  # type: ignore[arg-type]  # the other methods come through __getattr__
        sealer=entrance.sealer,
        entropy=entrance.entropy,
        lifetime=timedelta(minutes=1),
    )
    flow = await watching.begin("registration", browser="b-1", state=STATE)
    assert await watching.find("registration", flow.flow_id, browser="b-1") is not None
    assert seen
    assert b"13800000002" not in seen[0]
    assert flow.flow_id.encode() not in seen[0]
    assert "13800000002" not in repr(flow)
