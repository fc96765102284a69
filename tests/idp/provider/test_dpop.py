"""DPoP (RFC 9449): proofs, the tokens they bind, and everybody who must not use them (area K)."""

import asyncio
import secrets
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from idp.provider.proof.dpop import make_nonce
from tests.idp.provider.bent_jwts import MUTATIONS, PAYLOADS
from tests.idp.provider.proving import (
    CREDENTIALS,
    PROVER,
    add_provers,
    ask_token,
    dpop_proof,
)
from tests.idp.provider.signed_requests import EC_KEY, ED_KEY, OTHER_EC_KEY, RSA_KEY, sign
from tests.idp.provider.world import ISSUER, World, claims_of_jwt, open_world
from tests.servers import Stack

TOKEN = "/oauth/token"
USERINFO = "/oauth/userinfo"


@pytest.fixture(scope="module")
async def apps(shared_world: World) -> World:
    """The shared world with the apps that prove possession."""
    await add_provers(shared_world)
    return shared_world


async def refused(world: World, *proofs: str, error: str = "invalid_dpop_proof") -> None:
    """Ask for a token with these proofs: nothing is issued, and one entry says so."""
    before = len(await world.entries())
    response = await ask_token(world, "prover", CREDENTIALS, proofs=proofs)
    assert (response.status_code, response.json()["error"]) == (400, error), response.text
    assert len(await world.entries()) == before + 1


@pytest.mark.parametrize(
    ("alg", "key"), [("ES256", EC_KEY), ("PS256", RSA_KEY), ("EdDSA", ED_KEY), ("Ed25519", ED_KEY)]
)
async def test_a_proof_binds_the_token(apps: World, alg: str, key: Any) -> None:
    """RFC 9449 §5, §6.1: `token_type` DPoP and the thumbprint in `cnf`."""
    response = await ask_token(apps, "prover", CREDENTIALS, proofs=(dpop_proof(apps, key, TOKEN, alg=alg),))
    assert response.status_code == 200, response.text
    assert response.json()["token_type"] == "DPoP"
    assert claims_of_jwt(response.json()["access_token"])["cnf"] == {"jkt": key.thumbprint()}
    assert (await apps.entries())[-1]["details"]["cnf"] == "jkt"


async def test_without_a_proof_the_token_is_a_bearer_token(apps: World) -> None:
    """Control: the plain policy binds what is asked to be bound."""
    body = (await ask_token(apps, "prover", CREDENTIALS)).json()
    assert body["token_type"] == "Bearer"
    assert "cnf" not in claims_of_jwt(body["access_token"])


@pytest.mark.parametrize("client_id", ["high", "high-signed"])
async def test_high_policies_issue_no_unbound_token(apps: World, client_id: str) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1: sender-constrained tokens alone."""
    response = await ask_token(apps, client_id, CREDENTIALS)
    assert (response.status_code, response.json()["error_code"]) == (400, "21116")


GOOD: dict[str, dict[str, Any]] = {
    "M06 ten seconds ahead": {"iat": 10},
    "M06 ten seconds old": {"iat": -10},
    "a minute old": {"iat": -60},
    "with a query": {"htu": f"{ISSUER}{TOKEN}?a=b"},
    "with a fragment": {"htu": f"{ISSUER}{TOKEN}#here"},
    "default port": {"htu": f"{ISSUER}:443{TOKEN}"},
    "host in capitals": {"htu": f"https://ID.QINGYU.TEST{TOKEN}"},
    "claims of its own": {"extra": {"a": [1]}},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
async def test_legitimate_variants_work(apps: World, changes: dict[str, Any]) -> None:
    """Positive controls (RFC 9449 §4.3, RFC 3986 §6.2); numbers count from now."""
    proof = dpop_proof(apps, EC_KEY, TOKEN, **_from_now(apps, changes))
    assert (await ask_token(apps, "prover", CREDENTIALS, proofs=(proof,))).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "M02 another method": {"htm": "GET"},
    "M02 method in small letters": {"htm": "post"},
    "M02 no method": {"htm": None},
    "M02 method a list": {"htm": ["POST"]},
    "M02 another host": {"htu": f"https://id.other.test{TOKEN}"},
    "M02 host as prefix": {"htu": f"{ISSUER}.attacker.test{TOKEN}"},
    "M02 user part": {"htu": f"https://x@id.qingyu.test{TOKEN}"},
    "M02 another scheme": {"htu": f"http://id.qingyu.test{TOKEN}"},
    "M02 another port": {"htu": f"{ISSUER}:444{TOKEN}"},
    "M02 bad port": {"htu": f"{ISSUER}:port{TOKEN}"},
    "M02 another path": {"htu": f"{ISSUER}{USERINFO}"},
    "M02 path in capitals": {"htu": f"{ISSUER}/OAUTH/TOKEN"},
    "M02 trailing slash": {"htu": f"{ISSUER}{TOKEN}/"},
    "M02 dot segments": {"htu": f"{ISSUER}/x/..{TOKEN}"},
    "M02 white space": {"htu": f" {ISSUER}{TOKEN}"},
    "M02 line feed": {"htu": f"{ISSUER}/oauth/to\nken"},
    "M02 backslash": {"htu": f"{ISSUER}\\oauth/token"},
    "M02 no address": {"htu": None},
    "M02 address a number": {"htu": [7]},
    "M02 path alone": {"htu": TOKEN},
    "M02 iat 61 s ahead": {"iat": 61},
    "M02 iat 61 s old": {"iat": -61},
    "J19 no iat": {"iat": None},
    "J17 iat as text": {"iat": "now"},
    "J17 iat true": {"iat": True},
    "M02 no jti": {"jti": None},
    "jti empty": {"jti": ""},
    "jti a list": {"jti": ["a"]},
    "jti very long": {"jti": "j" * 600},
    "nonce a number": {"nonce": ["n"]},
    "M02 typ": {"header": {"typ": "JWT"}},
    "no typ": {"header": {"typ": None}},
    "typ of an assertion": {"header": {"typ": "client-authentication+jwt"}},
    "no jwk": {"header": {"jwk": None}},
    "jwk a text": {"header": {"jwk": "key"}},
    "M02 private key": {"header": {"jwk": EC_KEY.as_dict(private=True)}},
    "symmetric key": {"header": {"jwk": {"kty": "oct", "k": "AAAA"}}},
    "another key": {"header": {"jwk": OTHER_EC_KEY.as_dict(private=False)}},
    "jwk of another kind": {"header": {"jwk": RSA_KEY.as_dict(private=False)}},
    "J24 point off the curve": {"header": {"jwk": {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}}},
    "another curve": {"header": {"jwk": ECKey.generate_key("P-384").as_dict(private=False)}},
    "J05 jku": {"header": {"jku": "https://attacker.test"}},
    "J05 x5c": {"header": {"x5c": ["AA"]}},
    "J07 crit": {"header": {"crit": ["htm"]}},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
async def test_wrong_proofs_are_refused(apps: World, changes: dict[str, Any]) -> None:
    """M02, RFC 9449 §4.3: one rule broken at a time."""
    await refused(apps, dpop_proof(apps, EC_KEY, TOKEN, **_from_now(apps, changes)))


def _from_now(world: World, changes: dict[str, Any]) -> dict[str, Any]:
    at = int(world.now.timestamp())
    return {
        name: at + value if name == "iat" and isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in changes.items()
    }


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_mutated_proofs_are_refused(apps: World, mutate: Callable[[str], str]) -> None:
    """J01–J32 × DPoP proof."""
    bent = mutate(dpop_proof(apps, EC_KEY, TOKEN))
    lines = [(b"dpop", bent.encode("latin-1")), (b"content-type", b"application/x-www-form-urlencoded")]
    credentials = apps.credentials("gzf", {"grant_type": "client_credentials", "scope": "license.lookup"})
    async with apps.http() as http:
        response = await http.post(TOKEN, headers=lines, **credentials)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
async def test_signed_nonsense_is_refused(apps: World, payload: bytes) -> None:
    """J16, J17: the key's own signature over what is no set of claims."""
    await refused(apps, sign(payload, typ="dpop+jwt", kid=None, jwk=EC_KEY.as_dict(private=False)))


async def test_algorithms_outside_the_list_are_refused(apps: World) -> None:
    """J03: the signature is good, the algorithm is not taken (FAPI 2.0 Security Profile §5.4.1)."""
    await refused(apps, dpop_proof(apps, RSA_KEY, TOKEN, alg="RS256"))


@pytest.mark.parametrize("bits", [1_024, 4_608])
async def test_rsa_keys_of_unusual_size_are_refused(apps: World, bits: int) -> None:
    """J24: too short to mean anything, too long to be cheap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        key = RSAKey.generate_key(bits)
    await refused(apps, dpop_proof(apps, key, TOKEN, alg="PS256"))


async def test_two_proofs_are_one_too_many(apps: World) -> None:
    """M02, RFC 9449 §4.3, item 1: even when both are good."""
    await refused(apps, dpop_proof(apps, EC_KEY, TOKEN), dpop_proof(apps, EC_KEY, TOKEN))


async def test_a_proof_counts_once(apps: World) -> None:
    """RFC 9449 §11.1: the second use is refused, also by another client and for another door."""
    proof = dpop_proof(apps, EC_KEY, TOKEN)
    assert (await ask_token(apps, "prover", CREDENTIALS, proofs=(proof,))).status_code == 200
    await refused(apps, proof)


async def test_identifiers_belong_to_a_key(apps: World) -> None:
    """Nobody spends the identifiers of others."""
    jti = secrets.token_hex(8)
    for key in (EC_KEY, OTHER_EC_KEY):
        proof = dpop_proof(apps, key, TOKEN, jti=jti)
        assert (await ask_token(apps, "prover", CREDENTIALS, proofs=(proof,))).status_code == 200


async def test_fifty_at_once_on_two_nodes_and_one_wins(stack: Stack, world: World) -> None:
    """K08 for proofs: two processes' worth of providers on one database."""
    async with open_world(stack) as other:
        proof = dpop_proof(world, EC_KEY, TOKEN)
        world_of = (world, other)
        other.secrets = world.secrets

        async def ask(node: World) -> int:
            credentials = node.credentials("gzf", {"grant_type": "client_credentials", "scope": "license.lookup"})
            async with node.http() as http:
                return (await http.post(TOKEN, headers={"DPoP": proof}, **credentials)).status_code

        answers = await asyncio.gather(*(ask(world_of[number % 2]) for number in range(50)))
        assert sorted(answers) == [200] + [400] * 49


async def test_policy_high_signed_wants_a_nonce(apps: World) -> None:
    """M05, RFC 9449 §8: the refusal brings the nonce, and with it the request goes through."""
    response = await ask_token(apps, "high-signed", CREDENTIALS, proofs=(dpop_proof(apps, EC_KEY, TOKEN),))
    assert (response.status_code, response.json()["error"]) == (400, "use_dpop_nonce")
    nonce = response.headers["dpop-nonce"]
    proof = dpop_proof(apps, EC_KEY, TOKEN, nonce=nonce)
    answered = await ask_token(apps, "high-signed", CREDENTIALS, proofs=(proof,))
    assert (answered.status_code, answered.json()["token_type"]) == (200, "DPoP")
    assert "dpop-nonce" not in answered.headers


async def test_a_refused_proof_is_not_spent_for_its_nonce(apps: World) -> None:
    """The same identifier goes through once the nonce is right."""
    jti = secrets.token_hex(8)
    first = await ask_token(apps, "high-signed", CREDENTIALS, proofs=(dpop_proof(apps, EC_KEY, TOKEN, jti=jti),))
    proof = dpop_proof(apps, EC_KEY, TOKEN, jti=jti, nonce=first.headers["dpop-nonce"])
    assert (await ask_token(apps, "high-signed", CREDENTIALS, proofs=(proof,))).status_code == 200


@pytest.mark.parametrize("nonce", ["", "nonce", "A" * 75, "A" * 4_000, "é"])
async def test_foreign_nonces_are_no_nonces(apps: World, nonce: str) -> None:
    """A nonce that is sent must be ours, also where none is required (RFC 9449 §4.3, item 10)."""
    await refused(apps, dpop_proof(apps, EC_KEY, TOKEN, nonce=nonce), error="use_dpop_nonce")


async def test_an_old_nonce_is_over_and_an_ageing_one_is_replaced(world: World) -> None:
    """RFC 9449 §8.2: a fresh nonce comes with the answer before the old one is refused."""
    await add_provers(world, PROVER)
    nonce = make_nonce(world.provider.sealer, now=world.now)
    for span, status in ((100, 200), (100, 200), (101, 400)):
        world.later(seconds=span)
        await world.provider.feed.catch_up()
        proof = dpop_proof(world, EC_KEY, TOKEN, nonce=nonce)
        response = await ask_token(world, "prover", CREDENTIALS, proofs=(proof,))
        assert response.status_code == status
    assert response.json()["error"] == "use_dpop_nonce"
    entries = [entry.get("code") for entry in await world.entries()]
    assert entries[-1] == "21121"


async def test_the_fresh_nonce_works(world: World) -> None:
    """The header of a good answer holds a usable one."""
    await add_provers(world, PROVER)
    nonce = make_nonce(world.provider.sealer, now=world.now)
    world.later(seconds=200)
    await world.provider.feed.catch_up()
    for _ in range(2):
        proof = dpop_proof(world, EC_KEY, TOKEN, nonce=nonce)
        response = await ask_token(world, "prover", CREDENTIALS, proofs=(proof,))
        assert response.status_code == 200
        nonce = response.headers.get("dpop-nonce", nonce)


async def test_a_proof_of_another_door_is_worth_nothing_here(apps: World) -> None:
    """M02: a proof for userinfo does not bind a token, and the parameters of a form are no header."""
    await refused(apps, dpop_proof(apps, EC_KEY, USERINFO))
    form = {**CREDENTIALS, "dpop": dpop_proof(apps, EC_KEY, TOKEN)}
    assert (await ask_token(apps, "prover", form)).json()["token_type"] == "Bearer"
