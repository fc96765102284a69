"""Pushed authorization requests (RFC 9126; Q09, Q10, C07, P01): kept as they were judged, bound to their client, answered once."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from idp.provider.clients.metadata import ClientMetadata
from idp.provider.housekeeping import forget_finished
from idp.provider.registration.register import set_client_status
from idp.provider.tables import oauth_grants, pushed_requests
from tests.idp.provider.signed_requests import EC_KEY, OTHER_EC_KEY, proof, thumbprint
from tests.idp.provider.test_authorization_parameters import BROKEN
from tests.idp.provider.test_redirect_uris import FOREIGN
from tests.idp.provider.world import BUSINESS, VERIFIER, Browser, World, answer, authorization, page_of, transaction_of

PUSHED_ONLY = replace(
    BUSINESS,
    client_id="pushed-only",
    sector="pushed-only",
    metadata=ClientMetadata(require_pushed_authorization_requests=True),
)


async def push(world: World, client_id: str = "gzf", key: Any = None, **changes: str | None) -> httpx2.Response:
    """Push a sound request with the given parameters changed; with a `key` its DPoP proof goes along."""
    if client_id == "pushed-only":
        changes.setdefault("redirect_uri", "https://qyfw.test/cb")
    async with world.http() as http:
        return await http.post(
            "/oauth/par",
            **world.credentials(client_id, authorization(client_id, **changes)),
            headers={} if key is None else {"DPoP": proof(world, key, "/oauth/par")},
        )


async def request_uri_of(world: World, client_id: str = "gzf", **changes: str | None) -> str:
    """Push a sound request and return its name."""
    pushed = await push(world, client_id, **changes)
    assert pushed.status_code == 201, pushed.text
    return str(pushed.json()["request_uri"])


async def use(browser: Browser, request_uri: str, client_id: str = "gzf", **beside: str) -> httpx2.Response:
    """Bring the name to the authorization endpoint, with other parameters beside it."""
    return await browser.get("/oauth/authorize", {"client_id": client_id, "request_uri": request_uri, **beside})


async def code_of(browser: Browser, response: httpx2.Response) -> str:
    """Agree when asked, and return the code."""
    if page_of(response) == "/consent":
        response = await browser.agree(response)
    return answer(response)["code"]


async def pass_time(world: World, **span: float) -> None:
    """Move the clock of a worker that keeps hearing of changes.

    Its own reading of the feed is stopped first: one that began before would end with the old time.
    """
    await world.provider.feed.stop()
    world.later(**span)
    await world.provider.feed.catch_up()


def is_shown(response: httpx2.Response, code: str = "21032") -> bool:
    """Tell whether the browser was shown the page of one reason and sent nowhere."""
    return response.status_code == 400 and "location" not in response.headers and bool(response.json()["code"] == code)


async def test_a_pushed_request_leads_to_tokens(world: World, browser: Browser) -> None:
    """RFC 9126 §2.2, §4: 201, an unguessable name, 60 seconds; the browser carries nothing else."""
    pushed = await push(world)
    body = pushed.json()
    assert (pushed.status_code, set(body), body["expires_in"]) == (201, {"request_uri", "expires_in"}, 60)
    assert pushed.headers["cache-control"] == "no-store"
    name = body["request_uri"].removeprefix("urn:ietf:params:oauth:request_uri:")
    assert len(name) == 43
    assert await world.last_entry() == ("oauth.par", "allowed", None)
    code = await code_of(browser, await use(browser, body["request_uri"]))
    assert (await browser.redeem(code)).status_code == 200


async def test_what_travels_beside_is_ignored(world: World, browser: Browser) -> None:
    """C07, Q08: neither scope nor state, address, PKCE or response mode of the browser count."""
    request_uri = await request_uri_of(world, state="inside", scope="openid profile")
    response = await use(
        browser,
        request_uri,
        state="outside",
        scope="openid realname.id",
        redirect_uri="https://evil.test/cb",
        code_challenge="x" * 43,
        response_mode="form_post",
        prompt="none",
        dpop_jkt="short",
    )
    agreed = await browser.agree(response)
    found = answer(agreed)
    assert agreed.headers["location"].startswith("https://gzf.test/cb?")
    assert found["state"] == "inside"
    redeemed = await browser.redeem(found["code"])
    assert (redeemed.status_code, redeemed.json()["scope"]) == (200, "openid profile")


async def test_a_name_may_be_opened_again_until_the_app_is_answered(world: World, browser: Browser) -> None:
    """Q10, RFC 9126 §4: people reload pages; afterwards it is worth nothing."""
    request_uri = await request_uri_of(world)
    for _ in range(3):
        waiting = await use(browser, request_uri)
        assert page_of(waiting) == "/consent"
    await browser.agree(waiting)
    assert is_shown(await use(browser, request_uri))
    assert len(await world.rows(oauth_grants)) == 1


async def test_two_tabs_with_one_name_get_one_answer(world: World, browser: Browser) -> None:
    """Both wait for consent; the second answer finds the request spent, and what was agreed to there is not on record."""
    request_uri = await request_uri_of(world)
    first, second = await use(browser, request_uri), await use(browser, request_uri)
    assert "code" in answer(await browser.agree(first))
    assert is_shown(await browser.agree(second, "profile"))
    assert len(await world.rows(oauth_grants)) == 1
    assert [entry["kind"] for entry in await world.entries()].count("oauth.consent") == 1


async def test_a_refusal_by_the_person_spends_it_too(world: World, browser: Browser) -> None:
    """The app was answered: it has to push again."""
    request_uri = await request_uri_of(world)
    waiting = await use(browser, request_uri)
    refused = await browser.post("/test/consent", {"transaction": transaction_of(waiting), "agreed": "no"})
    assert answer(refused)["error"] == "access_denied"
    assert is_shown(await use(browser, request_uri))


async def test_an_error_for_the_app_spends_it_too(world: World) -> None:
    """`prompt=none` without a session: told once."""
    request_uri = await request_uri_of(world, prompt="none")
    nobody = Browser(world)
    assert answer(await use(nobody, request_uri))["error"] == "login_required"
    assert is_shown(await use(nobody, request_uri))


async def test_fifty_at_once_get_one_code(world: World, browser: Browser) -> None:
    """Q10: of many uses of one name one is answered, the others are shown a page."""
    await browser.tokens_for()
    for _ in range(3):
        request_uri = await request_uri_of(world)
        before = len(await world.rows(oauth_grants))
        responses = await asyncio.gather(*(use(browser, request_uri) for _ in range(50)))
        won = [response for response in responses if response.status_code == 303]
        assert len(won) == 1
        assert all(is_shown(response) for response in responses if response not in won)
        assert len(await world.rows(oauth_grants)) == before + 1


async def test_a_name_is_over_after_sixty_seconds(world: World, browser: Browser) -> None:
    """Q10: the last moment counts, the sixtieth second does not."""
    first, second = await request_uri_of(world), await request_uri_of(world)
    await pass_time(world, seconds=59)
    assert page_of(await use(browser, first)) == "/consent"
    await pass_time(world, seconds=1)
    assert is_shown(await use(browser, second))


async def test_signing_in_may_take_longer_than_the_name_lives(world: World, zhang: Any) -> None:
    """What has begun in time goes on: a person reads and types."""
    nobody = Browser(world)
    waiting = await use(nobody, await request_uri_of(world))
    assert page_of(waiting) == "/login"
    await pass_time(world, minutes=5)
    await world.sign_in(nobody, zhang)
    resumed = await nobody.get("/test/resume", {"transaction": transaction_of(waiting)})
    assert "code" in answer(await nobody.agree(resumed))


@pytest.mark.parametrize("how", ["truncated", "extended", "other case", "guessed", "padded", "long"])
async def test_another_name_is_unknown(world: World, browser: Browser, how: str) -> None:
    """Q10: every octet of the name counts."""
    known = await request_uri_of(world)
    name = {
        "truncated": known[:-1],
        "extended": known + "A",
        "other case": known[:36] + known[36:].swapcase(),
        "guessed": known[:-43] + "A" * 43,
        "padded": known + "=",
        "long": known + "A" * 5_000,
    }[how]
    assert is_shown(await use(browser, name))
    assert "code" in answer(await browser.agree(await use(browser, known)))


async def test_another_clients_name_is_unknown(world: World, browser: Browser) -> None:
    """Q10: and whoever tries does not spend it."""
    request_uri = await request_uri_of(world)
    assert is_shown(await use(browser, request_uri, "qyfw"))
    assert is_shown(await browser.get("/oauth/authorize", {"request_uri": request_uri}), "21001")
    assert page_of(await use(browser, request_uri)) == "/consent"


async def test_name_and_request_object_at_once_are_refused(world: World, browser: Browser) -> None:
    """RFC 9101 §5: one of the two; here an address beside them tells where the error may go."""
    response = await use(
        browser, await request_uri_of(world), request="e30.e30.e30", redirect_uri="https://gzf.test/cb"
    )
    assert answer(response)["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["client_id", "request_uri"])
async def test_a_repeated_name_is_shown(world: World, browser: Browser, name: str) -> None:
    """P01: nobody picks one of two."""
    request_uri = await request_uri_of(world)
    pairs = [("client_id", "gzf"), ("request_uri", request_uri), (name, "x")]
    assert is_shown(await browser.get("/oauth/authorize", urlencode(pairs)), "21001")


@pytest.mark.parametrize(("changes", "error"), BROKEN.values(), ids=BROKEN.keys())
async def test_what_the_browser_endpoint_refuses_is_refused_here(
    shared_world: World, changes: dict[str, Any], error: str
) -> None:
    """RFC 9126 §2.1, §2.3: the same rules in the same order, told as JSON, on record once."""
    client_id = changes.get("client_id") or "gzf"
    before = len(await shared_world.entries())
    refused = await push(
        shared_world, client_id, **{name: value for name, value in changes.items() if name != "client_id"}
    )
    if "id_token_hint" in changes:
        # Judged when the person is known: a hint may outlive its key between push and use.
        assert refused.status_code == 201
        return
    # Q09: a pushed request names no other one.
    expected = "invalid_request" if "request_uri" in changes else error
    assert (refused.status_code, refused.json()["error"]) == (400, expected)
    assert refused.headers["cache-control"] == "no-store"
    entries = await shared_world.entries()
    assert len(entries) == before + 1
    assert (entries[-1]["kind"], entries[-1]["outcome"]) == ("oauth.par", "refused")


@pytest.mark.parametrize("redirect_uri", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_foreign_redirect_uri_cannot_be_pushed(shared_world: World, redirect_uri: str) -> None:
    """Area A at this sink."""
    refused = await push(shared_world, redirect_uri=redirect_uri)
    assert (refused.status_code, refused.json()["error"], refused.json()["error_code"]) == (
        400,
        "invalid_request",
        "21003",
    )


async def test_a_registered_address_with_query_can_be_pushed(shared_world: World, shared_browser: Browser) -> None:
    """Positive control."""
    request_uri = await request_uri_of(shared_world, redirect_uri="https://gzf.test/cb?lang=zh")
    response = await use(shared_browser, request_uri)
    assert response.headers["location"].startswith("https://gzf.test/cb?lang=zh&code=")


@pytest.mark.parametrize("name", ["scope", "state", "client_id", "redirect_uri", "code_challenge", "unknown"])
async def test_repeated_parameter_is_refused(shared_world: World, name: str) -> None:
    """P01, RFC 6749 §3.2."""
    pairs = [*authorization(unknown="1").items(), (name, "x")]
    async with shared_world.http() as http:
        refused = await http.post(
            "/oauth/par",
            content=urlencode(pairs),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            auth=("gzf", shared_world.secrets["gzf"]),
        )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("value", ["urn:ietf:params:oauth:request_uri:abc", "https://gzf.test/request.jwt"])
async def test_a_name_cannot_be_pushed(shared_world: World, value: str) -> None:
    """Q09, RFC 9126 §2.1."""
    refused = await push(shared_world, request_uri=value)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_pushes(shared_world: World, method: str) -> None:
    """RFC 9126 §2.3: 405, and nothing is kept."""
    async with shared_world.http() as http:
        refused = await http.request(method, "/oauth/par", params=authorization())
    assert refused.status_code == 405


async def test_parameters_in_the_address_are_refused(shared_world: World) -> None:
    """P02, RFC 9126 §2.1: the body alone."""
    async with shared_world.http() as http:
        refused = await http.post(
            "/oauth/par?scope=openid", data=authorization(), auth=("gzf", shared_world.secrets["gzf"])
        )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_the_client_has_to_authenticate(shared_world: World) -> None:
    """K04, RFC 9126 §2: as at the token endpoint; a client of another name is refused as well."""
    async with shared_world.http() as http:
        bare = await http.post("/oauth/par", data=authorization())
        wrong = await http.post("/oauth/par", data=authorization(), auth=("gzf", "x" * 43))
        other = await http.post("/oauth/par", data=authorization("qyfw"), auth=("gzf", shared_world.secrets["gzf"]))
    assert [(answered.status_code, answered.json()["error"]) for answered in (bare, wrong, other)] == [
        (401, "invalid_client"),
        (401, "invalid_client"),
        (400, "invalid_request"),
    ]


async def test_a_native_app_may_push(world: World, browser: Browser) -> None:
    """RFC 9126 §2: a public client names itself."""
    request_uri = await request_uri_of(world, "counter-app", redirect_uri="http://127.0.0.1:51004/cb")
    code = await code_of(browser, await use(browser, request_uri, "counter-app"))
    redeemed = await browser.redeem(code, "counter-app", redirect_uri="http://127.0.0.1:51004/cb")
    assert redeemed.status_code == 200


class TestDPoP:
    """RFC 9449 §10: the key of the push, or the one that it names, is the key of the code (M04)."""

    async def test_a_proof_at_the_push_binds_the_code(self, world: World, browser: Browser) -> None:
        """§10.1: the token request of another key, and of none, is refused; the code is burnt each time."""
        for key, expected in ((EC_KEY, 200), (OTHER_EC_KEY, 400), (None, 400)):
            pushed = await push(world, "gzf", EC_KEY)
            assert pushed.status_code == 201, pushed.text
            code = await code_of(browser, await use(browser, pushed.json()["request_uri"]))
            assert (await redeem_with(world, code, key)).status_code == expected

    async def test_a_named_key_binds_the_code(self, world: World, browser: Browser) -> None:
        """§10: `dpop_jkt`, pushed or carried by the browser."""
        named = thumbprint(EC_KEY)
        await browser.tokens_for()
        for response in (
            await use(browser, await request_uri_of(world, dpop_jkt=named)),
            await browser.authorize(dpop_jkt=named),
        ):
            code = await code_of(browser, response)
            assert (await redeem_with(world, code, OTHER_EC_KEY)).json()["error"] == "invalid_grant"
        code = await code_of(browser, await browser.authorize(dpop_jkt=named))
        assert (await redeem_with(world, code, EC_KEY)).json()["token_type"] == "DPoP"

    async def test_both_must_name_one_key(self, world: World) -> None:
        """§10.1: OIDF mismatched dpop_jkt."""
        agreed = await push(world, "gzf", EC_KEY, dpop_jkt=thumbprint(EC_KEY))
        differing = await push(world, "gzf", EC_KEY, dpop_jkt=thumbprint(OTHER_EC_KEY))
        assert agreed.status_code == 201
        assert (differing.status_code, differing.json()["error"]) == (400, "invalid_dpop_proof")

    async def test_a_broken_proof_is_refused(self, world: World) -> None:
        """M02: for another address; nothing is kept."""
        async with world.http() as http:
            refused = await http.post(
                "/oauth/par",
                **world.credentials("gzf", authorization()),
                headers={"DPoP": proof(world, EC_KEY, "/oauth/token")},
            )
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
        assert await world.rows(pushed_requests) == []

    @pytest.mark.parametrize("value", ["short", "x" * 42 + "=", "x" * 44])
    async def test_a_thumbprint_has_its_form(self, world: World, browser: Browser, value: str) -> None:
        """Forty-three characters of base64url."""
        assert answer(await browser.authorize(dpop_jkt=value))["error"] == "invalid_dpop_proof"


async def redeem_with(world: World, code: str, key: Any) -> httpx2.Response:
    """Redeem a code of the housing app with a proof of the key, None for no proof."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "https://gzf.test/cb",
        "code_verifier": VERIFIER,
    }
    headers = {} if key is None else {"DPoP": proof(world, key, "/oauth/token")}
    async with world.http() as http:
        return await http.post("/oauth/token", **world.credentials("gzf", form), headers=headers)


async def test_nothing_of_the_credentials_is_kept(world: World) -> None:
    """The row holds the request alone, sealed under its name, and the record neither name nor secret."""
    request_uri = await request_uri_of(world, "qyfw", login_hint="13800000001")
    (row,) = await world.rows(pushed_requests)
    found = await world.provider.pushed_requests.find(row["uri_hash"])
    assert found is not None
    kept = found.parameters(request_uri)
    assert kept is not None
    assert set(kept.values) == {*authorization("qyfw"), "login_hint"}
    assert found.parameters(request_uri[:-1] + "_") is None
    for told in (world.secrets["qyfw"], "13800000001", "https://qyfw.test/cb"):
        assert told not in str(row)
    assert request_uri[-43:] not in str(row)
    assert request_uri[-43:] not in str(await world.entries())


async def test_what_the_client_lost_meanwhile_is_lost(world: World, browser: Browser) -> None:
    """R23: a disabled client's name leads nowhere."""
    request_uri = await request_uri_of(world)
    provider = world.provider
    await set_client_status(
        "gzf",
        "disabled",
        token_lifetime=provider.limits.access_token_lifetime,
        db=provider.db,
        ledger=provider.ledger,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
    assert is_shown(await use(browser, request_uri), "21001")


async def test_a_client_may_be_bound_to_pushing(world: World, browser: Browser) -> None:
    """RFC 9126 §6: its requests are refused unless they were pushed."""
    await world.add_client(PUSHED_ONLY)
    direct = await browser.authorize("pushed-only", redirect_uri="https://qyfw.test/cb")
    assert answer(direct)["error"] == "invalid_request"
    assert (await world.last_entry())[2] == "21030"
    request_uri = await request_uri_of(world, "pushed-only")
    assert "code" in answer(await browser.agree(await use(browser, request_uri, "pushed-only")))


async def test_finished_requests_are_forgotten(world: World) -> None:
    """Once nothing can wait for it any more; not before."""
    await request_uri_of(world)
    world.later(minutes=15)
    await forget_finished(provider=world.provider, now=world.now)
    assert len(await world.rows(pushed_requests)) == 1
    world.later(minutes=2)
    await forget_finished(provider=world.provider, now=world.now)
    assert await world.rows(pushed_requests) == []


async def test_the_metadata_name_the_endpoint(shared_world: World) -> None:
    """RFC 9126 §5."""
    async with shared_world.http() as http:
        found = (await http.get("/.well-known/openid-configuration")).json()
    assert found["pushed_authorization_request_endpoint"] == "https://id.qingyu.test/oauth/par"
