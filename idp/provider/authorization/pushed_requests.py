"""Pushed authorization requests on record (RFC 9126 §2.2, §4): made at the PAR endpoint, read when the browser arrives, spent once.

The `request_uri` carries 256 random bits and is stored as its SHA-256; the parameters are sealed under it (`kept_requests.py`). It may be
opened again while its authorization is under way, since people reload pages; the authorization that ends with an answer spends it by one
conditional UPDATE, so that of many at once, on whatever nodes, one is answered.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from foundation.batching import Claims, Coalescer
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Insert
from foundation.values import value_type
from idp.provider.authorization.kept_requests import open_kept, seal_kept
from idp.provider.parameters import Parameters
from idp.provider.tables import pushed_requests

URN = "urn:ietf:params:oauth:request_uri:"
LONGEST_URI = len(URN) + 64

_KIND = "pushed request"

SpendingClaim = tuple[bytes, datetime]
"""(SHA-256 of the request_uri, instant of the answer)"""


@value_type
class PushedRequest:
    """One pushed request: its parameters were judged when it was pushed, and are judged again when it is used."""

    uri_hash: bytes
    client_id: str
    sealed: bytes
    is_signed: bool
    expires_at: datetime
    used_at: datetime | None

    def parameters(self, request_uri: str) -> Parameters | None:
        """Open the parameters with the name of the request; None when they were not sealed under it."""
        opened = open_kept(self.sealed, name=request_uri, kind=_KIND)
        if opened is None:
            return None
        kept = json.loads(opened)
        return Parameters(kept["values"], resources=tuple(kept["resources"]))


def new_request_uri(entropy: Entropy) -> str:
    """Return an unguessable name for a request (RFC 9126 §2.2)."""
    return URN + entropy.token()


def uri_hash(request_uri: str) -> bytes:
    """Return the form in which a name is stored and looked for."""
    return hashlib.sha256(request_uri.encode("utf-8", "surrogatepass")).digest()


def pushed_request_row(
    request_uri: str,
    client_id: str,
    parameters: Parameters,
    *,
    is_signed: bool,
    expires_at: datetime,
    now: datetime,
) -> Insert:
    """Return the row of a pushed request, to be written with the ledger entry of its push."""
    return Insert(
        pushed_requests,
        {
            "uri_hash": uri_hash(request_uri),
            "client_id": client_id,
            "parameters": {"sealed": _sealed(parameters, request_uri)},
            "is_signed": is_signed,
            "created_at": now,
            "expires_at": expires_at,
            "used_at": None,
        },
    )


def _sealed(parameters: Parameters, request_uri: str) -> str:
    document = {"values": dict(parameters.values), "resources": list(parameters.resources)}
    octets = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(seal_kept(octets, name=request_uri, kind=_KIND)).decode("ascii")


class PushedRequests:
    """Reads and spends pushed requests, those of all callers of a batch in one statement; share one per process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._find = select(pushed_requests).where(db.among(pushed_requests.c.uri_hash, "hashes"))
        self._spend = (
            update(pushed_requests)
            .where(db.among(pushed_requests.c.uri_hash, "hashes"), pushed_requests.c.used_at.is_(None))
            .values(used_at=bindparam("spent_at"))
            .returning(pushed_requests.c.uri_hash)
        )
        self._reads: Coalescer[bytes, PushedRequest] = Coalescer(self._fetch)
        self._spendings: Claims[SpendingClaim, bytes] = Claims(self._claim)

    async def find(self, digest: bytes) -> PushedRequest | None:
        """Return the request, expired and spent ones too."""
        return await self._reads.load(digest)

    async def spend(self, digest: bytes, now: datetime) -> bool:
        """Spend the request; False says that it was spent before or is gone.

        Expiry is not asked: a sign-in may take longer than the time in which it has to begin.
        """
        return await self._spendings.claim((digest, now)) is not None

    async def _fetch(self, digests: Sequence[bytes]) -> Mapping[bytes, PushedRequest]:
        async with self._db.read() as connection:
            rows = (await connection.execute(self._find, {"hashes": list(digests)})).all()
        return {
            row.uri_hash: PushedRequest(
                uri_hash=row.uri_hash,
                client_id=row.client_id,
                sealed=base64.b64decode(row.parameters.get("sealed", "")),
                is_signed=row.is_signed,
                expires_at=row.expires_at,
                used_at=row.used_at,
            )
            for row in rows
        }

    async def _claim(self, claims: Sequence[SpendingClaim]) -> Mapping[SpendingClaim, bytes]:
        attempts: dict[bytes, datetime] = {}
        for digest, at in claims:
            attempts.setdefault(digest, at)
        async with self._db.read() as connection:
            rows = await connection.execute(self._spend, {"hashes": list(attempts), "spent_at": min(attempts.values())})
            won = [row.uri_hash for row in rows]
        return {(digest, attempts[digest]): digest for digest in won}
