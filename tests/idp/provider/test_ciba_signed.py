"""CIBA requests and hints that the client signs (CIBA Core §7.1.1, FAPI-CIBA §5.2.2), and tokens bound to its keys."""

import dataclasses
import json
from typing import Any

import pytest

from idp.provider.clients.metadata import ClientAlgorithms
from idp.provider.clients.policies import CIBA
from idp.provider.decoupled.confirmation import ConfirmationView
from tests.idp.provider.decoupled_world import (
    COUNTER,
    Phone,
    ask_ciba,
    error_of,
    poll_ciba,
)
from tests.idp.provider.proving import ask_token, dpop_proof
from tests.idp.provider.signed_requests import EC_KEY, JWKS, OTHER_EC_KEY, encoded, sign
from tests.idp.provider.world import ISSUER, LICENSES, ZHANG, World, claims_of_jwt


async def test_signed_requests_ring_once_and_unsigned_ones_never(world: World, phone: Phone) -> None:
    """CIBA Core §7.1.1: a client with a registered algorithm sends nothing unsigned, nothing beside the JWT, and each JWT once."""
    await add_signing_counter(world)
    assert error_of(await ask_ciba(world, "signing")) == (400, "invalid_request")
    assert (await world.last_entry())[2] == "21139"
    request = sign(request_claims(world), typ="JWT")
    for beside in (
        {"scope": "openid"},
        {"login_hint": "13800000001"},
        {"binding_message": "x"},
        {"resource": LICENSES},
    ):
        response = await world.ask("/oauth/ciba", "signing", request=request, **beside)
        assert error_of(response) == (400, "invalid_request")
    begun = await world.ask("/oauth/ciba", "signing", request=request)
    assert begun.status_code == 200, begun.text
    assert begun.json()["expires_in"] == 120
    (request_id,) = await phone.waiting()
    shown = await phone.look(request_id)
    assert isinstance(shown, ConfirmationView)
    assert shown.request.binding_message == "QY-0042"
    assert error_of(await world.ask("/oauth/ciba", "signing", request=request)) == (400, "invalid_request")
    assert len(await phone.waiting()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "https://elsewhere.test"},
        {"iss": None},
        {"iss": "counter"},
        {"exp": None},
        {"exp": 1},
        {"exp": 4_200},
        {"iat": None},
        {"nbf": None},
        {"nbf": 600},
        {"nbf": -4_200},
        {"jti": None},
        {"jti": ""},
        {"scope": ["openid"]},
        {"requested_expiry": True},
        {"login_hint": None},
    ],
)
async def test_signed_requests_that_are_not_taken(world: World, phone: Phone, changes: dict[str, Any]) -> None:
    """FAPI-CIBA §5.2.2: every time, the audience, the issuer and the identifier are required and judged; small numbers are seconds from now."""
    await add_signing_counter(world)
    at = int(world.now.timestamp())
    times = {
        name: at + value if name in ("exp", "nbf") and value not in (None, 1) else value
        for name, value in changes.items()
    }
    request = sign(request_claims(world, **times), typ="JWT")
    assert error_of(await world.ask("/oauth/ciba", "signing", request=request)) == (400, "invalid_request")
    assert await phone.waiting() == []


async def test_signatures_that_are_not_the_clients(world: World, phone: Phone) -> None:
    """Another key, another algorithm than the registered one, none at all, and another client's request."""
    await add_signing_counter(world)
    claims = request_claims(world)
    header, payload, _ = sign(claims, typ="JWT").split(".")
    unsigned = encoded(b'{"alg":"none"}')
    for request in (
        sign(claims, key=OTHER_EC_KEY, typ="JWT"),
        sign(claims, alg="PS256", typ="JWT"),
        f"{unsigned}.{payload}.",
        f"{header}.{payload}.",
        sign(claims, typ="dpop+jwt"),
    ):
        assert error_of(await world.ask("/oauth/ciba", "signing", request=request)) == (400, "invalid_request")
    assert await phone.waiting() == []


async def test_a_signed_hint_names_the_person(world: World, phone: Phone) -> None:
    """CIBA Core §7.1 login_hint_token: a JWT of the client with a subject identifier of RFC 9493; expired has its own error."""
    await add_signing_counter(world, alg=None)
    at = int(world.now.timestamp())
    claims = {"iss": "signing", "aud": ISSUER, "iat": at, "nbf": at, "exp": at + 60, "jti": "h"}
    by_phone = {"format": "phone_number", "phone_number": "+8613800000001"}
    for sub_id, expected in (
        (by_phone, 200),
        ({"format": "opaque", "id": ZHANG}, 200),
        ({"format": "email", "email": "a@b.c"}, 400),
        ("13800000001", 400),
        (None, 400),
    ):
        token = sign({**claims, "sub_id": sub_id}, typ="JWT")
        answer = await ask_ciba(world, "signing", login_hint="", login_hint_token=token)
        assert answer.status_code == expected
        assert expected == 200 or answer.json()["error"] == "unknown_user_id"
    late = sign({**claims, "exp": at - 1, "sub_id": by_phone}, typ="JWT")
    answer = await ask_ciba(world, "signing", login_hint="", login_hint_token=late)
    assert error_of(answer) == (400, "expired_login_hint_token")
    assert len(await phone.waiting()) == 2


@pytest.mark.parametrize("policy", ["high", "baseline"])
async def test_bound_tokens_stay_bound(world: World, phone: Phone, policy: str) -> None:
    """FAPI 2.0 §5.3.2: under `high` a bearer token is never issued; whoever shows a proof gets a token bound to its key."""
    registration = dataclasses.replace(
        COUNTER,
        client_id="bound",
        policy=policy,
        token_endpoint_auth_method="private_key_jwt",
        metadata=dataclasses.replace(COUNTER.metadata, jwks=JWKS),
    )
    await world.add_client(registration)
    form = {"scope": "openid profile", "login_hint": "13800000001"}
    begun = (await ask_token(world, "bound", form, path="/oauth/ciba")).json()
    poll = {"grant_type": CIBA, "auth_req_id": begun["auth_req_id"]}
    await phone.agree((await phone.waiting())[0])
    if policy == "high":
        assert (await ask_token(world, "bound", poll)).status_code == 400
    answer = await ask_token(world, "bound", poll, proofs=(dpop_proof(world, EC_KEY, "/oauth/token"),))
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    assert claims_of_jwt(answer.json()["access_token"])["cnf"] == {"jkt": EC_KEY.thumbprint()}


async def add_signing_counter(world: World, alg: str | None = "ES256") -> None:
    """Register a counter that signs its requests."""
    algorithms = ClientAlgorithms(backchannel_authentication_request_signing_alg=alg)
    metadata = dataclasses.replace(COUNTER.metadata, algorithms=algorithms, jwks=JWKS)
    await world.add_client(dataclasses.replace(COUNTER, client_id="signing", metadata=metadata))


def request_claims(world: World, **changes: Any) -> dict[str, Any]:
    """Return the claims of a sound signed request, changed as asked; None leaves one out."""
    at = int(world.now.timestamp())
    claims: dict[str, Any] = {
        "iss": "signing",
        "aud": ISSUER,
        "iat": at,
        "nbf": at,
        "exp": at + 300,
        "jti": "j-1",
        "scope": "openid profile",
        "login_hint": "13800000001",
        "binding_message": "QY-0042",
        "requested_expiry": 120,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


@pytest.mark.parametrize("is_signed", [False, True])
async def test_a_counter_asks_for_licenses(world: World, phone: Phone, is_signed: bool) -> None:
    """RFC 9396 over CIBA: what is to be read, how far and what for stands on the phone; the token carries what was agreed to."""
    metadata = dataclasses.replace(COUNTER.metadata, jwks=JWKS, authorization_details_types=("electronic_license",))
    await world.add_client(dataclasses.replace(COUNTER, client_id="signing", metadata=metadata))
    details = {
        "type": "electronic_license",
        "actions": ["read"],
        "license_types": ["11100000000013127D001"],
        "grade": "masked",
        "fields": ["holder_name"],
        "purpose": "公租房资格审核",
    }
    if is_signed:
        request = sign(request_claims(world, authorization_details=[details]), typ="JWT")
        begun = await world.ask("/oauth/ciba", "signing", request=request)
    else:
        begun = await ask_ciba(world, "signing", authorization_details=json.dumps([details]))
    assert begun.status_code == 200, begun.text
    (request_id,) = await phone.waiting()
    shown = await phone.look(request_id)
    assert isinstance(shown, ConfirmationView)
    assert "公租房资格审核" in [item.purpose for item in shown.view.items]
    await phone.agree(request_id)
    answer = await poll_ciba(world, begun.json()["auth_req_id"], "signing")
    assert answer.status_code == 200, answer.text
    assert [entry["purpose"] for entry in answer.json()["authorization_details"]] == ["公租房资格审核"]
    assert LICENSES in claims_of_jwt(answer.json()["access_token"])["aud"]
    unusable = await ask_ciba(world, "signing", authorization_details=json.dumps([{**details, "type": "other"}]))
    assert error_of(unusable) == (400, "invalid_authorization_details")
