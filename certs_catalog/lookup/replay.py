"""One request id, one answer: how a repeated lookup gets the same results and the same receipt.

The answer is sealed and written in the group commit of its entry, under a key of department application,
officer and request id. The database's unique key decides which of several concurrent requests is the first;
the others read what it wrote. A repetition is decided anew before it comes here, so a grant that ended
meanwhile refuses it. Refused lookups claim no request id.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from certs_catalog.catalog import Catalog
from certs_catalog.lookup.outcomes import Answer, AnswerSource, results_of_json
from certs_catalog.lookup.receipt import sign_receipt
from certs_catalog.tables import accesses, lookup_answers
from certs_catalog.vocabulary import Caller
from foundation.database import Database
from foundation.ledger import Insert, Recorded
from foundation.ledger.entries import canonical_json
from foundation.ledger.store import find_row
from foundation.sealing import Sealer
from foundation.signing import KeyRing

ANSWER_CONTEXT = "lookup.answer"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A stored answer as read back, not yet opened."""

    request_digest: bytes = field(repr=False)
    lookup_id: str
    sealed: bytes = field(repr=False)
    expires_at: datetime
    recorded: Recorded


def replay_key(caller: Caller, request_id: str) -> bytes:
    """The key under which one request id of one caller is claimed."""
    parts = (caller.client_id or "", caller.officer_id, request_id.lower())
    return hashlib.sha256("\x00".join(parts).encode("utf-8")).digest()


def answer_row(
    key: bytes,
    *,
    lookup_id: str,
    request_digest: bytes,
    results_json: bytes,
    claims_json: bytes,
    source: AnswerSource,
    sealer: Sealer,
    kept_for: timedelta,
    now: datetime,
) -> Insert:
    """Return the row that claims a request id and keeps its answer; a second one breaks the primary key."""
    # Rendered JSON has no raw line break, so three lines hold the three parts without escaping one inside
    # another.
    about = canonical_json(
        {
            "at": now.isoformat(),
            "source": [source.mode, source.age_s, source.from_zh, source.from_en],
        }
    )
    document = b"\n".join((about, claims_json, results_json))
    return Insert(
        lookup_answers,
        {
            "replay_key": key,
            "request_digest": request_digest,
            "lookup_id": lookup_id,
            "answer_sealed": sealer.seal(document, context=_context(lookup_id)),
            "expires_at": now + kept_for,
        },
    )


async def find_kept_answer(db: Database, key: bytes) -> KeptAnswer | None:
    """Return the answer kept under a request id with the place of its ledger entry, or None."""
    async with db.read() as connection:
        row = (await connection.execute(select(lookup_answers).where(lookup_answers.c.replay_key == key))).one_or_none()
        if row is None:
            return None
        position = (
            await connection.execute(select(accesses.c.position).where(accesses.c.lookup_id == row.lookup_id).limit(1))
        ).scalar_one()
        entry = await find_row(connection, position)
    if entry is None:
        return None
    return KeptAnswer(
        request_digest=bytes(row.request_digest),
        lookup_id=row.lookup_id,
        sealed=bytes(row.answer_sealed),
        expires_at=row.expires_at,
        recorded=Recorded(position, entry.leaf_hash),
    )


def open_kept_answer(kept: KeptAnswer, *, sealer: Sealer, keys: KeyRing, catalog: Catalog) -> Answer:
    """Rebuild the answer; the receipt is signed again with the key of that instant and comes out the same."""
    opened = sealer.open(kept.sealed, context=_context(kept.lookup_id))
    about, claims_json, results_json = opened.split(b"\n")
    told = json.loads(about)
    answered_at = datetime.fromisoformat(told["at"])
    return Answer(
        results=results_of_json(json.loads(results_json), catalog),
        results_json=results_json,
        receipt=sign_receipt(claims_json, kept.recorded, keys=keys, signed_at=answered_at),
        source=AnswerSource(*told["source"]),
        lookup_id=kept.lookup_id,
        position=kept.recorded.position,
        answered_at=answered_at,
        replayed=True,
    )


async def forget_expired_answers(db: Database, *, now: datetime) -> int:
    """Delete kept answers past their time and return how many; called by the leased housekeeping job."""
    async with db.transaction() as connection:
        done = await connection.execute(delete(lookup_answers).where(lookup_answers.c.expires_at <= now))
    return done.rowcount


def _context(lookup_id: str) -> str:
    return f"{ANSWER_CONTEXT}:{lookup_id}"
