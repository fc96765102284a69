"""Opaque access tokens: a random reference in the place of a JWT, for clients that registered `access_token_format: opaque`.

The reference leads to a signed access token that stays with the provider, so whatever a JWT is checked for (times, audience, binding,
revocations) the same code checks for the reference, at every door. A row keeps the SHA-256 of the reference and the JWT sealed for this
row alone: from a copy of the database nobody gets a token, and nobody who can write rows can give one reference another's rights.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from foundation.batching import Coalescer
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Insert
from foundation.sealing import SealBroken, Sealer
from idp.provider.errors import InvalidToken
from idp.provider.tables import opaque_tokens

PREFIX = "rzat_"
"""Tells people and secret scanners what they have found."""
MOST_KEPT = 4096
"""References that one worker remembers, the most recently used."""
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)


def new_opaque_token(signed: str, *, expires_at: datetime, sealer: Sealer, entropy: Entropy) -> tuple[str, Insert]:
    """Return a reference to the signed token and its row, to be written with the ledger entry of the issue."""
    reference = PREFIX + entropy.token()
    digest = _digest(reference)
    row = {"digest": digest, "sealed": sealer.seal_text(signed, context=_context(digest)), "expires_at": expires_at}
    return reference, Insert(opaque_tokens, row)


class OpaqueTokens:
    """Finds the signed token behind a reference; share one per process.

    What was found is remembered without further question: a reference never leads anywhere else, and whether the token behind it still
    counts is asked of the revocations at every use.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        self._reads: Coalescer[bytes, str] = Coalescer(self._fetch)
        self._by_digest = select(opaque_tokens.c.digest, opaque_tokens.c.sealed).where(
            db.among(opaque_tokens.c.digest, "digests")
        )

    async def signed_form(self, presented: str) -> str:
        """Return the JWT behind a reference, and any other text as it is; raises InvalidToken for an unknown reference.

        Nothing is judged here. Raises StorageUnavailable when an unfamiliar reference cannot be looked up.
        """
        if not _FORM.fullmatch(presented):
            return presented
        digest = _digest(presented)
        signed = self._kept.get(digest)
        if signed is not None:
            self._kept.move_to_end(digest)
            return signed
        signed = await self._reads.load(digest)
        if signed is None:
            raise InvalidToken("unknown reference")
        self._kept[digest] = signed
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return signed

    async def _fetch(self, digests: Sequence[bytes]) -> Mapping[bytes, str]:
        async with self._db.read() as connection:
            rows = (await connection.execute(self._by_digest, {"digests": list(digests)})).all()
        found = {}
        for digest, sealed in rows:
            try:
                found[digest] = self._sealer.open_text(sealed, context=_context(digest))
            except SealBroken:
                # A row that somebody altered is no token; the others of the batch must not suffer for it.
                continue
        return found


def _digest(reference: str) -> bytes:
    return hashlib.sha256(reference.encode("ascii")).digest()


def _context(digest: bytes) -> str:
    return f"access-token.opaque:{digest.hex()}"
