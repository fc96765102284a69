"""Point 5: the housing app's backend asks with its own token on behalf of the officer, and can prove the answer."""

import hashlib
import json
import re
import uuid
import warnings
from collections.abc import Mapping
from typing import Any

import httpx2
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet

from gateway.stories.main.cast import Cast
from gateway.stories.main.desk import FIELD_NOT_GRANTED, RESIDENT_ID_CARD
from gateway.stories.story import NotAsTold, expect

_FIELDS = ["holder_name", "valid_to"]
_RESULTS = re.compile(rb'"results":(\[.*\]),"receipt":', re.DOTALL)


def look_up_through_the_backend(cast: Cast) -> str:
    """Fields, receipt and source come back; the receipt is signed with a published key and covers the answer."""
    status, body, answer = _ask(cast, _FIELDS)
    expect(status == 200, f"the backend's lookup answered {status} {body.get('code', body.get('error', ''))}")
    fields = body["results"][0]["fields"]
    expect(set(fields) == set(_FIELDS), f"other fields than asked for came back: {sorted(fields)}")
    expect(fields["holder_name"]["masked"] is True, "the name is not marked as masked")
    expect(cast.world.arriving.name not in json.dumps(body, ensure_ascii=False), "the name is not masked")
    claims = _verified(cast, body["receipt"])
    _expect_covered(claims, answer)
    expect(claims["iss"] == cast.world.issuer, "the receipt names another issuer")
    expect(sorted(claims["fields"]) == sorted(_FIELDS), "the receipt names other fields")
    cast.note_use(RESIDENT_ID_CARD, _FIELDS, case=_case(cast))
    source = body["source"]
    return (
        f"two masked fields, source {source['mode']}, receipt verified with the published keys, "
        f"ledger entry {claims['ledger']['position']}"
    )


def be_refused_through_the_backend(cast: Cast) -> str:
    """Beyond the grant the API answers a problem document with the same code as the desk, and nothing else."""
    beyond = ["holder_name", "address"]
    status, body, answer = _ask(cast, beyond)
    media_type = answer.headers.get("content-type", "")
    expect(status == 403 and body.get("code") == FIELD_NOT_GRANTED, f"got {status} {body.get('code')}")
    expect(media_type.startswith("application/problem+json"), f"the refusal is {media_type}")
    expect("results" not in body and "receipt" not in body, "the refusal discloses something")
    cast.note_use(RESIDENT_ID_CARD, beyond, case=_case(cast), code=FIELD_NOT_GRANTED)
    return f"refused with 403 {FIELD_NOT_GRANTED} as a problem document"


def repeat_a_request(cast: Cast) -> str:
    """The same request id with the same body gives the same receipt and no second use."""
    request_id = str(uuid.UUID(bytes=cast.entropy.octets(16), version=4))
    _, first, _ = _ask(cast, _FIELDS, request_id=request_id)
    _, second, _ = _ask(cast, _FIELDS, request_id=request_id)
    expect(first["receipt"] == second["receipt"], "the repetition got another receipt")
    status, other, _ = _ask(cast, ["holder_name"], request_id=request_id)
    expect(status == 409, f"the same id with another body got {status}")
    # Two uses: the repetition disclosed the same once more, and the holder sees that too.
    for _ in range(2):
        cast.note_use(RESIDENT_ID_CARD, _FIELDS, case=_case(cast))
    cast.note_use(RESIDENT_ID_CARD, ["holder_name"], case=_case(cast), code=other["code"])
    return "same id and body: same receipt; same id and other body: 409"


def _ask(
    cast: Cast, fields: list[str], *, request_id: str | None = None
) -> tuple[int, dict[str, Any], httpx2.Response]:
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
    return answer.status_code, body, answer


def _case(cast: Cast) -> str:
    return cast.world.case_of(cast.world.arriving, is_open=True)


def _verified(cast: Cast, receipt: str) -> dict[str, Any]:
    """Check the receipt's signature as anybody can who knows the published keys."""
    keys = KeySet.import_key_set(cast.program.get(cast.world.urls["receipt_keys"]).json())
    with warnings.catch_warnings():
        # The library prefers the newer name Ed25519; the receipt is of the older and wider known one.
        warnings.simplefilter("ignore", SecurityWarning)
        try:
            opened = jws.deserialize_compact(receipt, keys, algorithms=["EdDSA"])
        except (JoseError, ValueError) as failure:
            raise NotAsTold(f"the receipt does not verify: {type(failure).__name__}") from failure
    claims: dict[str, Any] = json.loads(opened.payload or b"{}")
    return claims


def _expect_covered(claims: Mapping[str, Any], answer: httpx2.Response) -> None:
    """The receipt's hashes are those of the request as it was sent and of the results as they came."""
    # The backend passes the members on unchanged, and this client renders JSON as the backend's does.
    sent = hashlib.sha256(answer.request.content).hexdigest()
    expect(claims["request_sha256"] == sent, "the receipt covers another request")
    results = _RESULTS.search(answer.content)
    came = hashlib.sha256(results[1]).hexdigest() if results else ""
    expect(claims["response_sha256"] == came, "the receipt covers another answer")
