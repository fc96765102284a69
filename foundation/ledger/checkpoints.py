"""The signed tree head: C2SP tlog-checkpoint in a C2SP signed-note, Ed25519.

Text: origin, size, root (base64), the time of signing as an extension line, an empty line, then one signature line per signer
`— <name> <base64(4 octets of key id || signature)>`. Pure: signing and verifying are handed in.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = b"\x01"
_SIGNATURE_LINE = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)", re.ASCII)


class NoteSigner(Protocol):
    """Signs notes under one name that has no white space and no plus sign (C2SP signed-note); its key may change between notes."""

    name: str

    def sign(self, text: bytes) -> tuple[bytes, bytes]:
        """Return the signing key's 32 public octets and the 64 octets of the Ed25519 signature."""
        ...


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: the log's origin, the number of leaves, the root, the time of signing (RFC 3339, UTC)."""

    origin: str
    size: int
    root: bytes
    signed_at: str


class BrokenNote(ValueError):
    """A note that is not well-formed, or that carries no valid signature of a known key."""


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the four octets that tell keys of one name apart (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def verifier_key(name: str, public_key: bytes) -> str:
    """Render the verifier key `name+hash+base64` that witnesses and clients are configured with."""
    return f"{name}+{key_id(name, public_key).hex()}+{base64.b64encode(_ED25519 + public_key).decode()}"


def render_head(head: TreeHead) -> str:
    """Render the signed text of a checkpoint."""
    return f"{head.origin}\n{head.size}\n{base64.b64encode(head.root).decode()}\n{head.signed_at}\n"


def sign_head(head: TreeHead, signer: NoteSigner) -> str:
    """Return the whole signed note."""
    text = render_head(head)
    public_key, signed = signer.sign(text.encode())
    signature = base64.b64encode(key_id(signer.name, public_key) + signed).decode()
    return f"{text}\n— {signer.name} {signature}\n"


def open_note(note: str, public_keys: list[bytes], *, name: str) -> TreeHead:
    """Return what the note says if one of the keys signed it under `name`; raises BrokenNote otherwise."""
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) != 4 or not re.fullmatch(r"0|[1-9][0-9]*", lines[1], re.ASCII):
        raise BrokenNote("The note has no tree head.")
    root = _decoded(lines[2])
    known = {key_id(name, key): key for key in public_keys}
    for match in _SIGNATURE_LINE.finditer(signatures):
        blob = _decoded(match[2])
        key = known.get(blob[:4]) if match[1] == name else None
        if key is not None and _is_signed(key, blob[4:], f"{text}\n".encode()):
            return TreeHead(lines[0], int(lines[1]), root, lines[3])
    raise BrokenNote("No known key signed the note.")


def _decoded(text: str) -> bytes:
    try:
        octets = base64.b64decode(text, validate=True)
    except binascii.Error as wrong:
        raise BrokenNote("The note holds something that is not base64.") from wrong
    # One text for one value: unused bits that are set would let a note be altered unnoticed.
    if base64.b64encode(octets).decode() != text:
        raise BrokenNote("The note holds base64 that is not canonical.")
    return octets


def _is_signed(key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except InvalidSignature:
        return False
    return True
