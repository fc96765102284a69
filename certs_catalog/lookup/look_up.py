"""The use case: one graded lookup, from a parsed request to an answer that is on record.

The order: is this worker's knowledge fresh · is the officer blocked · do the grants allow it · is there
quota · does the case carry it · find · release · record · answer. Whatever the outcome, it is returned only
after its ledger entry and access rows are durable; a raised error (503) means that nothing was disclosed
and nothing recorded.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from certs_catalog.cases import CheckedCase
from certs_catalog.errors import MemberProblem
from certs_catalog.lookup.decision import Denial, Permit, concerns, decide_case, decide_grant
from certs_catalog.lookup.finding import find_licenses, holder_asked, reason_of
from certs_catalog.lookup.found import FoundLicense
from certs_catalog.lookup.misses import block_after_misses
from certs_catalog.lookup.outcomes import Answer, AnswerSource, LicenseResult, Refusal, render_results
from certs_catalog.lookup.quota import spend_quota
from certs_catalog.lookup.receipt import receipt_claims, render_claims, sign_receipt
from certs_catalog.lookup.recording import LookupRecord, access_rows, entry_of
from certs_catalog.lookup.release import release, source_of
from certs_catalog.lookup.replay import answer_row, find_kept_answer, open_kept_answer, replay_key
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.ports import LibraryError, MattersUnavailable
from certs_catalog.reasons import answers, authorisation, purpose, request_form
from certs_catalog.room import LicenseRoom
from certs_catalog.vocabulary import Caller, Grade, HolderRef
from foundation.ledger import Entry, Insert
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


async def look_up_license(
    request: LookupRequest,
    caller: Caller,
    *,
    room: LicenseRoom,
    request_id: str | None,
    now: datetime,
) -> Answer | Refusal:
    """Look licenses up for an officer. Raises StorageUnavailable or StoreUnavailable, and then nothing
    happened.

    ``request_id`` is the caller's UUID: the same id with the same body returns the same answer, with
    another body 409.
    """
    lookup = _Lookup(request, caller, room, request_id, now)
    key = replay_key(caller, request_id) if request_id is not None else None
    if key is None:
        return await lookup.run(None)
    if key in room.in_flight:
        return await lookup.refuse(request_form.REQUEST_IN_FLIGHT)
    room.in_flight.add(key)
    try:
        return await lookup.run(key)
    finally:
        room.in_flight.discard(key)


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


@dataclass(frozen=True, slots=True)
class _Draft:
    """An answer before it is on record."""

    record: LookupRecord
    results: tuple[LicenseResult, ...]
    results_json: bytes
    source: AnswerSource
    claims_json: bytes


@dataclass(frozen=True, slots=True)
class _Lookup:
    """One lookup under way; its methods are the steps, in order."""

    request: LookupRequest
    caller: Caller
    room: LicenseRoom
    request_id: str | None
    now: datetime

    async def run(self, key: bytes | None) -> Answer | Refusal:
        room, request, caller = self.room, self.request, self.caller
        room.feed.check_fresh(self.now)
        if await room.blocks.is_blocked(caller.officer_id, now=self.now):
            return await self.refuse(authorisation.OFFICER_BLOCKED)
        grants = await room.grants.of_department(caller.department_id)
        permit = decide_grant(caller, grants, request, room.catalog.types, now=self.now)
        counted = () if isinstance(permit, Denial) else permit.grants
        over = await spend_quota(caller, counted, store=room.store, limits=room.limits)
        if over is not None:
            return await self.refuse(over.reason, template=over)
        if isinstance(permit, Denial):
            return await self.refuse(permit.reason, pointer=permit.pointer)
        case: CheckedCase | None = None
        if request.purpose.case is not None:
            try:
                case = await room.cases.find(request.purpose.case, now=self.now)
            except MattersUnavailable:
                return await self.refuse(purpose.CASES_UNAVAILABLE, permit=permit)
        holder = holder_asked(request, room)
        denial = decide_case(caller, permit, request, case, holder)
        if denial is not None:
            return await self.refuse(denial.reason, pointer=denial.pointer, permit=permit, case=case)
        return await self._find_and_answer(permit, case, holder, key)

    async def _find_and_answer(
        self, permit: Permit, case: CheckedCase | None, holder: HolderRef | None, key: bytes | None
    ) -> Answer | Refusal:
        room = self.room
        try:
            found = await find_licenses(self.request, permit, holder, self.caller, room=room, now=self.now)
        except LibraryError as failure:
            return await self.refuse(reason_of(failure), permit=permit, case=case)
        concerned = _concerned(holder, found)
        protected = await room.protected.load()
        visible = [one for one in found if _is_visible(one, permit, protected, holder)]
        if not visible:
            return await self.refuse(answers.NONE_FOUND, permit=permit, case=case, holders=concerned)
        if holder is None and case is not None and not _all_concerned(case, visible):
            # Told as "none found": whether the license exists is nothing this case lets the caller know.
            return await self.refuse(
                purpose.CASE_OF_OTHER_HOLDER,
                answered=answers.NONE_FOUND,
                permit=permit,
                case=case,
                holders=concerned,
            )
        if len(visible) > room.limits.results:
            return await self.refuse(answers.TOO_MANY_FOUND, permit=permit, case=case)
        return await self._answer(permit, case, visible, concerned, key)

    async def _answer(
        self,
        permit: Permit,
        case: CheckedCase | None,
        visible: Sequence[FoundLicense],
        concerned: tuple[HolderRef, ...],
        key: bytes | None,
    ) -> Answer | Refusal:
        """Put the draft on record, then sign its receipt: nothing is told before the append has returned."""
        room = self.room
        draft = self._draft(permit, case, visible, concerned)
        inserts = access_rows(draft.record, catalog=room.catalog, entropy=room.entropy)
        if key is not None:
            inserts.append(self._kept(key, draft))
        try:
            recorded = await room.ledger.append(entry_of(draft.record, catalog=room.catalog), inserts=inserts)
        except IntegrityError:
            if key is None:
                raise
            return await self._repeat(key)
        if draft.record.is_miss:
            await self._watch_misses()
        return Answer(
            results=draft.results,
            results_json=draft.results_json,
            receipt=sign_receipt(draft.claims_json, recorded, keys=room.keys, signed_at=self.now),
            source=draft.source,
            lookup_id=draft.record.lookup_id,
            position=recorded.position,
            answered_at=self.now,
        )

    def _draft(
        self,
        permit: Permit,
        case: CheckedCase | None,
        visible: Sequence[FoundLicense],
        concerned: tuple[HolderRef, ...],
    ) -> "_Draft":
        room, now = self.room, self.now
        permits = {entry.license_type.code: entry for entry in permit.types}
        results = release(visible, permits, self.request, now=now)
        results_json = render_results(results)
        response_digest = hashlib.sha256(results_json).digest()
        source = source_of(visible, room.libraries, now=now)
        record = LookupRecord(
            lookup_id=room.entropy.identifier(),
            request=self.request,
            caller=self.caller,
            outcome="allowed",
            holders=concerned,
            at=now,
            request_id=self.request_id,
            permit=permit,
            case=case,
            is_miss=_is_wrong_guess(self.request, results),
            source_mode=source.mode,
            found=len(visible),
            response_digest=response_digest,
        )
        claims = receipt_claims(
            self.request,
            self.caller,
            permit,
            issuer=room.issuer,
            lookup_id=record.lookup_id,
            response_digest=response_digest,
            released=_released(results),
            source=source,
            request_id=self.request_id,
            now=now,
        )
        return _Draft(record, results, results_json, source, render_claims(claims))

    def _kept(self, key: bytes, draft: "_Draft") -> Insert:
        return answer_row(
            key,
            lookup_id=draft.record.lookup_id,
            request_digest=self.request.digest,
            results_json=draft.results_json,
            claims_json=draft.claims_json,
            source=draft.source,
            sealer=self.room.sealer,
            kept_for=timedelta(seconds=self.room.limits.idempotency_seconds),
            now=self.now,
        )

    async def _repeat(self, key: bytes) -> Answer | Refusal:
        """Answer a request id that was used before; the repetition itself is recorded as such."""
        room = self.room
        kept = await find_kept_answer(room.db, key)
        if kept is None or kept.request_digest != self.request.digest or kept.expires_at <= self.now:
            return await self.refuse(request_form.REQUEST_ID_REUSED)
        await room.ledger.append(
            Entry(
                kind="license.lookup.repeated",
                at=self.now,
                outcome="allowed",
                actor=f"officer:{self.caller.officer_id}",
                department=self.caller.department_id,
                client=self.caller.client_id,
                request_id=self.request_id,
                details={"lookup": kept.lookup_id, "position": kept.recorded.position},
            )
        )
        return open_kept_answer(kept, sealer=room.sealer, keys=room.keys, catalog=room.catalog)

    async def refuse(
        self,
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
        room = self.room
        if holders is None:
            holders = _concerned(holder_asked(self.request, room), ())
        told = answered or reason
        record = LookupRecord(
            lookup_id=room.entropy.identifier(),
            request=self.request,
            caller=self.caller,
            outcome="failed" if reason in _OUTSIDE_FAILURES else "refused",
            holders=holders,
            at=self.now,
            request_id=self.request_id,
            reason=reason,
            answered=told,
            permit=permit,
            case=case if reason is not purpose.CASE_OF_OTHER_DEPARTMENT else None,
            is_miss=self._counts_as_miss(reason, permit, case),
        )
        recorded = await room.ledger.append(
            entry_of(record, catalog=room.catalog),
            inserts=access_rows(record, catalog=room.catalog, entropy=room.entropy),
        )
        if record.is_miss:
            await self._watch_misses()
        refusal = template or Refusal(told, errors=_pointed(pointer, told), headers=_challenge(told))
        return replace(refusal, lookup_id=record.lookup_id, position=recorded.position)

    def _counts_as_miss(self, reason: ErrorCode, permit: Permit | None, case: CheckedCase | None) -> bool:
        if reason not in _MISS_REASONS:
            return False
        if reason is not answers.NONE_FOUND or permit is None:
            return True
        confirmed = case is not None and holder_asked(self.request, self.room) is not None
        ordinary = all(entry.license_type.absence_is_answer for entry in permit.types)
        return not (confirmed and ordinary)

    async def _watch_misses(self) -> None:
        room = self.room
        await block_after_misses(
            self.caller.officer_id,
            department_id=self.caller.department_id,
            db=room.db,
            ledger=room.ledger,
            entropy=room.entropy,
            limits=room.limits,
            now=self.now,
        )


def _concerned(holder: HolderRef | None, found: Sequence[FoundLicense]) -> tuple[HolderRef, ...]:
    """Everybody whose data the lookup touches: the holder asked about, and every holder of what was found."""
    named = {holder.index: holder} if holder is not None else {}
    for one in found:
        named |= {held.index: held for held in one.holders if held.index not in named}
    return tuple(named.values())


def _is_visible(one: FoundLicense, permit: Permit, protected: frozenset[bytes], holder: HolderRef | None) -> bool:
    touched = {held.index for held in one.holders} | ({holder.index} if holder else set())
    if touched.isdisjoint(protected):
        return True
    return all(
        entry.grant.content.sees_protected for entry in permit.types if entry.license_type.code == one.license_type.code
    )


def _all_concerned(case: CheckedCase, found: Sequence[FoundLicense]) -> bool:
    return all(any(concerns(case, held) for held in one.holders) for one in found)


def _released(results: Sequence[LicenseResult]) -> list[str]:
    return sorted({name for result in results for name in (*result.fields, *result.facts)})


def _is_wrong_guess(request: LookupRequest, results: Sequence[LicenseResult]) -> bool:
    """A verification in which no license matches every fact counts as a miss: facts can be guessed too."""
    return request.grade is Grade.VERIFY and not any(all(result.facts.values()) for result in results)


def _pointed(pointer: str | None, reason: ErrorCode) -> tuple[MemberProblem, ...]:
    if pointer is None:
        return ()
    return (MemberProblem(pointer, reason.code, reason.title_zh, reason.title_en),)


def _challenge(reason: ErrorCode) -> dict[str, str]:
    """RFC 9470 §3: a 401 that asks for a stronger sign-in says which."""
    if reason is not authorisation.STRONGER_SIGN_IN_NEEDED:
        return {}
    return {"WWW-Authenticate": 'Bearer error="insufficient_user_authentication", acr_values="urn:renzheng:acr:l2:f2"'}
