"""Area H: one method, the registered one, read strictly; every failure looks the same."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from idp.provider.registration.register import rotate_client_secret
from tests.idp.provider.world import ISSUER, World

FORM = {"grant_type": "client_credentials", "scope": "license.lookup"}
ENDPOINTS = ("/oauth/token", "/oauth/introspect", "/oauth/revoke")


def _basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


async def _send(world: World, path: str = "/oauth/token", **parts: Any) -> Any:
    form = {**FORM, "token": "x"} | parts.pop("form", {})
    async with world.http() as http:
        return await http.post(path, data=form, **parts)


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_two_methods_at_once_are_refused(shared_world: World, path: str) -> None:
    """K02, RFC 6749 §2.3."""
    secret = shared_world.secrets["gzf"]
    header = {"Authorization": _basic("gzf", secret)}
    in_body = {"client_id": "gzf", "client_secret": secret}
    response = await _send(shared_world, path, form=in_body, headers=header)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assertion = {"client_assertion": "a.b.c", "client_assertion_type": "x"}
    response = await _send(shared_world, path, form=assertion, headers=header)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_other_method_than_registered_is_refused(shared_world: World, path: str) -> None:
    """K03: the right secret by the wrong way proves nothing."""
    by_post = {"client_id": "gzf", "client_secret": shared_world.secrets["gzf"]}
    response = await _send(shared_world, path, form=by_post)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    by_basic = {"Authorization": _basic("qyfw", shared_world.secrets["qyfw"])}
    response = await _send(shared_world, path, headers=by_basic)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("form", [{}, {"client_id": "gzf"}, {"client_id": "nobody"}])
async def test_confidential_client_without_proof_is_refused(
    shared_world: World, path: str, form: dict[str, str]
) -> None:
    """K04."""
    response = await _send(shared_world, path, form=form)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" not in response.headers


async def test_public_client_may_not_introspect(shared_world: World) -> None:
    """Nobody introspects without a secret."""
    response = await _send(shared_world, "/oauth/introspect", form={"client_id": "counter-app"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


MALFORMED = {
    "not base64": "Basic !!!",
    "no colon": "Basic " + base64.b64encode(b"gzf").decode(),
    "empty": "Basic ",
    "no credentials": "Basic",
    "unpadded": _basic("gzf", "ab").rstrip("="),
    "inner white space": "Basic Z3 pmOmFi",
    "not UTF-8": "Basic " + base64.b64encode(b"gzf:\xff\xfe").decode(),
    "broken escape": "Basic " + base64.b64encode(b"gzf:%ff").decode(),
    "very long": "Basic " + base64.b64encode(b"gzf:" + b"a" * 9_000).decode(),
    "another scheme": "Bearer abc",
    "loose bits": "Basic Z3pmOmF=",
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_header_is_refused(shared_world: World, header: str) -> None:
    """K06: 401 and never a 5xx."""
    response = await _send(shared_world, headers={"Authorization": header})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_repeated_header_is_refused(shared_world: World) -> None:
    """K06: Basic twice, right both times."""
    header = ("Authorization", _basic("gzf", shared_world.secrets["gzf"]))
    response = await _send(shared_world, headers=[header, header])
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_failures_look_the_same(shared_world: World) -> None:
    """K07: unknown client and wrong secret differ in nothing that a caller sees."""
    wrong = await _send(shared_world, headers={"Authorization": _basic("gzf", "x" * 43)})
    unknown = await _send(shared_world, headers={"Authorization": _basic("nobody", "x" * 43)})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert dict(wrong.headers) == dict(unknown.headers)


async def test_form_encoded_credentials_are_understood(shared_world: World) -> None:
    """Positive control: RFC 6749 §2.3.1 encodes both parts, and client_id may be repeated in the body."""
    secret = shared_world.secrets["gzf"]
    encoded = "".join(f"%{ord(character):02X}" for character in secret)
    response = await _send(shared_world, form={"client_id": "gzf"}, headers={"Authorization": _basic("%67zf", encoded)})
    assert response.status_code == 200
    differing = await _send(shared_world, form={"client_id": "qyfw"}, headers={"Authorization": _basic("gzf", secret)})
    assert differing.json()["error"] == "invalid_request"


BODIES = {
    "P17 JSON": (b'{"grant_type":"client_credentials"}', "application/json"),
    "P17 multipart": (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
    "no type": (b"grant_type=client_credentials", None),
    "I16 utf-7": (b"grant_type=client_credentials", "application/x-www-form-urlencoded; charset=utf-7"),
    "not UTF-8": (b"grant_type=%ff", "application/x-www-form-urlencoded"),
    "raw octets": (b"grant_type=\xff\xfe", "application/x-www-form-urlencoded"),
    "P01 repeated": (b"grant_type=client_credentials&grant_type=x", "application/x-www-form-urlencoded"),
    "too long": (b"grant_type=" + b"a" * 70_000, "application/x-www-form-urlencoded"),
    "too many": (b"&".join(b"a%d=1" % n for n in range(500)), "application/x-www-form-urlencoded"),
    "empty": (b"", "application/x-www-form-urlencoded"),
    "no grant type": (b"scope=x", "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize(("body", "media_type"), BODIES.values(), ids=BODIES.keys())
async def test_malformed_body_is_refused(shared_world: World, body: bytes, media_type: str | None) -> None:
    """RFC 6749 §3.2: one form, every parameter once; anything else is a 400, one entry."""
    headers = {"Authorization": _basic("gzf", shared_world.secrets["gzf"])}
    if media_type is not None:
        headers["Content-Type"] = media_type
    before = len(await shared_world.entries())
    async with shared_world.http() as http:
        response = await http.post("/oauth/token", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_request", "unsupported_grant_type")
    assert len(await shared_world.entries()) == before + 1


async def test_query_parameters_are_refused(shared_world: World) -> None:
    """P02: what stands in an address ends up in logs."""
    async with shared_world.http() as http:
        response = await http.post(
            f"{ISSUER}/oauth/token?grant_type=client_credentials", **shared_world.credentials("gzf", FORM)
        )
    assert response.json()["error"] == "invalid_request"


@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "值"])
async def test_unknown_grant_type_is_refused(shared_world: World, grant_type: str) -> None:
    """P06."""
    response = await shared_world.token("gzf", grant_type=grant_type)
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


async def test_unregistered_grant_type_is_refused(shared_world: World) -> None:
    """P06: the policy knows it, the registration does not."""
    response = await shared_world.token("qyfw", grant_type="client_credentials")
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


async def test_secrets_overlap_while_they_rotate(world: World) -> None:
    """K12: both are good during the overlap, the old one dies with it."""
    provider, old = world.provider, world.secrets["gzf"]
    new = await rotate_client_secret(
        "gzf",
        overlap=timedelta(hours=1),
        db=provider.db,
        ledger=provider.ledger,
        entropy=provider.entropy,
        actor="system:test",
        now=world.now,
    )
    await provider.feed.catch_up()
    for secret in (old, new):
        assert (await _send(world, headers={"Authorization": _basic("gzf", secret)})).status_code == 200
    world.later(hours=1)
    await provider.feed.catch_up()
    assert (await _send(world, headers={"Authorization": _basic("gzf", old)})).status_code == 401
    assert (await _send(world, headers={"Authorization": _basic("gzf", new)})).status_code == 200
