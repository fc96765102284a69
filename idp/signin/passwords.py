"""Hashing and checking of passwords: Argon2id (RFC 9106) in PHC text form, off the event loop and bounded.

A check of an unknown account costs the same as of a known one: it is made against a dummy hash. The queue is bounded, because a
flood of sign-ins must end in 503 quickly and not in a queue of minutes.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from foundation.entropy import Entropy
from idp.signin.errors import HashingBusy
from idp.signin.limits import SignInLimits

_SALT_OCTETS = 16
_HASH_OCTETS = 32
_RETRY_AFTER_S = 2


class PasswordHasher:
    """Hashes and verifies in a small thread pool; one per worker, closed with the lifespan."""

    def __init__(self, limits: SignInLimits, *, entropy: Entropy) -> None:
        self._limits = limits
        self._entropy = entropy
        self._pool = ThreadPoolExecutor(limits.hashing_threads, thread_name_prefix="argon2")
        self._threads = asyncio.Semaphore(limits.hashing_threads)
        self._inside = 0
        self._dummy = self._hash(entropy.token())
        self._parameters = self._dummy.rsplit("$", 2)[0]

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["Turn"]:
        """Wait for a turn in the pool; raises HashingBusy at once when too many wait, before anything is counted."""
        if self._inside >= self._limits.hashing_threads + self._limits.hashing_queue:
            raise HashingBusy(retry_after=_RETRY_AFTER_S)
        self._inside += 1
        try:
            async with self._threads:
                yield Turn(self)
        finally:
            self._inside -= 1

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether a stored hash was made with other parameters than today's."""
        return stored.rsplit("$", 2)[0] != self._parameters

    def close(self) -> None:
        """Let the pool end; running hashes finish."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        return Argon2id(
            salt=self._entropy.octets(_SALT_OCTETS),
            length=_HASH_OCTETS,
            iterations=self._limits.argon2_iterations,
            lanes=self._limits.argon2_lanes,
            memory_cost=self._limits.argon2_memory_kib,
        ).derive_phc_encoded(_octets(password))

    def _verify(self, password: str, stored: str | None) -> bool:
        # An overlong text is never the password of anybody, and hashing megabytes is no service to render.
        usable = len(password) <= self._limits.password_longest
        try:
            Argon2id.verify_phc_encoded(_octets(password if usable else ""), stored or self._dummy)
        except InvalidKey:
            return False
        return stored is not None and usable


class Turn:
    """A place in the pool, held while one sign-in is decided."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether the password belongs to the stored hash; None is an unknown account and costs the same."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._hasher._pool, self._hasher._verify, password, stored)

    async def hash(self, password: str) -> str:
        """Return the PHC text of a new password."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._hasher._pool, self._hasher._hash, password)


def _octets(password: str) -> bytes:
    """NFC, because keyboards compose accents differently; nothing else is changed, trimmed or cut (NIST SP 800-63B-4 §3.1.1.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
