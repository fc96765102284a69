"""Giving memory back after password hashing.

Argon2id takes 19 MiB for each hash. glibc raises its own threshold after the first such block is freed and then keeps the blocks in
its arenas: a worker that hashed a few passwords stays some 80 MB larger for ever. Fixing the threshold makes every such block a
mapping of its own that ends with the hash.
"""

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # <malloc.h>
_THRESHOLD_OCTETS = 4 * 1024 * 1024


def return_large_blocks() -> None:
    """Fix glibc's threshold for large blocks; call before threads start. Without effect on other C libraries."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_OCTETS)
