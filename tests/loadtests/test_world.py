"""The world that is measured: kept in a file without loss, synthetic throughout, and spoken of rightly on the wire."""

import json
import stat
from collections.abc import Generator
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from foundation.identifiers import canonical_document_number
from loadtests.calls import Call, Conversation, WrongAnswer
from loadtests.connection import Reply
from loadtests.conversations import (
    Browser,
    ask_for_bound_token,
    ask_for_token,
    introspect,
    look_up,
    sign_on,
    sign_on_by_high_policy,
)
from loadtests.populate import APPLICANTS, CITIZENS, case_of, document_number_of
from loadtests.sign_in import log_in
from loadtests.signing import SigningClient
from loadtests.world import Applicant, Citizen, Secret, World, read_world, write_world

WORLD = World(
    issuer="http://127.0.0.1:8000",
    backend=Secret("backend", "s1"),
    resource=Secret("resource", "s2"),
    app=Secret("app", "s3"),
    signer=SigningClient("signer", "5" * 62, "https://127.0.0.1:9/signed"),
    redirect_uri="http://127.0.0.1:9/callback",
    work_number="ZJ-0001",
    matter="gzf-apply",
    license_type="11100000MB03271699001",
    fields=("holder_name", "location"),
    applicants=(Applicant(document_number_of(0), case_of(0)),),
    citizens=(Citizen(document_number_of(0), "a password"),),
)


def answer(status: int, body: object = None, *headers: tuple[str, str]) -> Reply:
    """An answer with a JSON body."""
    return Reply(status, list(headers), b"" if body is None else json.dumps(body).encode())


def play(conversation: Conversation, *replies: Reply) -> list[Call]:
    """Play a conversation with prepared answers and return what it asked; all answers must be used."""
    calls = [next(conversation)]
    waiting = iter(replies)
    for reply in waiting:
        try:
            calls.append(conversation.send(reply))
        except StopIteration:
            assert next(waiting, None) is None
            return calls
    assert isinstance(conversation, Generator)
    raise AssertionError("the conversation wants another answer")


def test_world_survives_its_file(tmp_path: Path) -> None:
    """Soak users run in other processes and know the world from this file alone; it holds secrets."""
    path = tmp_path / "world.json"
    write_world(path, WORLD)
    assert read_world(path) == WORLD
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_world(path).port == 8000


def test_people_are_synthetic_and_all_different() -> None:
    """Nobody alive can hold these numbers, yet every check of the product accepts them."""
    numbers = [document_number_of(number) for number in range(APPLICANTS + 1)]
    assert len(set(numbers)) == APPLICANTS + 1 > CITIZENS
    for number in numbers:
        assert canonical_document_number("111", number, today=date(2026, 1, 1)) == number
        assert int(number[6:10]) < 1915


def test_lookup_carries_a_request_id_of_its_own() -> None:
    """A repeated id would be answered from what is kept, and the lookup itself would not be measured."""
    replies = answer(200, {"results": [{}], "receipt": "r"})
    calls = [play(look_up(WORLD, "t", WORLD.applicants[0]), replies)[0] for _ in range(2)]
    assert calls[0].headers["x-request-id"] != calls[1].headers["x-request-id"]
    body = json.loads(calls[0].body or b"")
    assert body["by"] == {"holder": {"type": "111", "code": WORLD.applicants[0].document_number}}
    assert (body["grade"], body["officer"]) == ("masked", "ZJ-0001")


def test_single_sign_on_uses_the_code_and_its_verifier() -> None:
    """Three requests in which each has to follow from the answer before."""
    browser = Browser({"__Host-rz_session": "s"})
    location = ("location", "http://127.0.0.1:9/callback?code=c0de&state=x&iss=i")
    calls = play(
        sign_on(WORLD, browser),
        answer(303, None, location),
        answer(200, {"access_token": "a", "id_token": "i"}),
        answer(200, {"sub": "s", "name": "赵静"}),
    )
    authorization, token, userinfo = calls
    query = parse_qs(urlsplit(authorization.target).query)
    form = parse_qs((token.body or b"").decode())
    assert authorization.headers["cookie"] == "__Host-rz_session=s"
    assert form["code"] == ["c0de"]
    assert 43 <= len(form["code_verifier"][0]) <= 128
    assert query["code_challenge_method"] == ["S256"]
    assert query["code_challenge"] != form["code_verifier"]
    assert userinfo.headers["authorization"] == "Bearer a"


def test_signing_in_shows_the_page_once_and_keeps_the_session() -> None:
    """The form token belongs to the browser, so it serves for every later attempt too."""
    browser = Browser()
    page = Reply(
        200,
        [("set-cookie", "__Host-rz_flow=b; Path=/; Secure")],
        b'<input type="hidden" name="csrf_token" value="t0ken">',
    )
    done = Reply(303, [("set-cookie", "__Host-rz_session=s; Path=/"), ("location", "/")])
    first = play(log_in(WORLD, browser, WORLD.citizens[0]), page, done)
    again = play(log_in(WORLD, browser, WORLD.citizens[0]), done)
    assert [call.target for call in first] == ["/login", "/login"]
    assert parse_qs((first[1].body or b"").decode())["csrf_token"] == ["t0ken"]
    assert [call.method for call in again] == ["POST"]
    assert browser.cookies == {"__Host-rz_flow": "b", "__Host-rz_session": "s"}


@pytest.mark.parametrize(
    ("conversation", "replies"),
    [
        pytest.param(ask_for_token(WORLD), [answer(401, {"error": "invalid_client"})], id="a refused client"),
        pytest.param(ask_for_token(WORLD), [answer(200, {"access_token": "opaque"})], id="a token that is no JWT"),
        pytest.param(introspect(WORLD, "t"), [answer(200, {"active": False})], id="a live token called dead"),
        pytest.param(
            look_up(WORLD, "t", WORLD.applicants[0]), [answer(200, {"results": [{}]})], id="a lookup without its receipt"
        ),
        pytest.param(
            sign_on(WORLD, Browser()), [answer(303, None, ("location", "/login?transaction=x"))], id="a lost session"
        ),
        pytest.param(
            sign_on(WORLD, Browser()),
            [answer(303, None, ("location", "http://127.0.0.1:9/callback?error=access_denied"))],
            id="a refusal that goes back to the app",
        ),
        pytest.param(log_in(WORLD, Browser(csrf_token="t"), WORLD.citizens[0]), [answer(200)], id="the form once more"),
    ],
)  # fmt: skip
def test_wrong_answers_never_count_as_right_ones(conversation: Conversation, replies: list[Reply]) -> None:
    """Refusals are fast; taken for answers they would make a broken server look quick."""
    with pytest.raises(WrongAnswer):
        play(conversation, *replies)


def test_signed_operations_prove_what_they_are_about() -> None:
    """Every proof and assertion is for its own address and issuer, verifies with the registered key, and is used once."""
    key = ECKey.import_key({**WORLD.signer.jwk})
    bound = {"access_token": "a.b.c", "token_type": "DPoP", "id_token": "d.e.f"}
    calls = [
        *play(ask_for_bound_token(WORLD), answer(200, bound)),
        *play(
            sign_on_by_high_policy(WORLD, Browser()),
            answer(201, {"request_uri": "urn:x"}),
            Reply(303, [("location", WORLD.signer.redirect_uri + "?code=c")], b""),
            answer(200, bound),
        ),
    ]
    assert [call.target.partition("?")[0] for call in calls] == [
        "/oauth/token",
        "/oauth/par",
        "/oauth/authorize",
        "/oauth/token",
    ]
    seen = set()
    for call in calls:
        form = parse_qs((call.body or b"").decode())
        for text in [*form.get("client_assertion", []), *([call.headers["dpop"]] if "dpop" in call.headers else [])]:
            claims = jwt.decode(text, key, ["ES256"]).claims
            assert claims.get("aud", WORLD.issuer) == WORLD.issuer
            assert claims.get("htu", WORLD.issuer + call.target) == WORLD.issuer + call.target
            seen.add(claims["jti"])
    assert len(seen) == 4


def test_an_unbound_token_is_a_wrong_answer() -> None:
    """A fast bearer token must not count as a bound one."""
    with pytest.raises(WrongAnswer):
        play(ask_for_bound_token(WORLD), answer(200, {"access_token": "a.b.c", "token_type": "Bearer"}))
