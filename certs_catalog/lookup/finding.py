"""Finding what a permitted request asks for: our own index for its types, the library above for the others.

No transaction is open here. Index and libraries are asked at the same time, each library question under its
own deadline; if one source fails the whole lookup fails, since half an answer would read as "none".
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from certs_catalog.catalog import LicenseType
from certs_catalog.holders import reference_of_canonical
from certs_catalog.licenses.keys import key_of_holder, key_of_identifier, key_of_number
from certs_catalog.lookup.decision import Permit, TypePermit
from certs_catalog.lookup.found import FoundLicense, found_in_index, found_in_library
from certs_catalog.lookup.request import ByHolder, ByIdentifier, ByNumber, LookupRequest
from certs_catalog.ports import (
    Cause,
    LibraryError,
    LibraryLicense,
    LibraryMalformed,
    LibraryRefused,
    LibraryTimeout,
    LibraryUnavailable,
)
from certs_catalog.reasons import answers
from certs_catalog.room import LicenseRoom
from certs_catalog.statuses import beijing_date
from certs_catalog.vocabulary import Caller, HolderRef
from foundation.problems import ErrorCode

SYSTEM_NAME = "认证"
_FAILURES: Mapping[type[LibraryError], ErrorCode] = {
    LibraryUnavailable: answers.LIBRARY_UNAVAILABLE,
    LibraryTimeout: answers.LIBRARY_TIMEOUT,
    LibraryMalformed: answers.LIBRARY_MALFORMED,
    LibraryRefused: answers.LIBRARY_REFUSED,
}


def holder_asked(request: LookupRequest, room: LicenseRoom) -> HolderRef | None:
    """The blind reference of the holder a request names, None when it asks by identifier or number."""
    if isinstance(request.by, ByHolder):
        return reference_of_canonical(request.by.type, request.by.code, blind_index=room.blind_index)
    return None


def holders_concerned(holder: HolderRef | None, found: Sequence[FoundLicense]) -> tuple[HolderRef, ...]:
    """Everybody whose data the lookup touches: the holder asked about, and every holder of what was found."""
    named = {holder.index: holder} if holder is not None else {}
    for one in found:
        named |= {held.index: held for held in one.holders if held.index not in named}
    return tuple(named.values())


async def find_licenses(
    request: LookupRequest,
    permit: Permit,
    holder: HolderRef | None,
    caller: Caller,
    *,
    room: LicenseRoom,
    now: datetime,
) -> list[FoundLicense]:
    """Return every license the request names, unfiltered.

    Raises LibraryError, StorageUnavailable, SealBroken.
    """
    own = [entry.license_type for entry in permit.types if entry.license_type.library is None]
    above = [entry for entry in permit.types if entry.license_type.library is not None]
    today = beijing_date(now)
    if not above:
        return await _in_index(request, own, holder, room, today)
    cause = _cause_of(request, permit, caller)
    asked = [_in_library(request, entry, holder, cause, room, today) for entry in above]
    groups = await asyncio.gather(_in_index(request, own, holder, room, today), *asked)
    return [one for group in groups for one in group]


def reason_of(failure: LibraryError) -> ErrorCode:
    """The reason code under which a failure of a library is recorded and answered."""
    return _FAILURES.get(type(failure), answers.LIBRARY_UNAVAILABLE)


async def _in_index(
    request: LookupRequest,
    types: Sequence[LicenseType],
    holder: HolderRef | None,
    room: LicenseRoom,
    today: date,
) -> list[FoundLicense]:
    keys = [_key(request, license_type, holder, room) for license_type in types]
    if not keys:
        return []
    by_code = {license_type.code: license_type for license_type in types}
    stored = await room.licenses.find(keys)
    return [
        found_in_index(one, by_code[one.type_code], sealer=room.sealer, today=today)
        for one in stored
        if one.type_code in by_code
    ]


def _key(request: LookupRequest, license_type: LicenseType, holder: HolderRef | None, room: LicenseRoom) -> bytes:
    if holder is not None:
        return key_of_holder(holder, license_type.code)
    if isinstance(request.by, ByIdentifier):
        return key_of_identifier(request.by.identifier)
    if isinstance(request.by, ByNumber):
        return key_of_number(license_type.code, request.by.number, blind_index=room.blind_index)
    raise AssertionError("the decision refuses every other way of asking")


async def _in_library(
    request: LookupRequest,
    permit: TypePermit,
    holder: HolderRef | None,
    cause: Cause,
    room: LicenseRoom,
    today: date,
) -> list[FoundLicense]:
    license_type = permit.license_type
    name = license_type.library or ""
    library = room.libraries.get(name)
    if library is None:
        raise LibraryUnavailable(name, "no such library is configured")
    found: Sequence[LibraryLicense]
    try:
        async with asyncio.timeout(room.limits.library_deadline_seconds):
            if isinstance(request.by, ByHolder):
                found = await library.find_by_holder(
                    holder_type=request.by.type,
                    holder_code=request.by.code,
                    license_type=license_type.code,
                    cause=cause,
                )
            elif isinstance(request.by, ByIdentifier):
                one = await library.find_by_identifier(identifier=request.by.identifier, cause=cause)
                found = [] if one is None else [one]
            else:
                raise LibraryRefused(name, 0, "the library cannot be asked by number")
    except TimeoutError as late:
        raise LibraryTimeout(name, "deadline") from late
    licenses = [
        found_in_library(one, license_type, library=name, blind_index=room.blind_index, today=today) for one in found
    ]
    _check_answers_the_question(licenses, request, holder, name)
    return licenses


def _check_answers_the_question(
    licenses: Sequence[FoundLicense], request: LookupRequest, holder: HolderRef | None, library: str
) -> None:
    """A library that answers with somebody else's license is not believed at all."""
    for one in licenses:
        if holder is not None and all(holder.index != held.index for held in one.holders):
            raise LibraryMalformed(library, "a license of another holder than asked for")
        if isinstance(request.by, ByIdentifier) and one.identifier != request.by.identifier:
            raise LibraryMalformed(library, "another identifier than asked for")


def _cause_of(request: LookupRequest, permit: Permit, caller: Caller) -> Cause:
    return Cause(
        text=permit.purpose.matter_name_zh[:200],
        system_name=SYSTEM_NAME,
        matter_code=request.purpose.matter,
        matter_name=permit.purpose.matter_name_zh,
        case_number=request.purpose.case,
        department_name=caller.department_name_zh,
    )
