"""DPoP (RFC 9449): what a bound token, code or family opens, and for whom (area K)."""

from typing import Any

import pytest
from joserfc.jwk import OKPKey

from idp.provider.tables import refresh_families
from tests.idp.provider.proving import (
    CREDENTIALS,
    HIGH,
    PROVER,
    TERMINAL,
    add_provers,
    ask_token,
    dpop_proof,
    post,
    read,
)
from tests.idp.provider.signed_requests import EC_KEY, ED_KEY, OTHER_EC_KEY
from tests.idp.provider.world import ISSUER, VERIFIER, Browser, World, answer, authorization, claims_of_jwt

TOKEN = "/oauth/token"
USERINFO = "/oauth/userinfo"


@pytest.fixture(scope="module")
async def apps(shared_world: World) -> World:
    """The shared world with the apps that prove possession."""
    await add_provers(shared_world)
    return shared_world


async def bound_tokens(
    browser: Browser, key: Any = EC_KEY, client_id: str = "prover", **changes: str
) -> dict[str, Any]:
    """Go through the code flow with a proof at the token endpoint."""
    response = await redeem(browser, await code_for(browser, client_id, **changes), key, client_id)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def code_for(browser: Browser, client_id: str = "prover", **changes: str) -> str:
    """Return a code for an app of this module."""
    address = "http://127.0.0.1/cb" if client_id == "terminal" else "https://gzf.test/cb"
    return await browser.code_for(client_id, redirect_uri=address, **changes)


async def redeem(browser: Browser, code: str, key: Any | None, client_id: str = "prover") -> Any:
    """Redeem a code with a proof of the key, or without one."""
    address = "http://127.0.0.1/cb" if client_id == "terminal" else "https://gzf.test/cb"
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": address, "code_verifier": VERIFIER}
    proofs = () if key is None else (dpop_proof(browser.world, key, TOKEN),)
    return await ask_token(browser.world, client_id, form, proofs=proofs)


@pytest.fixture
async def provers(world: World, browser: Browser) -> Browser:
    """A browser in a world of its own, with the apps that prove possession."""
    await add_provers(world, PROVER, TERMINAL, HIGH)
    return browser


async def test_a_bound_token_opens_userinfo_with_its_key(provers: Browser) -> None:
    """RFC 9449 §7.1: the token in the DPoP scheme, the proof for this address and this token."""
    world, token = provers.world, (await bound_tokens(provers))["access_token"]
    proof = dpop_proof(world, EC_KEY, USERINFO, htm="GET", access_token=token)
    assert (await read(world, "DPoP", token, proofs=(proof,))).status_code == 200
    replayed = await read(world, "DPoP", token, proofs=(proof,))
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_dpop_proof")
    assert replayed.headers["www-authenticate"].startswith("DPoP ")
    assert 'algs="ES256 PS256' in replayed.headers["www-authenticate"]


async def test_a_bound_token_opens_nothing_otherwise(provers: Browser) -> None:
    """M01, M02, M04 at a resource: scheme, proof, key, token hash, method, address, time."""
    world, token = provers.world, (await bound_tokens(provers))["access_token"]
    other_token = (await bound_tokens(provers))["access_token"]

    def proof(key: Any = EC_KEY, **changes: Any) -> str:
        return dpop_proof(world, key, USERINFO, **{"htm": "GET", "access_token": token, **changes})

    attempts: dict[str, tuple[str, tuple[str, ...], str]] = {
        "as bearer": ("Bearer", (), "invalid_token"),
        "as bearer with proof": ("Bearer", (proof(),), "invalid_token"),
        "no proof": ("DPoP", (), "invalid_token"),
        "another key": ("DPoP", (proof(OTHER_EC_KEY),), "invalid_token"),
        "no token hash": ("DPoP", (proof(access_token=None),), "invalid_dpop_proof"),
        "another token's hash": ("DPoP", (proof(access_token=other_token),), "invalid_dpop_proof"),
        "another method": ("DPoP", (proof(htm="POST"),), "invalid_dpop_proof"),
        "another address": ("DPoP", (proof(htu=ISSUER + TOKEN),), "invalid_dpop_proof"),
        "too old": ("DPoP", (proof(iat=int(world.now.timestamp()) - 61),), "invalid_dpop_proof"),
        "two proofs": ("DPoP", (proof(), proof()), "invalid_dpop_proof"),
        "a nonce of nobody": ("DPoP", (proof(nonce="n"),), "use_dpop_nonce"),
        "another scheme": ("Basic", (proof(),), "invalid_token"),
    }
    for name, (scheme, proofs, error) in attempts.items():
        before = len(await world.entries())
        response = await read(world, scheme, token, proofs=proofs)
        assert (response.status_code, response.json()["error"]) == (401, error), name
        assert "error=" in response.headers["www-authenticate"], name
        assert len(await world.entries()) == before + 1, name
        if error == "use_dpop_nonce":
            assert response.headers["dpop-nonce"]


async def test_a_bearer_token_does_not_pass_as_a_bound_one(provers: Browser) -> None:
    """M01: whatever proof comes with it."""
    world, token = provers.world, (await provers.tokens_for())["access_token"]
    proof = dpop_proof(world, EC_KEY, USERINFO, htm="GET", access_token=token)
    response = await read(world, "DPoP", token, proofs=(proof,))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert (await read(world, "Bearer", token)).status_code == 200


async def test_a_code_is_bound_to_the_key_it_was_asked_with(provers: Browser) -> None:
    """M04, RFC 9449 §10: the wrong key burns the code."""
    thumbprint = EC_KEY.thumbprint()
    assert (await redeem(provers, await code_for(provers, dpop_jkt=thumbprint), EC_KEY)).status_code == 200
    for key in (OTHER_EC_KEY, None):
        code = await code_for(provers, dpop_jkt=thumbprint)
        refused_one = await redeem(provers, code, key)
        assert (refused_one.status_code, refused_one.json()["error"]) == (400, "invalid_grant")
        assert (await redeem(provers, code, EC_KEY)).json()["error"] == "invalid_grant"


async def test_a_public_apps_family_is_bound_to_its_key(provers: Browser) -> None:
    """T05, RFC 9449 §5: another key, or none, refreshes nothing and ends nothing."""
    world = provers.world
    tokens = await bound_tokens(provers, client_id="terminal", scope="openid offline_access", prompt="consent")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    other = await ask_token(world, "terminal", form, proofs=(dpop_proof(world, OTHER_EC_KEY, TOKEN),))
    assert (other.status_code, other.json()["error_code"]) == (400, "21122")
    none = await ask_token(world, "terminal", form)
    assert (none.status_code, none.json()["error_code"]) == (400, "21116")
    renewed = await ask_token(world, "terminal", form, proofs=(dpop_proof(world, EC_KEY, TOKEN),))
    assert renewed.status_code == 200
    assert claims_of_jwt(renewed.json()["access_token"])["cnf"] == {"jkt": EC_KEY.thumbprint()}
    (family,) = await world.rows(refresh_families)
    assert family["confirmation"] == f"jkt:{EC_KEY.thumbprint()}"


async def test_a_confidential_app_may_change_its_key_and_not_drop_it(provers: Browser) -> None:
    """RFC 9449 §5: its own authentication binds the family; a bound family never becomes an unbound one."""
    world = provers.world
    tokens = await bound_tokens(provers, scope="openid offline_access", prompt="consent")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    none = await ask_token(world, "prover", form)
    assert (none.status_code, none.json()["error_code"]) == (400, "21122")
    renewed = await ask_token(world, "prover", form, proofs=(dpop_proof(world, OTHER_EC_KEY, TOKEN),))
    assert renewed.status_code == 200
    assert claims_of_jwt(renewed.json()["access_token"])["cnf"] == {"jkt": OTHER_EC_KEY.thumbprint()}


async def test_introspection_names_the_key(apps: World) -> None:
    """RFC 9449 §6.2: the resource learns what to compare the proof with."""
    answer = await ask_token(apps, "prover", CREDENTIALS, proofs=(dpop_proof(apps, EC_KEY, TOKEN),))
    body = (await apps.ask("/oauth/introspect", "license-api", token=answer.json()["access_token"])).json()
    assert body["cnf"] == {"jkt": EC_KEY.thumbprint()}
    assert body["token_type"] == "DPoP"


async def test_a_bound_app_needs_a_proof_for_everything(apps: World) -> None:
    """RFC 9449 §5.2, `dpop_bound_access_tokens`."""
    parameters = authorization("terminal", redirect_uri="http://127.0.0.1/cb")
    assert parameters["client_id"] == "terminal"
    response = await post(apps, TOKEN, {"grant_type": "authorization_code", "code": "x", "client_id": "terminal"})
    assert (response.status_code, response.json()["error_code"]) == (400, "21116")


def test_the_keys_of_these_tests_differ() -> None:
    """Control."""
    assert len({EC_KEY.thumbprint(), OTHER_EC_KEY.thumbprint(), ED_KEY.thumbprint()}) == 3
    assert isinstance(ED_KEY, OKPKey)


async def test_policy_high_prolongs_instead_of_rotating(provers: Browser) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1: the refresh token is the client's alone by its key, and stays the same through every use."""
    world = provers.world
    pushed = await ask_token(
        world,
        "high",
        {**authorization("high", redirect_uri="https://gzf.test/cb", scope="openid offline_access", prompt="consent")},
        path="/oauth/par",
    )
    assert pushed.status_code == 201, pushed.text
    page = await provers.get("/oauth/authorize", {"client_id": "high", "request_uri": pushed.json()["request_uri"]})
    code = answer(await provers.agree(page))["code"]
    tokens = (await redeem(provers, code, EC_KEY, "high")).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for key in (EC_KEY, EC_KEY, OTHER_EC_KEY):
        world.later(seconds=1)
        await world.provider.feed.catch_up()
        renewed = await ask_token(world, "high", form, proofs=(dpop_proof(world, key, TOKEN),))
        assert renewed.status_code == 200, renewed.text
        assert renewed.json()["refresh_token"] == tokens["refresh_token"]
        assert claims_of_jwt(renewed.json()["access_token"])["cnf"] == {"jkt": key.thumbprint()}
    (family,) = await world.rows(refresh_families)
    assert family["generation"] == 1
    other = await ask_token(world, "prover", form, proofs=(dpop_proof(world, EC_KEY, TOKEN),))
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")


async def test_a_pushed_proof_binds_the_code(provers: Browser) -> None:
    """RFC 9449 §10.1: the key of the push is the key of the code; M04 with PAR."""
    world = provers.world
    for key, status in ((EC_KEY, 200), (OTHER_EC_KEY, 400)):
        pushed = await ask_token(
            world,
            "high",
            {**authorization("high", redirect_uri="https://gzf.test/cb")},
            proofs=(dpop_proof(world, EC_KEY, "/oauth/par"),),
            path="/oauth/par",
        )
        page = await provers.get("/oauth/authorize", {"client_id": "high", "request_uri": pushed.json()["request_uri"]})
        if page.headers["location"].startswith("/consent"):
            page = await provers.agree(page)
        redeemed = await redeem(provers, answer(page)["code"], key, "high")
        assert redeemed.status_code == status, redeemed.text
        if status == 400:
            assert redeemed.json()["error_code"] == "21122"
