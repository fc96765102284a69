"""The lookup contract, on both stacks: what is answered, what is refused, and what is on record afterwards."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from certs_catalog.accesses.history import list_accesses
from certs_catalog.licenses.register import register_license
from certs_catalog.lookup.outcomes import Answer, Refusal
from certs_catalog.protection import set_protection
from certs_catalog.tables import accesses
from foundation.ledger.store import find_row, ledger_entries
from foundation.problems import ServiceUnavailable
from tests.certs_catalog.world import (
    APPLICATION,
    CASE_OF_LI,
    CASE_OF_MARKET,
    CASE_OF_OTHER_MATTER,
    CLERK,
    CLOSED_CASE,
    CONSTRUCTOR,
    DRIVER,
    LI,
    MATTER,
    MORTGAGE,
    NOBODY,
    OPEN_CASE,
    TITLE,
    ZHANG,
    open_world,
    title_of,
)
from tests.servers import Stack


async def test_a_masked_lookup_answers_masked_fields_with_a_receipt(stack: Stack) -> None:
    """licenses.md, grade masked: chosen fields, masked by rule, nothing beside them."""
    async with open_world(stack) as world:
        answer = await world.answered(APPLICATION)
        rendered = json.loads(answer.body())
        (result,) = rendered["results"]
        assert result["status"] == "valid"
        assert {name: entry["value"] for name, entry in result["fields"].items()} == {
            "holder_name": "张*明",
            "location": "青榆区***",
        }
        assert all(entry["masked"] for entry in result["fields"].values())
        assert rendered["source"]["mode"] == "index"
        assert ZHANG not in answer.body().decode()


async def test_the_receipt_proves_request_response_and_place_in_the_ledger(stack: Stack) -> None:
    """A receipt verifies with the published receipt key, and its digests and leaf hash can be recomputed."""
    async with open_world(stack) as world:
        answer = await world.answered()
        claims = world.room.keys.verify(
            answer.receipt,
            purpose="receipt",
            algs=["EdDSA"],
            typ="receipt+jwt",
            now=world.now,
            require_exp=False,
        ).claims
        results = json.loads(answer.body())["results"]
        canonical = json.dumps(results, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert claims["response_sha256"] == hashlib.sha256(canonical.encode()).hexdigest()
        assert claims["grants"] == ["G-2026-0017@1"]
        assert claims["fields"] == ["holder_name", "location"]
        async with world.room.db.read() as connection:
            row = await find_row(connection, answer.position)
        assert row is not None
        assert claims["ledger"] == {"position": answer.position, "leaf_sha256": row.leaf_hash.hex()}


async def test_a_full_lookup_shows_values_and_needs_two_factors(stack: Stack) -> None:
    """limits.md: a full view needs the officer's own second factor (RFC 9470)."""
    async with open_world(stack) as world:
        answer = await world.answered(grade="full", fields=["holder_name", "holder_number"])
        assert answer.results[0].fields["holder_number"].value == ZHANG
        weak = await world.refused(replace(CLERK, strength=1), grade="full", fields=["holder_name"])
        assert (weak.reason.code, weak.reason.status) == ("31009", 401)


async def test_verify_tells_what_matches_and_nothing_else(stack: Stack) -> None:
    """Grade verify discloses nothing that the caller did not supply."""
    async with open_world(stack) as world:
        facts = {"holder_name": "张知明", "location": "青榆区松涛路19号"}
        answer = await world.answered(grade="verify", fields=None, facts=facts)
        (result,) = json.loads(answer.body())["results"]
        assert result == {
            "type": TITLE,
            "schema": f"{TITLE}@2",
            "status": "valid",
            "facts": {"holder_name": True, "location": False},
        }


REFUSALS = [
    pytest.param({"license_types": [MORTGAGE]}, "31002", 403, id="a type without grant"),
    pytest.param({"license_types": [TITLE, MORTGAGE]}, "31002", 403, id="one of two types without grant"),
    pytest.param({"license_types": [CONSTRUCTOR], "grade": "full"}, "31003", 403, id="a grade above the grant"),
    pytest.param({"fields": ["holder_name", "unit_number"]}, "31004", 403, id="an ungranted field"),
    pytest.param({"fields": ["no_such_field"]}, "31004", 403, id="a field no type has"),
    pytest.param({"purpose": {"matter": "tax"}}, "32001", 403, id="a matter without grant"),
    pytest.param({"purpose": {"matter": MATTER}}, "32002", 422, id="a missing case"),
    pytest.param({"purpose": {"matter": MATTER, "case": "QY-0"}}, "32003", 422, id="an unknown case"),
    pytest.param({"purpose": {"matter": MATTER, "case": CLOSED_CASE}}, "32004", 422, id="a closed case"),
    pytest.param({"purpose": {"matter": MATTER, "case": CASE_OF_MARKET}}, "32005", 403, id="another department's case"),
    pytest.param({"purpose": {"matter": MATTER, "case": CASE_OF_LI}}, "32006", 403, id="another holder's case"),
    pytest.param(
        {"purpose": {"matter": MATTER, "case": CASE_OF_OTHER_MATTER}}, "32007", 422, id="a case of another matter"
    ),
    pytest.param(
        {"purpose": {"matter": MATTER, "case": OPEN_CASE, "legal_basis": "LB-1"}},
        "31015",
        403,
        id="another legal basis",
    ),
    pytest.param({"grade": "original", "fields": None}, "31017", 422, id="an original"),
    pytest.param({"by": {"share_code": "AAAA"}, "license_types": None}, "31018", 422, id="a share code"),
    pytest.param({"license_types": ["111000000000000000999"]}, "33006", 422, id="a type not in the catalogue"),
]


@pytest.mark.parametrize(("members", "code", "status"), REFUSALS)
async def test_a_refusal_says_its_code_and_nothing_else(
    stack: Stack, members: dict[str, Any], code: str, status: int
) -> None:
    """E02, E04, E05: each has its own code, discloses nothing, and is on record for the holder."""
    async with open_world(stack) as world:
        refusal = await world.refused(**members)
        assert (refusal.reason.code, refusal.reason.status) == (code, status)
        assert set(refusal.problem().extensions) <= {"errors"}
        async with world.room.db.read() as connection:
            row = await find_row(connection, refusal.position or -1)
        assert row is not None
        entry = json.loads(row.body)
        assert (entry["outcome"], entry["code"]) == ("refused", code)
        page = await list_accesses(world.ref(ZHANG), room=world.room)
        if "share_code" not in str(members):
            assert [access.code for access in page.items][:1] == [code]


async def test_nothing_personal_lies_in_clear(stack: Stack) -> None:
    """No document number, name or case number in any ledger body or access row of any outcome."""
    async with open_world(stack) as world:
        await world.answered()
        await world.refused(purpose={"matter": ZHANG, "case": OPEN_CASE})
        await world.refused(fields=["holder_name", "unit_number"])
        await world.answered(grade="verify", fields=None, facts={"holder_name": "张知明"})
        async with world.room.db.read() as connection:
            bodies = list(await connection.scalars(select(ledger_entries.c.body)))
            rows = [str(row) for row in await connection.execute(select(accesses))]
        assert len(bodies) >= 7
        for text in [*bodies, *rows]:
            assert ZHANG not in text
            assert ZHANG[:17] not in text
            assert "张知明" not in text
        assert not any(OPEN_CASE in text for text in bodies)


async def test_none_found_and_protected_are_the_same(stack: Stack) -> None:
    """E01, licenses.md: a protected holder is indistinguishable from one without licenses."""
    async with open_world(stack) as world:
        world.matters.cases["QY-9"] = replace(world.matters.cases[OPEN_CASE], number="QY-9", holder_number=NOBODY)
        none = await world.refused(
            by={"holder": {"type": "111", "code": NOBODY}}, purpose={"matter": MATTER, "case": "QY-9"}
        )
        room = world.room
        await set_protection(
            world.ref(ZHANG), True, db=room.db, ledger=room.ledger, feed=room.feed, actor="system:test", now=world.now
        )
        protected = await world.refused()
        assert none.reason.code == protected.reason.code == "33001"
        assert none.problem() == protected.problem()
        assert none.headers == protected.headers
        async with room.db.read() as connection:
            bodies = [
                json.loads(row.body)
                for refusal in (none, protected)
                if (row := await find_row(connection, refusal.position or -1))
            ]
        varying = ("at", "details", "personal")
        plain = [{name: value for name, value in body.items() if name not in varying} for body in bodies]
        assert plain[0] == plain[1]


async def test_an_identifier_of_somebody_else_reads_as_none_found(stack: Stack) -> None:
    """E01, E05: a case about 李 does not reach 张's license by its identifier, nor tell that it exists."""
    async with open_world(stack) as world:
        answer = await world.answered()
        identifier = answer.results[0].identifier
        by: dict[str, Any] = {"by": {"identifier": identifier}, "license_types": None}
        assert (await world.answered(**by)).results[0].fields["holder_name"].value == "张*明"
        other = await world.refused(**by, purpose={"matter": MATTER, "case": CASE_OF_LI})
        made_up = await world.refused(
            by={"type": TITLE, "number": "鲁0"}, license_types=None, purpose={"matter": MATTER, "case": CASE_OF_LI}
        )
        assert other.problem() == made_up.problem()
        page = await list_accesses(world.ref(ZHANG), room=world.room)
        assert page.items[0].code == "32006"


async def test_by_number_finds_the_license_of_the_case(stack: Stack) -> None:
    """The third way of asking: type and number."""
    async with open_world(stack) as world:
        number = "鲁(2025)青榆区不动产权第0000001号"
        answer = await world.answered(by={"type": TITLE, "number": number}, license_types=None)
        assert answer.results[0].fields["location"].value == "青榆区***"


async def test_a_type_held_above_is_fetched_from_the_library(stack: Stack) -> None:
    """The library is asked with the cause, its wire names are translated, and the source is told."""
    async with open_world(stack) as world:
        answer = await world.answered(
            license_types=[DRIVER], fields=["holder_name", "service_kind", "valid_to"], grade="masked"
        )
        fields = answer.results[0].fields
        assert (fields["holder_name"].value, fields["service_kind"].value) == ("张*明", "道路旅客运输驾驶员")
        assert fields["valid_to"].value == "2029-01-01"
        assert (answer.source.mode, answer.source.from_zh) == ("live", "省电子证照共享平台")
        assert world.library.causes[0].matter_code == MATTER


async def test_index_and_library_answer_together(stack: Stack) -> None:
    """One request over two types, each served from where it lies."""
    async with open_world(stack) as world:
        answer = await world.answered(license_types=[TITLE, DRIVER], fields=["holder_name", "usage"])
        assert [result.type_code for result in answer.results] == [TITLE, DRIVER]
        assert set(answer.results[1].fields) == {"holder_name"}


async def test_every_use_is_seen_by_the_holder(stack: Stack) -> None:
    """Allowed and refused uses of both channels are on the holder's page, of nobody else's."""
    async with open_world(stack) as world:
        await world.answered(APPLICATION)
        await world.refused(fields=["unit_number"])
        page = await list_accesses(world.ref(ZHANG), room=world.room)
        assert [(access.channel, access.outcome) for access in page.items] == [("desk", "refused"), ("api", "allowed")]
        allowed = page.items[1]
        assert allowed.department_name_zh == "青榆区住房和城乡建设局"
        assert allowed.field_labels_zh == ("权利人", "坐落")
        assert (allowed.matter_name_zh, allowed.case_number) == ("公共租赁住房资格申请", OPEN_CASE)
        assert (await list_accesses(world.ref(LI), room=world.room)).total == 0


async def test_too_many_found_is_seen_by_the_holder(stack: Stack) -> None:
    """Also when the question named no holder: 33007 tells that licenses exist."""
    async with open_world(stack, limits={"results": 1}) as world:
        number = "鲁(2025)青榆区不动产权第0000001号"
        second = title_of(ZHANG, "张知明", serial="37029900000003", number=number)
        await register_license(second, room=world.room, actor="system:seed", now=world.now)
        refusal = await world.refused(by={"type": TITLE, "number": number}, license_types=None)
        assert refusal.reason.code == "33007"
        assert (await list_accesses(world.ref(ZHANG), room=world.room)).total == 1


async def test_a_malformed_answer_of_the_case_system_binds_nobody(stack: Stack) -> None:
    """A case whose holder number is no number concerns nobody."""
    async with open_world(stack) as world:
        world.matters.cases[OPEN_CASE] = replace(world.matters.cases[OPEN_CASE], holder_number="123")
        assert (await world.refused()).reason.code == "32006"


async def test_the_case_system_down_discloses_nothing(stack: Stack) -> None:
    """502 with its own code, recorded as failed; the next lookup works again."""
    async with open_world(stack) as world:
        world.matters.is_down = True
        refusal = await world.refused()
        assert (refusal.reason.code, refusal.reason.status) == ("32008", 502)
        async with world.room.db.read() as connection:
            row = await find_row(connection, refusal.position or -1)
        assert row is not None
        assert json.loads(row.body)["outcome"] == "failed"
        world.matters.is_down = False
        assert isinstance(await world.look_up(), Answer)


async def test_a_positive_case_is_asked_once_within_its_time(stack: Stack) -> None:
    """Cached for ``case_cache_seconds``; closed is noticed after that."""
    async with open_world(stack, limits={"case_cache_seconds": 20}) as world:
        await world.answered()
        await world.answered()
        assert world.matters.asked == 1
        world.matters.cases[OPEN_CASE] = replace(world.matters.cases[OPEN_CASE], open=False)
        await world.pass_time(21)
        assert (await world.refused()).reason.code == "32004"


async def test_stale_knowledge_refuses(stack: Stack) -> None:
    """A worker that has not heard the change feed for five seconds does not trust its grants."""
    async with open_world(stack) as world:
        await world.room.feed.stop()
        world.now += timedelta(seconds=30)
        with pytest.raises(ServiceUnavailable):
            await world.look_up()


async def test_one_entry_for_each_outcome(stack: Stack) -> None:
    """Goals: exactly one ledger entry per decision."""
    async with open_world(stack) as world:
        async with world.room.db.read() as connection:
            before = len(list(await connection.execute(select(ledger_entries.c.position))))
        outcomes = [await world.look_up(), await world.look_up(fields=["unit_number"])]
        assert [type(outcome) for outcome in outcomes] == [Answer, Refusal]
        async with world.room.db.read() as connection:
            after = len(list(await connection.execute(select(ledger_entries.c.position))))
        assert after - before == 2
