"""The one place that draws random values.

Use cases take an `Entropy`, so that a test can replay a run and nobody reaches for a weak generator by habit.
"""

import base64
import os
import secrets
from typing import Protocol


class Entropy(Protocol):
    """A source of unpredictable values; every method may be called from any task."""

    def octets(self, size: int) -> bytes:
        """Return `size` random octets."""
        ...

    def token(self, octets: int = 32) -> str:
        """Return an unguessable URL-safe text that carries `octets` random octets (base64url without padding)."""
        ...

    def identifier(self) -> str:
        """Return 32 lower-case hexadecimal characters (128 bits), the form of every primary key."""
        ...

    def digits(self, length: int) -> str:
        """Return `length` decimal digits, each drawn uniformly; leading zeros occur."""
        ...


class SystemEntropy:
    """Entropy of the operating system's generator."""

    def octets(self, size: int) -> bytes:
        """See `Entropy.octets`."""
        return os.urandom(size)

    def token(self, octets: int = 32) -> str:
        """See `Entropy.token`."""
        return base64.urlsafe_b64encode(os.urandom(octets)).rstrip(b"=").decode("ascii")

    def identifier(self) -> str:
        """See `Entropy.identifier`."""
        return os.urandom(16).hex()

    def digits(self, length: int) -> str:
        """See `Entropy.digits`."""
        return f"{secrets.randbelow(10**length):0{length}d}"
