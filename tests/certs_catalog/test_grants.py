"""Grants: only sound content comes into force, and what ends takes effect at once and everywhere."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from certs_catalog.errors import GrantInvalid
from certs_catalog.grants.content import TypeGrant
from certs_catalog.grants.register import register_grant, revoke_grant, suspend_grant
from certs_catalog.tables import grant_versions
from certs_catalog.vocabulary import Grade
from foundation.problems import find_error_code
from tests.certs_catalog.world import CONSTRUCTOR, GRANT, NOW, TITLE, World, open_world
from tests.servers import Stack

TWO = ("officer:1", "officer:2")
GRANT_ID = "G-2026-0017"


async def register(world: World, content: Any = GRANT, validated_by: Any = TWO, grant_id: str | None = GRANT_ID) -> str:
    """Register and return the reference of the version in force."""
    version = await register_grant(
        content, validated_by=validated_by, room=world.room, now=world.now, grant_id=grant_id
    )
    return version.ref


FAULTS = [
    pytest.param({"types": ()}, TWO, id="no type"),
    pytest.param({"types": (TypeGrant("1" * 21, Grade.MASKED, ("holder_name",)),)}, TWO, id="an unknown type"),
    pytest.param({"types": (TypeGrant(TITLE, Grade.MASKED, ("colour",)),)}, TWO, id="an unknown field"),
    pytest.param({"types": (TypeGrant(TITLE, Grade.MASKED, ()),)}, TWO, id="a type without fields"),
    pytest.param({"types": GRANT.types[:1] * 2}, TWO, id="a type twice"),
    pytest.param({"purposes": ()}, TWO, id="no purpose"),
    pytest.param({"purposes": (replace(GRANT.purposes[0], legal_basis=""),)}, TWO, id="no legal basis"),
    pytest.param({"channels": ()}, TWO, id="no channel"),
    pytest.param({"networks": ("10.0.0.1/8",)}, TWO, id="a network with host bits"),
    pytest.param({"daily_volume": 0}, TWO, id="no volume"),
    pytest.param({"valid_to": NOW + timedelta(days=600)}, TWO, id="a term beyond 18 months"),
    pytest.param({"valid_to": GRANT.valid_from}, TWO, id="an empty term"),
    pytest.param({"contacts": ()}, TWO, id="no contact"),
    pytest.param({}, ("officer:1",), id="full grade validated by one person"),
    pytest.param({}, ("officer:1", "officer:1"), id="the same person twice"),
    pytest.param(
        {"types": (TypeGrant(TITLE, Grade.MASKED, ("holder_name",)),), "daily_volume": 5000},
        ("officer:1",),
        id="a large volume validated by one person",
    ),
]


@pytest.mark.parametrize(("changes", "validated_by"), FAULTS)
async def test_a_faulty_grant_is_not_registered(
    stack: Stack, changes: dict[str, Any], validated_by: tuple[str, ...]
) -> None:
    """licenses.md, grants: content is checked whoever registers it."""
    async with open_world(stack, bare=True) as world:
        with pytest.raises(GrantInvalid):
            await register(world, replace(GRANT, **changes), validated_by)
        async with world.room.db.read() as connection:
            assert (await connection.execute(select(grant_versions))).first() is None


async def test_versions_are_immutable_and_counted(stack: Stack) -> None:
    """The same content changes nothing; other content becomes the next version; decisions name it."""
    async with open_world(stack) as world:
        assert await register(world) == f"{GRANT_ID}@1"
        narrower = replace(GRANT, types=GRANT.types[:1])
        assert await register(world, narrower) == f"{GRANT_ID}@2"
        assert (await world.refused(license_types=[CONSTRUCTOR], fields=["holder_name"])).reason.code == "31002"
        await world.answered()
        async with world.room.db.read() as connection:
            rows = list(await connection.execute(select(grant_versions).order_by(grant_versions.c.version)))
        assert [len(row.content["types"]) for row in rows] == [3, 1]
        assert [row.validated_by for row in rows] == [list(TWO), list(TWO)]


async def test_a_grant_does_not_change_hands(stack: Stack) -> None:
    """An id belongs to one department."""
    async with open_world(stack) as world:
        with pytest.raises(GrantInvalid):
            await register(world, replace(GRANT, department_id="e" * 32))


@pytest.mark.parametrize(("end", "code"), [(suspend_grant, "31006"), (revoke_grant, "31006")])
async def test_an_ended_grant_serves_nobody(stack: Stack, end: Any, code: str) -> None:
    """E20: at once on this node, and on another as soon as its feed speaks, well within five seconds."""
    assert find_error_code(code) is not None
    async with open_world(stack) as here, open_world(stack, like=here) as there:
        await there.answered()
        await end(GRANT_ID, room=here.room, actor="officer:1", now=here.now)
        assert (await here.refused()).reason.code == code
        await there.room.feed.catch_up()
        assert (await there.refused()).reason.code == code


async def test_a_suspended_grant_comes_back_by_validation_and_a_revoked_one_does_not(stack: Stack) -> None:
    """Suspension ends with a new validated version; revocation is for good."""
    async with open_world(stack) as world:
        await suspend_grant(GRANT_ID, room=world.room, actor="officer:1", now=world.now)
        assert await register(world) == f"{GRANT_ID}@2"
        await world.answered()
        await revoke_grant(GRANT_ID, room=world.room, actor="officer:1", now=world.now)
        with pytest.raises(GrantInvalid):
            await suspend_grant(GRANT_ID, room=world.room, actor="officer:1", now=world.now)
        with pytest.raises(GrantInvalid):
            await register(world)


async def test_two_registrations_at_once_leave_one_line_of_versions(stack: Stack) -> None:
    """Concurrent registrations of one grant never both become the same version."""
    async with open_world(stack) as world:
        contents = [replace(GRANT, title=f"第{index}稿") for index in range(4)]
        outcomes = await asyncio.gather(*(register(world, content) for content in contents), return_exceptions=True)
        won = sorted(outcome for outcome in outcomes if isinstance(outcome, str))
        assert won == [f"{GRANT_ID}@{number}" for number in range(2, 2 + len(won))]
        assert won
