"""Opaque access tokens: a reference in the place of a JWT, good wherever the JWT would be, and nowhere else."""

import dataclasses

import pytest
from sqlalchemy import update

from idp.provider.clients.metadata import ClientMetadata
from idp.provider.housekeeping import forget_finished
from idp.provider.tables import opaque_tokens
from tests.idp.provider.answers import OLD, authorized, parts_of_answer
from tests.idp.provider.proving import PROVER, ask_token, dpop_proof, read
from tests.idp.provider.signed_requests import EC_KEY, JWKS, OTHER_EC_KEY
from tests.idp.provider.world import HOUSING, ISSUER, LICENSES, VERIFIER, Browser, World, open_world
from tests.servers import Stack

OPAQUE = dataclasses.replace(
    HOUSING,
    client_id="gzf-opaque",
    redirect_uris=("https://gzf.test/cb",),
    metadata=ClientMetadata(access_token_format="opaque"),
)
CALLBACK = {"redirect_uri": "https://gzf.test/cb"}


@pytest.fixture
async def opaque(world: World) -> World:
    """The world with an app that registered for opaque tokens."""
    await world.add_client(OPAQUE)
    return world


async def _token(browser: Browser, scope: str = "openid profile") -> str:
    tokens = await browser.tokens_for("gzf-opaque", scope=scope, **CALLBACK)
    return str(tokens["access_token"])


async def _introspected(world: World, token: str) -> dict[str, object]:
    answer: dict[str, object] = (await world.ask("/oauth/introspect", "license-api", token=token)).json()
    return answer


async def test_reference_stands_for_its_token(opaque: World, browser: Browser) -> None:
    """Userinfo and introspection answer as for a JWT; the reference itself tells nothing."""
    token = await _token(browser)
    assert token.startswith("rzat_")
    assert "." not in token
    assert (await opaque.userinfo(token)).json().keys() >= {"sub", "nickname"}
    members = await _introspected(opaque, token)
    assert members["active"] is True
    assert (members["client_id"], members["scope"], members["iss"]) == ("gzf-opaque", "openid profile", ISSUER)


async def test_every_grant_gives_references(opaque: World, browser: Browser) -> None:
    """Refreshed tokens and those of the client itself as well."""
    tokens = await browser.tokens_for("gzf-opaque", scope="openid offline_access", **CALLBACK)
    refreshed = await opaque.token("gzf-opaque", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    own = await opaque.token("gzf-opaque", grant_type="client_credentials", resource=LICENSES)
    for answer in (refreshed, own):
        assert (await _introspected(opaque, answer.json()["access_token"]))["active"] is True


async def test_neither_reference_nor_token_is_stored_in_the_open(opaque: World, browser: Browser) -> None:
    """K16, T15: a copy of the database holds a digest and a seal; no log of the ledger holds either token."""
    token = await _token(browser)
    (row,) = await opaque.rows(opaque_tokens)
    assert token.encode() not in row["sealed"] + row["digest"]
    assert b"eyJ" not in row["sealed"]
    assert token not in str(await opaque.entries())


async def test_row_speaks_for_its_own_reference_alone(opaque: World, browser: Browser) -> None:
    """Whoever can write rows cannot give one reference another's token: the seal holds the digest."""
    await _token(browser)
    victim = await opaque.token("gzf-opaque", grant_type="client_credentials", resource=LICENSES)
    rows = await opaque.rows(opaque_tokens)
    async with opaque.provider.db.transaction() as connection:
        for row, other in zip(rows, reversed(rows), strict=True):
            await connection.execute(
                update(opaque_tokens).where(opaque_tokens.c.digest == row["digest"]).values(sealed=other["sealed"])
            )
    assert await _introspected(opaque, victim.json()["access_token"]) == {"active": False}


@pytest.mark.parametrize("change", ["case", "cut", "longer", "other", "prefix"])
async def test_altered_references_are_unknown(opaque: World, browser: Browser, change: str) -> None:
    """C14: cut, extended, or with one character changed, it is no token, and costs the true one nothing."""
    token = await _token(browser)
    altered = {
        "case": token[:5] + token[5:].swapcase(),
        "cut": token[:-1],
        "longer": token + "A",
        "other": token[:-2] + ("AA" if token[-2:] != "AA" else "BA"),
        "prefix": token.removeprefix("rzat_"),
    }[change]
    assert await _introspected(opaque, altered) == {"active": False}
    assert (await opaque.userinfo(altered)).status_code == 401
    assert (await opaque.userinfo(token)).status_code == 200


async def test_revocation_ends_a_reference_at_once(stack: Stack, opaque: World, browser: Browser) -> None:
    """J32 and T09: by its owner alone, on the node that remembers it and on the one that does not."""
    token = await _token(browser)
    async with open_world(stack, url=stack.database_url) as other_node:
        assert (await other_node.userinfo(token)).status_code == 200
        await opaque.ask("/oauth/revoke", "gzf", token=token)
        assert (await opaque.userinfo(token)).status_code == 200
        await opaque.ask("/oauth/revoke", "gzf-opaque", token=token)
        assert (await opaque.userinfo(token)).status_code == 401
        await other_node.provider.feed.catch_up()
        assert (await other_node.userinfo(token)).status_code == 401


async def test_signing_out_ends_a_reference(opaque: World, browser: Browser) -> None:
    """The session behind it reaches it like any token."""
    tokens = await browser.tokens_for("gzf-opaque", **CALLBACK)
    await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    assert (await opaque.userinfo(tokens["access_token"])).status_code == 401


async def test_reference_runs_out_and_is_forgotten(opaque: World, browser: Browser) -> None:
    """Ten minutes as for a JWT, also for whoever remembers it; then the row goes."""
    token = await _token(browser)
    assert (await _introspected(opaque, token))["active"] is True
    opaque.later(minutes=10)
    await opaque.provider.feed.catch_up()
    assert await _introspected(opaque, token) == {"active": False}
    await forget_finished(provider=opaque.provider, now=opaque.now)
    assert await opaque.rows(opaque_tokens) == []


async def test_reference_travels_through_the_browser_as_well(opaque: World, browser: Browser) -> None:
    """An old app that gets its tokens beside the code is given a reference too, and it is on record before the browser learns of it."""
    metadata = dataclasses.replace(OLD.metadata, access_token_format="opaque")
    await opaque.add_client(dataclasses.replace(OLD, metadata=metadata))
    _, found = parts_of_answer(await authorized(browser, response_type="code id_token token"))
    assert found["access_token"].startswith("rzat_")
    assert (await opaque.userinfo(found["access_token"])).status_code == 200


async def test_reference_can_be_bound_to_a_key(opaque: World, browser: Browser) -> None:
    """RFC 9449 §7.1: the proof is made for the reference, which is what the app holds; as a bearer token it opens nothing."""
    await opaque.add_client(
        dataclasses.replace(PROVER, metadata=ClientMetadata(jwks=JWKS, access_token_format="opaque"))
    )
    form = {
        "grant_type": "authorization_code",
        "code": await browser.code_for("prover", **CALLBACK),
        "code_verifier": VERIFIER,
        **CALLBACK,
    }
    issued = await ask_token(opaque, "prover", form, proofs=(dpop_proof(opaque, EC_KEY, "/oauth/token"),))
    token = issued.json()["access_token"]
    assert issued.json()["token_type"] == "DPoP"
    members = await _introspected(opaque, token)
    assert (members["active"], members["token_type"]) == (True, "DPoP")
    assert "jkt" in str(members["cnf"])
    assert (await opaque.userinfo(token)).status_code == 401
    for key, status in ((OTHER_EC_KEY, 401), (EC_KEY, 200)):
        proof = dpop_proof(opaque, key, "/oauth/userinfo", htm="GET", access_token=token)
        assert (await read(opaque, "DPoP", token, proofs=(proof,))).status_code == status
