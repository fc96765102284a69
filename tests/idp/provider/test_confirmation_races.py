"""Yes and no to one waiting request at the same moment: what is on record afterwards is one answer, whole."""

import asyncio
from dataclasses import replace

import pytest

from foundation.batching import Coalescer
from idp.provider.authorization.consents import Consent, ConsentKey, ConsentReader
from idp.provider.decoupled.confirmation import ConfirmationView, answer_confirmation
from idp.provider.decoupled.tables import decoupled_requests
from idp.provider.errors import ShownError
from idp.provider.tables import consents
from tests.idp.provider.decoupled_world import ORIGIN, Phone, begin_ciba
from tests.idp.provider.world import World

ROUNDS = 3


async def items_of(phone: Phone, request_id: str) -> frozenset[str]:
    """Return everything the page of a request asks for."""
    view = await phone.look(request_id)
    assert isinstance(view, ConfirmationView)
    return frozenset(item.item for item in view.view.items)


class Overtaken(Coalescer[ConsentKey, Consent]):
    """Reads what stands, and lets another device answer before the reader goes on."""

    def __init__(self, phone: Phone, request_id: str) -> None:
        super().__init__(ConsentReader(phone.world.provider.db).fetch)
        self._phone, self._request_id = phone, request_id

    async def load(self, key: ConsentKey) -> Consent | None:
        """Return the standing consent as it was before the no."""
        found = await super().load(key)
        await self._phone.answer(self._request_id, agreed=None)
        return found


async def test_a_yes_that_came_too_late_leaves_no_consent(world: World, phone: Phone) -> None:
    """The no is on record between the moment the yes was judged and the moment it is written: nobody agreed to anything."""
    await begin_ciba(world)
    (request_id,) = await phone.waiting()
    agreed = await items_of(phone, request_id)
    slow = replace(world.provider, consents=Overtaken(phone, request_id))
    with pytest.raises(ShownError):
        await answer_confirmation(
            request_id, session=phone.session, agreed=agreed, provider=slow, origin=ORIGIN, now=world.now
        )
    (row,) = await world.rows(decoupled_requests)
    assert row["state"] == "refused"
    assert await world.rows(consents) == []
    assert "oauth.consent" not in [entry["kind"] for entry in await world.entries()]


async def test_an_agreement_is_on_record_with_its_answer(world: World, phone: Phone) -> None:
    """Positive control: the consent, its entry and the entry of the answer."""
    await begin_ciba(world)
    (request_id,) = await phone.waiting()
    agreed = await items_of(phone, request_id)
    await phone.agree(request_id)
    (row,) = await world.rows(consents)
    assert set(row["items"]) == agreed
    assert [entry["kind"] for entry in await world.entries()][-2:] == ["oauth.consent", "oauth.ciba_answer"]


async def test_of_yes_and_no_at_once_one_is_on_record(world: World, phone: Phone) -> None:
    """Whichever wins, consent and answer say the same."""
    for _ in range(ROUNDS):
        await begin_ciba(world)
        (request_id,) = await phone.waiting()
        agreed, before = await items_of(phone, request_id), await world.rows(consents)
        answers = await asyncio.gather(
            *(phone.answer(request_id, agreed=each) for each in (agreed, None, agreed, None)), return_exceptions=True
        )
        assert [type(one) for one in answers if isinstance(one, BaseException)] == [ShownError] * 3
        (row,) = [row for row in await world.rows(decoupled_requests) if row["request_id"] == request_id]
        assert row["state"] in ("approved", "refused")
        if row["state"] == "refused":
            assert await world.rows(consents) == before
        else:
            assert set((await world.rows(consents))[0]["items"]) == agreed
            async with world.provider.db.transaction() as connection:
                await connection.execute(consents.delete())
