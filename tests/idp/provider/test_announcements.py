"""The message that tells a person of a waiting request goes out under the official signature, so no application may speak in it."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from foundation.ledger import Change
from idp.people.directory import Directory
from idp.people.tables import departments
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import CIBA
from idp.provider.clients.registry import TOPIC
from idp.provider.decoupled.announcements import announce_requests
from idp.provider.registration.oversight import approve_client
from idp.provider.tables import oauth_clients
from tests.idp.provider.decoupled_world import COUNTER, Phone, begin_ciba
from tests.idp.provider.invited_apps import Registrar
from tests.idp.provider.test_ciba_pings import Messages
from tests.idp.provider.world import World

OFFICE = "青榆区行政审批服务局"
FORGED = "】您有退款待领 http://evil.test/pay 【青榆区"


async def told(world: World) -> str:
    """Let the job run once, and return the one message that was sent."""
    messages, provider = Messages(), world.provider
    await provider.feed.catch_up()
    sent = await announce_requests(
        provider=provider, directory=Directory(provider.db), notices=messages, signature="青榆区", now=world.now
    )
    assert sent == 1
    ((_, text),) = messages.sent
    return text


@pytest.fixture
async def office(world: World) -> str:
    """The department of the counters, on record."""
    async with world.provider.db.transaction() as connection:
        await connection.execute(
            insert(departments).values(
                department_id="approval",
                slug="approval",
                name_zh=OFFICE,
                name_en="Approval office",
                uscc="11370299MB0T00001X",
                created_at=world.now,
            )
        )
    return OFFICE


async def test_a_message_names_the_app_that_an_operator_knows(world: World, phone: Phone, office: str) -> None:
    """Positive control: name and department."""
    await begin_ciba(world)
    text = await told(world)
    assert "综合窗口" in text
    assert office in text


async def test_a_message_for_an_app_that_nobody_reviewed_names_its_department(
    world: World, phone: Phone, office: str
) -> None:
    """What an application says of itself is not said for it, until an operator looked at it."""
    registrar = Registrar(world)
    token = await registrar.invite(department_id="approval", grant_types=(CIBA,), scopes=("openid", "profile"))
    answer = await registrar.register(
        token,
        client_name="退款请拨一二三四五",
        redirect_uris=None,
        response_types=None,
        grant_types=[CIBA],
        backchannel_token_delivery_mode="poll",
        application_type="service",
    )
    assert answer.status_code == 201, answer.text
    client_id = (await registrar.client_of(registrar.remember(answer.json()))).client_id
    await begin_ciba(world, client_id)
    text = await told(world)
    assert "退款" not in text
    assert office in text
    provider = world.provider
    await approve_client(client_id, db=provider.db, ledger=provider.ledger, actor="system:test", now=world.now)
    await begin_ciba(world, client_id)
    assert "退款请拨一二三四五" in await told(world)


@pytest.mark.parametrize("name", [FORGED, "退款 evil.test", "退款\u202e窗口"])
async def test_a_message_never_repeats_a_name_that_looks_like_more(
    world: World, phone: Phone, office: str, name: str
) -> None:
    """Also of an application that stood on record before such names were refused."""
    async with world.provider.db.transaction() as connection:
        await connection.execute(
            update(oauth_clients).where(oauth_clients.c.client_id == COUNTER.client_id).values(name_zh=name)
        )
    world.provider.feed.apply([Change(TOPIC, COUNTER.client_id)])
    await begin_ciba(world)
    text = await told(world)
    assert name not in text
    assert office in text
    assert (text.count("【"), text.count("】")) == (1, 1)
    assert "evil" not in text


async def test_a_message_can_do_without_a_department(world: World, phone: Phone) -> None:
    """An unreviewed app whose department is gone is named by nothing at all."""
    await world.add_client(
        replace(
            COUNTER,
            client_id="unseen",
            name_zh="退款窗口",
            metadata=ClientMetadata(backchannel_token_delivery_mode="poll", is_reviewed=False),
        )
    )
    await begin_ciba(world, "unseen")
    text = await told(world)
    assert "退款" not in text
    assert "等待确认" in text
