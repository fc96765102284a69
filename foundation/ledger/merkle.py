"""The Merkle tree of RFC 6962 §2.1, pure: hashes in, hashes out.

Leaves and nodes are 32 octets of SHA-256 with domain separation (0x00 before a leaf, 0x01 before a pair). A `Node` names the
hash of the perfect subtree of 2**height leaves that begins at leaf `number * 2**height`; whoever stores the tree only has to
return such nodes (see `tiles.py`).
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    """A perfect subtree: 2**height leaves from leaf number * 2**height on."""

    height: int
    number: int


ReadNode = Callable[[Node], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry (RFC 6962 §2.1: SHA-256(0x00 || entry))."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children (RFC 6962 §2.1: SHA-256(0x01 || left || right))."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The perfect subtrees along the right edge, largest first: all that is needed to append and to know the root."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size.bit_count() != len(hashes):
            raise ValueError("A frontier has one hash for each set bit of its size.")
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash; equal subtrees on the right edge merge as in binary addition."""
        carry, position = leaf, self.size
        while position & 1:
            carry = node_hash(self.hashes.pop(), carry)
            position >>= 1
        self.hashes.append(carry)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree head of the leaves so far; of no leaves, the hash of nothing."""
        if not self.hashes:
            return EMPTY_ROOT
        carry = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            carry = node_hash(left, carry)
        return carry


def frontier_nodes(size: int) -> list[Node]:
    """Name the perfect subtrees that cover leaves 0 … size-1, largest first."""
    nodes, start = [], 0
    for height in range(size.bit_length() - 1, -1, -1):
        if size >> height & 1:
            nodes.append(Node(height, start >> height))
            start += 1 << height
    return nodes


def range_hash(start: int, end: int, read: ReadNode) -> bytes:
    """Return MTH(D[start:end]) for a range that RFC 6962 §2.1 produces (start aligned to the next power of two ≥ its length)."""
    length = end - start
    if length & (length - 1) == 0:
        height = length.bit_length() - 1
        return read(Node(height, start >> height))
    middle = start + _split(length)
    return node_hash(range_hash(start, middle, read), range_hash(middle, end, read))


def inclusion_proof(index: int, size: int, read: ReadNode) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1), nearest sibling first."""
    if not 0 <= index < size:
        raise ValueError("The leaf is not in a tree of that size.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_hash(middle, end, read))
            end = middle
        else:
            path.append(range_hash(start, middle, read))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, read: ReadNode) -> list[bytes]:
    """Return the proof that the tree of `new` leaves extends the one of `old` leaves (RFC 6962 §2.1.2)."""
    if not 0 < old <= new:
        raise ValueError("Consistency is proved from a smaller tree with leaves to a larger one.")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_hash(middle, end, read))
            end = middle
        else:
            path.append(range_hash(start, middle, read))
            start, whole = middle, False
    if not whole:
        path.append(range_hash(start, end, read))
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that the audit path leads to (RFC 9162 §2.1.3.2); None when the path cannot belong to these numbers."""
    if not 0 <= index < size:
        return None
    node, last, carry = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            carry = node_hash(sibling, carry)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            carry = node_hash(carry, sibling)
        node, last = node >> 1, last >> 1
    return carry if last == 0 else None


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether the proof shows that the new tree extends the old one (RFC 9162 §2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_carry = new_carry = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_carry = node_hash(sibling, old_carry)
            new_carry = node_hash(sibling, new_carry)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_carry = node_hash(new_carry, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old_carry == old_root and new_carry == new_root


def _split(length: int) -> int:
    """Return the largest power of two smaller than `length` (RFC 6962 §2.1)."""
    return 1 << ((length - 1).bit_length() - 1)
