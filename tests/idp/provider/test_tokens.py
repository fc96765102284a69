"""Area I: refresh families, client credentials, introspection, revocation, userinfo."""

import asyncio

import pytest
from sqlalchemy import update

from idp.people.tables import accounts
from tests.idp.provider.world import (
    ISSUER,
    LICENSES,
    Browser,
    Person,
    World,
    claims_of_jwt,
    open_world,
)
from tests.servers import Stack

OFFLINE = "openid profile offline_access"


async def _refresh(world: World, token: str, client_id: str = "gzf", **form: str) -> dict[str, str]:
    response = await world.token(client_id, grant_type="refresh_token", refresh_token=token, **form)
    body: dict[str, str] = response.json()
    return body


async def test_refresh_rotates(world: World, browser: Browser) -> None:
    """RFC 6749 §6:

    New access token, new refresh token, same grant; the ID token keeps its auth_time, without nonce.
    """
    tokens = await browser.tokens_for(scope=OFFLINE)
    world.later(minutes=9)
    await world.provider.feed.catch_up()
    again = await _refresh(world, tokens["refresh_token"])
    assert again["refresh_token"] != tokens["refresh_token"]
    assert again["scope"] == OFFLINE
    first, second = claims_of_jwt(tokens["id_token"]), claims_of_jwt(again["id_token"])
    assert second["auth_time"] == first["auth_time"]
    assert second["sub"] == first["sub"]
    assert "nonce" not in second
    assert (await world.userinfo(again["access_token"])).status_code == 200


async def test_reused_refresh_token_ends_the_family(world: World, browser: Browser) -> None:
    """T01, T03: an older generation, even within one second, kills every token of the family."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    newest = tokens
    for _ in range(3):
        newest = await _refresh(world, newest["refresh_token"])
    before = len(await world.entries())
    assert (await _refresh(world, tokens["refresh_token"]))["error_code"] == "21108"
    assert [entry["kind"] for entry in (await world.entries())[before:]] == ["oauth.refresh_token_reused"]
    assert (await _refresh(world, newest["refresh_token"]))["error"] == "invalid_grant"
    for token in (tokens["access_token"], newest["access_token"]):
        assert (await world.userinfo(token)).status_code == 401


async def test_fifty_parallel_refreshes_leave_one_branch(stack: Stack, world: World, browser: Browser) -> None:
    """T02, N04: at most one answer is 200, on two nodes, and the reuse ends that branch as well."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    async with open_world(stack, url=stack.database_url) as other_node:
        other_node.secrets = world.secrets
        nodes = [world if number % 2 else other_node for number in range(50)]
        answers = await asyncio.gather(*(_refresh(node, tokens["refresh_token"]) for node in nodes))
        won = [body for body in answers if "access_token" in body]
        assert len(won) <= 1
        for body in won:
            assert (await _refresh(world, body["refresh_token"]))["error"] == "invalid_grant"


async def test_refresh_never_widens(world: World, browser: Browser) -> None:
    """T06: broader scope or another resource is refused and does not cost the family; less is given."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    broader = await _refresh(world, tokens["refresh_token"], scope="openid profile phone")
    assert broader["error"] == "invalid_scope"
    elsewhere = await _refresh(world, tokens["refresh_token"], resource=LICENSES)
    assert elsewhere["error"] == "invalid_target"
    narrower = await _refresh(world, tokens["refresh_token"], scope="openid")
    assert narrower["scope"] == "openid"
    assert (await world.userinfo(narrower["access_token"])).json().keys() == {"sub"}


async def test_foreign_client_cannot_refresh(world: World, browser: Browser) -> None:
    """T05: refused, and the owner's family is untouched."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    stolen = await world.token("counter-app", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert stolen.json()["error"] == "invalid_grant"
    assert "access_token" in await _refresh(world, tokens["refresh_token"])


@pytest.mark.parametrize("change", ["bit", "generation", "cut", "junk"])
async def test_altered_refresh_token_is_unknown(world: World, browser: Browser, change: str) -> None:
    """C14: a forged generation or secret neither refreshes nor ends anything."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    family, generation, secret = tokens["refresh_token"].split(".")
    altered = {
        "bit": f"{family}.{generation}.{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        "generation": f"{family}.{int(generation) + 1}.{secret}",
        "cut": tokens["refresh_token"][:-1],
        "junk": "值",
    }[change]
    assert (await _refresh(world, altered))["error"] == "invalid_grant"
    assert "access_token" in await _refresh(world, tokens["refresh_token"])


async def test_refresh_ends_with_idle_and_absolute_time(world: World, browser: Browser) -> None:
    """Seven days unused, thirty days in all."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    other = await browser.tokens_for(scope=OFFLINE)
    for _ in range(4):
        world.later(days=6, hours=23)
        await world.provider.feed.catch_up()
        tokens = await _refresh(world, tokens["refresh_token"])
        assert "access_token" in tokens
    assert (await _refresh(world, other["refresh_token"]))["error"] == "invalid_grant"
    world.later(days=2, hours=5)
    await world.provider.feed.catch_up()
    assert (await _refresh(world, tokens["refresh_token"]))["error"] == "invalid_grant"


async def test_disabled_account_cannot_refresh(world: World, browser: Browser, zhang: Person) -> None:
    """T07: whatever was granted before, a disabled person gets nothing more."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    async with world.provider.db.transaction() as connection:
        await connection.execute(
            update(accounts).where(accounts.c.account_id == zhang.account_id).values(status="disabled")
        )
    assert (await _refresh(world, tokens["refresh_token"]))["error"] == "invalid_grant"
    assert (await world.userinfo(tokens["access_token"])).status_code == 401


async def test_signing_out_ends_refresh(world: World, browser: Browser) -> None:
    """L06."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    assert (await _refresh(world, tokens["refresh_token"]))["error"] == "invalid_grant"
    assert (await world.userinfo(tokens["access_token"])).status_code == 401


async def test_client_credentials_reach_the_own_resource_alone(world: World) -> None:
    """RFC 6749 §4.4:

    Short-lived, for the registered resource, about the client, never for a citizen's endpoint.
    """
    response = await world.token("gzf", grant_type="client_credentials", scope="license.lookup")
    body = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert body["expires_in"] == 300
    assert "refresh_token" not in body
    assert "id_token" not in body
    claims = claims_of_jwt(body["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("gzf", "gzf", LICENSES)
    assert (await world.userinfo(body["access_token"])).status_code == 401
    named = await world.token("gzf", grant_type="client_credentials", resource=LICENSES)
    assert named.json()["scope"] == "license.lookup"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "license.lookup admin"}, "invalid_scope"),
        ({"resource": f"{ISSUER}/oauth/userinfo"}, "invalid_target"),
        ({"resource": "https://other.test"}, "invalid_target"),
    ],
)
async def test_client_credentials_never_widen(world: World, form: dict[str, str], error: str) -> None:
    """T13: no personal scope, no foreign resource."""
    assert (await world.token("gzf", grant_type="client_credentials", **form)).json()["error"] == error


async def test_introspection_answers_the_resource(world: World, browser: Browser) -> None:
    """RFC 7662 §2.2: the members of a live token, without anything personal."""
    tokens = await browser.tokens_for()
    body = (await world.ask("/oauth/introspect", "license-api", token=tokens["access_token"])).json()
    claims = claims_of_jwt(tokens["access_token"])
    assert body == {
        "active": True,
        "scope": "openid profile",
        "client_id": "gzf",
        "token_type": "Bearer",
        "exp": claims["exp"],
        "iat": claims["iat"],
        "sub": claims["sub"],
        "aud": claims["aud"],
        "iss": ISSUER,
        "jti": claims["jti"],
        "acr": "urn:renzheng:acr:l2:f1",
        "auth_time": claims["auth_time"],
    }


async def test_introspection_tells_nobody_else(world: World, browser: Browser) -> None:
    """T10: another audience, a refresh token, an ID token, garbage: one answer."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    for client_id, token in (
        ("gzf", tokens["access_token"]),
        ("qyfw", tokens["access_token"]),
        ("license-api", tokens["refresh_token"]),
        ("license-api", tokens["id_token"]),
        ("license-api", "garbage"),
    ):
        response = await world.ask("/oauth/introspect", client_id, token=token)
        assert (response.status_code, response.json()) == (200, {"active": False})
    missing = await world.ask("/oauth/introspect", "license-api")
    assert missing.json()["error"] == "invalid_request"


async def test_expired_token_is_inactive(world: World, browser: Browser) -> None:
    """Ten minutes, not a second more."""
    token = (await browser.tokens_for())["access_token"]
    world.later(seconds=599)
    await world.provider.feed.catch_up()
    assert (await world.ask("/oauth/introspect", "license-api", token=token)).json()["active"] is True
    world.later(seconds=1)
    await world.provider.feed.catch_up()
    assert (await world.ask("/oauth/introspect", "license-api", token=token)).json() == {"active": False}
    assert (await world.userinfo(token)).status_code == 401


async def test_own_tokens_are_revoked(world: World, browser: Browser) -> None:
    """RFC 7009, T09:

    An access token alone, or a refresh token with all that hangs on it; the wrong hint is no matter.
    """
    one, other = await browser.tokens_for(), await browser.tokens_for(scope=OFFLINE)
    response = await world.ask("/oauth/revoke", "gzf", token=one["access_token"], token_type_hint="refresh_token")
    assert (response.status_code, response.content) == (200, b"")
    assert (await world.userinfo(one["access_token"])).status_code == 401
    assert (await world.userinfo(other["access_token"])).status_code == 200
    await world.ask("/oauth/revoke", "gzf", token=other["refresh_token"])
    assert (await world.userinfo(other["access_token"])).status_code == 401
    assert (await _refresh(world, other["refresh_token"]))["error"] == "invalid_grant"


async def test_foreign_and_unknown_tokens_are_answered_alike(world: World, browser: Browser) -> None:
    """T09: nothing happens to somebody else's token, and nothing is learned of it."""
    tokens = await browser.tokens_for(scope=OFFLINE)
    for token in (tokens["access_token"], tokens["refresh_token"], "garbage"):
        response = await world.ask("/oauth/revoke", "qyfw", token=token)
        assert (response.status_code, response.content) == (200, b"")
    assert (await world.userinfo(tokens["access_token"])).status_code == 200
    assert "access_token" in await _refresh(world, tokens["refresh_token"])
    hinted = await world.ask("/oauth/revoke", "gzf", token="x", token_type_hint="device_token")
    assert hinted.json()["error"] == "unsupported_token_type"


async def test_revocation_reaches_the_other_node(stack: Stack, world: World, browser: Browser) -> None:
    """J32: what one node revokes, the other refuses after its next look at the feed, within a second."""
    token = (await browser.tokens_for())["access_token"]
    async with open_world(stack, url=stack.database_url) as other_node:
        assert (await other_node.userinfo(token)).status_code == 200
        await world.ask("/oauth/revoke", "gzf", token=token)
        await asyncio.sleep(1)
        assert (await other_node.userinfo(token)).status_code == 401


async def test_userinfo_takes_one_token_from_its_header(world: World, browser: Browser) -> None:
    """T14, T17, RFC 6750 §2: query, form, both places, twice, another scheme, an ID token: refused with a challenge."""
    tokens = await browser.tokens_for()
    token = tokens["access_token"]
    async with world.http() as http:
        bearer = ("Authorization", f"Bearer {token}")
        refused = [
            await http.get("/oauth/userinfo"),
            await http.get("/oauth/userinfo", params={"access_token": token}),
            await http.post("/oauth/userinfo", data={"access_token": token}),
            await http.post("/oauth/userinfo", data={"access_token": token}, headers=[bearer]),
            await http.post("/oauth/userinfo", data={"access_token": [token, token]}),
            await http.post("/oauth/userinfo", json={"access_token": token}),
            await http.get("/oauth/userinfo", headers=[bearer, bearer]),
            await http.get("/oauth/userinfo", headers={"Authorization": f"Basic {token}"}),
            await http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['id_token']}"}),
        ]
        good = [
            await http.post("/oauth/userinfo", headers=[bearer]),
            await http.post("/oauth/userinfo", data={"schema": "openid"}, headers=[bearer]),
        ]
    for response in refused:
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer ")
        assert token not in response.text
    assert [response.status_code for response in good] == [200, 200]


async def test_license_token_is_not_for_userinfo(world: World, browser: Browser) -> None:
    """RFC 8707: a token for one resource is refused by another; asked for both, it serves both."""
    await browser.tokens_for(scope="openid profile")
    only = await browser.tokens_for(resource=LICENSES)
    assert claims_of_jwt(only["access_token"])["aud"] == LICENSES
    assert (await world.userinfo(only["access_token"])).status_code == 401


async def test_lost_entitlement_is_lost_at_once(world: World, browser: Browser) -> None:
    """T19: a scope taken from the client is no longer released, whatever the token says."""
    from idp.provider.tables import oauth_clients

    tokens = await browser.tokens_for(scope="openid realname")
    provider = world.provider
    async with provider.db.transaction() as connection:
        await connection.execute(
            update(oauth_clients).where(oauth_clients.c.client_id == "gzf").values(scopes=["openid"])
        )
    from foundation.changes import Change

    provider.feed.apply([Change("client", "gzf")])
    assert (await world.userinfo(tokens["access_token"])).json().keys() == {"sub"}


async def test_token_requests_are_limited(stack: Stack) -> None:
    """Thirty a minute for one client from one address, by default."""
    from tests.idp.provider.world import HOUSING

    async with open_world(stack, token_requests_per_window=3) as world:
        await world.add_client(HOUSING)
        statuses = [(await world.token("gzf", grant_type="client_credentials")).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = await world.token("gzf", grant_type="client_credentials")
        assert refused.headers["retry-after"] == "60"


async def test_deaf_worker_trusts_no_token(world: World, browser: Browser) -> None:
    """A worker that cannot hear revocations answers 503 and not 200 (fail closed)."""
    token = (await browser.tokens_for())["access_token"]
    await world.provider.feed.stop()
    world.later(seconds=6)
    assert (await world.userinfo(token)).status_code == 503
