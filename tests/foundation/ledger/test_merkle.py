"""The tree of RFC 6962 §2.1 against the published values of its reference implementation, and against itself by brute force."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    node_hash,
    root_of_inclusion,
)
from foundation.ledger.tiles import append_leaves, read_node, right_edge_of, tile_of

# The eight entries and the roots of trees of 1 … 8 of them, as in the Certificate Transparency reference tests.
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def brute_root(leaves: list[bytes]) -> bytes:
    """MTH by the recursive definition of the RFC, as slow as it stands there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(brute_root(leaves[:split]), brute_root(leaves[split:]))


def reader(leaves: list[bytes]):  # type: ignore[no-untyped-def]  # the nested function is the value
    """Read nodes straight from the leaves."""
    return lambda node: brute_root(leaves[node.number << node.height : (node.number + 1) << node.height])


def some_leaves(count: int) -> list[bytes]:
    """Return distinct leaf hashes."""
    return [leaf_hash(str(number).encode()) for number in range(count)]


def test_the_published_roots_are_reached() -> None:
    """Domain separation and order are those of RFC 6962 §2.1."""
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    for entry, root in zip(ENTRIES, ROOTS, strict=True):
        frontier.append(leaf_hash(entry))
        assert frontier.root().hex() == root


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 33, 100])
def test_every_inclusion_proof_leads_to_the_root_and_no_other_leaf_does(size: int) -> None:
    """RFC 6962 §2.1.1, over every position of the tree."""
    leaves = some_leaves(size)
    root = brute_root(leaves)
    for index, leaf in enumerate(leaves):
        path = inclusion_proof(index, size, reader(leaves))
        assert root_of_inclusion(leaf, index, size, path) == root
        assert root_of_inclusion(leaf_hash(b"another"), index, size, path) != root
        if path:
            assert root_of_inclusion(leaf, index, size, path[:-1]) != root
            assert root_of_inclusion(leaf, index, size, [*path, path[0]]) != root


@pytest.mark.parametrize("new", [2, 5, 8, 13, 32, 33])
def test_every_consistency_proof_holds_and_a_changed_history_does_not(new: int) -> None:
    """RFC 6962 §2.1.2, over every pair of sizes."""
    leaves = some_leaves(new)
    for old in range(1, new + 1):
        path = consistency_proof(old, new, reader(leaves))
        assert is_consistent(old, brute_root(leaves[:old]), new, brute_root(leaves), path)
        forged = [leaf_hash(b"forged"), *leaves[1:]]
        if old < new:
            assert not is_consistent(old, brute_root(forged[:old]), new, brute_root(leaves), path)


@given(st.lists(st.integers(min_value=1, max_value=600), min_size=1, max_size=4))
def test_tiles_grow_the_same_tree_however_they_are_filled(batches: list[int]) -> None:
    """Appending in any batches gives nodes that lead to the same root (C2SP tlog-tiles)."""
    total = sum(batches)
    leaves = some_leaves(total)
    tiles: dict[tuple[int, int], bytes] = {}
    size = 0
    for batch in batches:
        edge = {tile: tiles[tile] for tile in right_edge_of(size)}
        tiles |= append_leaves(edge, size, leaves[size : size + batch])
        size += batch
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    index = total // 2
    path = inclusion_proof(index, total, lambda node: read_node(tiles, node))
    assert root_of_inclusion(leaves[index], index, total, path) == frontier.root()


def test_a_node_is_read_from_the_tile_of_its_level() -> None:
    """A node of height 9 is computed from two hashes of a level-1 tile."""
    assert tile_of(Node(0, 255)) == (0, 0)
    assert tile_of(Node(0, 256)) == (0, 1)
    assert tile_of(Node(9, 1)) == (1, 0)
    assert tile_of(Node(9, 128)) == (1, 1)
