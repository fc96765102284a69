"""Registering licenses: checked on write, idempotent, late and out of order; and what their holder sees of them."""

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from certs_catalog.errors import LicenseInvalid, StatusChangeImpossible
from certs_catalog.holdings import find_license, list_licenses
from certs_catalog.licenses.record import LicenseHolder, LicenseRecord
from certs_catalog.licenses.register import register_license
from certs_catalog.licenses.status_change import change_license_status, find_registered
from certs_catalog.statuses import TRANSITIONS, check_transition, status_on
from certs_catalog.tables import licenses
from certs_catalog.vocabulary import LicenseStatus
from foundation.identifiers import parse_e_license_identifier
from foundation.identifiers.synthetic import synthetic_social_credit_code
from foundation.ledger.commit import PERSONAL_CONTEXT
from foundation.ledger.store import load_rows
from foundation.sealing import SealBroken
from tests.certs_catalog.world import (
    AREA,
    BUSINESS,
    DRIVER,
    LI,
    NOW,
    ZHANG,
    World,
    open_world,
    title_of,
)
from tests.servers import Stack

ENTERPRISE = synthetic_social_credit_code(AREA, 7)


async def register(world: World, record: LicenseRecord) -> str:
    """Register one record and return what became of it."""
    return (await register_license(record, room=world.room, actor="system:test", now=world.now)).outcome


async def current(world: World) -> list[tuple[int, bool, str]]:
    """Version, currency and status of 张知明's title in all versions."""
    async with world.room.db.read() as connection:
        rows = await connection.execute(
            select(licenses.c.version, licenses.c.is_current, licenses.c.status)
            .where(licenses.c.identifier_base.contains("37029900000001"))
            .order_by(licenses.c.version)
        )
        return [(row.version, row.is_current, row.status) for row in rows]


async def test_the_same_report_twice_changes_nothing(stack: Stack) -> None:
    """Idempotent by (identifier, version)."""
    async with open_world(stack, bare=True) as world:
        record = title_of(ZHANG, "张知明")
        assert [await register(world, record), await register(world, record)] == ["added", "unchanged"]
        registered = await register_license(record, room=world.room, actor="system:test", now=world.now)
        assert parse_e_license_identifier(registered.identifier).version == 1


async def test_versions_may_come_late_and_out_of_order(stack: Stack) -> None:
    """The highest version is the current one, whenever the others arrive."""
    async with open_world(stack) as world:
        later = title_of(ZHANG, "张知明", version=3, face={"location": "青榆区松涛路20号"})
        assert await register(world, later) == "added"
        late = title_of(ZHANG, "张知明", version=2, status=LicenseStatus.REPLACED)
        assert await register(world, late) == "added"
        assert await current(world) == [(1, False, "valid"), (2, False, "replaced"), (3, True, "valid")]
        answer = await world.answered(grade="full", fields=["location"])
        assert [result.fields["location"].value for result in answer.results] == ["青榆区松涛路20号"]


async def test_an_older_report_never_overwrites_a_newer_one(stack: Stack) -> None:
    """Reports of one version are ordered by the source's own time."""
    async with open_world(stack) as world:
        newer = title_of(ZHANG, "张知明", source_updated_at=NOW, status=LicenseStatus.SUSPENDED)
        assert await register(world, newer) == "updated"
        older = title_of(ZHANG, "张知明", source_updated_at=NOW - timedelta(days=9))
        assert await register(world, older) == "older_ignored"
        assert await current(world) == [(1, True, "suspended")]


async def test_two_nodes_registering_versions_at_once_leave_one_current(stack: Stack) -> None:
    """The database decides: whatever the order, exactly one version is current."""
    async with open_world(stack, bare=True) as here, open_world(stack, like=here) as there:
        records = [title_of(ZHANG, "张知明", version=version) for version in range(1, 7)]
        await asyncio.gather(*(register((here, there)[index % 2], record) for index, record in enumerate(records)))
        versions = await current(here)
        assert [version for version, is_current, _ in versions if is_current] == [6]
        assert len(versions) == 6


SPOILT = [
    pytest.param({"type_code": "11100000MB03271699999"}, id="a type that is not in the catalogue"),
    pytest.param({"type_code": DRIVER}, id="a type that is served above"),
    pytest.param({"name": "房产证"}, id="a name that is not the registered one"),
    pytest.param({"issuer_code": "340100"}, id="an area code for an issuer in strict mode"),
    pytest.param({"serial": "abc_1"}, id="a serial outside the alphabet"),
    pytest.param({"version": 1000}, id="a version beyond three digits"),
    pytest.param({"holders": ()}, id="no holder"),
    pytest.param({"holders": (LicenseHolder("111", ZHANG[:-1] + "0", "张知明"),)}, id="a number that does not check"),
    pytest.param(
        {"holders": (LicenseHolder("111", ZHANG, "张"), LicenseHolder("111", ZHANG, "张"))}, id="a holder twice"
    ),
    pytest.param({"face": {"colour": "red"}}, id="a face field the type does not have"),
    pytest.param({"face": {"holder_name": "别人"}}, id="a face field that is derived"),
    pytest.param({"valid_to": date(2024, 1, 1)}, id="a term that ends before it begins"),
    pytest.param({"trust_grade": "E"}, id="a trust grade that does not exist"),
]


@pytest.mark.parametrize("changes", SPOILT)
async def test_unsound_data_is_refused_and_nothing_is_stored(stack: Stack, changes: dict[str, Any]) -> None:
    """Name and code, identifier, holders and face are checked on write; the text names no value."""
    async with open_world(stack, bare=True) as world:
        with pytest.raises(LicenseInvalid) as refused:
            await register(world, title_of(ZHANG, "张知明", **changes))
        assert ZHANG[:-1] not in str(refused.value)
        async with world.room.db.read() as connection:
            assert (await connection.execute(select(licenses.c.license_id))).first() is None


async def test_an_area_code_names_the_issuer_in_lenient_mode(stack: Stack) -> None:
    """e-license.md §1.1: one production system does so."""
    async with open_world(stack, bare=True, limits={"issuer_mode": "lenient"}) as world:
        assert await register(world, title_of(ZHANG, "张知明", issuer_code="340100")) == "added"


async def test_organisations_and_several_holders(stack: Stack) -> None:
    """A business license is held by a USCC; a title may be held by two people, and both are told of a lookup."""
    async with open_world(stack, bare=True) as world:
        license_ = title_of(
            ENTERPRISE,
            "青榆区松涛小店",
            type_code=BUSINESS,
            serial="000001",
            holders=(LicenseHolder("001", ENTERPRISE, "青榆区松涛小店"),),
            face={"legal_representative": "张知明"},
        )
        assert await register(world, license_) == "added"
        wrong = replace(license_, serial="000002", holders=(LicenseHolder("111", ZHANG, "张知明"),))
        with pytest.raises(LicenseInvalid):
            await register(world, wrong)
        (held,) = await list_licenses(world.ref(ENTERPRISE, "001"), room=world.room, now=world.now)
        assert {entry.name: entry.value for entry in held.fields}["legal_representative"] == "张*明"
        shared = title_of(
            ZHANG, "张知明", holders=(LicenseHolder("111", ZHANG, "张知明"), LicenseHolder("111", LI, "李晓禾"))
        )
        await register(world, shared)
        assert len(await list_licenses(world.ref(LI), room=world.room, now=world.now)) == 1


async def test_the_holder_sees_masked_fields_and_only_own_licenses(stack: Stack) -> None:
    """E01: another holder's license id is as unknown as a made-up one."""
    async with open_world(stack) as world:
        (mine,) = await list_licenses(world.ref(ZHANG), room=world.room, now=world.now)
        assert (mine.type_name_zh, mine.status_today) == ("不动产权证书", LicenseStatus.VALID)
        shown = {entry.name: entry.value for entry in mine.fields}
        assert shown["location"] == "青榆区***"
        assert ZHANG not in str(mine)
        assert await find_license(world.ref(ZHANG), mine.license_id, room=world.room, now=world.now) == mine
        assert await find_license(world.ref(LI), mine.license_id, room=world.room, now=world.now) is None
        assert await find_license(world.ref(LI), "0" * 32, room=world.room, now=world.now) is None


async def test_a_revocation_is_told_by_the_next_answer(stack: Stack) -> None:
    """E14: shown as such at once; an ended license never becomes valid again."""
    async with open_world(stack) as world:
        (mine,) = await list_licenses(world.ref(ZHANG), room=world.room, now=world.now)
        assert await change_license_status(
            mine.license_id, LicenseStatus.REVOKED, room=world.room, actor="officer:1", now=world.now
        )
        assert (await world.answered()).results[0].status == "revoked"
        with pytest.raises(StatusChangeImpossible):
            await register(world, title_of(ZHANG, "张知明", source_updated_at=world.now + timedelta(seconds=1)))


async def test_a_license_is_suspended_and_restored(stack: Stack) -> None:
    """Each change is on record with what it was before; one that changes nothing is not. The reason lies sealed."""
    async with open_world(stack) as world:
        (mine,) = await list_licenses(world.ref(ZHANG), room=world.room, now=world.now)
        found = await find_registered(mine.identifier, room=world.room)
        assert found is not None
        assert found == await find_registered(mine.license_id, room=world.room)

        async def change(status: LicenseStatus, reason: str = "") -> bool:
            return await change_license_status(
                mine.license_id, status, reason=reason, room=world.room, actor="system:test", now=world.now
            )

        assert await change(LicenseStatus.SUSPENDED, "法院协助执行通知书，张知明")
        assert not await change(LicenseStatus.SUSPENDED)
        assert (await world.answered()).results[0].status == "suspended"
        assert await change(LicenseStatus.VALID)
        assert (await world.answered()).results[0].status == "valid"
        with pytest.raises(StatusChangeImpossible):
            await change(LicenseStatus.NOT_ACTIVE)
        with pytest.raises(LicenseInvalid):
            await change(LicenseStatus.REVOKED, "长" * 201)
        async with world.room.db.read() as connection:
            rows = list(await load_rows(connection, start=0))
        changes = [row for row in rows if row.kind == "license.status"]
        assert [json.loads(row.body)["details"]["to"] for row in changes] == ["suspended", "valid"]
        assert "张知明" not in changes[0].body
        assert changes[0].personal is not None
        assert "法院" in world.room.sealer.open(changes[0].personal, context=PERSONAL_CONTEXT)[16:].decode()


async def test_an_unknown_license_changes_nothing(stack: Stack) -> None:
    """Neither a made-up id, nor an identifier that checks, nor what is no identifier at all."""
    async with open_world(stack) as world:
        (mine,) = await list_licenses(world.ref(ZHANG), room=world.room, now=world.now)
        other = replace(parse_e_license_identifier(mine.identifier), version=77)
        for reference in ("0" * 32, str(other), mine.identifier[:-1] + "*", "", "１" * 32):
            assert await find_registered(reference, room=world.room) is None
        with pytest.raises(LicenseInvalid):
            await change_license_status(
                "0" * 32, LicenseStatus.REVOKED, room=world.room, actor="system:test", now=world.now
            )


async def test_a_report_does_not_undo_a_revocation_of_the_same_moment(stack: Stack) -> None:
    """Whichever is first, the license is revoked in the end: a report judged by the status of a moment ago would revive it."""
    async with open_world(stack) as world:
        for version in range(2, 10):
            first = title_of(ZHANG, "张知明", version=version)
            license_id = (await register_license(first, room=world.room, actor="system:test", now=world.now)).license_id
            later = replace(first, source_updated_at=world.now + timedelta(seconds=1), trust_grade="B")
            report, revoked = await asyncio.gather(
                register_license(later, room=world.room, actor="system:test", now=world.now),
                change_license_status(
                    license_id, LicenseStatus.REVOKED, room=world.room, actor="system:test", now=world.now
                ),
                return_exceptions=True,
            )
            assert revoked is True
            assert isinstance(report, StatusChangeImpossible) or not isinstance(report, BaseException)
            stored = await find_registered(license_id, room=world.room)
            assert stored is not None
            assert stored.status is LicenseStatus.REVOKED


async def test_a_face_moved_to_another_row_does_not_open(stack: Stack) -> None:
    """A sealed face belongs to its license: exchanging rows in the database shows nobody's data."""
    async with open_world(stack) as world:
        async with world.room.db.transaction() as connection:
            rows = list(await connection.execute(select(licenses.c.license_id, licenses.c.face_sealed)))
            await connection.execute(update(licenses).values(face_sealed=rows[0].face_sealed))
        held = [world.ref(ZHANG), world.ref(LI)]
        outcomes = await asyncio.gather(
            *(list_licenses(holder, room=world.room, now=world.now) for holder in held), return_exceptions=True
        )
        assert sum(isinstance(outcome, SealBroken) for outcome in outcomes) == 1


DAYS: list[tuple[LicenseStatus, date | None, date | None, LicenseStatus, str]] = [
    (LicenseStatus.VALID, None, None, LicenseStatus.VALID, "without a term"),
    (LicenseStatus.VALID, None, date(2026, 5, 18), LicenseStatus.VALID, "on its last day"),
    (LicenseStatus.VALID, None, date(2026, 5, 17), LicenseStatus.EXPIRED, "a day late"),
    (LicenseStatus.SUSPENDED, None, date(2026, 5, 17), LicenseStatus.EXPIRED, "suspended and late"),
    (LicenseStatus.REVOKED, None, date(2026, 5, 17), LicenseStatus.REVOKED, "revoked stays revoked"),
    (LicenseStatus.VALID, date(2026, 5, 19), None, LicenseStatus.NOT_ACTIVE, "a day early"),
]


@pytest.mark.parametrize(("recorded", "start", "end", "told", "_why"), DAYS, ids=[row[4] for row in DAYS])
def test_the_status_of_a_day(
    recorded: LicenseStatus, start: date | None, end: date | None, told: LicenseStatus, _why: str
) -> None:
    """A term counts by days in Beijing, the last one included."""
    assert status_on(date(2026, 5, 18), recorded=recorded, valid_from=start, valid_to=end) is told


def test_every_status_has_its_transitions_and_endings_have_none() -> None:
    """Ten states; what ends a license is never left."""
    assert set(TRANSITIONS) == set(LicenseStatus)
    endings = {status for status, following in TRANSITIONS.items() if not following}
    assert endings == {
        LicenseStatus.REPLACED,
        LicenseStatus.CANCELLED,
        LicenseStatus.WITHDRAWN,
        LicenseStatus.REVOKED,
        LicenseStatus.INVALID,
    }
    check_transition(LicenseStatus.REVOKED, LicenseStatus.REVOKED)
    with pytest.raises(StatusChangeImpossible):
        check_transition(LicenseStatus.REVOKED, LicenseStatus.VALID)
