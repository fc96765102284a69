"""`POST /api/v1/licenses/lookup` as departments' applications meet it: real servers, real tokens."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from foundation.changes import Change
from foundation.ledger import Entry
from foundation.ledger.store import load_rows
from gateway.composition import Parts, open_parts
from gateway.settings import load_settings
from idp.provider.clients.registry import TOPIC
from idp.provider.tables import oauth_clients
from idp.provider.tokens.access_tokens import AccessTokenFacts, TokenContext, sign_access_token
from idp.provider.tokens.opaque_tokens import new_opaque_token
from idp.vocabulary import RealNameLevel, SignInStrength, acr_of
from tests.gateway.api.conftest import CLERK, ZHANG, Backend, new_id, question, sha256


def claims_of(receipt: str) -> dict[str, Any]:
    """The claims of a receipt, unverified: signatures are tested where they are made."""
    payload = receipt.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a problem document, whose form is checked on the way (RFC 9457)."""
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "no-store" in answer.headers["cache-control"]
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"].endswith(f"/help/errors/{body['code']}")
    assert {"title", "detail", "request_id"} <= set(body)
    return answer.status_code, body["code"]


def test_a_departments_application_gets_fields_receipt_and_source(backend: Backend) -> None:
    """Point 5 of the main story."""
    body = question()
    answer = backend.post(body)
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["cache-control"]
    rendered = answer.json()
    holders = {result["fields"]["holder_name"]["value"] for result in rendered["results"]}
    assert holders
    assert all(name.split("^")[0] == "张*明" for name in holders)
    assert rendered["source"]["mode"] == "index"
    claims = claims_of(rendered["receipt"])
    assert (claims["request_sha256"], claims["client_id"], claims["channel"]) == (sha256(body), "gzf", "api")
    assert ZHANG not in answer.text


def test_the_same_request_id_gives_the_same_receipt(backend: Backend) -> None:
    """licenses.md: X-Request-Id makes a lookup repeatable, and only this lookup."""
    headers: list[tuple[str, str | bytes]] = [("x-request-id", new_id())]
    first, again = backend.post(headers=headers), backend.post(headers=headers)
    assert first.content == again.content
    assert problem(backend.post(headers=headers, fields=["holder_name"])) == (409, "42106")


BAD_TOKENS = ["x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzY29wZSI6ImxpY2Vuc2UubG9va3VwIn0."]


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_without_a_good_token_nothing_is_said(backend: Backend, token: str) -> None:
    """R401: a challenge, and nothing of the request is looked at."""
    answer = backend.post(headers=[("authorization", f"Bearer {token}")])
    assert problem(answer) == (401, "21201")
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_a_token_in_the_address_or_sent_twice_does_not_count(backend: Backend) -> None:
    """RFC 6750 §2.3: only the header, once."""
    token = backend.token()
    twice: list[tuple[str, str | bytes]] = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    assert problem(backend.post(headers=twice)) == (401, "21201")
    answer = httpx2.post(
        f"{backend.audience}/lookup?access_token={token}",
        content=question(),
        headers={"content-type": "application/json"},
        trust_env=False,
    )
    assert problem(answer) == (401, "21201")


MEDIA = [
    pytest.param([("content-type", "text/plain")], id="text"),
    pytest.param([("content-type", "application/json; charset=utf-7")], id="utf-7"),
    pytest.param([("content-type", "application/json; charset=utf-16")], id="utf-16"),
    pytest.param([("content-type", "application/x-www-form-urlencoded")], id="a form"),
    pytest.param([("content-type", "application/json"), ("content-type", "text/plain")], id="two at once"),
    pytest.param([("content-type", "application/json"), ("content-encoding", "gzip")], id="compressed"),
]


@pytest.mark.parametrize("headers", MEDIA)
def test_only_plain_json_is_read(backend: Backend, headers: list[tuple[str, str | bytes]]) -> None:
    """I16: 415 for everything else."""
    assert problem(backend.post(headers=headers)) == (415, "42103")


BODIES = [
    pytest.param(b"", "42101", id="nothing"),
    pytest.param(b'{"grade":"verify","grade":"full"}', "42101", id="a member twice"),
    pytest.param(b"\xff\xfe", "42101", id="no UTF-8"),
    pytest.param(b"[" * 60_000, "42101", id="nesting without end"),
    pytest.param(b"[]", "42102", id="a list"),
    pytest.param(question(grade=1), "42102", id="a grade as a number"),
    pytest.param(question(max_age=1e17), "42102", id="a float for an age"),
    pytest.param(question(extra=True), "42102", id="an unknown member"),
]


@pytest.mark.parametrize(("body", "code"), BODIES)
def test_a_body_that_cannot_be_read_is_a_400(backend: Backend, body: bytes, code: str) -> None:
    """I13, I17, E16: never a 5xx, always the place of the mistake when there is one."""
    answer = backend.post(body)
    assert problem(answer) == (400, code)
    if code == "42102":
        assert all({"pointer", "code"} <= set(entry) for entry in answer.json()["errors"])


def test_a_body_beyond_the_limit_is_refused(backend: Backend) -> None:
    """I01: 64 KiB, and the server goes on."""
    assert backend.post(b"[" + b" " * 70_000 + b"]").status_code == 413
    assert backend.post().status_code == 200


@pytest.mark.parametrize("given", ["1", "not-a-uuid", "0" * 36, "00000000-0000-4000-8000-00000000000０"])
def test_a_request_id_is_a_uuid_or_left_out(backend: Backend, given: str) -> None:
    """An id that would not protect is refused rather than ignored."""
    answer = backend.post(headers=[("x-request-id", given)])
    assert problem(answer) == (400, "42105")


OFFICERS = [
    pytest.param(None, 403, id="nobody named"),
    pytest.param("Z9999", 403, id="nobody of that number"),
]


@pytest.mark.parametrize(("officer", "status"), OFFICERS)
def test_an_application_names_an_officer_of_its_department(backend: Backend, officer: str | None, status: int) -> None:
    """31011: the department answers for whom it names."""
    answer = backend.post(officer=officer)
    assert problem(answer) == (status, "31011")
    assert answer.json()["errors"][0]["pointer"] == "/officer"


def test_a_full_lookup_needs_the_officers_own_sign_in(backend: Backend) -> None:
    """RFC 9470: 401 with the wanted acr, for a type and fields that are granted in full."""
    answer = backend.post(grade="full", fields=["location"])
    assert problem(answer) == (401, "31009")
    assert "insufficient_user_authentication" in answer.headers["www-authenticate"]


def test_other_methods_and_the_catalogue(backend: Backend) -> None:
    """405 for what is not a POST; the catalogue is public and says nothing of anybody."""
    assert httpx2.get(f"{backend.audience}/lookup", trust_env=False).status_code == 405
    listed = httpx2.get(f"{backend.town.issuer}/api/v1/license-types", trust_env=False).json()
    names = {entry["code"]: entry["name"] for entry in listed["license_types"]}
    assert names["11100000MB03271699001"] == "不动产权证书"


async def test_tokens_of_others_open_nothing_and_an_officers_own_does(backend: Backend) -> None:
    """E18: a citizen's token, one for another audience, an officer's at another department's application; positive control."""
    settings = load_settings(backend.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        officer = await parts.directory.find_officer_by_work_number(housing.department_id, CLERK)
        assert officer is not None
        citizen = token_of(parts, backend.audience, "gzf", TokenContext(person_id="p" * 32))
        elsewhere = token_of(parts, backend.town.issuer, "gzf", TokenContext())
        borrowed = token_of(parts, backend.audience, "qyfw", TokenContext(officer_id=officer.officer_id))
        other = parts.provider.clients.find("qyfw")
        assert other is not None
        # Entitled for once, so that the officer of another department is what it fails by.
        await change_client(parts, {"scopes": sorted({*other.scopes, "license.lookup"})}, "qyfw")
        await asyncio.sleep(1)
        own = token_of(parts, backend.audience, "gzf", TokenContext(officer_id=officer.officer_id))
        by_another_department = problem(backend.post(token=borrowed, officer=None))
        await change_client(parts, {"scopes": sorted(other.scopes)}, "qyfw")
        await asyncio.sleep(1)
    assert problem(backend.post(token=citizen)) == (403, "31010")
    assert problem(backend.post(token=elsewhere)) == (401, "21201")
    assert by_another_department == (403, "31011")
    assert problem(backend.post(token=borrowed, officer=None)) == (403, "21202")
    assert problem(backend.post(token=own)) == (403, "31011")
    answer = backend.post(token=own, officer=None, grade="full", fields=["location"])
    assert answer.status_code == 200, answer.text


async def test_an_exchanged_token_names_officer_and_applications(backend: Backend) -> None:
    """RFC 8693 §4.1: the ledger says who looked, through which application, and where the officer had signed in."""
    settings = load_settings(backend.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        officer = await parts.directory.find_officer_by_work_number(housing.department_id, CLERK)
        assert officer is not None
        context = TokenContext(officer_id=officer.officer_id, parents=("0" * 32,))
        exchanged = token_of(parts, backend.audience, "gzf", context, actors=("gzf", "qyfw"))
        before = len(await bodies(parts))
        answer = backend.post(token=exchanged, officer=None)
        assert answer.status_code == 200, answer.text
        entries = [entry for entry in (await bodies(parts))[before:] if entry["kind"] == "license.lookup"]
        assert [(entry["actor"], entry["client"], entry["details"]["via"]) for entry in entries] == [
            (f"officer:{officer.officer_id}", "gzf", ["qyfw"])
        ]
        unknown = token_of(parts, backend.audience, "gzf", context, actors=("gzf", "nobody"))
        assert problem(backend.post(token=unknown, officer=None)) == (401, "21201")


async def test_an_opaque_token_opens_what_its_jwt_opens(backend: Backend) -> None:
    """The server looks the reference up; one that is not on record opens nothing."""
    settings = load_settings(backend.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        signed = token_of(parts, backend.audience, "gzf", TokenContext())
        expires_at = parts.clock() + timedelta(minutes=5)
        reference, row = new_opaque_token(signed, expires_at=expires_at, sealer=parts.sealer, entropy=parts.entropy)
        assert problem(backend.post(token=reference)) == (401, "21201")
        entry = Entry(kind="oauth.token", at=parts.clock(), outcome="allowed", client="gzf")
        await parts.ledger.append(entry, inserts=[row])
    assert backend.post(token=reference).status_code == 200


async def test_a_refused_token_is_on_record(backend: Backend) -> None:
    """Whoever knocks with a token that does not open leaves an entry; one of ours is named."""
    settings = load_settings(backend.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        before = len(await bodies(parts))
        elsewhere = token_of(parts, backend.town.issuer, "gzf", TokenContext())
        assert problem(backend.post(token="x")) == (401, "21201")
        assert problem(backend.post(token=elsewhere)) == (401, "21201")
        entries = [entry for entry in (await bodies(parts))[before:] if entry["kind"] == "license.lookup"]
    assert [(entry["outcome"], entry["code"], entry.get("client")) for entry in entries] == [
        ("refused", "21201", None),
        ("refused", "21201", "gzf"),
    ]


LOSSES = [
    pytest.param({"status": "disabled"}, (401, "21201"), id="disabled"),
    pytest.param({"scopes": ["openid"]}, (403, "21202"), id="without the scope"),
]


@pytest.mark.parametrize(("lost", "told"), LOSSES)
async def test_what_an_application_lost_is_lost_at_once(
    backend: Backend, lost: dict[str, Any], told: tuple[int, str]
) -> None:
    """A good token of an application that is disabled, or no longer entitled, opens nothing."""
    settings = load_settings(backend.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        good = token_of(parts, backend.audience, "gzf", TokenContext())
        client = parts.provider.clients.find("gzf")
        assert client is not None
        assert backend.post(token=good).status_code == 200
        await change_client(parts, lost)
        try:
            assert problem(await until_heard(backend, good)) == told
        finally:
            await change_client(parts, {"status": "active", "scopes": sorted(client.scopes)})
            await asyncio.sleep(1)
        assert backend.post(token=good).status_code == 200


async def change_client(parts: Parts, values: dict[str, Any], client_id: str = "gzf") -> None:
    """Change an app's registration, and announce it as every change of it is."""
    async with parts.db.transaction() as connection:
        await connection.execute(update(oauth_clients).where(oauth_clients.c.client_id == client_id).values(**values))
        entry = Entry(kind="oauth.client_changed", at=parts.clock(), outcome="done", client=client_id)
        await parts.ledger.append_in(connection, entry, changes=[Change(TOPIC, client_id)])


async def until_heard(backend: Backend, token: str) -> httpx2.Response:
    """Ask until the server has heard of a change, for two seconds at most."""
    for _ in range(20):
        answer = backend.post(token=token)
        if answer.status_code != 200:
            break
        await asyncio.sleep(0.1)
    return answer


async def bodies(parts: Parts) -> list[dict[str, Any]]:
    """Every ledger entry, oldest first."""
    async with parts.db.read() as connection:
        return [json.loads(row.body) for row in await load_rows(connection, start=0)]


def token_of(parts: Parts, audience: str, client_id: str, context: TokenContext, actors: tuple[str, ...] = ()) -> str:
    """A token as the product itself would sign it."""
    facts = AccessTokenFacts(
        subject="s" * 32,
        client_id=client_id,
        audience=(audience,),
        scope=("license.lookup",),
        lifetime=timedelta(minutes=5),
        context=context,
        acr=acr_of(RealNameLevel.HIGH, SignInStrength.TWO_FACTOR),
        actors=actors,
    )
    return sign_access_token(
        facts,
        issuer=parts.settings.issuer,
        jti=parts.entropy.identifier(),
        keys=parts.keys,
        sealer=parts.sealer,
        now=parts.clock(),
    )
