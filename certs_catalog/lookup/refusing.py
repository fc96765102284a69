"""The end of a lookup that discloses nothing: its record, its reason, and the miss rule.

What the caller is told may be less than what is recorded: a case about somebody else reads as "none found"
wherever the true reason would tell that a license exists.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from certs_catalog.cases import CheckedCase
from certs_catalog.errors import MemberProblem
from certs_catalog.grants.content import PurposeGrant
from certs_catalog.lookup.decision import Permit
from certs_catalog.lookup.finding import holder_asked, holders_concerned
from certs_catalog.lookup.misses import block_after_misses
from certs_catalog.lookup.outcomes import Refusal
from certs_catalog.lookup.recording import LookupRecord, access_rows, entry_of
from certs_catalog.lookup.under_way import Lookup
from certs_catalog.reasons import answers, purpose
from certs_catalog.room import LicenseRoom
from certs_catalog.vocabulary import HolderRef
from foundation.ledger import Entry
from foundation.problems import ErrorCode

_MISS_REASONS = frozenset({answers.NONE_FOUND, purpose.CASE_UNKNOWN, purpose.CASE_OF_OTHER_HOLDER})
_OUTSIDE_FAILURES = frozenset(
    {
        answers.LIBRARY_UNAVAILABLE,
        answers.LIBRARY_TIMEOUT,
        answers.LIBRARY_MALFORMED,
        answers.LIBRARY_REFUSED,
        purpose.CASES_UNAVAILABLE,
    }
)


async def refuse(
    lookup: Lookup,
    reason: ErrorCode,
    *,
    pointer: str | None = None,
    answered: ErrorCode | None = None,
    permit: Permit | None = None,
    case: CheckedCase | None = None,
    holders: tuple[HolderRef, ...] | None = None,
    template: Refusal | None = None,
) -> Refusal:
    """Record a refusal or a failure and return it.

    ``answered`` is what the caller is told instead of the reason.
    """
    room = lookup.room
    if holders is None:
        holders = holders_concerned(holder_asked(lookup.request, room), ())
    told = answered or reason
    record = LookupRecord(
        lookup_id=room.entropy.identifier(),
        request=lookup.request,
        caller=lookup.caller,
        outcome="failed" if reason in _OUTSIDE_FAILURES else "refused",
        holders=holders,
        at=lookup.now,
        request_id=lookup.request_id,
        reason=reason,
        answered=told,
        permit=permit,
        purpose=permit.purpose if permit is not None else await _purpose_held(lookup),
        case=case if reason is not purpose.CASE_OF_OTHER_DEPARTMENT else None,
        is_miss=_counts_as_miss(lookup, reason, permit, case),
    )
    recorded = await room.ledger.append(
        entry_of(record, catalog=room.catalog),
        inserts=access_rows(record, catalog=room.catalog, entropy=room.entropy),
    )
    if record.is_miss:
        await watch_misses(lookup)
    refusal = template or Refusal(told, errors=_pointed(pointer, told))
    return replace(refusal, lookup_id=record.lookup_id, position=recorded.position)


async def refuse_unreadable(
    reason: ErrorCode,
    *,
    errors: Sequence[MemberProblem] = (),
    room: LicenseRoom,
    actor: str | None,
    department_id: str | None,
    client_id: str | None,
    request_id: str | None,
    now: datetime,
) -> Refusal:
    """Record a lookup that never became a request (unreadable body, a token of nobody's officer) and return
    its refusal.
    """
    recorded = await room.ledger.append(
        Entry(
            kind="license.lookup",
            at=now,
            outcome="refused",
            code=reason.code,
            actor=actor,
            department=department_id,
            client=client_id,
            request_id=request_id,
        )
    )
    return Refusal(reason, errors=tuple(errors), position=recorded.position)


async def watch_misses(lookup: Lookup) -> None:
    """Apply the miss rule after a recorded miss."""
    room = lookup.room
    await block_after_misses(
        lookup.caller.officer_id,
        department_id=lookup.caller.department_id,
        db=room.db,
        ledger=room.ledger,
        entropy=room.entropy,
        limits=room.limits,
        now=lookup.now,
    )


async def _purpose_held(lookup: Lookup) -> PurposeGrant | None:
    """Return the purpose that any grant of the department holds for the matter named, so that the holder reads what was intended."""
    for grant in await lookup.room.grants.of_department(lookup.caller.department_id):
        held = grant.purposes.get(lookup.request.purpose.matter)
        if held is not None:
            return held
    return None


def _counts_as_miss(lookup: Lookup, reason: ErrorCode, permit: Permit | None, case: CheckedCase | None) -> bool:
    if reason not in _MISS_REASONS:
        return False
    if reason is not answers.NONE_FOUND or permit is None:
        return True
    confirmed = case is not None and holder_asked(lookup.request, lookup.room) is not None
    ordinary = all(entry.license_type.absence_is_answer for entry in permit.types)
    return not (confirmed and ordinary)


def _pointed(pointer: str | None, reason: ErrorCode) -> tuple[MemberProblem, ...]:
    if pointer is None:
        return ()
    return (MemberProblem(pointer, reason.code, reason.title_zh, reason.title_en),)
