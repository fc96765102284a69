"""Area S at the API of the running product: bent tokens, foreign cases, wider grades; each refused once on record, with nothing told."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks.oddities import JSON_TEXTS
from tests.faults import record
from tests.faults.nodes import Town
from tests.faults.population import OTHER_APP
from tests.faults.visitor import LOOKUP, Doors, Visitor, lookup_body
from tests.idp.provider.test_token_mutations import MUTATIONS

CONSTRUCTOR = "11100000000013338W001"

REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "E02 a type without grant": ({"license_types": [CONSTRUCTOR]}, 403, "31002"),
    "E02 a field without grant": ({"fields": ["holder_name", "address"]}, 403, "31004"),
    "E02 a higher grade": ({"grade": "full"}, 403, "31003"),
    "E04 a closed case": ({"purpose": {"matter": "gzf-apply", "case": "QY-2026-000102"}}, 422, "32004"),
    "E04 a forged case": ({"purpose": {"matter": "gzf-apply", "case": "QY-2026-999999"}}, 422, "32"),
    "E04 another department's case": ({"purpose": {"matter": "gzf-apply", "case": "QY-2026-000103"}}, 403, "32"),
    "E04 another matter": ({"purpose": {"matter": "qykb-open", "case": "QY-2026-000101"}}, 403, "32"),
    "E05 another applicant's case": ({"purpose": {"matter": "gzf-apply", "case": "QY-2026-000104"}}, 403, "32"),
    "E04 no purpose": ({"purpose": None}, 400, "42"),
    "E16 full-width digits": (
        {"by": {"holder": {"type": "111", "code": "３７０２９９１９０８０５１２００１５"}}},
        400,
        "42",
    ),
    "E16 a list for a number": ({"by": {"holder": {"type": "111", "code": ["370299190805120015"]}}}, 400, "42"),
    "E16 a number for a text": ({"by": {"holder": {"type": 111, "code": "370299190805120015"}}}, 400, "42"),
    "E10 the same type twice": ({"license_types": [CONSTRUCTOR, CONSTRUCTOR]}, 400, "42"),
    "an unknown officer": ({"officer": "ZJ-9999"}, 403, "31"),
    "no officer": ({"officer": None}, 403, "31"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_lookups(town: Town, doors: Doors, name: str) -> None:
    """One entry with the reason, a problem document, and not a word about what lies there."""
    changes, status, code = REFUSED[name]
    token, size, request_id = await doors.own_token(), record.ledger_size(town), str(uuid.uuid4())
    answer = await doors.look_up(token, request_id=request_id, **changes)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"].startswith(code), answer.text
    for hidden in ("张", "榆钱路", "青榆区公安局", "370299190805120015"):
        assert hidden not in answer.text
    mine = [entry for entry in record.entries_since(town, size) if entry.body.get("request_id") == request_id]
    assert [(entry.outcome, bool(entry.code)) for entry in mine] == [("refused", True)]
    assert mine[0].code == answer.json()["code"] or "answered" in mine[0].body["details"]


async def test_a_sound_lookup_is_answered(doors: Doors) -> None:
    """Positive control, on both nodes."""
    token = await doors.own_token()
    for node in (0, 1):
        answer = await doors.look_up(token, node=node)
        assert answer.status_code == 200
        assert answer.json()["receipt"]


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_j_bent_tokens_open_no_license(town: Town, doors: Doors, mutate: Callable[[str], str]) -> None:
    """J01–J27 at the license API: 401 with a challenge; introspection says the same."""
    bent = mutate(await doors.own_token())
    headers = {"Authorization": f"Bearer {bent}".strip(), "Content-Type": "application/json"}
    body = json.dumps(lookup_body(town)).encode()
    answer = await doors.send("POST", LOOKUP, headers=headers, content=body)
    assert answer.status_code in (401, 431)
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="renzheng", error="invalid_token"')
    if bent:
        assert await doors.introspect(bent) == {"active": False}


async def test_e18_tokens_stay_on_their_side(town: Town, doors: Doors) -> None:
    """T13, T17, T18: a citizen's token opens no lookup, a department's no userinfo, an ID token nothing."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[0])
    tokens = await visitor.tokens()
    assert (await doors.look_up(tokens["access_token"])).status_code in (401, 403)
    for token in (await doors.own_token(), tokens["id_token"], tokens["refresh_token"]):
        answer = await doors.userinfo(token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert (await doors.look_up(tokens["id_token"])).status_code == 401


async def test_e18_an_officer_is_the_own_departments(doors: Doors) -> None:
    """Another department's application cannot borrow the officer."""
    answer = await doors.look_up(await doors.own_token(OTHER_APP))
    assert answer.status_code == 403
    assert answer.json()["code"].startswith("31")


async def test_t14_a_token_elsewhere_than_in_the_header_is_none(town: Town, doors: Doors) -> None:
    """Neither query nor body nor a second header."""
    token = await doors.own_token()
    body = json.dumps({**lookup_body(town), "access_token": token}).encode()
    kind = {"Content-Type": "application/json"}
    for path, headers in ((f"{LOOKUP}?access_token={token}", kind), (LOOKUP, kind)):
        assert (await doors.send("POST", path, headers=headers, content=body)).status_code == 401
    as_form = await doors.send("POST", LOOKUP, form={"access_token": token})
    assert as_form.status_code == 401


@pytest.mark.parametrize("number", range(len(JSON_TEXTS)))
async def test_i02_unreadable_bodies(doors: Doors, number: int) -> None:
    """I02, I13, I17: deep, doubled, broken, huge: 400 with a pointer or a reason, quickly."""
    headers = {"Authorization": f"Bearer {await doors.own_token()}", "Content-Type": "application/json"}
    answer = await doors.send("POST", LOOKUP, headers=headers, content=JSON_TEXTS[number])
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"].startswith("42")


async def test_e01_somebody_elses_license_is_nobodys(town: Town, doors: Doors) -> None:
    """SAME: the page of another person's license is that of a license that does not exist, and both tell nothing."""
    owner = next(person for person in town.world["people"] if person["user_name"] == "zhoujingyan")
    holder, other = Visitor(doors), Visitor(doors)
    await holder.get("/login")
    entered = await holder.post("/login", {"identifier": owner["user_name"], "password": owner["password"]})
    assert entered.status_code == 303
    page = await holder.get("/licenses")
    path = next(line for line in page.text.split('"') if line.startswith("/licenses/"))
    assert (await holder.get(path)).status_code == 200
    await other.sign_in(town.population.citizens[0])
    foreign, unknown = await other.get(path), await other.get(f"/licenses/{uuid.uuid4().hex}")
    assert foreign.status_code == unknown.status_code == 404
    ids = (path.rpartition("/")[2], str(unknown.url).rpartition("/")[2])
    assert _bare(foreign.text, *ids, foreign.headers["x-request-id"]) == _bare(
        unknown.text, *ids, unknown.headers["x-request-id"]
    )


def _bare(text: str, *varying: str) -> list[str]:
    for word in varying:
        text = text.replace(word, "*")
    # The time of the page is on it to the minute.
    return [line for line in text.splitlines() if "北京时间" not in line]
