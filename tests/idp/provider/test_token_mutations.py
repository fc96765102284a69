"""Area G: every way of bending a JWT, at every place that takes one of ours."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.idp.provider.world import Browser, World, answer, authorization

ATTACKER = ECKey.generate_key("P-256")
_ATTACKERS_RSA = RSAKey.generate_key(2048)
ATTACKERS: dict[str, Key] = {
    "ES256": ATTACKER,
    "RS256": _ATTACKERS_RSA,
    "PS256": _ATTACKERS_RSA,
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
"""A key of the attacker's own for every algorithm that we sign with."""


def _b64(value: Any) -> str:
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, payload)]
    return decoded[0], decoded[1], signature


def _rehead(**changes: Any) -> Callable[[str], str]:
    def mutate(token: str) -> str:
        header, _, signature = _parts(token)
        return f"{_b64(header | changes)}.{token.split('.')[1]}.{signature}"

    return mutate


def _reclaim(**changes: Any) -> Callable[[str], str]:
    def mutate(token: str) -> str:
        _, claims, signature = _parts(token)
        return f"{token.split('.')[0]}.{_b64(claims | changes)}.{signature}"

    return mutate


def _resigned(**header: Any) -> Callable[[str], str]:
    def mutate(token: str) -> str:
        own, claims, _ = _parts(token)
        signing_input = f"{_b64({**own, **header})}.{_b64(claims)}"
        signature = JWSRegistry.algorithms[own["alg"]].sign(signing_input.encode(), ATTACKERS[own["alg"]])
        return f"{signing_input}.{_b64(signature)}"

    return mutate


def _unsigned(algorithm: str) -> Callable[[str], str]:
    def mutate(token: str) -> str:
        header, _, _ = _parts(token)
        return f"{_b64(header | {'alg': algorithm})}.{token.split('.')[1]}."

    return mutate


def _last_bit(token: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    position = alphabet.index(token[-1])
    return token[:-1] + alphabet[position ^ 1]


MUTATIONS: dict[str, Callable[[str], str]] = {
    "J01 none": _unsigned("none"),
    "J01 None": _unsigned("None"),
    "J01 nOnE": _unsigned("nOnE"),
    "J01 empty signature": lambda token: token.rsplit(".", 1)[0] + ".",
    "J01 two segments": lambda token: token.rsplit(".", 1)[0],
    "J03 HS256": _rehead(alg="HS256"),
    "J03 RS256": _rehead(alg="RS256"),
    "J03 ES256K": _rehead(alg="ES256K"),
    "J04 own jwk": _resigned(jwk=ATTACKER.as_dict(private=False)),
    "J05 jku": _rehead(jku="https://attacker.test/jwks"),
    "J05 x5u": _rehead(x5u="https://attacker.test/x"),
    "J07 crit": _rehead(crit=["bork"]),
    "J07 empty crit": _rehead(crit=[]),
    "J08 b64 false": _rehead(b64=False),
    "J08 JSON serialization": lambda token: json.dumps({"payload": token}),
    "J15 padded": lambda token: token + "=",
    "J15 last bit": _last_bit,
    "J15 white space": lambda token: token.replace(".", ". "),
    "J15 extra dot": lambda token: token + ".",
    "J15 non-ASCII": lambda token: token[:-1] + "值",
    "J16 null header": lambda token: f"{_b64(None)}.{token.split('.', 1)[1]}",
    "J16 array payload": lambda token: f"{token.split('.')[0]}.{_b64([])}.{token.split('.')[2]}",
    "J17 later exp": _reclaim(exp=9_999_999_999),
    "J20 other audience": _reclaim(aud="https://other.test"),
    "J21 other issuer": _reclaim(iss="https://id.other.test"),
    "J23 other subject": _reclaim(sub="somebody"),
    "J24 zero signature": lambda token: token.rsplit(".", 1)[0] + "." + _b64(bytes(64)),
    "J24 short signature": lambda token: token.rsplit(".", 1)[0] + "." + _b64(bytes(63)),
    "J27 foreign key, same kid": _resigned(),
    "J27 foreign key, own kid": _resigned(kid="attacker"),
    "very long": lambda token: token + "A" * 20_000,
    "empty": lambda token: "",
}


@pytest.fixture(scope="module")
async def tokens(shared_browser: Browser) -> dict[str, Any]:
    """Sound tokens, proved sound by the last test of the module's controls."""
    return await shared_browser.tokens_for()


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_mutated_token_opens_nothing(
    shared_world: World, shared_browser: Browser, tokens: dict[str, Any], mutate: Callable[[str], str]
) -> None:
    """RFC 8725: at userinfo, introspection, revocation, and as a hint at authorize and logout."""
    bent = mutate(tokens["access_token"])
    async with shared_world.http() as http:
        headers = [(b"authorization", f"Bearer {bent}".encode())]
        assert (await http.get("/oauth/userinfo", headers=headers)).status_code == 401
    if bent:
        introspected = await shared_world.ask("/oauth/introspect", "license-api", token=bent)
        assert introspected.json() == {"active": False}
        assert (await shared_world.ask("/oauth/revoke", "gzf", token=bent)).status_code == 200
        hint = mutate(tokens["id_token"])
        parameters = authorization(id_token_hint=hint, prompt="none")
        response = await shared_browser.post("/oauth/authorize", parameters)
        assert response.status_code == 400 or answer(response)["error"] == "invalid_request"
        asked = await shared_browser.post("/oauth/logout", {"id_token_hint": hint})
        assert "confirm" in asked.json()


async def test_sound_tokens_still_work(shared_world: World, shared_browser: Browser, tokens: dict[str, Any]) -> None:
    """Positive control: after all that, the tokens are what they were."""
    assert (await shared_world.userinfo(tokens["access_token"])).status_code == 200
    body = await shared_world.ask("/oauth/introspect", "license-api", token=tokens["access_token"])
    assert body.json()["active"] is True
    hinted = await shared_browser.authorize(id_token_hint=tokens["id_token"], prompt="none")
    assert "code" in answer(hinted)


async def test_published_keys_are_public(shared_world: World) -> None:
    """J28: no private and no symmetric member."""
    async with shared_world.http() as http:
        keys = (await http.get("/oauth/jwks")).json()["keys"]
    assert keys
    for key in keys:
        assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
