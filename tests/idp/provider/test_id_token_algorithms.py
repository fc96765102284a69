"""ID tokens and userinfo answers in every algorithm a client may register: signed, encrypted, and accepted back as hints."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core.claims import CodeIDToken
from httpx2 import ASGITransport

from idp.provider.clients.jwk_sets import CONTENT_ENCRYPTION, ENCRYPTING_ALGS
from idp.provider.clients.metadata import Encryption
from idp.provider.registration.register import ClientRegistration
from tests.idp.provider.answers import (
    add_all_keys,
    authorized,
    decrypted,
    header_of,
    jwks_of,
    parts_of_answer,
    verified,
    with_algorithms,
)
from tests.idp.provider.test_token_mutations import MUTATIONS
from tests.idp.provider.world import ISSUER, VERIFIER, Browser, World

SIGNING = ("ES256", "RS256", "PS256", "EdDSA")
ADDRESS = "https://old.test/cb"


def _named(alg: str, prefix: str = "id") -> str:
    return f"{prefix}-{alg}".lower().replace("+", "-")


@pytest.fixture(scope="module")
async def keyed(shared_world: World, shared_browser: Browser) -> Browser:
    """A browser of a world in which the provider has all its keys, and one app for each algorithm stands."""
    await add_all_keys(shared_world)
    for alg in SIGNING:
        await shared_world.add_client(
            with_algorithms(_named(alg), id_token_signed_response_alg=alg, userinfo_signed_response_alg=alg)
        )
    return shared_browser


@pytest.fixture(scope="module")
async def hints(keyed: Browser) -> dict[str, str]:
    """A sound ID token of every algorithm; that each is accepted is a test of its own."""
    return {alg: (await _tokens(keyed, _named(alg)))["id_token"] for alg in SIGNING}


async def _tokens(browser: Browser, client_id: str, **changes: str) -> dict[str, Any]:
    _, found = parts_of_answer(await authorized(browser, client_id, **changes))
    redeemed = await browser.redeem(found["code"], client_id, redirect_uri=ADDRESS)
    assert redeemed.status_code == 200, redeemed.text
    body: dict[str, Any] = redeemed.json()
    return body


def _half(value: str, alg: str) -> str:
    digest = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(value.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", SIGNING)
async def test_id_tokens_are_signed_as_registered(keyed: Browser, alg: str) -> None:
    """OpenID Connect Core §3.1.3.6, §3.3.2.11, §12.2: at every door, with the hash that belongs to the algorithm."""
    world = keyed.world
    scope = "openid offline_access"
    _, found = parts_of_answer(await authorized(keyed, _named(alg), response_type="code id_token token", scope=scope))
    claims = await verified(world, found["id_token"], alg)
    assert claims["at_hash"] == _half(found["access_token"], alg)
    assert claims["c_hash"] == _half(found["code"], alg)
    body = (await keyed.redeem(found["code"], _named(alg), redirect_uri=ADDRESS)).json()
    claims = await verified(world, body["id_token"], alg)
    assert claims["at_hash"] == _half(body["access_token"], alg)
    again = (await world.token(_named(alg), grant_type="refresh_token", refresh_token=body["refresh_token"])).json()
    assert (await verified(world, again["id_token"], alg))["sub"] == claims["sub"]
    assert header_of(body["access_token"])["alg"] == "ES256"


@pytest.mark.parametrize("alg", SIGNING)
async def test_authlibs_client_signs_in(keyed: Browser, alg: str) -> None:
    """An independent relying party: Authlib's client redeems the code and checks the ID token."""
    world = keyed.world
    _, found = parts_of_answer(await authorized(keyed, _named(alg)))
    transport = ASGITransport(app=world.app, client=("203.0.113.7", 50000))
    app = AsyncOAuth2Client(_named(alg), world.secrets[_named(alg)], redirect_uri=ADDRESS, transport=transport)
    async with app:
        token = await app.fetch_token(f"{ISSUER}/oauth/token", code=found["code"], code_verifier=VERIFIER)
        told = await app.get(f"{ISSUER}/oauth/userinfo")
    claims = await verified(world, token["id_token"], alg)
    params = {"nonce": "n-0S6_WzA2Mj", "client_id": _named(alg), "access_token": token["access_token"]}
    CodeIDToken(claims, {"alg": alg}, {"iss": {"value": ISSUER}, "aud": {"value": _named(alg)}}, params).validate(
        now=int(world.now.timestamp())
    )
    assert told.headers["content-type"] == "application/jwt"
    assert (await verified(world, told.text, alg))["sub"] == claims["sub"]


@pytest.mark.parametrize("alg", SIGNING)
async def test_every_algorithm_comes_back_as_a_hint(keyed: Browser, alg: str) -> None:
    """OpenID Connect Core §3.1.2.1 and RP-Initiated Logout §2: what we signed we know again, for that client alone."""
    token = (await _tokens(keyed, _named(alg)))["id_token"]
    hinted = await authorized(keyed, _named(alg), id_token_hint=token, prompt="none")
    assert "code" in parts_of_answer(hinted)[1]
    foreign = await authorized(keyed, _named("ES256" if alg != "ES256" else "PS256"), id_token_hint=token)
    assert parts_of_answer(foreign)[1]["error"] == "invalid_request"


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
@pytest.mark.parametrize("alg", ["RS256", "PS256", "EdDSA"])
async def test_a_bent_hint_is_refused(
    keyed: Browser, hints: dict[str, str], alg: str, mutate: Callable[[str], str]
) -> None:
    """Area G × id_token_hint, at authorize and at logout; for ES256 this stands with the other consumers."""
    bent = mutate(hints[alg])
    hinted = await keyed.post(
        "/oauth/authorize",
        {
            "client_id": _named(alg),
            "redirect_uri": ADDRESS,
            "response_type": "code",
            "scope": "openid profile",
            "id_token_hint": bent,
            "prompt": "none",
        },
    )
    if bent:
        assert hinted.status_code == 400 or parts_of_answer(hinted)[1]["error"] == "invalid_request"
        assert "confirm" in (await keyed.post("/oauth/logout", {"id_token_hint": bent})).json()


async def test_an_algorithm_of_another_key_is_refused(keyed: Browser) -> None:
    """J03: the header may not name PS256 over an RS256 signature, nor point at another of our keys."""
    token = (await _tokens(keyed, _named("RS256")))["id_token"]
    _, body, signature = token.split(".")
    kids = {key["alg"]: key["kid"] for key in (await jwks_of(keyed.world))["keys"] if "alg" in key}
    for changes in ({"alg": "PS256"}, {"alg": "PS256", "kid": kids["PS256"]}, {"kid": kids["PS256"]}, {"alg": "HS256"}):
        made = json.dumps({**header_of(token), **changes}).encode()
        bent = f"{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}.{body}.{signature}"
        hinted = await authorized(keyed, _named("RS256"), id_token_hint=bent, prompt="none")
        assert parts_of_answer(hinted)[1]["error"] == "invalid_request"


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION)
@pytest.mark.parametrize("alg", ENCRYPTING_ALGS)
async def test_id_tokens_and_userinfo_are_encrypted_as_registered(keyed: Browser, alg: str, enc: str) -> None:
    """OpenID Connect Core §2, §5.3.2, §16.14: signed first, then to the client's own key, which alone reads it."""
    world, client_id = keyed.world, _named(f"{alg}-{enc}", "enc")
    wanted = Encryption(alg, enc)
    await world.add_client(
        with_algorithms(
            client_id,
            id_token_encrypted_response=wanted,
            userinfo_encrypted_response=wanted,
            userinfo_signed_response_alg="ES256",
        )
    )
    _, found = parts_of_answer(await authorized(keyed, client_id, response_type="code id_token"))
    body = (await keyed.redeem(found["code"], client_id, redirect_uri=ADDRESS)).json()
    told = await world.userinfo(body["access_token"])
    assert told.headers["content-type"] == "application/jwt"
    for token in (found["id_token"], body["id_token"], told.text):
        header = header_of(token)
        assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
        assert (await verified(world, decrypted(token), "ES256"))["aud"] == client_id
    # A hint is the signed token inside (RP-Initiated Logout §2): the encrypted one is readable to nobody but the app.
    refused = await authorized(keyed, client_id, id_token_hint=body["id_token"], prompt="none")
    assert parts_of_answer(refused)[1]["error"] == "invalid_request"
    hinted = await authorized(keyed, client_id, id_token_hint=decrypted(body["id_token"]), prompt="none")
    assert "code" in parts_of_answer(hinted)[1]


async def test_userinfo_may_be_encrypted_without_a_signature(keyed: Browser) -> None:
    """OpenID Connect Core §5.3.2: then JSON is inside."""
    await keyed.world.add_client(
        with_algorithms("enc-json", userinfo_encrypted_response=Encryption("ECDH-ES", "A256GCM"))
    )
    tokens = await _tokens(keyed, "enc-json")
    told = await keyed.world.userinfo(tokens["access_token"])
    assert "cty" not in header_of(told.text)
    assert set(json.loads(decrypted(told.text))) == {"sub", "nickname", "updated_at"}


@pytest.mark.parametrize("alg", SIGNING)
async def test_signed_userinfo_names_issuer_and_audience(keyed: Browser, alg: str) -> None:
    """OpenID Connect Core §5.3.2; and it is neither an ID token nor an access token (RFC 8725 §2.8)."""
    world = keyed.world
    tokens = await _tokens(keyed, _named(alg))
    told = await world.userinfo(tokens["access_token"])
    assert (told.status_code, told.headers["content-type"]) == (200, "application/jwt")
    assert told.headers["cache-control"] == "no-store"
    claims = await verified(world, told.text, alg)
    assert set(claims) == {"iss", "aud", "sub", "nickname", "updated_at"}
    assert claims["aud"] == _named(alg)
    hinted = await authorized(keyed, _named(alg), id_token_hint=told.text, prompt="none")
    assert parts_of_answer(hinted)[1]["error"] == "invalid_request"
    assert (await world.userinfo(told.text)).status_code == 401
    assert (await world.userinfo(tokens["id_token"])).status_code == 401


def _keyless(client_id: str, **algorithms: Any) -> ClientRegistration:
    wanted = with_algorithms(client_id, **algorithms)
    return replace(wanted, metadata=replace(wanted.metadata, jwks=None, jwks_uri="https://keyless.test/jwks"))


async def test_a_missing_key_costs_nothing(world: World, browser: Browser) -> None:
    """The code stays good until the app's key can be had: told as an error, on record, and never sent in clear."""
    wanted = Encryption("RSA-OAEP-256")
    await world.add_client(_keyless("no-key", id_token_encrypted_response=wanted, userinfo_encrypted_response=wanted))
    code = parts_of_answer(await authorized(browser, "no-key"))[1]["code"]
    refused = await browser.redeem(code, "no-key", redirect_uri=ADDRESS)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert await world.last_entry() == ("oauth.token", "refused", "21051")
    answered = await authorized(browser, "no-key", response_type="code id_token")
    carrier, found = parts_of_answer(answered)
    assert (carrier, found["error"]) == ("fragment", "invalid_client_metadata")
    _, found = parts_of_answer(await authorized(browser, "no-key", response_type="code token"))
    told = await world.userinfo(found["access_token"])
    assert (told.status_code, told.json()["error"]) == (400, "invalid_client_metadata")
    assert "nickname" not in told.text
    assert await world.last_entry() == ("oauth.userinfo", "refused", "21051")


async def test_metadata_name_what_is_offered(keyed: Browser) -> None:
    """OpenID Connect Discovery §3, JARM §4: every algorithm of these tests, and the keys to encrypt to."""
    world = keyed.world
    async with world.http() as http:
        body = (await http.get("/.well-known/openid-configuration")).json()
    for kind in ("id_token", "userinfo", "authorization"):
        assert body[f"{kind}_signing_alg_values_supported"] == list(SIGNING)
        assert body[f"{kind}_encryption_alg_values_supported"] == list(ENCRYPTING_ALGS)
        assert body[f"{kind}_encryption_enc_values_supported"] == list(CONTENT_ENCRYPTION)
    assert {"fragment", "form_post", "jwt", "fragment.jwt"} <= set(body["response_modes_supported"])
    assert "implicit" in body["grant_types_supported"]
    keys = (await jwks_of(world))["keys"]
    assert sorted(key["alg"] for key in keys if key["use"] == "sig") == sorted(SIGNING)
    assert sorted(key["kty"] for key in keys if key["use"] == "enc") == ["EC", "RSA"]
    # J28: public members alone.
    assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & {member for key in keys for member in key}
