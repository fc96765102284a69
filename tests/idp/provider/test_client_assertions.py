"""Client assertions (RFC 7523 §3, FAPI 2.0 Security Profile §5.3.2.1): what proves a client that signs, and what does not."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey

from idp.provider.clients.metadata import ClientAlgorithms, ClientMetadata
from idp.provider.housekeeping import forget_finished
from idp.provider.tables import one_time_values
from tests.idp.provider.bent_jwts import MUTATIONS, PAYLOADS
from tests.idp.provider.proving import (
    CREDENTIALS,
    HIGH,
    PROVER,
    add_provers,
    asserted,
    assertion,
    assertion_claims,
    post,
)
from tests.idp.provider.signed_requests import JWKS, KEYS, OTHER_EC_KEY, RSA_KEY, sign
from tests.idp.provider.world import ISSUER, World, open_world
from tests.servers import Stack


@pytest.fixture(scope="module")
async def apps(shared_world: World) -> World:
    """The shared world with the apps that sign."""
    await add_provers(shared_world)
    return shared_world


async def refused(world: World, token: str, *, path: str = "/oauth/token", **form: str) -> None:
    """Present an assertion; it is refused as any failed client is, with one entry and without a challenge."""
    before = len(await world.entries())
    response = await post(world, path, {**CREDENTIALS, "token": "x", **asserted(token), **form})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), response.text
    assert response.headers["cache-control"] == "no-store"
    assert "www-authenticate" not in response.headers
    assert len(await world.entries()) == before + 1


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
@pytest.mark.parametrize("alg", KEYS)
async def test_a_signed_assertion_proves_the_client(apps: World, path: str, alg: str) -> None:
    """Positive control, with every algorithm of the plain policy at every endpoint."""
    token = sign(assertion_claims(apps, "prover"), alg=alg, typ="JWT")
    response = await post(apps, path, {**CREDENTIALS, "token": "x", **asserted(token)})
    assert response.status_code == 200, response.text


VARIANTS: dict[str, dict[str, Any]] = {
    "no typ": {"header": {"typ": None}},
    "the type of the drafts": {"header": {"typ": "client-authentication+jwt"}},
    "no kid": {"header": {"kid": None}},
    "no iat": {"iat": None},
    "the token endpoint as audience": {"aud": f"{ISSUER}/oauth/token"},
    "a numeric date with a fraction": {"exp": 0.5},
    "nbf now": {"nbf": 0},
    "iat ten seconds ahead": {"iat": 10},
    "five minutes of life": {"exp": 300},
}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
async def test_legitimate_variants_work(apps: World, changes: dict[str, Any]) -> None:
    """Positive controls; numbers count from now."""
    changes = _from_now(apps, changes)
    if "exp" in changes and isinstance(changes["exp"], float):
        changes["exp"] += 30
    response = await post(apps, "/oauth/token", {**CREDENTIALS, **asserted(assertion(apps, "prover", **changes))})
    assert response.status_code == 200, response.text


WRONG: dict[str, dict[str, Any]] = {
    "K10 no exp": {"exp": None},
    "K10 expired": {"exp": -1},
    "J17 exp is now": {"exp": 0},
    "K10 too long": {"exp": 361},
    "K10 nbf ahead": {"nbf": 61},
    "J19 iat ahead": {"iat": 61},
    "J17 exp as text": {"exp": "9999999999"},
    "J17 exp true": {"exp": True},
    "J17 exp huge": {"exp": 10**30},
    "J17 exp negative": {"exp": -(10**12)},
    "no jti": {"jti": None},
    "jti empty": {"jti": ""},
    "jti a number": {"jti": [7]},
    "jti very long": {"jti": "j" * 600},
    "K10 iss differs": {"iss": "high"},
    "K10 sub differs": {"sub": "high"},
    "no sub": {"sub": None},
    "J23 sub of another type": {"sub": ["prover"]},
    "J20 no aud": {"aud": None},
    "J20 another issuer": {"aud": "https://id.other.test"},
    "J21 trailing slash": {"aud": f"{ISSUER}/"},
    "J21 case": {"aud": ISSUER.upper()},
    "J20 a list": {"aud": [ISSUER]},
    "J20 a list with others": {"aud": [ISSUER, "https://attacker.test"]},
    "J20 prefix": {"aud": f"{ISSUER}.attacker.test"},
    "J20 another endpoint": {"aud": f"{ISSUER}/oauth/introspect"},
    "type of a proof": {"header": {"typ": "dpop+jwt"}},
    "type of an access token": {"header": {"typ": "at+jwt"}},
    "type of a request object": {"header": {"typ": "oauth-authz-req+jwt"}},
    "J05 jku": {"header": {"jku": "https://attacker.test/jwks"}},
    "J05 x5u": {"header": {"x5u": "https://attacker.test/x"}},
    "J05 x5c": {"header": {"x5c": ["AA"]}},
    "J04 jwk": {"header": {"jwk": OTHER_EC_KEY.as_dict(private=False)}},
    "J07 crit": {"header": {"crit": ["exp"]}},
    "J07 empty crit": {"header": {"crit": []}},
    "J08 b64": {"header": {"b64": False}},
    "unknown kid": {"header": {"kid": "unknown"}},
    "J16 kid a number": {"header": {"kid": 7}},
    "J27 another key": {"header": {"key": OTHER_EC_KEY}},
    "J27 another key under the registered name": {"header": {"key": OTHER_EC_KEY, "kid": KEYS["ES256"].kid}},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
async def test_wrong_assertions_prove_nothing(apps: World, changes: dict[str, Any]) -> None:
    """K10 and area G: one rule broken at a time."""
    await refused(apps, assertion(apps, "prover", **_from_now(apps, changes)))


def _from_now(world: World, changes: dict[str, Any]) -> dict[str, Any]:
    at = int(world.now.timestamp())
    return {
        name: at + value if isinstance(value, int | float) and not isinstance(value, bool) else value
        for name, value in changes.items()
    }


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_mutated_assertions_prove_nothing(apps: World, mutate: Callable[[str], str]) -> None:
    """J01–J32 × client assertion."""
    await refused(apps, mutate(assertion(apps, "prover")))


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
async def test_signed_nonsense_proves_nothing(apps: World, payload: bytes) -> None:
    """J16, J17: the client's own signature over what is no set of claims."""
    await refused(apps, sign(payload, typ="JWT"))


async def test_high_policies_take_the_issuer_alone(apps: World) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1: the audience is the issuer, one string."""
    for audience in (f"{ISSUER}/oauth/token", f"{ISSUER}/oauth/introspect", [ISSUER]):
        await refused(apps, assertion(apps, "high", aud=audience), path="/oauth/introspect")
    sound = {"token": "x", **asserted(assertion(apps, "high"))}
    assert (await post(apps, "/oauth/introspect", sound)).json() == {"active": False}


async def test_high_policies_take_no_rs256(apps: World) -> None:
    """J03, FAPI 2.0 Security Profile §5.4.1: a good signature with an algorithm outside the policy."""
    for alg, status in (("RS256", 401), ("PS256", 200), ("EdDSA", 200)):
        token = sign(assertion_claims(apps, "high"), alg=alg, typ="JWT")
        response = await post(apps, "/oauth/introspect", {"token": "x", **asserted(token)})
        assert response.status_code == status


async def test_the_registered_algorithm_is_the_only_one(world: World) -> None:
    """OpenID Connect Registration §2, `token_endpoint_auth_signing_alg`."""
    algorithms = ClientAlgorithms(token_endpoint_auth_signing_alg="PS256")
    await add_provers(world, replace(PROVER, metadata=ClientMetadata(jwks=JWKS, algorithms=algorithms)))
    await refused(world, assertion(world, "prover"))
    token = sign(assertion_claims(world, "prover"), alg="PS256", key=RSA_KEY, typ="JWT")
    assert (await post(world, "/oauth/token", {**CREDENTIALS, **asserted(token)})).status_code == 200


@pytest.mark.parametrize(
    "parts",
    [
        {"client_assertion": ""},
        {"client_assertion_type": ""},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_id": "high"},
    ],
)
async def test_incomplete_parameters_prove_nothing(apps: World, parts: dict[str, str]) -> None:
    """RFC 7521 §4.2: both parameters, the type of this profile, and no other client's name beside them."""
    await refused(apps, assertion(apps, "prover"), **parts)


async def test_an_assertion_beside_a_secret_is_two_methods(apps: World) -> None:
    """K02."""
    form = {**CREDENTIALS, **asserted(assertion(apps, "prover")), "client_id": "prover", "client_secret": "x"}
    response = await post(apps, "/oauth/token", form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_the_method_is_the_registered_one(apps: World) -> None:
    """K03, K04, K11: a signing client is proved by nothing else, and its assertion proves no other client."""
    for form in ({"client_id": "prover"}, {"client_id": "prover", "client_secret": "x"}):
        response = await post(apps, "/oauth/token", {**CREDENTIALS, **form})
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    await refused(apps, assertion(apps, "gzf"))
    await refused(apps, assertion(apps, "counter-app"))


async def test_unknown_clients_look_like_wrong_signatures(apps: World) -> None:
    """K07: nothing in the answer tells them apart."""
    answers = []
    for client_id, key in (("nobody", KEYS["ES256"]), ("prover", OTHER_EC_KEY)):
        token = assertion(apps, client_id, header={"key": key})
        answers.append(await post(apps, "/oauth/token", {**CREDENTIALS, **asserted(token)}))
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)


async def test_an_assertion_counts_once_whatever_it_was_for(apps: World) -> None:
    """K08: also at another endpoint, and although the request it came with failed."""
    token = assertion(apps, "prover")
    failed = await post(apps, "/oauth/token", {"grant_type": "authorization_code", "code": "x", **asserted(token)})
    assert failed.json()["error"] == "invalid_grant"
    for path in ("/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        await refused(apps, token, path=path)


async def test_a_refused_assertion_is_not_spent(apps: World) -> None:
    """Nobody spends an identifier without the client's key."""
    jti = secrets.token_hex(8)
    await refused(apps, assertion(apps, "prover", jti=jti, header={"key": OTHER_EC_KEY, "kid": KEYS["ES256"].kid}))
    response = await post(apps, "/oauth/token", {**CREDENTIALS, **asserted(assertion(apps, "prover", jti=jti))})
    assert response.status_code == 200


async def test_two_clients_may_use_one_identifier(apps: World) -> None:
    """RFC 7519 §4.1.7: a `jti` is the issuer's own."""
    jti = secrets.token_hex(8)
    for client_id in ("prover", "high"):
        form = {"token": "x", **asserted(assertion(apps, client_id, jti=jti))}
        assert (await post(apps, "/oauth/introspect", form)).status_code == 200


async def test_fifty_at_once_on_two_nodes_and_one_wins(stack: Stack, world: World) -> None:
    """K08: two processes' worth of providers on one database; the rest are refused like any replay."""
    await add_provers(world, PROVER)
    async with open_world(stack) as other:
        token = assertion(world, "prover")
        form = {**CREDENTIALS, **asserted(token)}
        answers = await asyncio.gather(*(post((world, other)[n % 2], "/oauth/token", form) for n in range(50)))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 49
        await refused(other, token)


async def test_used_identifiers_are_forgotten_when_their_time_is_over(world: World) -> None:
    """Storage is bounded: the row lives as long as the assertion, and the assertion is refused by then."""
    await add_provers(world, HIGH)
    token = assertion(world, "high", exp=int(world.now.timestamp()) + 60)
    await post(world, "/oauth/introspect", {"token": "x", **asserted(token)})
    assert len(await world.rows(one_time_values)) == 1
    for span, kept in ((59, 1), (1, 0)):
        world.later(seconds=span)
        await forget_finished(provider=world.provider, now=world.now)
        assert len(await world.rows(one_time_values)) == kept
    await world.provider.feed.catch_up()
    await refused(world, token, path="/oauth/introspect")


async def test_the_identifier_is_kept_as_a_digest(world: World) -> None:
    """Nothing that a client sent stands in the table."""
    await add_provers(world, PROVER)
    await post(world, "/oauth/token", {**CREDENTIALS, **asserted(assertion(world, "prover", jti="a-telling-name"))})
    (row,) = await world.rows(one_time_values)
    assert len(row["digest"]) == 32


def test_the_other_key_is_another() -> None:
    """Control of the cases above."""
    assert isinstance(OTHER_EC_KEY, ECKey)
    assert OTHER_EC_KEY.thumbprint() != KEYS["ES256"].thumbprint()
