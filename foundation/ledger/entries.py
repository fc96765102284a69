"""One ledger entry: what it says, its canonical octets and its leaf hash.

The body is canonical JSON (RFC 8785, restricted to text, integers, booleans, null, lists and objects with ASCII keys, for which
sorted keys and minimal separators are the whole rule). Personal parts are kept sealed beside the body, which holds only a salted
commitment to them: erasing them later leaves every proof valid.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Table

from foundation.ledger.merkle import leaf_hash
from foundation.values import value_type

Json = Any  # None | bool | int | str | Sequence[Json] | Mapping[str, Json]; checked by `canonical_json`

FORMAT_VERSION = 1
SALT_OCTETS = 16
# Types that this module does not name are no values of an entry: orjson would otherwise render them its own way.
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class _Position:
    """The type of POSITION."""

    def __repr__(self) -> str:
        return "POSITION"


POSITION = _Position()
"""Stands in an `Insert` row for the position of the entry it is written with."""


@value_type
class Entry:
    """One decision or act to be recorded.

    `kind` is a dotted event name; `outcome` is "allowed", "refused", "done" or "failed"; `code` the stable reason of a refusal;
    `actor` is "person:<id>", "officer:<id>", "client:<client_id>" or "system:<name>". `details` hold nothing personal and no
    secret; `personal` may name the person concerned by internal identifier and is sealed.
    """

    kind: str
    at: datetime
    outcome: str
    code: str | None = None
    actor: str | None = None
    department: str | None = None
    client: str | None = None
    request_id: str | None = None
    details: Mapping[str, Json] = field(default_factory=dict)
    personal: Mapping[str, Json] = field(default_factory=dict)


@value_type
class Insert:
    """A row that is written in the transaction of an entry; its primary key must be fresh and random."""

    table: Table
    row: Mapping[str, Any] = field(default_factory=dict)


@value_type
class Recorded:
    """Where an entry stands, once it is durable: its leaf index and its leaf hash."""

    position: int
    leaf_hash: bytes


@value_type
class Prepared:
    """An entry made ready for its row: canonical body, leaf hash, and the personal parts still in clear."""

    body: bytes
    leaf: bytes
    personal: bytes | None


def prepare(entry: Entry, *, salt: bytes) -> Prepared:
    """Render the entry; `salt` (16 octets) hides the personal parts behind their commitment."""
    personal: bytes | None = None
    body: dict[str, Json] = {
        "v": FORMAT_VERSION,
        "kind": entry.kind,
        "at": render_instant(entry.at),
        "outcome": entry.outcome,
    }
    for name in ("code", "actor", "department", "client", "request_id"):
        value = getattr(entry, name)
        if value is not None:
            body[name] = value
    if entry.details:
        body["details"] = dict(entry.details)
    if entry.personal:
        personal = salt + canonical_json(entry.personal)
        body["personal"] = hashlib.sha256(personal).hexdigest()
    octets = canonical_json(body)
    return Prepared(octets, leaf_hash(octets), personal)


def canonical_json(value: Json) -> bytes:
    """Render RFC 8785 canonical JSON. Callers pass no floats, whose rendering by the RFC differs from Python's."""
    return orjson.dumps(value, default=_plain, option=_CANONICAL)


def render_instant(at: datetime) -> str:
    """Render an aware instant as RFC 3339 in UTC with microseconds, always of one width."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"


def is_commitment_to(personal: bytes, body: Mapping[str, Json]) -> bool:
    """Tell whether the opened personal parts (salt first) are the ones that the body commits to."""
    return body.get("personal") == hashlib.sha256(personal).hexdigest()


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return list(value)
    raise TypeError(f"A ledger entry cannot hold a {type(value).__name__}.")
