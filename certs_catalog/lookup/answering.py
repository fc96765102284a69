"""The end of a lookup that discloses something: draft, record, receipt, answer.

The order is the promise: the draft is made, its entry, access rows and kept answer become durable together,
and only then is the receipt signed and anything told.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from certs_catalog.cases import CheckedCase
from certs_catalog.lookup.decision import Permit
from certs_catalog.lookup.found import FoundLicense
from certs_catalog.lookup.outcomes import Answer, AnswerSource, LicenseResult, Refusal, render_results
from certs_catalog.lookup.receipt import receipt_claims, render_claims, sign_receipt
from certs_catalog.lookup.recording import LookupRecord, access_rows, entry_of
from certs_catalog.lookup.refusing import refuse, watch_misses
from certs_catalog.lookup.release import release, source_of
from certs_catalog.lookup.replay import answer_row, find_kept_answer, open_kept_answer
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.lookup.under_way import Lookup
from certs_catalog.reasons import request_form
from certs_catalog.vocabulary import Grade, HolderRef
from foundation.ledger import Entry, Insert
from foundation.values import value_type


@value_type
class _Draft:
    """An answer before it is on record."""

    record: LookupRecord
    results: tuple[LicenseResult, ...]
    results_json: bytes
    source: AnswerSource
    claims_json: bytes


async def answer(
    lookup: Lookup,
    permit: Permit,
    case: CheckedCase | None,
    visible: Sequence[FoundLicense],
    concerned: tuple[HolderRef, ...],
    key: bytes | None,
) -> Answer | Refusal:
    """Put the draft on record, then sign its receipt: nothing is told before the append has returned."""
    room = lookup.room
    draft = _draft(lookup, permit, case, visible, concerned)
    inserts = access_rows(draft.record, catalog=room.catalog, entropy=room.entropy)
    if key is not None:
        inserts.append(_kept(lookup, key, draft))
    try:
        recorded = await room.ledger.append(entry_of(draft.record, catalog=room.catalog), inserts=inserts)
    except IntegrityError:
        if key is None:
            raise
        return await _repeat(lookup, key, draft.record)
    if draft.record.is_miss:
        await watch_misses(lookup)
    return Answer(
        results=draft.results,
        results_json=draft.results_json,
        receipt=sign_receipt(draft.claims_json, recorded, keys=room.keys, signed_at=lookup.now),
        source=draft.source,
        lookup_id=draft.record.lookup_id,
        position=recorded.position,
        answered_at=lookup.now,
    )


def _draft(
    lookup: Lookup,
    permit: Permit,
    case: CheckedCase | None,
    visible: Sequence[FoundLicense],
    concerned: tuple[HolderRef, ...],
) -> _Draft:
    room, now = lookup.room, lookup.now
    permits = {entry.license_type.code: entry for entry in permit.types}
    results = release(visible, permits, lookup.request, now=now)
    results_json = render_results(results)
    response_digest = hashlib.sha256(results_json).digest()
    source = source_of(visible, room.libraries, now=now)
    record = LookupRecord(
        lookup_id=room.entropy.identifier(),
        request=lookup.request,
        caller=lookup.caller,
        outcome="allowed",
        holders=concerned,
        at=now,
        request_id=lookup.request_id,
        permit=permit,
        purpose=permit.purpose,
        case=case,
        is_miss=_is_wrong_guess(lookup.request, results),
        source_mode=source.mode,
        found=len(visible),
        response_digest=response_digest,
    )
    claims = receipt_claims(
        lookup.request,
        lookup.caller,
        permit,
        issuer=room.issuer,
        lookup_id=record.lookup_id,
        response_digest=response_digest,
        released=_released(results),
        source=source,
        request_id=lookup.request_id,
        now=now,
    )
    return _Draft(record, results, results_json, source, render_claims(claims))


def _kept(lookup: Lookup, key: bytes, draft: _Draft) -> Insert:
    return answer_row(
        key,
        lookup_id=draft.record.lookup_id,
        request_digest=lookup.request.digest,
        results_json=draft.results_json,
        claims_json=draft.claims_json,
        source=draft.source,
        sealer=lookup.room.sealer,
        kept_for=timedelta(seconds=lookup.room.limits.idempotency_seconds),
        now=lookup.now,
    )


async def _repeat(lookup: Lookup, key: bytes, record: LookupRecord) -> Answer | Refusal:
    """Answer a request id that was used before; the repetition itself is recorded as such.

    It discloses again, so it has access rows of its own, which the holders see; ``record`` is that of its
    discarded draft.
    """
    room = lookup.room
    kept = await find_kept_answer(room.db, key)
    if kept is None or kept.request_digest != lookup.request.digest or kept.expires_at <= lookup.now:
        return await refuse(lookup, request_form.REQUEST_ID_REUSED)
    await room.ledger.append(
        Entry(
            kind="license.lookup.repeated",
            at=lookup.now,
            outcome="allowed",
            actor=f"officer:{lookup.caller.officer_id}",
            department=lookup.caller.department_id,
            client=lookup.caller.client_id,
            request_id=lookup.request_id,
            details={
                "lookup": kept.lookup_id,
                "position": kept.recorded.position,
                "repetition": record.lookup_id,
            }
            | ({"via": list(lookup.caller.via)} if lookup.caller.via else {}),
        ),
        inserts=access_rows(record, catalog=room.catalog, entropy=room.entropy),
    )
    return open_kept_answer(kept, sealer=room.sealer, keys=room.keys, catalog=room.catalog)


def _released(results: Sequence[LicenseResult]) -> list[str]:
    return sorted({name for result in results for name in (*result.fields, *result.facts)})


def _is_wrong_guess(request: LookupRequest, results: Sequence[LicenseResult]) -> bool:
    """A verification in which no license matches every fact counts as a miss: facts can be guessed too."""
    return request.grade is Grade.VERIFY and not any(all(result.facts.values()) for result in results)
