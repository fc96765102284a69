"""JARM: the answer to an authorization as one JWT, signed and when wanted encrypted, in every mode and for refusals too."""

from dataclasses import replace
from typing import Any

import pytest

from idp.provider.authorization.response_modes import answering_mode
from idp.provider.clients.jwk_sets import CONTENT_ENCRYPTION, ENCRYPTING_ALGS
from idp.provider.clients.metadata import Encryption
from idp.provider.clients.registry import Client
from idp.provider.tables import consents, oauth_grants
from tests.idp.provider.answers import (
    ALL_TYPES,
    OLD,
    add_all_keys,
    authorized,
    decrypted,
    header_of,
    parts_of_answer,
    verified,
    with_algorithms,
)
from tests.idp.provider.world import ISSUER, Browser, World

SIGNING = ("ES256", "RS256", "PS256", "EdDSA")


@pytest.fixture(scope="module")
async def keyed(shared_world: World, shared_browser: Browser) -> Browser:
    """A browser of a world in which the provider has all its keys."""
    await add_all_keys(shared_world)
    return shared_browser


@pytest.mark.parametrize("alg", SIGNING)
async def test_the_answer_is_signed_as_registered(keyed: Browser, alg: str) -> None:
    """JARM §2.1, §3: iss, aud, exp of at most ten minutes, and nothing outside the JWT."""
    world = keyed.world
    await world.add_client(with_algorithms(f"jarm-{alg.lower()}", authorization_signed_response_alg=alg))
    response = await authorized(keyed, f"jarm-{alg.lower()}", response_mode="jwt")
    carrier, found = parts_of_answer(response)
    assert (carrier, set(found)) == ("query", {"response"})
    claims = await verified(world, found["response"], alg)
    assert claims["aud"] == f"jarm-{alg.lower()}"
    assert world.now.timestamp() < claims["exp"] <= world.now.timestamp() + 600
    assert claims["state"] == "af0ifjsldkj"
    redeemed = await keyed.redeem(claims["code"], f"jarm-{alg.lower()}", redirect_uri="https://old.test/cb")
    assert redeemed.status_code == 200


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION)
@pytest.mark.parametrize("alg", ENCRYPTING_ALGS)
async def test_the_answer_is_encrypted_as_registered(keyed: Browser, alg: str, enc: str) -> None:
    """JARM §2.2: signed, then encrypted to the client's key; errors too."""
    world = keyed.world
    client_id = f"jarm-{alg}-{enc}".lower().replace("+", "-")
    await world.add_client(
        with_algorithms(client_id, authorization_encrypted_response=Encryption(alg, enc)),
    )
    for changes, wanted in (({}, "code"), ({"prompt": "none", "scope": "openid phone"}, "error")):
        response = await authorized(keyed, client_id, response_mode="form_post.jwt", **changes)
        carrier, found = parts_of_answer(response)
        assert (carrier, set(found)) == ("form_post", {"response"})
        header = header_of(found["response"])
        assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
        claims = await verified(world, decrypted(found["response"]), "ES256")
        assert wanted in claims
        assert claims["aud"] == client_id


async def test_without_its_key_nothing_is_answered(world: World, browser: Browser) -> None:
    """An answer that must be encrypted never travels in clear: the person sees why, nothing is agreed to or issued, and it is on record."""
    wanted = with_algorithms("keyless", authorization_encrypted_response=Encryption("ECDH-ES"))
    # The address is refused by the guarded fetcher, like one that does not answer.
    metadata = replace(wanted.metadata, jwks=None, jwks_uri="https://keyless.test/jwks")
    await world.add_client(replace(wanted, metadata=metadata))
    for changes in ({}, {"prompt": "none", "scope": "openid phone"}):
        response = await authorized(browser, "keyless", response_mode="jwt", **changes)
        assert response.status_code == 400
        assert response.json()["code"] == "21051"
        assert (await world.last_entry())[1] == "refused"
    assert await world.rows(oauth_grants) == []
    assert await world.rows(consents) == []
    assert "code" in parts_of_answer(await authorized(browser, "keyless"))[1]
    # Positive control: an answer that could be given is one that was agreed to.
    assert len(await world.rows(consents)) == 1


async def test_without_the_key_of_its_id_tokens_the_app_is_told(world: World, browser: Browser) -> None:
    """An ID token that cannot be encrypted refuses the request before the person's agreement counts, as before a grant."""
    wanted = with_algorithms("keyless", id_token_encrypted_response=Encryption("ECDH-ES"))
    metadata = replace(wanted.metadata, jwks=None, jwks_uri="https://keyless.test/jwks")
    await world.add_client(replace(wanted, metadata=metadata))
    refused = await authorized(browser, "keyless", response_type="code id_token")
    assert parts_of_answer(refused)[1]["error"] == "invalid_client_metadata"
    assert await world.last_entry() == ("oauth.authorize", "refused", "21051")
    assert "oauth.consent" not in {entry["kind"] for entry in await world.entries()}
    assert await world.rows(consents) == await world.rows(oauth_grants) == []


async def test_an_answer_is_no_id_token(keyed: Browser) -> None:
    """J-mutations, RFC 8725 §2.8: what is signed for one use is refused in another."""
    world = keyed.world
    await world.add_client(with_algorithms("jarm-hint"))
    _, found = parts_of_answer(await authorized(keyed, "jarm-hint", response_mode="jwt"))
    hinted = await authorized(keyed, "jarm-hint", id_token_hint=found["response"], prompt="none")
    assert parts_of_answer(hinted)[1]["error"] == "invalid_request"
    signed_out = await keyed.post("/oauth/logout", {"id_token_hint": found["response"]})
    assert "confirm" in signed_out.json()
    assert (await world.userinfo(found["response"])).status_code == 401


def _client(policy: str) -> Client:
    members: dict[str, Any] = dict.fromkeys(Client.__dataclass_fields__)
    return Client(**{**members, "policy": policy, "metadata": OLD.metadata})


@pytest.mark.parametrize(
    ("policy", "asked", "answered"),
    [
        ("baseline", None, "query"),
        ("baseline", "fragment", "query"),
        ("baseline", "jwt", "query.jwt"),
        ("high", "form_post", "form_post"),
        ("high-signed", None, "query.jwt"),
        ("high-signed", "query", "query.jwt"),
        ("high-signed", "form_post", "query.jwt"),
        ("high-signed", "form_post.jwt", "form_post.jwt"),
        ("high-signed", "fragment.jwt", "fragment.jwt"),
        ("high-signed", "web_message", "query.jwt"),
        ("legacy", "fragment", "fragment"),
        ("unheard-of", "form_post", "query"),
    ],
)
def test_a_policy_that_asks_for_signed_answers_gets_no_other(policy: str, asked: str | None, answered: str) -> None:
    """FAPI 2.0 Message Signing §5.4: not even a refusal of the mode travels unsigned."""
    client = _client(policy)
    assert answering_mode("code", asked, client=client, redirect_uri="https://old.test/cb") == answered


@pytest.mark.parametrize("response_type", [*ALL_TYPES, None, "", "token", "code token id_token", "x id_token"])
@pytest.mark.parametrize("asked", [None, "query", "query.jwt", "jwt", "form_post", "x"])
def test_nothing_with_tokens_is_ever_answered_in_a_query(response_type: str | None, asked: str | None) -> None:
    """P07: whatever else is asked for; and a private scheme is never posted to."""
    for policy in ("legacy", "high-signed"):
        for address in ("https://old.test/cb", "cn.old:/cb"):
            mode = answering_mode(response_type, asked, client=_client(policy), redirect_uri=address)
            parts = (response_type or "").split(" ")
            assert not (mode.startswith("query") and {"token", "id_token"} & set(parts))
            assert not (mode.startswith("form_post") and address.startswith("cn"))


async def test_signed_refusals_name_the_issuer_inside(keyed: Browser) -> None:
    """RFC 9207 §2.4, JARM §2.1: `iss` is a claim and stands nowhere else."""
    await keyed.world.add_client(with_algorithms("jarm-error"))
    asked: dict[str, Any] = {"response_mode": "fragment.jwt", "response_type": "code id_token", "nonce": None}
    carrier, found = parts_of_answer(await authorized(keyed, "jarm-error", **asked))
    assert (carrier, set(found)) == ("fragment", {"response"})
    claims = await verified(keyed.world, found["response"], "ES256")
    assert (claims["error"], claims["iss"], claims["aud"]) == ("invalid_request", ISSUER, "jarm-error")
