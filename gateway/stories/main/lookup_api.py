"""Point 5: the housing app's backend asks with its own token on behalf of the officer, and can prove the answer."""

import hashlib
import json
import uuid
from typing import Any

from joserfc import jws
from joserfc.jwk import KeySet

from gateway.stories.main.cast import Cast, Use
from gateway.stories.main.desk import FIELD_NOT_GRANTED, RESIDENT_ID_CARD
from gateway.stories.story import NotAsTold, expect

_FIELDS = ["holder_name", "valid_to"]


def look_up_through_the_backend(cast: Cast) -> str:
    """Fields, receipt and source come back; the receipt is signed with a published key and covers the answer."""
    status, body, _ = _ask(cast, _FIELDS)
    expect(status == 200, f"the backend's lookup answered {status} {body.get('code', body.get('error', ''))}")
    fields = body["results"][0]["fields"]
    expect(set(fields) == set(_FIELDS), f"other fields than asked for came back: {sorted(fields)}")
    expect(fields["holder_name"]["masked"] is True, "the name is not marked as masked")
    expect(cast.world.arriving.name not in json.dumps(body, ensure_ascii=False), "the name is not masked")
    claims = _verified(cast, body["receipt"])
    expect(claims["iss"] == cast.world.issuer, "the receipt names another issuer")
    expect(sorted(claims["fields"]) == sorted(_FIELDS), "the receipt names other fields")
    cast.note_use(Use(RESIDENT_ID_CARD[1], _case(cast), allowed=True))
    source = body["source"]
    return (
        f"two masked fields, source {source['mode']}, receipt verified with the published keys, "
        f"ledger entry {claims['ledger']['position']}"
    )


def be_refused_through_the_backend(cast: Cast) -> str:
    """Beyond the grant the API answers a problem document with the same code as the desk, and nothing else."""
    status, body, media_type = _ask(cast, ["holder_name", "address"])
    expect(status == 403 and body.get("code") == FIELD_NOT_GRANTED, f"got {status} {body.get('code')}")
    expect(media_type.startswith("application/problem+json"), f"the refusal is {media_type}")
    expect("results" not in body and "receipt" not in body, "the refusal discloses something")
    cast.note_use(Use(RESIDENT_ID_CARD[1], _case(cast), allowed=False, code=FIELD_NOT_GRANTED))
    return f"refused with 403 {FIELD_NOT_GRANTED} as a problem document"


def repeat_a_request(cast: Cast) -> str:
    """The same request id with the same body gives the same receipt and no second use."""
    request_id = str(uuid.UUID(bytes=cast.entropy.octets(16), version=4))
    _, first, _ = _ask(cast, _FIELDS, request_id=request_id)
    _, second, _ = _ask(cast, _FIELDS, request_id=request_id)
    expect(first["receipt"] == second["receipt"], "the repetition got another receipt")
    status, other, _ = _ask(cast, ["holder_name"], request_id=request_id)
    expect(status == 409, f"the same id with another body got {status}")
    cast.note_use(Use(RESIDENT_ID_CARD[1], _case(cast), allowed=True))
    cast.note_use(Use(RESIDENT_ID_CARD[1], _case(cast), allowed=False, code=other["code"]))
    return "same id and body: same receipt; same id and other body: 409"


def _ask(cast: Cast, fields: list[str], *, request_id: str | None = None) -> tuple[int, dict[str, Any], str]:
    officer, holder = cast.world.officer, cast.world.arriving
    lookup = {
        "by": {"holder": {"type": "111", "code": holder.document_number}},
        "license_types": [RESIDENT_ID_CARD[0]],
        "grade": "masked",
        "fields": fields,
        "purpose": {"matter": "gzf-apply", "case": _case(cast)},
        "officer": officer.work_number,
    }
    headers = {} if request_id is None else {"X-Request-Id": request_id}
    answer = cast.program.post(f"{cast.world.urls['housing']}/backend/lookup", json=lookup, headers=headers)
    body: dict[str, Any] = answer.json()
    return answer.status_code, body, answer.headers.get("content-type", "")


def _case(cast: Cast) -> str:
    return cast.world.case_of(cast.world.arriving, is_open=True)


def _verified(cast: Cast, receipt: str) -> dict[str, Any]:
    """Check the receipt's signature as anybody can who knows the published keys."""
    document = cast.program.get(cast.world.urls["receipt_keys"]).json()
    try:
        opened = jws.deserialize_compact(receipt, KeySet.import_key_set(document), algorithms=["EdDSA", "Ed25519"])
    except Exception as failure:
        raise NotAsTold(f"the receipt does not verify: {type(failure).__name__}") from failure
    digest = hashlib.sha256(receipt.encode()).hexdigest()
    claims: dict[str, Any] = json.loads(opened.payload or b"{}")
    expect(
        len(digest) == 64 and "request_sha256" in claims and "response_sha256" in claims, "the receipt covers nothing"
    )
    return claims
