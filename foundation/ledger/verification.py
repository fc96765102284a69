"""Checking the ledger from the first row to the last against its tree and its signed checkpoints.

Everything is recomputed: canonical body → leaf hash → tile → root → signature. The columns beside the body must say what the body
says, and opened personal parts must match their commitment. A fault names the row. Nothing is repaired.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger.checkpoints import BrokenNote, open_note
from foundation.ledger.commit import PERSONAL_CONTEXT
from foundation.ledger.entries import canonical_json, is_commitment_to, render_instant
from foundation.ledger.merkle import Frontier, leaf_hash
from foundation.ledger.store import Checkpoint, Row, load_checkpoints, load_rows, load_size, load_tiles
from foundation.ledger.tiles import TILE_HEIGHT, TILE_WIDTH, split_hashes
from foundation.sealing import SealBroken, Sealer

MAX_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `position` names the row, or is None when no single row is concerned."""

    position: int | None
    reason: str


@dataclass(slots=True)
class Report:
    """What a verification found: `entries` were read, `checkpoint` is the last sound signed head."""

    entries: int = 0
    checkpoints: int = 0
    checkpoint: Checkpoint | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """True when nothing is wrong."""
        return not self.faults

    @property
    def uncovered(self) -> int:
        """The number of entries that wait for the next checkpoint."""
        return self.entries - (self.checkpoint.size if self.checkpoint else 0)

    def add(self, position: int | None, reason: str) -> None:
        """Note a fault; after `MAX_FAULTS` the rest is not listed, since the ledger is lost anyway."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(position, reason))


async def verify_ledger(
    connection: AsyncConnection, *, public_keys: Sequence[bytes], name: str, sealer: Sealer | None
) -> Report:
    """Verify every row, tile and checkpoint that exists when the call begins.

    `public_keys` are all Ed25519 keys that ever signed checkpoints under `name`, taken from outside the database when the
    database itself is in doubt. Without `sealer` the sealed personal parts are not opened.
    """
    report = Report()
    frontier = Frontier()
    size = await load_size(connection)
    while frontier.size < size:
        start = frontier.size
        end = min(size, (start // TILE_WIDTH + 8) * TILE_WIDTH)
        rows = {row.position: row for row in await load_rows(connection, start=start, limit=end - start)}
        tiles = await load_tiles(connection, [(0, at) for at in range(start >> TILE_HEIGHT, (end >> TILE_HEIGHT) + 1)])
        tree = {
            (index << TILE_HEIGHT) + at: leaf
            for (_, index), tile in tiles.items()
            for at, leaf in enumerate(split_hashes(tile))
        }
        heads = {head.size: head for head in await load_checkpoints(connection, after=start, up_to=end)}
        for position in range(start, end):
            row = rows.get(position)
            frontier.append(_check_row(report, position, row, tree.get(position), sealer))
            if frontier.size in heads:
                _check_head(report, heads[frontier.size], frontier, public_keys, name)
    report.entries = size
    for row in await load_rows(connection, start=size, limit=1):
        # Appends may have gone on meanwhile; only a row that the head does not count is a forgery.
        if row.position >= await load_size(connection):
            report.add(row.position, "a row lies beyond the end of the ledger")
    for head in await load_checkpoints(connection, after=size, up_to=2**62):
        if head.size > await load_size(connection):
            report.add(
                None,
                f"a checkpoint of {head.size} entries is signed, but the ledger ends at {size}: entries were removed",
            )
    return report


def _check_row(report: Report, position: int, row: Row | None, in_tree: bytes | None, sealer: Sealer | None) -> bytes:
    """Check one row and return the leaf hash to go on with: the tree's own where there is one."""
    if row is None:
        report.add(position, "the row is missing")
        return in_tree or bytes(32)
    computed = leaf_hash(row.body.encode("utf-8", "surrogatepass"))
    if computed != row.leaf_hash:
        report.add(position, "the body does not match the row's leaf hash")
    elif in_tree is not None and in_tree != computed:
        report.add(position, "the row does not match the tree")
    else:
        _check_columns(report, position, row, sealer)
    return in_tree or computed


def _check_columns(report: Report, position: int, row: Row, sealer: Sealer | None) -> None:
    try:
        body = json.loads(row.body)
        canonical = canonical_json(body).decode()
    except (ValueError, TypeError):
        report.add(position, "the body is not canonical JSON")
        return
    if canonical != row.body:
        report.add(position, "the body is not canonical JSON")
    if body.get("kind") != row.kind or body.get("at") != render_instant(row.at):
        report.add(position, "the columns beside the body say something else than the body")
    if row.personal is not None and "personal" not in body:
        report.add(position, "personal parts lie beside a body that has none")
    elif row.personal is not None and sealer is not None:
        try:
            if not is_commitment_to(sealer.open(row.personal, context=PERSONAL_CONTEXT), body):
                report.add(position, "the personal parts are not those that the body commits to")
        except SealBroken:
            report.add(position, "the sealed personal parts were altered")


def _check_head(report: Report, head: Checkpoint, frontier: Frontier, public_keys: Sequence[bytes], name: str) -> None:
    report.checkpoints += 1
    try:
        said = open_note(head.note, list(public_keys), name=name)
    except BrokenNote as broken:
        report.add(None, f"the checkpoint of {head.size} entries is not signed: {broken}")
        return
    if (said.size, said.root, said.signed_at) != (head.size, head.root, render_instant(head.signed_at)):
        report.add(None, f"the columns of the checkpoint of {head.size} entries say something else than its note")
    elif said.root != frontier.root():
        report.add(None, f"the entries do not lead to the root that was signed at {head.size} entries")
    else:
        report.checkpoint = head
