"""Signed server metadata (RFC 8414 §2.1), read as somebody who trusts the issuer's keys and not the way the document came."""

from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

from foundation.signing import RotationPolicy, ensure_keys
from tests.idp.provider.world import Browser, World

DOCUMENT = "/.well-known/oauth-authorization-server"
TYPE = "oauth-authorization-server-metadata+jwt"


async def read(world: World) -> tuple[dict[str, Any], KeySet]:
    """Return the document and the published keys."""
    async with world.http() as http:
        answer = await http.get(DOCUMENT)
        assert "max-age" in answer.headers["cache-control"]
        return answer.json(), KeySet.import_key_set((await http.get("/oauth/jwks")).json())


async def test_the_signed_members_are_the_plain_ones(world: World) -> None:
    """Attested by `iss`, under a published key and a type of its own, without a signed document inside."""
    document, keys = await read(world)
    token = jwt.decode(document["signed_metadata"], keys, algorithms=["ES256"])
    assert (token.header["typ"], token.claims["iss"]) == (TYPE, document["issuer"])
    assert token.claims["iat"] == int(world.now.timestamp())
    plain = {name: value for name, value in document.items() if name != "signed_metadata"}
    assert {name: token.claims[name] for name in plain} == plain
    assert token.claims.keys() - plain.keys() == {"iss", "iat"}
    async with world.http() as http:
        assert (await http.get("/.well-known/openid-configuration")).json() == plain


async def test_it_is_signed_once_for_each_key(world: World) -> None:
    """Asking costs no signature; the document is signed anew when another key signs, and the one before can still be checked."""
    policy = RotationPolicy()
    first, _ = await read(world)
    assert (await read(world))[0] == first
    for _ in range(4):
        world.later(days=30)
        await world.provider.feed.catch_up()
        await ensure_keys(world.provider.db, sealer=world.sealer, policy=policy, now=world.now)
        await world.provider.keys.refresh(world.provider.db)
    later, keys = await read(world)
    assert later["signed_metadata"] != first["signed_metadata"]
    assert jwt.decode(later["signed_metadata"], keys, algorithms=["ES256"]).claims["iss"] == first["issuer"]


async def test_it_passes_for_no_other_token(world: World, browser: Browser) -> None:
    """The same key signs ID and access tokens (RFC 8725 §3.11)."""
    document, _ = await read(world)
    token = document["signed_metadata"]
    assert (await world.userinfo(token)).status_code == 401
    introspected = await world.ask("/oauth/introspect", "license-api", token=token)
    assert introspected.json() == {"active": False}
    hinted = await browser.authorize(id_token_hint=token, prompt="none")
    assert "error=" in hinted.headers.get("location", "error="), hinted.text
