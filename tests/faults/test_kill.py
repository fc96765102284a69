"""V17, X10: a node that is killed in the middle of lookups loses nothing that it acknowledged and leaves nothing half made."""

import asyncio
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2
import pytest

from tests.faults import record
from tests.faults.nodes import START_S, Town
from tests.faults.visitor import Doors

ROUNDS, LONG_ROUNDS = 10, 50
"""In each round both nodes are killed."""
LANES = 4
"""Lookups under way at each node."""
LET_THROUGH = 6


@dataclass
class Told:
    """What the client was told: receipts by request id, and the requests that got no answer."""

    receipts: dict[str, record.Acknowledged] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    wanted: int = 0
    let_through: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, request_id: str, receipt: str) -> None:
        """Keep a receipt, and say so when enough of them came."""
        self.receipts[request_id] = record.acknowledged(receipt)
        if len(self.receipts) >= self.wanted:
            self.let_through.set()


@pytest.fixture
def mended(town: Town) -> Iterator[None]:
    """Both nodes run again afterwards, whatever happened."""
    yield
    for node in town.nodes:
        node.kill()
        node.start()
    town.await_ready()


async def test_v17_twenty_kills_in_the_middle_of_lookups(town: Town, doors: Doors, mended: None) -> None:
    """Every acknowledged entry is there with its hash and its access, and the ledger verifies."""
    await _kill_again_and_again(town, doors, ROUNDS)


@pytest.mark.long
async def test_v17_a_hundred_kills(town: Town, doors: Doors, mended: None) -> None:
    """V17 at its full length."""
    await _kill_again_and_again(town, doors, LONG_ROUNDS)


async def _kill_again_and_again(town: Town, doors: Doors, rounds: int) -> None:
    told, first = Told(), record.ledger_size(town)
    chance = random.Random(20260302)
    for _ in range(rounds):
        token = await doors.own_token()
        told.let_through.clear()
        told.wanted = len(told.receipts) + LET_THROUGH
        lanes = [
            asyncio.create_task(_look_up_until_cut(doors, node, token, told))
            for node in range(len(town.nodes))
            for _ in range(LANES)
        ]
        await told.let_through.wait()
        for node in chance.sample(town.nodes, len(town.nodes)):
            await asyncio.sleep(chance.random() * 0.05)
            node.kill()
        await asyncio.gather(*lanes)
        for node in town.nodes:
            node.start()
        await town.brought_back(within=START_S)
    assert told.cut_off, "no lookup was under way when the nodes were killed"
    _check_acknowledged(town, told)
    await _check_cut_off(town, doors, told)
    _check_whole(town, first)
    assert (await record.verify(town)).faults == []


async def _look_up_until_cut(doors: Doors, node: int, token: str, told: Told) -> None:
    while True:
        request_id = str(uuid.uuid4())
        try:
            answer = await doors.look_up(token, node=node, request_id=request_id)
        except httpx2.TransportError:
            told.cut_off.add(request_id)
            return
        assert answer.status_code == 200, answer.text
        told.note(request_id, answer.json()["receipt"])


def _check_acknowledged(town: Town, told: Told) -> None:
    """Every receipt stands at its place in the ledger, and its access is visible to the holder."""
    entries = {entry.position: entry for entry in record.entries_since(town, 0)}
    accesses = {row[0] for row in record.query(town, "SELECT lookup_id FROM accesses WHERE holder_index IS NOT NULL")}
    for request_id, receipt in told.receipts.items():
        entry = entries[receipt.position]
        assert (entry.kind, entry.outcome, entry.leaf_hash) == ("license.lookup", "allowed", receipt.leaf_hash)
        assert entry.body["request_id"] == request_id
        assert entry.body["details"]["lookup"] == receipt.lookup
        assert receipt.lookup in accesses


async def _check_cut_off(town: Town, doors: Doors, told: Told) -> None:
    """A lookup that got no answer can be repeated under its id; on record are the answer given now and, if it had come so far, the one
    that was cut off."""
    token = await doors.own_token()
    for request_id in told.cut_off:
        answer = await doors.look_up(token, request_id=request_id)
        assert answer.status_code == 200, answer.text
    uses = record.query(
        town,
        "SELECT request_id, count(DISTINCT lookup_id) FROM accesses WHERE request_id = ANY(%s) GROUP BY request_id",
        list(told.cut_off),
    )
    assert {row[0] for row in uses} == told.cut_off
    assert {row[1] for row in uses} <= {1, 2}


def _check_whole(town: Town, first: int) -> None:
    """No access without entry, no entry without access, no gap."""
    entries = record.entries_since(town, first)
    assert [entry.position for entry in entries] == list(range(first, record.ledger_size(town)))
    kinds = ("license.lookup", "license.lookup.repeated")
    lookups = {entry.position for entry in entries if entry.kind in kinds and entry.outcome == "allowed"}
    accesses = {row[0] for row in record.query(town, "SELECT position FROM accesses WHERE position >= %s", first)}
    assert lookups == accesses
