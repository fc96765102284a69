"""Bringing the tree up to the entries, and signing its head.

Every node runs the sequencer; a compare-and-swap on the tree's size lets one win each round, so the log cannot fork. In normal
work an entry is under a signed checkpoint within `INTERVAL`.
"""

from datetime import timedelta

from foundation.clock import Clock
from foundation.database import Database
from foundation.ledger.checkpoints import NoteSigner, TreeHead, sign_head
from foundation.ledger.entries import render_instant
from foundation.ledger.merkle import Frontier, frontier_nodes
from foundation.ledger.store import (
    Checkpoint,
    add_checkpoint,
    advance_tree,
    load_leaves,
    load_tiles,
    load_tree_size,
    save_tiles,
)
from foundation.ledger.tiles import TileId, append_leaves, read_node, right_edge_of

INTERVAL = timedelta(milliseconds=700)
MAX_LEAVES = 20_000


async def sequence(db: Database, *, signer: NoteSigner, clock: Clock) -> Checkpoint | None:
    """Cover every committed entry with tiles and sign the new head; None when there is nothing new or another node was first."""
    async with db.read() as connection:
        size = await load_tree_size(connection)
        leaves = await load_leaves(connection, size, MAX_LEAVES)
        if not leaves:
            return None
        edge = await load_tiles(connection, right_edge_of(size))
    tiles = append_leaves(edge, size, leaves)
    new_size = size + len(leaves)
    root = root_from_tiles(edge | tiles, new_size)
    async with db.transaction() as connection:
        if not await advance_tree(connection, old=size, new=new_size):
            return None
        await save_tiles(db, connection, tiles)
        signed_at = clock()
        note = sign_head(TreeHead(signer.name, new_size, root, render_instant(signed_at)), signer)
        checkpoint = Checkpoint(new_size, root, note, signed_at)
        await add_checkpoint(connection, checkpoint)
    return checkpoint


def root_from_tiles(tiles: dict[TileId, bytes], size: int) -> bytes:
    """Return the root of a tree of `size` ≥ 1 leaves from the tiles along its right edge."""
    return Frontier(size, [read_node(tiles, node) for node in frontier_nodes(size)]).root()
