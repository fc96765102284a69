"""Refresh tokens that are rotated in one statement: who wins, and what happens when another node crosses it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Update, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.problems import StorageUnavailable
from idp.provider.tables import refresh_families
from idp.provider.tokens.refreshing import RefreshToken, Rotation, parse_refresh_token, successor_of
from tests.idp.provider.world import Browser, World

OFFLINE = "openid profile offline_access"
ON_POSTGRES = pytest.mark.parametrize("stack", ["postgres+redis"], indirect=True)
IS_ANYBODY_WAITING = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
)


async def _begin_family(world: World, browser: Browser) -> Rotation:
    """Begin a family and return the wish to rotate its token."""
    presented = parse_refresh_token((await browser.tokens_for(scope=OFFLINE))["refresh_token"])
    assert presented is not None
    return _wish(world, presented)


async def _two_families(world: World, browser: Browser) -> list[Rotation]:
    """Return the wishes of two families of which the later one has the greater name: any plan takes their rows in this order."""
    first = await _begin_family(world, browser)
    for _ in range(64):
        second = await _begin_family(world, browser)
        if second.presented.family_id > first.presented.family_id:
            break
        first = second
    return [first, second]


def _wish(world: World, presented: RefreshToken) -> Rotation:
    successor, now = successor_of(presented, entropy=world.provider.entropy), world.now
    return Rotation(presented, successor, "gzf", now + timedelta(days=1), now)


async def _rotate(world: World, wishes: Sequence[Rotation]) -> list[bool | BaseException]:
    """Rotate them in one batch."""
    families = world.provider.families
    return await asyncio.gather(*(families.rotate(wish) for wish in wishes), return_exceptions=True)


async def test_of_two_wishes_in_one_batch_one_is_granted(world: World, browser: Browser) -> None:
    """T02: the winner is told by what stands in the database, and a stranger's batch mates take nothing from it."""
    first, second = await _two_families(world, browser)
    rival = _wish(world, first.presented)
    stranger = replace(_wish(world, second.presented), client_id="bdc")
    outcomes = await _rotate(world, [first, rival, stranger, second])
    assert sorted(map(bool, outcomes[:2])) == [False, True]
    assert outcomes[2:] == [False, True]
    winner = first if outcomes[0] else rival
    assert await _rotate(world, [_wish(world, winner.successor), _wish(world, first.presented)]) == [True, False]


async def test_a_token_that_stays_is_prolonged_for_everybody(world: World, browser: Browser) -> None:
    """Without rotation two uses in one batch are no reuse, whether their instants differ or not."""
    wish = await _begin_family(world, browser)
    kept = replace(wish, successor=wish.presented)
    later = replace(kept, now=kept.now + timedelta(seconds=1), idle_until=kept.idle_until + timedelta(seconds=1))
    assert await _rotate(world, [kept, later, kept]) == [True, True, True]
    assert await _rotate(world, [kept]) == [True]


async def _cross(
    world: World, wishes: Sequence[Rotation], other: AsyncConnection
) -> asyncio.Task[list[bool | BaseException]]:
    """Begin the batch while another node holds the last family and wants the first: PostgreSQL undoes the batch."""
    first, last = wishes
    await other.execute(_touch(last))
    batch = asyncio.create_task(_rotate(world, wishes))
    async with world.provider.db.read() as connection:
        for _ in range(1_000):
            if (await connection.execute(IS_ANYBODY_WAITING)).scalar_one():
                break
            await asyncio.sleep(0.01)
    # Had once the batch is undone, and given up again: the first is free then, the last still held.
    async with other.begin_nested() as savepoint:
        await other.execute(_touch(first))
        await savepoint.rollback()
    return batch


def _touch(wish: Rotation) -> Update:
    family = refresh_families.c
    return (
        update(refresh_families)
        .where(family.family_id == wish.presented.family_id)
        .values(absolute_expires_at=family.absolute_expires_at)
    )


@ON_POSTGRES
async def test_a_crossed_batch_is_done_one_by_one(world: World, browser: Browser) -> None:
    """A deadlock costs nobody the token."""
    wishes = await _two_families(world, browser)
    async with asyncio.timeout(60):
        async with world.provider.db.transaction() as other:
            batch = await _cross(world, wishes, other)
        assert await batch == [True, True]


@ON_POSTGRES
async def test_what_was_rotated_is_answered_when_another_fails(world: World, browser: Browser) -> None:
    """Whoever heard that nothing happened would come again with a spent token, and lose the family for it."""
    wishes = await _two_families(world, browser)
    async with asyncio.timeout(60), world.provider.db.transaction() as other:
        batch = await _cross(world, wishes, other)
        rotated, failed = await batch
    assert rotated is True
    assert isinstance(failed, StorageUnavailable)
    assert await _rotate(world, [_wish(world, wishes[0].successor), wishes[1]]) == [True, True]
