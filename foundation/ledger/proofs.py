"""Proofs from the stored tiles: that an entry is in the tree, and that one tree extends another."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger.merkle import Node, consistency_proof, inclusion_proof
from foundation.ledger.store import Checkpoint, find_latest_checkpoint, find_row, load_tiles
from foundation.ledger.tiles import read_node, tile_of


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """An entry with its audit path under a signed checkpoint; `root_of_inclusion` checks it offline."""

    position: int
    body: str
    leaf_hash: bytes
    path: list[bytes]
    checkpoint: Checkpoint


async def prove_inclusion(connection: AsyncConnection, position: int) -> InclusionProof | None:
    """Prove the entry under the latest checkpoint; None when there is no such entry or no checkpoint covers it yet."""
    checkpoint = await find_latest_checkpoint(connection)
    row = await find_row(connection, position)
    if row is None or checkpoint is None or position >= checkpoint.size:
        return None
    size = checkpoint.size
    path = await _with_tiles(connection, lambda read: inclusion_proof(position, size, read))
    return InclusionProof(position, row.body, row.leaf_hash, path, checkpoint)


async def prove_consistency(connection: AsyncConnection, old: int, new: int) -> list[bytes]:
    """Prove that the tree of `new` leaves extends the one of `old`; both must be covered by tiles."""
    return await _with_tiles(connection, lambda read: consistency_proof(old, new, read))


async def _with_tiles(
    connection: AsyncConnection, prove: Callable[[Callable[[Node], bytes]], list[bytes]]
) -> list[bytes]:
    # The first pass only learns which nodes are needed, so that all tiles come in one reading.
    needed: list[Node] = []

    def note(node: Node) -> bytes:
        needed.append(node)
        return bytes(32)

    prove(note)
    tiles = await load_tiles(connection, [tile_of(node) for node in needed])
    return prove(lambda node: read_node(tiles, node))
