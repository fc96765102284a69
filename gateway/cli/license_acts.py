"""What `renzheng license` does, with the product's own use cases."""

from datetime import date
from typing import Any

from certs_catalog.errors import StatusChangeImpossible
from certs_catalog.holders import holder_ref
from certs_catalog.licenses.status_change import LONGEST_REASON, change_license_status, find_registered
from certs_catalog.protection import set_protection
from certs_catalog.statuses import TRANSITIONS, beijing_date, status_on
from certs_catalog.vocabulary import HolderRef, LicenseStatus
from foundation.identifiers import InvalidIdentifier
from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode
from gateway.cli.surroundings import read_settings
from gateway.cli.user_acts import account_of
from gateway.composition import Parts, open_parts
from idp.people.persons import find_document_of

ACTOR = "system:cli"
STATUSES = tuple(status.value for status in LicenseStatus)


class StatusImpossible(Exception):
    """A license in the status `present` cannot take the wanted one; `possible` are those that it can."""

    def __init__(self, present: str, possible: tuple[str, ...]) -> None:
        super().__init__(present)
        self.present = present
        self.possible = possible


async def describe(reference: str) -> dict[str, Any] | None:
    """Return what a license is, without holder, number and face; None when there is no such license."""
    async with open_parts(read_settings(), background=False) as parts:
        found = await find_registered(reference, room=parts.licenses)
        if found is None:
            return None
        catalog = parts.licenses.catalog
        today = beijing_date(parts.clock())
        return {
            "license": found.license_id,
            "type": found.type_code,
            "type_name_zh": catalog.name_zh(found.type_code),
            "type_name_en": catalog.name_en(found.type_code),
            "version": found.version,
            "current": found.is_current,
            "status": found.status.value,
            "status_today": status_on(
                today, recorded=found.status, valid_from=found.valid_from, valid_to=found.valid_to
            ).value,
            "issuer": found.issuer_code,
            "issuer_name": found.issuer_name,
            "issued_on": _day(found.issued_on),
            "valid_from": _day(found.valid_from),
            "valid_to": _day(found.valid_to) or "长期",
            "provenance": found.provenance,
            "reported_at": found.source_updated_at.isoformat(timespec="seconds"),
        }


async def change_status(reference: str, wanted: str, reason: str) -> bool | None:
    """Change the status; whether that changed anything, or None when there is no such license. Raises StatusImpossible."""
    if len(reason) > LONGEST_REASON:
        stop(f"理由过长 · the reason is longer than {LONGEST_REASON} characters", ExitCode.USAGE)
    async with open_parts(read_settings(), background=False) as parts:
        found = await find_registered(reference, room=parts.licenses)
        if found is None:
            return None
        try:
            return await change_license_status(
                found.license_id,
                LicenseStatus(wanted),
                reason=reason,
                room=parts.licenses,
                actor=ACTOR,
                now=parts.clock(),
            )
        except StatusChangeImpossible as impossible:
            raise StatusImpossible(
                found.status.value, tuple(sorted(status.value for status in TRANSITIONS[found.status]))
            ) from impossible


async def protect_user(user_name: str, protected: bool) -> bool | None:
    """Protect the person with this user name, or end it; whether that changed anything, None when there is no such user."""
    async with open_parts(read_settings(), background=False) as parts:
        account = await account_of(parts, user_name)
        if account is None:
            return None
        async with parts.db.read() as connection:
            document = await find_document_of(connection, account.person_id)
        return None if document is None else await _set(parts, HolderRef(*document), protected)


async def protect_number(holder_type: str, number: str, protected: bool) -> bool:
    """Protect the holder with this number, or end it; whether that changed anything."""
    async with open_parts(read_settings(), background=False) as parts:
        today = beijing_date(parts.clock())
        try:
            holder = holder_ref(holder_type, number, blind_index=parts.blind_index, today=today)
        except InvalidIdentifier:
            # Not repeated: it may be a person's number with one digit wrong.
            stop("号码与类型不符 · this is no number of that type", ExitCode.USAGE)
        return await _set(parts, holder, protected)


async def _set(parts: Parts, holder: HolderRef, protected: bool) -> bool:
    return await set_protection(
        holder, protected, db=parts.db, ledger=parts.ledger, feed=parts.feed, actor=ACTOR, now=parts.clock()
    )


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
