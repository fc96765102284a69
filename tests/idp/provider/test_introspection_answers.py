"""Introspection as a signed JWT (RFC 9701): evidence for the resource, and nothing that could pass as a token."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import KeySet

from idp.provider.clients.metadata import ClientAlgorithms, ClientMetadata, Encryption
from tests.idp.provider.proving import CREDENTIALS, PROVER, VERIFIER_SERVICE, add_provers, ask_token, dpop_proof
from tests.idp.provider.signed_requests import EC_KEY, RSA_KEY
from tests.idp.provider.world import ISSUER, LICENSE_API, World

JWT_FORM = "application/token-introspection+jwt"
INTROSPECT = "/oauth/introspect"


@pytest.fixture(scope="module")
async def apps(shared_world: World) -> World:
    """The shared world with resources that want evidence."""
    encrypted = {"keys": [{**RSA_KEY.as_dict(private=False), "use": "enc"}]}
    algorithms = ClientAlgorithms(introspection_encrypted_response=Encryption("RSA-OAEP-256", "A256GCM"))
    await add_provers(
        shared_world,
        PROVER,
        VERIFIER_SERVICE,
        replace(
            LICENSE_API,
            client_id="reader",
            sector="reader",
            metadata=ClientMetadata(jwks=encrypted, algorithms=algorithms),
        ),
        replace(LICENSE_API, client_id="stranger", sector="stranger", introspects=()),
    )
    return shared_world


async def ask(world: World, client_id: str, token: str, accept: str | None = JWT_FORM) -> Any:
    """Introspect as a client with a secret."""
    parts = world.credentials(client_id, {"token": token})
    async with world.http() as http:
        return await http.post(INTROSPECT, headers={} if accept is None else {"Accept": accept}, **parts)


async def a_token(world: World) -> str:
    """Get a token that is bound to a key."""
    answer = await ask_token(world, "prover", CREDENTIALS, proofs=(dpop_proof(world, EC_KEY, "/oauth/token"),))
    token: str = answer.json()["access_token"]
    return token


async def opened(world: World, text: str, alg: str = "ES256") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a JWT that our published keys verify."""
    async with world.http() as http:
        keys = KeySet.import_key_set((await http.get("/oauth/jwks")).json())
    found = jwt.decode(text, keys, [alg])
    return dict(found.header), dict(found.claims)


async def test_the_answer_is_signed_for_the_resource(apps: World) -> None:
    """RFC 9701 §5: issuer, audience, time, and the members inside alone."""
    response = await ask(apps, "license-api", await a_token(apps))
    assert response.headers["content-type"] == JWT_FORM
    assert response.headers["cache-control"] == "no-store"
    header, claims = await opened(apps, response.text)
    assert header["typ"] == "token-introspection+jwt"
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert (claims["iss"], claims["aud"], claims["iat"]) == (ISSUER, "license-api", int(apps.now.timestamp()))
    inside = claims["token_introspection"]
    assert inside["active"] is True
    assert inside["cnf"] == {"jkt": EC_KEY.thumbprint()}
    assert inside["token_type"] == "DPoP"


@pytest.mark.parametrize(
    ("accept", "signed"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/jwt", False),
        (f"{JWT_FORM};q=0", False),
        (JWT_FORM.upper(), True),
        (f"application/json;q=0.5, {JWT_FORM};q=0.9", True),
    ],
)
async def test_the_form_is_what_was_asked_for(apps: World, accept: str | None, signed: bool) -> None:
    """RFC 9701 §4: JSON unless the JWT form is named."""
    response = await ask(apps, "license-api", await a_token(apps), accept)
    assert response.headers["content-type"] == (JWT_FORM if signed else "application/json")


@pytest.mark.parametrize("token", ["x", "a.b.c"])
async def test_a_dead_token_is_dead_in_every_form(apps: World, token: str) -> None:
    """RFC 9701 §5: `active` false and nothing else."""
    _, claims = await opened(apps, (await ask(apps, "license-api", token)).text)
    assert claims["token_introspection"] == {"active": False}


async def test_other_peoples_tokens_are_dead(apps: World) -> None:
    """T10: a resource that the token is not for learns nothing, in JWT form either."""
    _, claims = await opened(apps, (await ask(apps, "stranger", await a_token(apps))).text)
    assert claims["token_introspection"] == {"active": False}


async def test_the_answer_is_no_access_token(apps: World) -> None:
    """RFC 9701 §8.1: shown as a token it opens nothing."""
    answer = (await ask(apps, "license-api", await a_token(apps))).text
    assert (await apps.userinfo(answer)).status_code == 401
    assert (await ask(apps, "license-api", answer, None)).json() == {"active": False}


async def test_policy_high_signed_always_signs(apps: World) -> None:
    """FAPI 2.0 Message Signing §5.5: whatever the resource accepts."""
    response = await ask_token(apps, "verifier", {"token": await a_token(apps)}, path=INTROSPECT)
    assert response.headers["content-type"] == JWT_FORM
    _, claims = await opened(apps, response.text)
    assert claims["token_introspection"]["active"] is True


async def test_the_answer_is_encrypted_as_registered(apps: World) -> None:
    """RFC 9701 §6, `introspection_encrypted_response_alg`: signed first, then encrypted."""
    response = await ask(apps, "reader", await a_token(apps))
    assert response.text.count(".") == 4
    inside = jwe.decrypt_compact(response.text, RSA_KEY, algorithms=["RSA-OAEP-256", "A256GCM"])
    assert inside.plaintext is not None
    _, claims = await opened(apps, inside.plaintext.decode())
    assert (claims["aud"], claims["token_introspection"]["active"]) == ("reader", True)
