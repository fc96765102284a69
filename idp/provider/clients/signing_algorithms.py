"""The signature algorithms of this provider's own JWTs, and what depends on them."""

import base64
import hashlib
from collections.abc import Callable

from foundation.signing import Algorithm, NoSigningKey

SIGNING_ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "RS256", "PS256", "EdDSA")
"""ES256 unless the client registered another one."""


def signing_algorithm(name: str) -> Algorithm:
    """Return the registered algorithm, which a registration has checked; raises NoSigningKey for one nobody here signs with."""
    for algorithm in SIGNING_ALGORITHMS:
        if algorithm == name:
            return algorithm
    raise NoSigningKey(f"no algorithm {name}")


def half_hash(value: str, algorithm: Algorithm) -> str:
    """Return the left half of the hash of a token, code or state, base64url (OpenID Connect Core §3.1.3.6, §3.3.2.11).

    The hash is that of the ID token's signature algorithm: SHA-256, and for EdDSA with Ed25519 the SHA-512 that it is built on.
    """
    digest = _HASHES[algorithm](value.encode("utf-8")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


_HASHES: dict[Algorithm, Callable[[bytes], "hashlib._Hash"]] = {
    "ES256": hashlib.sha256,
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "EdDSA": hashlib.sha512,
}
