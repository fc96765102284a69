"""One request id, one answer: on one node, on two, at once and later."""

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from certs_catalog.grants.register import suspend_grant
from certs_catalog.lookup.outcomes import Answer, Refusal
from certs_catalog.lookup.replay import (
    find_kept_answer,
    forget_expired_answers,
    open_kept_answer,
    replay_key,
)
from certs_catalog.tables import accesses, lookup_answers
from foundation.sealing import SealBroken
from tests.certs_catalog.world import APPLICATION, CLERK, World, open_world, request_id
from tests.servers import Stack


async def rows(world: World) -> int:
    """How many access rows there are."""
    async with world.room.db.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(accesses))).scalar_one())


async def test_the_same_id_and_body_give_the_same_receipt(stack: Stack) -> None:
    """licenses.md: same id and body → same results and same receipt, and an access that the holder sees."""
    async with open_world(stack) as world:
        number = request_id()
        first = await world.answered(request_id=number)
        await world.pass_time(600)
        again = await world.answered(request_id=number)
        assert (again.receipt, again.body(), again.replayed) == (first.receipt, first.body(), True)
        assert await rows(world) == 2
        third = await world.answered(request_id=number)
        assert (third.receipt, third.lookup_id, third.position) == (first.receipt, first.lookup_id, first.position)


async def test_the_same_id_with_another_body_is_a_conflict(stack: Stack) -> None:
    """409 42106, and nothing of the first answer is told."""
    async with open_world(stack) as world:
        number = request_id()
        await world.answered(request_id=number)
        other = await world.refused(request_id=number, fields=["holder_name"])
        assert (other.reason.code, other.reason.status) == ("42106", 409)


async def test_the_same_id_of_another_caller_is_another_request(stack: Stack) -> None:
    """An id protects its own caller and cannot be used to read somebody else's answer."""
    async with open_world(stack) as world:
        number = request_id()
        first = await world.answered(CLERK, request_id=number)
        other = await world.answered(APPLICATION, request_id=number)
        assert first.receipt != other.receipt
        assert not other.replayed


async def test_a_repetition_is_decided_anew(stack: Stack) -> None:
    """E20: a grant that was suspended meanwhile refuses the repetition too."""
    async with open_world(stack) as world:
        number = request_id()
        await world.answered(request_id=number)
        await suspend_grant("G-2026-0017", room=world.room, actor="officer:1", now=world.now)
        assert (await world.refused(request_id=number)).reason.code == "31006"


async def test_a_refused_id_can_be_used_again(stack: Stack) -> None:
    """A refusal claims no id: what was refused may be corrected and asked again."""
    async with open_world(stack) as world:
        number = request_id()
        await world.refused(request_id=number, fields=["unit_number"])
        assert isinstance(await world.look_up(request_id=number), Answer)


async def test_many_at_once_get_one_receipt(stack: Stack) -> None:
    """Two nodes, forty requests with one id: every answer carries the same receipt, and each is an access."""
    async with open_world(stack) as here, open_world(stack, like=here) as there:
        number = request_id()
        outcomes = await asyncio.gather(*((here, there)[index % 2].look_up(request_id=number) for index in range(40)))
        answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
        in_flight = {outcome.reason.code for outcome in outcomes if isinstance(outcome, Refusal)}
        assert len({answer.receipt for answer in answers}) == 1
        assert in_flight <= {"42107"}
        async with here.room.db.read() as connection:
            allowed = select(func.count()).where(accesses.c.outcome == "allowed")
            assert (await connection.execute(allowed)).scalar_one() == len(answers)


async def test_kept_answers_are_sealed_and_forgotten(stack: Stack) -> None:
    """The kept answer lies sealed beside the access and is deleted after a day."""
    async with open_world(stack) as world:
        await world.answered(request_id=request_id())
        async with world.room.db.read() as connection:
            kept = (await connection.execute(select(lookup_answers))).one()
        assert "张".encode() not in kept.answer_sealed
        assert await forget_expired_answers(world.room.db, now=world.now) == 0
        await world.pass_time(86_401)
        assert await forget_expired_answers(world.room.db, now=world.now) == 1


async def test_the_kept_answer_cannot_be_moved(stack: Stack) -> None:
    """A sealed answer opens only for its own lookup."""
    async with open_world(stack) as world:
        ids = [request_id(), request_id()]
        for number in ids:
            await world.answered(request_id=number)
        first, second = [await find_kept_answer(world.room.db, replay_key(CLERK, number)) for number in ids]
        assert first is not None
        assert second is not None
        room = world.room
        opened = open_kept_answer(first, sealer=room.sealer, keys=room.keys, catalog=room.catalog)
        assert json.loads(opened.body())["receipt"] == opened.receipt
        moved = replace(first, sealed=second.sealed)
        with pytest.raises(SealBroken):
            open_kept_answer(moved, sealer=room.sealer, keys=room.keys, catalog=room.catalog)
