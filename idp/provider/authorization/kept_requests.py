"""Sealing of requests that wait: only whoever knows the name of one can read it.

A request may hold what the app knows of a person: a phone or document number as `login_hint`, values in `claims`. Its name is 256 random bits
that travel with the browser and are stored as a hash alone, so the name is the key: database, expiring store and their copies open nothing.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# A name seals one document in its life, so that no key ever meets a second one.
_NONCE = bytes(12)


def seal_kept(document: bytes, *, name: str, kind: str) -> bytes:
    """Return the document sealed under its name with AES-256-GCM; `kind` keeps documents of different meaning apart.

    A name that is drawn anew for every document, from at least 256 bits, is what makes this safe.
    """
    return AESGCM(_key(name, kind)).encrypt(_NONCE, document, kind.encode())


def open_kept(sealed: bytes, *, name: str, kind: str) -> bytes | None:
    """Return the document, None when it was not sealed under this name."""
    try:
        return AESGCM(_key(name, kind)).decrypt(_NONCE, sealed, kind.encode())
    except (InvalidTag, ValueError):
        return None


def _key(name: str, kind: str) -> bytes:
    return hmac.digest(name.encode("utf-8", "replace"), f"renzheng kept {kind} 1".encode(), hashlib.sha256)
