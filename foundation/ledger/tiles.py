"""The tree kept as tiles of C2SP tlog-tiles: 256 hashes each, eight levels of the tree high.

Tile (level, index) holds up to 256 hashes of perfect subtrees of 2**(8*level) leaves, beginning with subtree 256*index. Every node
of the tree is either such a hash or computed from at most 255 of them, so a proof of a tree of a million leaves reads a few tiles.
"""

from collections.abc import Iterable, Mapping, Sequence

from foundation.ledger.merkle import Node, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
HASH_OCTETS = 32

TileId = tuple[int, int]


def append_leaves(right_edge: Mapping[TileId, bytes], size: int, leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """Return the tiles that change when `leaves` are appended to a tree of `size`.

    `right_edge` holds the partial tiles of the old tree (see `right_edge_of`).
    """
    changed: dict[TileId, bytearray] = {}

    def add(level: int, index: int, value: bytes) -> None:
        tile_id = (level, index >> TILE_HEIGHT)
        tile = changed.get(tile_id)
        if tile is None:
            tile = changed[tile_id] = bytearray(right_edge.get(tile_id, b""))
        if len(tile) != (index % TILE_WIDTH) * HASH_OCTETS:
            raise ValueError(f"Tile {tile_id} does not end where leaf hash {index} of its level begins.")
        tile += value
        if len(tile) == TILE_WIDTH * HASH_OCTETS:
            add(level + 1, index >> TILE_HEIGHT, perfect_root(split_hashes(tile)))

    for offset, leaf in enumerate(leaves):
        add(0, size + offset, leaf)
    return {tile_id: bytes(tile) for tile_id, tile in changed.items()}


def right_edge_of(size: int) -> list[TileId]:
    """Name the partial tiles of a tree of `size` leaves, one a level."""
    edge: list[TileId] = []
    level, width = 0, size
    while width:
        if width % TILE_WIDTH:
            edge.append((level, width >> TILE_HEIGHT))
        level, width = level + 1, width >> TILE_HEIGHT
    return edge


def tile_of(node: Node) -> TileId:
    """Name the tile from which a node is read."""
    level, within = divmod(node.height, TILE_HEIGHT)
    return level, (node.number << within) >> TILE_HEIGHT


def read_node(tiles: Mapping[TileId, bytes], node: Node) -> bytes:
    """Return the hash of a node whose tile is in `tiles`; raises KeyError or ValueError when it is missing or too short."""
    within = node.height % TILE_HEIGHT
    tile = tiles[tile_of(node)]
    first = (node.number << within) % TILE_WIDTH
    hashes = split_hashes(tile)[first : first + (1 << within)]
    if len(hashes) != 1 << within:
        raise ValueError(f"Tile {tile_of(node)} is too short for {node}.")
    return perfect_root(hashes)


def split_hashes(tile: bytes | bytearray) -> list[bytes]:
    """Cut a tile into its hashes."""
    return [bytes(tile[at : at + HASH_OCTETS]) for at in range(0, len(tile), HASH_OCTETS)]


def perfect_root(hashes: Iterable[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
