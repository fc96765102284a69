"""The ledger's signature, from the key ring's `checkpoint` keys."""

import base64

from foundation.clock import Clock
from foundation.signing import KeyRing


class KeyRingNoteSigner:
    """Signs checkpoints with whichever checkpoint key is active; satisfies `NoteSigner`."""

    def __init__(self, name: str, *, keys: KeyRing, clock: Clock) -> None:
        self.name = name
        self._keys = keys
        self._clock = clock

    def sign(self, text: bytes) -> tuple[bytes, bytes]:
        """See `NoteSigner.sign`; raises NoSigningKey when no checkpoint key is active."""
        kid, signature = self._keys.sign_octets(text, purpose="checkpoint", alg="EdDSA", now=self._clock())
        return self.public_keys()[kid], signature

    def public_keys(self) -> dict[str, bytes]:
        """Return the raw public octets of every checkpoint key that ever signed, by key id."""
        held = self._keys.keys()
        return {key.kid: _octets(str(key.public_jwk["x"])) for key in held if key.purpose == "checkpoint"}


def _octets(base64url: str) -> bytes:
    return base64.urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4))
