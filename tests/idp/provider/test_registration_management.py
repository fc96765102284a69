"""Management of a registration by the application itself (RFC 7592): what an update changes, what it keeps, and who may ask for it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import update

from idp.provider.clients.registry import is_secret_of
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.oversight import renew_registration_token
from idp.provider.registration.register import rotate_client_secret, set_client_status
from idp.provider.tables import oauth_clients
from tests.idp.provider.invited_apps import Registrar
from tests.idp.provider.publishing import publishing
from tests.idp.provider.world import ISSUER, Browser, World

JWKS = {"keys": [ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"}).as_dict(private=False)]}
HIGH: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}


@pytest.fixture
async def registrar(world: World) -> Registrar:
    """The registration endpoints of a test's own world."""
    return Registrar(world)


async def test_update_replaces_everything_and_brings_new_tokens(registrar: Registrar, browser: Browser) -> None:
    """RFC 7592 §2.2: what the update leaves out is gone; the old registration token is dead, the secret stays."""
    first = await registrar.registered(client_uri="https://bdc.test/", contacts=["it@bdc.test"])
    response = await registrar.manage(
        "PUT", first, client_secret=first["client_secret"], redirect_uris=["https://bdc.test/new"], contacts=None
    )
    assert response.status_code == 200, response.text
    second = response.json()
    assert second["redirect_uris"] == ["https://bdc.test/new"]
    assert "client_uri" not in second
    assert "contacts" not in second
    assert second["client_id_issued_at"] == first["client_id_issued_at"]
    assert second["registration_access_token"] != first["registration_access_token"]
    assert (second["client_secret"], second["client_secret_expires_at"]) == (first["client_secret"], 0)
    assert (await registrar.manage("GET", first)).status_code == 401
    assert (await registrar.manage("GET", second)).status_code == 200

    client_id = second["client_id"]
    gone = await browser.authorize(client_id, redirect_uri="https://bdc.test/cb")
    assert gone.status_code == 400
    tokens = await browser.tokens_for(client_id, redirect_uri="https://bdc.test/new")
    assert tokens["id_token"]


async def test_update_keeps_the_secret_unless_another_method_needs_one(registrar: Registrar) -> None:
    """RFC 7592 §2.2 leaves it to the server; the instances of an application would not all learn of another one."""
    world, first = registrar.world, await registrar.registered(scope="openid")
    client_id, secret = first["client_id"], first["client_secret"]
    second = (await registrar.manage("PUT", first, client_name="另一个名字")).json()
    assert "client_secret" not in second
    third = (await registrar.manage("PUT", second, token_endpoint_auth_method="client_secret_post")).json()
    assert "client_secret" not in third
    kept = await registrar.client_of(third)
    assert is_secret_of(kept, secret, now=world.now)
    keyed = (await registrar.manage("PUT", third, token_endpoint_auth_method="private_key_jwt", jwks=JWKS)).json()
    assert "client_secret" not in keyed
    assert (await registrar.client_of(keyed)).secrets == ()
    back = (await registrar.manage("PUT", keyed)).json()
    assert back["client_secret_expires_at"] == 0
    assert back["client_secret"] != secret
    assert is_secret_of(await registrar.client_of(back), back["client_secret"], now=world.now)
    assert not is_secret_of(await registrar.client_of(back), secret, now=world.now)
    assert client_id == back["client_id"]


async def test_update_that_asks_for_more_asks_the_person_again(registrar: Registrar) -> None:
    """K15: an exemption from consent was given for what the application could learn then; less and other addresses do not end it."""
    world = registrar.world
    first = await registrar.registered(scope="openid")
    async with world.provider.db.transaction() as connection:
        await connection.execute(
            update(oauth_clients)
            .where(oauth_clients.c.client_id == first["client_id"])
            .values(consent="exempt", consent_basis="LB-1")
        )
    same = (await registrar.manage("PUT", first, scope="openid", client_name="另一个名字")).json()
    assert (await registrar.client_of(same)).consent == "exempt"
    more = (await registrar.manage("PUT", same, scope="openid profile")).json()
    client = await registrar.client_of(more)
    assert (client.consent, client.consent_basis) == ("ask", None)


async def test_update_takes_the_current_secret_alone(registrar: Registrar) -> None:
    """RFC 7592 §2.2: a secret that is sent is the one that was issued last, also while its predecessor goes on."""
    world, first = registrar.world, await registrar.registered()
    provider = world.provider
    made = await rotate_client_secret(
        first["client_id"],
        overlap=timedelta(hours=1),
        db=provider.db,
        ledger=provider.ledger,
        entropy=provider.entropy,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
    assert (await registrar.manage("PUT", first, client_secret=first["client_secret"])).status_code == 400
    second = await registrar.manage("PUT", first, client_secret=made)
    assert (second.status_code, second.json()["client_secret"]) == (200, made)
    assert is_secret_of(await registrar.client_of(first), first["client_secret"], now=world.now)


async def test_update_keeps_what_an_operator_changed_a_moment_ago(registrar: Registrar) -> None:
    """Judged and written back is the registration as it is, not as this worker remembers it."""
    world, first = registrar.world, await registrar.registered()
    provider, client_id = world.provider, first["client_id"]
    remembered = await registrar.client_of(first)
    await provider.feed.stop()
    async with provider.db.transaction() as connection:
        await connection.execute(
            update(oauth_clients).where(oauth_clients.c.client_id == client_id).values(policy="high")
        )
    assert remembered.policy == "baseline"
    assert provider.clients.find(client_id) is remembered
    refused = await registrar.manage("PUT", first)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert (await registrar.client_of(first)).policy == "high"


async def test_update_that_an_operator_overtakes_writes_nothing(registrar: Registrar) -> None:
    """Between judging and writing lies a fetch of the application's own document, which may take seconds."""
    async with publishing(["https://bdc.test/cb"]) as app:
        world = registrar.world
        sector = {"sector_identifier_uri": app.url}
        first = await registrar.registered(**sector)
        app.was_asked.clear()
        app.pause = 0.5
        overtaken = asyncio.create_task(registrar.manage("PUT", first, **sector))
        await asyncio.wait_for(app.was_asked.wait(), 10)
        world.later(seconds=1)
        async with world.provider.db.transaction() as connection:
            await connection.execute(
                update(oauth_clients)
                .where(oauth_clients.c.client_id == first["client_id"])
                .values(name_zh="改过的名字", updated_at=world.now)
            )
        assert (await overtaken).status_code == 503
        kept = await world.provider.clients.read_now(first["client_id"])
        assert kept is not None
        assert kept.name_zh == "改过的名字"
        assert (await registrar.manage("PUT", first, **sector)).status_code == 200


async def test_of_parallel_updates_with_one_token_one_wins(registrar: Registrar) -> None:
    """The conditional UPDATE compares the token's digest."""
    first = await registrar.registered()
    answers = await asyncio.gather(*(registrar.manage("PUT", first) for _ in range(10)))
    assert sorted(response.status_code for response in answers) == [200] + [401] * 9


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "gzf"}, id="identifier of another"),
        pytest.param({"client_id": None}, id="no identifier"),
        pytest.param({"client_secret": "x" * 43}, id="wrong secret"),
        pytest.param({"registration_access_token": "x"}, id="registration token"),
        pytest.param({"registration_client_uri": "https://id.qingyu.test/oauth/register/gzf"}, id="address"),
        pytest.param({"client_id_issued_at": 1}, id="instant"),
        pytest.param({"scope": "openid license.lookup"}, id="scope beyond the invitation"),
        pytest.param({"grant_types": ["authorization_code", "client_credentials"]}, id="grant beyond it"),
        pytest.param({"redirect_uris": ["http://bdc.test/cb"]}, id="plain http"),
    ],
)
async def test_update_is_judged_like_a_registration(registrar: Registrar, changes: dict[str, Any]) -> None:
    """Refused whole: the registration and its token stay as they were."""
    first = await registrar.registered()
    response = await registrar.manage("PUT", first, **changes)
    assert response.status_code == 400, response.text
    assert (await registrar.manage("GET", first)).json().items() <= first.items()


async def test_policy_holds_for_updates(registrar: Registrar) -> None:
    """An application registered as `high` cannot make itself an everyday one."""
    token = await registrar.invite(policy="high")
    assert (await registrar.register(token)).status_code == 400
    first = (await registrar.register(token, **HIGH)).json()
    assert "client_secret" not in first
    weaker = await registrar.manage("PUT", first, token_endpoint_auth_method="client_secret_basic")
    assert (weaker.status_code, weaker.json()["error"]) == (400, "invalid_client_metadata")
    loopback = await registrar.manage("PUT", first, **HIGH, redirect_uris=["http://127.0.0.1/cb"])
    assert loopback.status_code == 400
    assert (await registrar.manage("PUT", first, **HIGH)).status_code == 200


async def test_removed_application_is_gone_with_all_it_holds(registrar: Registrar, browser: Browser) -> None:
    """RFC 7592 §2.3: no sign-in, no token, no refresh, no management; the ledger tells; nobody can revive it."""
    world = registrar.world
    registered = await registrar.registered(scope="openid profile")
    client_id = registered["client_id"]
    tokens = await browser.tokens_for(client_id, redirect_uri="https://bdc.test/cb")
    assert (await world.userinfo(tokens["access_token"])).status_code == 200
    response = await registrar.manage("DELETE", registered)
    assert (response.status_code, response.content) == (204, b"")
    assert await world.last_entry() == ("oauth.client_removed", "done", None)
    assert (await world.userinfo(tokens["access_token"])).status_code == 401
    assert (await registrar.manage("GET", registered)).status_code == 401
    assert (await registrar.manage("DELETE", registered)).status_code == 401
    assert (await browser.authorize(client_id, redirect_uri="https://bdc.test/cb")).status_code == 400
    assert (await world.token(client_id, grant_type="client_credentials")).status_code == 401
    provider = world.provider
    with pytest.raises(InvalidClientMetadata):
        await set_client_status(
            client_id,
            "active",
            token_lifetime=provider.limits.access_token_lifetime,
            db=provider.db,
            ledger=provider.ledger,
            actor="system:test",
            now=world.now,
        )


async def test_token_of_one_application_manages_no_other(registrar: Registrar) -> None:
    """RFC 7592 §2.1: unknown, foreign and operator-registered clients are one refusal."""
    mine, other = await registrar.registered(), await registrar.registered()
    for client_id in (other["client_id"], "gzf", "c-unknown", "%2e%2e"):
        address = {**mine, "registration_client_uri": f"{ISSUER}/oauth/register/{client_id}"}
        for method in ("GET", "DELETE"):
            response = await registrar.manage(method, address)
            assert response.status_code == 401, client_id
    assert (await registrar.manage("GET", other)).status_code == 200


async def test_disabled_application_manages_nothing(registrar: Registrar) -> None:
    """What an operator stopped cannot change itself back."""
    world, registered = registrar.world, await registrar.registered()
    provider = world.provider
    await set_client_status(
        registered["client_id"],
        "disabled",
        token_lifetime=provider.limits.access_token_lifetime,
        db=provider.db,
        ledger=provider.ledger,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
    assert (await registrar.manage("PUT", registered)).status_code == 401


async def test_lost_registration_token_is_replaced_by_the_operator(registrar: Registrar) -> None:
    """The old token is dead at once; an operator's own client never gets one."""
    world, registered = registrar.world, await registrar.registered()
    provider = world.provider
    tools: dict[str, Any] = {"db": provider.db, "ledger": provider.ledger, "entropy": provider.entropy}
    token = await renew_registration_token(registered["client_id"], **tools, actor="system:test", now=world.now)
    await provider.feed.catch_up()
    assert (await registrar.manage("GET", registered)).status_code == 401
    assert (await registrar.manage("GET", {**registered, "registration_access_token": token})).status_code == 200
    with pytest.raises(InvalidClientMetadata):
        await renew_registration_token("gzf", **tools, actor="system:test", now=world.now)
