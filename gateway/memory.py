"""How a serving process treats its memory.

**Garbage.** A started worker holds some hundred thousand objects that live as long as it does. Python's collector would walk them all
again and again, a tenth of a second each time; frozen, they are walked never, and the young generation may grow to what a batch of
requests allocates before it is looked through.

**Large blocks.** Argon2id takes 19 MiB for each hash. glibc raises its own threshold after the first such block is freed and then keeps the blocks in
its arenas: a worker that hashed a few passwords stays some 80 MB larger for ever. Fixing the threshold makes every such block a
mapping of its own that ends with the hash.
"""

import ctypes
import gc
import sys

_M_MMAP_THRESHOLD = -3  # <malloc.h>
_THRESHOLD_OCTETS = 4 * 1024 * 1024
_YOUNG_OBJECTS = 20_000
_YOUNG_ROUNDS = 20


def settle_heap() -> None:
    """Take what exists now out of the collector's sight; call once, when the process has opened everything."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_ROUNDS, _YOUNG_ROUNDS)


def return_large_blocks() -> None:
    """Fix glibc's threshold for large blocks; call before threads start. Without effect on other C libraries."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_OCTETS)
