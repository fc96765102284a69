"""The use case: one graded lookup, from a parsed request to an answer that is on record.

The order: is this worker's knowledge fresh · is the officer blocked · do the grants allow it · is there
quota · does the case carry it · find · release · record · answer. Whatever the outcome, it is returned only
after its ledger entry and access rows are durable; a raised error (503) means that nothing was disclosed
and nothing recorded.
"""

from collections.abc import Sequence
from datetime import datetime

from certs_catalog.cases import CheckedCase
from certs_catalog.lookup.answering import answer
from certs_catalog.lookup.decision import Denial, Permit, concerns, decide_case, decide_grant
from certs_catalog.lookup.finding import find_licenses, holder_asked, holders_concerned, reason_of
from certs_catalog.lookup.found import FoundLicense
from certs_catalog.lookup.outcomes import Answer, Refusal
from certs_catalog.lookup.quota import spend_quota
from certs_catalog.lookup.refusing import refuse
from certs_catalog.lookup.replay import replay_key
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.lookup.under_way import Lookup
from certs_catalog.ports import LibraryError, MattersUnavailable
from certs_catalog.reasons import answers, authorisation, purpose, request_form
from certs_catalog.room import LicenseRoom
from certs_catalog.vocabulary import Caller, HolderRef


async def look_up_license(
    request: LookupRequest,
    caller: Caller,
    *,
    room: LicenseRoom,
    request_id: str | None,
    now: datetime,
) -> Answer | Refusal:
    """Look licenses up for an officer.

    Raises StorageUnavailable or StoreUnavailable, and then nothing happened.
    ``request_id`` is the caller's UUID: the same id with the same body returns the same answer, with
    another body 409.
    """
    lookup = Lookup(request, caller, room, request_id, now)
    key = replay_key(caller, request_id) if request_id is not None else None
    if key is None:
        return await _run(lookup, None)
    if key in room.in_flight:
        return await refuse(lookup, request_form.REQUEST_IN_FLIGHT)
    room.in_flight.add(key)
    try:
        return await _run(lookup, key)
    finally:
        room.in_flight.discard(key)


async def _run(lookup: Lookup, key: bytes | None) -> Answer | Refusal:
    """Take the steps that need no license, in their order, and go on to the finding when all allow it."""
    room, request, caller = lookup.room, lookup.request, lookup.caller
    room.feed.check_fresh(lookup.now)
    if await room.blocks.is_blocked(caller.officer_id, now=lookup.now):
        return await refuse(lookup, authorisation.OFFICER_BLOCKED)
    grants = await room.grants.of_department(caller.department_id)
    permit = decide_grant(caller, grants, request, room.catalog.types, now=lookup.now)
    counted = () if isinstance(permit, Denial) else permit.grants
    over = await spend_quota(caller, counted, store=room.store, limits=room.limits)
    if over is not None:
        return await refuse(lookup, over.reason, template=over)
    if isinstance(permit, Denial):
        return await refuse(lookup, permit.reason, pointer=permit.pointer)
    case: CheckedCase | None = None
    if request.purpose.case is not None:
        try:
            case = await room.cases.find(request.purpose.case, now=lookup.now)
        except MattersUnavailable:
            return await refuse(lookup, purpose.CASES_UNAVAILABLE, permit=permit)
    holder = holder_asked(request, room)
    denial = decide_case(caller, permit, request, case, holder)
    if denial is not None:
        return await refuse(lookup, denial.reason, pointer=denial.pointer, permit=permit, case=case)
    return await _find_and_answer(lookup, permit, case, holder, key)


async def _find_and_answer(
    lookup: Lookup, permit: Permit, case: CheckedCase | None, holder: HolderRef | None, key: bytes | None
) -> Answer | Refusal:
    room = lookup.room
    try:
        found = await find_licenses(lookup.request, permit, holder, lookup.caller, room=room, now=lookup.now)
    except LibraryError as failure:
        return await refuse(lookup, reason_of(failure), permit=permit, case=case)
    concerned = holders_concerned(holder, found)
    protected = await room.protected.load()
    visible = [one for one in found if _is_visible(one, permit, protected, holder)]
    if not visible:
        return await refuse(lookup, answers.NONE_FOUND, permit=permit, case=case, holders=concerned)
    if holder is None and case is not None and not _all_concerned(case, visible):
        # Told as "none found": whether the license exists is nothing this case lets the caller know.
        return await refuse(
            lookup,
            purpose.CASE_OF_OTHER_HOLDER,
            answered=answers.NONE_FOUND,
            permit=permit,
            case=case,
            holders=concerned,
        )
    if len(visible) > room.limits.results:
        return await refuse(lookup, answers.TOO_MANY_FOUND, permit=permit, case=case, holders=concerned)
    return await answer(lookup, permit, case, visible, concerned, key)


def _is_visible(one: FoundLicense, permit: Permit, protected: frozenset[bytes], holder: HolderRef | None) -> bool:
    touched = {held.index for held in one.holders} | ({holder.index} if holder else set())
    if touched.isdisjoint(protected):
        return True
    return all(
        entry.grant.content.sees_protected for entry in permit.types if entry.license_type.code == one.license_type.code
    )


def _all_concerned(case: CheckedCase, found: Sequence[FoundLicense]) -> bool:
    return all(any(concerns(case, held) for held in one.holders) for one in found)
