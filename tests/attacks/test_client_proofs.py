"""Area H × every endpoint at which a client proves itself, over HTTP: no half proof, no second proof and no other client's proof counts.

K02, K03, K04, K06, K10, K11, K16. Sound proofs at the same endpoints stand in `test_bent_jwts.py` and in the last test here.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.attacks.jwt_consumers import SIGNER, Stage, open_stage, told
from tests.attacks.raw_http import RawAnswer, RawRequest, send
from tests.faults import record
from tests.faults.nodes import Town
from tests.faults.population import APP, CALLBACK, COUNTER, KIOSK, RESOURCE
from tests.faults.visitor import open_doors
from tests.idp.provider.proving import asserted
from tests.idp.provider.signed_requests import sign

ENDPOINTS: Mapping[str, Mapping[str, str]] = {
    "/oauth/token": {"grant_type": "client_credentials", "scope": "license.lookup"},
    "/oauth/par": {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"},
    "/oauth/introspect": {"token": "x"},
    "/oauth/revoke": {"token": "x"},
    "/oauth/device_authorization": {"scope": "openid"},
    "/oauth/ciba": {"scope": "openid", "login_hint": "nobody-of-this-name"},
}
Sent = tuple[tuple[str, ...], dict[str, str]]
"""Authorization headers, and what stands in the form beside the endpoint's own parameters."""


def _pair(client: str, secret: str) -> str:
    return base64.b64encode(f"{client}:{secret}".encode()).decode()


def _basic(pair: Callable[[str], str], scheme: str = "Basic ") -> Callable[[Stage], Sent]:
    return lambda stage: ((scheme + pair(_secret(stage)),), {})


def _secret(stage: Stage, client: str = APP) -> str:
    return stage.town.population.client_secrets[client]


def _form(**form: str) -> Callable[[Stage], Sent]:
    return lambda stage: ((), {name: value.format(secret=_secret(stage)) for name, value in form.items()})


def _assertion(stage: Stage, **changes: Any) -> dict[str, str]:
    at = stage.now()
    claims = {"iss": SIGNER, "sub": SIGNER, "aud": stage.issuer, "iat": at, "exp": at + 120, "jti": f"jti-{at}-x"}
    return asserted(sign({**claims, **changes}, typ="JWT"))


def _unsigned(stage: Stage) -> dict[str, str]:
    token = _assertion(stage)["client_assertion"].rsplit(".", 1)[0] + "."
    return asserted(token)


NOT_PROVED: dict[str, Callable[[Stage], Sent]] = {
    "K04 nothing": lambda _: ((), {}),
    "K04 a name": _form(client_id=APP),
    "K04 the name of one that signs": _form(client_id=SIGNER),
    "K04 an unknown name": _form(client_id="nobody"),
    "K04 an empty name": _form(client_id="", client_secret="{secret}"),
    "K03 the right secret by another method": _form(client_id=APP, client_secret="{secret}"),
    "K03 a secret for one that signs": _form(client_id=SIGNER, client_secret="{secret}"),
    "a wrong secret": _basic(lambda _: _pair(APP, "w" * 43)),
    "an empty secret": _basic(lambda _: _pair(APP, "")),
    "another client's secret": lambda stage: (("Basic " + _pair(APP, _secret(stage, RESOURCE)),), {}),
    "the secret and more": _basic(lambda secret: _pair(APP, secret + "x")),
    "half of the secret": _basic(lambda secret: _pair(APP, secret[:-1])),
    "another case of the name": _basic(lambda secret: _pair(APP.upper(), secret)),
    "a space after the name": _basic(lambda secret: _pair(APP + " ", secret)),
    "an encoded NUL after the name": _basic(lambda secret: _pair(APP + "%00", secret)),
    "K06 no base64": _basic(lambda secret: f"{APP}:{secret}"),
    "K06 no colon": _basic(lambda secret: base64.b64encode(f"{APP}{secret}".encode()).decode()),
    "K06 loose padding": _basic(lambda secret: _pair(APP, secret) + "="),
    "K06 white space inside": _basic(lambda secret: _pair(APP, secret)[:8] + " " + _pair(APP, secret)[8:]),
    "K06 two spaces": _basic(lambda secret: " " + _pair(APP, secret)),
    "K06 not UTF-8": _basic(lambda _: base64.b64encode(b"\xff\xfe:\xff").decode()),
    "K06 broken escapes": _basic(lambda secret: _pair("%E9%zz", secret)),
    "K06 too long": _basic(lambda secret: _pair(APP, secret) + "A" * 5_000),
    "K06 empty": _basic(lambda _: ""),
    "K06 another scheme": _basic(lambda secret: _pair(APP, secret), scheme="Bearer "),
    "K06 no scheme": _basic(lambda secret: _pair(APP, secret), scheme=""),
    "K11 an unsigned assertion": lambda stage: ((), _unsigned(stage)),
    "K10 an assertion with another name beside": lambda stage: ((), {**_assertion(stage), "client_id": APP}),
    "K10 an assertion for a client with a secret": lambda stage: ((), _assertion(stage, iss=APP, sub=APP)),
    "K10 an assertion for an unknown client": lambda stage: ((), _assertion(stage, iss="nobody", sub="nobody")),
    "an assertion without its type": lambda stage: (
        (),
        {"client_assertion": _assertion(stage)["client_assertion"], "client_id": SIGNER},
    ),
    "an assertion's type alone": lambda stage: (
        (),
        {"client_assertion_type": _assertion(stage)["client_assertion_type"], "client_id": SIGNER},
    ),
}
TOO_MUCH: dict[str, Callable[[Stage], Sent]] = {
    "K02 header and form": lambda stage: (
        ("Basic " + _pair(APP, _secret(stage)),),
        {"client_id": APP, "client_secret": _secret(stage)},
    ),
    "K02 header and assertion": lambda stage: (("Basic " + _pair(APP, _secret(stage)),), _assertion(stage)),
    "K02 form and assertion": lambda stage: (
        (),
        {**_assertion(stage), "client_id": SIGNER, "client_secret": _secret(stage)},
    ),
    "K11 a right header and garbage": lambda stage: (("Basic " + _pair(APP, _secret(stage)),), asserted("e30.e30.")),
    "K06 the header twice": lambda stage: (("Basic " + _pair(APP, _secret(stage)),) * 2, {}),
    "K02 two clients": lambda stage: (
        ("Basic " + _pair(APP, _secret(stage)), "Basic " + _pair(RESOURCE, _secret(stage, RESOURCE))),
        {},
    ),
    "another name in the form": lambda stage: (("Basic " + _pair(APP, _secret(stage)),), {"client_id": RESOURCE}),
}


@pytest.fixture(scope="module")
async def stage(town: Town) -> AsyncIterator[Stage]:
    """The app that signs, beside those with secrets."""
    async with open_doors(town) as doors:
        yield await open_stage(town, doors, "http://127.0.0.1:9")


async def _post(stage: Stage, path: str, sent: Sent, *more: tuple[bytes, bytes], query: str = "") -> RawAnswer:
    authorization, form = sent
    headers = [(b"Content-Type", b"application/x-www-form-urlencoded"), *more]
    headers += [(b"Authorization", header.encode()) for header in authorization]
    body = urlencode({**ENDPOINTS[path], **form}).encode()
    return await send(stage.town, RawRequest("POST", (path + query).encode(), tuple(headers), body))


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_nobody_is_taken_for_a_client(stage: Stage, path: str) -> None:
    """401 invalid_client and nothing else; a challenge for Basic alone; one entry each, which tells no secret."""
    size = record.ledger_size(stage.town)
    wrong: list[str] = []
    asked: list[str] = []
    for name, make in NOT_PROVED.items():
        sent: Sent = make(stage)
        answer = await _post(stage, path, sent)
        asked.append(answer.all("x-request-id")[0])
        said = (answer.status, json.loads(answer.body).get("error"), answer.all("cache-control"))
        tried_basic = any(header.partition(" ")[0] == "Basic" for header in sent[0])
        if said != (401, "invalid_client", ["no-store"]) or bool(answer.all("www-authenticate")) != tried_basic:
            wrong.append(f"{name}: {said} {answer.all('www-authenticate')}")
        if _secret(stage).encode() in answer.body:
            wrong.append(f"{name}: tells the secret")
    assert not wrong, "\n".join(wrong)
    _expect_one_refusal_each(stage.town, size, asked)


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_two_proofs_are_none(stage: Stage, path: str) -> None:
    """RFC 6749 §2.3: 400 invalid_request, although one of the two, or each, is right."""
    size = record.ledger_size(stage.town)
    wrong: list[str] = []
    asked: list[str] = []
    for name, make in TOO_MUCH.items():
        answer = await _post(stage, path, make(stage))
        asked.append(answer.all("x-request-id")[0])
        if (answer.status, json.loads(answer.body).get("error")) != (400, "invalid_request"):
            wrong.append(f"{name}: {answer.status} {answer.body!r}")
    assert not wrong, "\n".join(wrong)
    _expect_one_refusal_each(stage.town, size, asked)


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_credentials_in_an_address_are_no_credentials(stage: Stage, path: str) -> None:
    """P02, RFC 6749 §2.3.1: neither alone nor beside a sound header, and the log does not hold them."""
    query = "?" + urlencode({"client_id": APP, "client_secret": _secret(stage)})
    both: tuple[Sent, ...] = (((), {}), (("Basic " + _pair(APP, _secret(stage)),), {}))
    for sent in both:
        answer = await _post(stage, path, sent, query=query)
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")
    assert _secret(stage) not in stage.town.logs()


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_certificate_out_of_a_header_is_none(stage: Stage, path: str) -> None:
    """M14: no proxy is trusted here, whatever the header is called."""
    names = (b"X-SSL-Client-Cert", b"X-Client-Cert", b"SSL-Client-Cert", b"X-Forwarded-Client-Cert", b"Client-Cert")
    more = [(name, b"-----BEGIN%20CERTIFICATE-----AAAA-----END%20CERTIFICATE-----") for name in names]
    answer = await _post(stage, path, ((), {"client_id": SIGNER}), *more, (b"X-SSL-Client-Verify", b"SUCCESS"))
    assert (answer.status, json.loads(answer.body)["error"]) == (401, "invalid_client")


async def test_sound_secrets_still_work(stage: Stage) -> None:
    """Positive control: the clients with secrets, each where it has business."""
    cases: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("/oauth/token", APP, {}),
        ("/oauth/par", APP, {"code_challenge": "A" * 43, "code_challenge_method": "S256", "client_id": APP}),
        ("/oauth/introspect", RESOURCE, {}),
        ("/oauth/revoke", RESOURCE, {}),
        ("/oauth/device_authorization", KIOSK, {"client_id": KIOSK}),
        ("/oauth/ciba", COUNTER, {}),
    )
    for path, client, more in cases:
        form = {**ENDPOINTS[path], **more}
        answer = await stage.doors.send("POST", path, headers=stage.doors.basic(client), form=form)
        assert answer.status_code in (200, 201), f"{path}: {told(answer)}"


def test_k16_no_secret_lies_in_clear(stage: Stage) -> None:
    """What the table of clients keeps of a secret is its digest."""
    rows = record.query(stage.town, "SELECT to_jsonb(c)::text FROM oauth_clients c")
    text = "\n".join(str(row[0]) for row in rows)
    assert '"sha256"' in text
    for secret in stage.town.population.client_secrets.values():
        assert not secret or secret not in text


def _expect_one_refusal_each(town: Town, size: int, asked: list[str]) -> None:
    entries = [entry for entry in record.entries_since(town, size) if entry.body.get("request_id") in asked]
    assert sorted(str(entry.body["request_id"]) for entry in entries) == sorted(asked)
    assert all(entry.outcome == "refused" and entry.code for entry in entries)
