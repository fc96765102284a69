"""Applications that change their keys: the new ones count at once, the old ones no more, whichever way they are registered."""

import asyncio
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.idp.provider.invited_apps import Registrar
from tests.idp.provider.proving import asserted, assertion_claims, post
from tests.idp.provider.publishing import document, publishing
from tests.idp.provider.signed_requests import sign
from tests.idp.provider.world import World, open_world
from tests.servers import Stack

OLD, NEW = (ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}) for kid in ("old", "new"))


def published(*keys: ECKey) -> dict[str, Any]:
    """Return the public halves as a JWK Set."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def members(**keys: Any) -> dict[str, Any]:
    """Return the members of an application that signs."""
    return {"token_endpoint_auth_method": "private_key_jwt", **keys}


async def is_proved(world: World, client_id: str, key: ECKey) -> bool:
    """Tell whether an assertion signed with this key proves the client."""
    token = sign(assertion_claims(world, client_id), key=key, typ="JWT", kid=key.kid)
    response = await post(world, "/oauth/introspect", {"token": "x", **asserted(token)})
    assert response.status_code in (200, 401), response.text
    return response.status_code == 200


@pytest.fixture
async def registrar(world: World) -> Registrar:
    """The registration endpoints of a test's own world."""
    return Registrar(world)


async def test_registered_keys_change_with_the_registration(registrar: Registrar) -> None:
    """RFC 7592 §2.2: an update replaces the set; the ledger names the keys by their thumbprints."""
    registered = await registrar.registered(**members(jwks=published(OLD)))
    world, client_id = registrar.world, registered["client_id"]
    assert await is_proved(world, client_id, OLD)
    assert not await is_proved(world, client_id, NEW)
    updated = (await registrar.manage("PUT", registered, **members(jwks=published(NEW)))).json()
    entry = (await world.entries())[-1]
    assert (entry["kind"], entry["details"]["keys"]) == ("oauth.client_updated", [NEW.thumbprint()])
    assert await is_proved(world, client_id, NEW)
    assert not await is_proved(world, client_id, OLD)
    assert (await registrar.manage("PUT", updated, **members(jwks=published(OLD, NEW)))).status_code == 200
    assert await is_proved(world, client_id, OLD)
    assert await is_proved(world, client_id, NEW)


async def test_published_keys_rotate_without_us(registrar: Registrar) -> None:
    """The application publishes its new key and signs with it; the first unknown identifier makes us look again."""
    async with publishing(published(OLD)) as app:
        registered = await registrar.registered(**members(jwks_uri=app.url))
        world, client_id = registrar.world, registered["client_id"]
        assert app.requests == []
        assert await is_proved(world, client_id, OLD)
        app.answer = document(published(OLD, NEW))
        assert await is_proved(world, client_id, NEW)
        assert await is_proved(world, client_id, OLD)
        assert len(app.requests) == 2


async def test_keys_that_cannot_be_had_prove_nobody(registrar: Registrar) -> None:
    """Refused like a wrong signature, without a fault of ours; one request to the application, whoever asks how often."""
    async with publishing(published(OLD)) as app:
        app.answer = document("", status="500 Internal Server Error")
        registered = await registrar.registered(**members(jwks_uri=app.url))
        client_id = registered["client_id"]
        proved = await asyncio.gather(*(is_proved(registrar.world, client_id, OLD) for _ in range(20)))
        assert not any(proved)
        assert len(app.requests) == 1


async def test_application_with_another_address_for_its_keys_is_asked_there(registrar: Registrar) -> None:
    """What was remembered of the old address counts no more."""
    async with publishing(published(OLD)) as before, publishing(published(NEW)) as after:
        registered = await registrar.registered(**members(jwks_uri=before.url))
        world, client_id = registrar.world, registered["client_id"]
        assert await is_proved(world, client_id, OLD)
        assert (await registrar.manage("PUT", registered, **members(jwks_uri=after.url))).status_code == 200
        assert await is_proved(world, client_id, NEW)
        assert not await is_proved(world, client_id, OLD)


async def test_two_nodes_hear_of_changed_keys(stack: Stack, world: World) -> None:
    """The registration changes on one node; the other follows with its next look at the feed."""
    async with open_world(stack) as other:
        registrar = Registrar(world)
        registered = await registrar.registered(**members(jwks=published(OLD)))
        client_id = registered["client_id"]
        await other.provider.feed.catch_up()
        assert await is_proved(other, client_id, OLD)
        await registrar.manage("PUT", registered, **members(jwks=published(NEW)))
        await other.provider.feed.catch_up()
        assert await is_proved(other, client_id, NEW)
        assert not await is_proved(other, client_id, OLD)
