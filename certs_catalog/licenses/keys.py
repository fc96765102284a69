"""The keys under which a license is found; one 32-octet form for all three ways of asking.

Numbers of holders and licenses enter only through the blind index, so the stored keys cannot be guessed
without its key.
"""

import hashlib

from certs_catalog.vocabulary import HolderRef
from foundation.sealing import BlindIndex


def key_of_holder(holder: HolderRef, type_code: str) -> bytes:
    """The key of "licenses of this type held by this holder"."""
    return hashlib.sha256(b"holder\x00" + holder.index + type_code.encode("ascii")).digest()


def key_of_number(type_code: str, number: str, *, blind_index: BlindIndex) -> bytes:
    """The key of "the license of this type with this number"; letters are compared in upper case."""
    return blind_index.index("license-number", f"{type_code}:{number.strip().upper()}")


def key_of_identifier(identifier: str) -> bytes:
    """The key of one GB/T 36904 identifier, which names one version of one license."""
    return hashlib.sha256(b"identifier\x00" + identifier.encode("ascii")).digest()
