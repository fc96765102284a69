"""The public keys that checkpoints are checked with, in the two forms in which they are kept."""

import base64
import binascii

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.ledger.checkpoints import verifier_key
from foundation.signing.compact import decode_base64url
from foundation.signing.store import list_signing_keys
from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode

_ED25519 = 1


async def read_checkpoint_keys(connection: AsyncConnection) -> list[bytes]:
    """Return the Ed25519 public keys, 32 octets each, of every checkpoint key that was ever made."""
    return [
        decode_base64url(key.public_jwk["x"])
        for key, _ in await list_signing_keys(connection)
        if key.purpose == "checkpoint" and key.revoked_at is None
    ]


def read_verifier_key(text: str) -> bytes:
    """Return the public key of a C2SP verifier key `name+hash+base64`, or end the command."""
    name, _, rest = text.partition("+")
    try:
        blob = base64.b64decode(rest.partition("+")[2], validate=True)
    except binascii.Error:
        blob = b""
    if len(blob) != 33 or blob[0] != _ED25519 or verifier_key(name, blob[1:]) != text:
        stop("这不是验证公钥 · this is not a verifier key: name+hash+base64", ExitCode.USAGE)
    return blob[1:]
