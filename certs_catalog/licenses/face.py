"""The sealed face of a stored license: one sealed JSON for each license, opened once for each answer.

One blob rather than one per field keeps the cost of an answer at a single decryption. The context binds the
blob to its license, so that faces cannot be exchanged between rows.
"""

import json
from collections.abc import Mapping
from dataclasses import field

import orjson

from certs_catalog.vocabulary import HolderRef
from foundation.sealing import Sealer
from foundation.values import value_type

FACE_CONTEXT = "license.face"


@value_type
class Face:
    """Opened face data: field texts by catalogue name, and every holder of the license."""

    fields: Mapping[str, str] = field(repr=False)
    holders: tuple[HolderRef, ...]
    disputed: frozenset[str] = frozenset()


def render_face(face: Face) -> bytes:
    """Render the face as JSON with sorted members, so that equal faces have equal digests."""
    document = {
        "fields": dict(face.fields),
        "holders": [{"type": holder.type, "index": holder.index.hex()} for holder in face.holders],
        "disputed": sorted(face.disputed),
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def seal_face(rendered: bytes, *, license_id: str, sealer: Sealer) -> bytes:
    """Seal a rendered face for the row of one license."""
    return sealer.seal(rendered, context=f"{FACE_CONTEXT}:{license_id}")


def open_face(sealed: bytes, *, license_id: str, sealer: Sealer) -> Face:
    """Open the face of one license; raises SealBroken when it was altered or belongs to another row."""
    document = orjson.loads(sealer.open(sealed, context=f"{FACE_CONTEXT}:{license_id}"))
    return Face(
        fields=document["fields"],
        holders=tuple(HolderRef(holder["type"], bytes.fromhex(holder["index"])) for holder in document["holders"]),
        disputed=frozenset(document["disputed"]),
    )
