"""凭据回执: the signed proof of one permitted lookup, checkable offline against the ledger.

Compact JWS of type ``receipt+jwt``, signed with Ed25519, whose signatures are deterministic: signing the
same claims again gives the same receipt. The request hash covers the body as received and is given only to
the caller, who knows it; the ledger's own body holds neither hash, since a hash of a document number can be
guessed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from certs_catalog.lookup.decision import Permit
from certs_catalog.lookup.outcomes import AnswerSource, render_source
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.vocabulary import Caller
from foundation.ledger import Recorded
from foundation.ledger.entries import canonical_json
from foundation.signing import KeyRing

RECEIPT_TYPE = "receipt+jwt"


def receipt_claims(
    request: LookupRequest,
    caller: Caller,
    permit: Permit,
    *,
    issuer: str,
    lookup_id: str,
    response_digest: bytes,
    released: Sequence[str],
    source: AnswerSource,
    request_id: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Return everything a receipt states except where the entry stands in the ledger."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "jti": lookup_id,
        "actor": f"officer:{caller.officer_id}",
        "department": caller.department_uscc,
        "channel": caller.channel,
        "purpose": {"matter": request.purpose.matter, "legal_basis": permit.purpose.legal_basis},
        "grade": request.grade.word,
        "types": list(request.license_types),
        "fields": list(released),
        "grants": [grant.ref for grant in permit.grants],
        "policy": [grant.content_digest for grant in permit.grants],
        "request_sha256": request.digest.hex(),
        "response_sha256": response_digest.hex(),
        "source": render_source(source),
    }
    if request.purpose.case is not None:
        claims["purpose"]["case"] = request.purpose.case
    if caller.client_id is not None:
        claims["client_id"] = caller.client_id
    if request_id is not None:
        claims["request_id"] = request_id
    return claims


def render_claims(claims: Mapping[str, Any]) -> bytes:
    """Render the claims once, for the receipt and for what is kept of the answer."""
    return canonical_json(claims)


def sign_receipt(claims_json: bytes, recorded: Recorded, *, keys: KeyRing, signed_at: datetime) -> str:
    """Sign the rendered claims together with the entry's place; raises NoSigningKey.

    ``signed_at`` chooses the key, so that a repetition is signed with the same one and gives the same octets.
    """
    place = b',"ledger":{"leaf_sha256":"%b","position":%d}}' % (
        recorded.leaf_hash.hex().encode("ascii"),
        recorded.position,
    )
    return keys.sign_compact(claims_json[:-1] + place, purpose="receipt", alg="EdDSA", typ=RECEIPT_TYPE, now=signed_at)
