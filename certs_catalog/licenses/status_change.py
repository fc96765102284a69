"""Changing the status of a stored license by hand: for an issuer that reports by telephone, or a court that does not report at all.

A status change races neither a report nor another change: whoever writes a license does so one after the other.
"""

import re
from datetime import datetime

from certs_catalog.errors import LicenseInvalid
from certs_catalog.licenses.store import StoredLicense, change_license, find_by_id, find_version
from certs_catalog.room import LicenseRoom
from certs_catalog.statuses import check_transition
from certs_catalog.vocabulary import LicenseStatus
from foundation.identifiers import InvalidIdentifier, IssuerForm, parse_e_license_identifier
from foundation.ledger import Entry

LONGEST_REASON = 200
_LICENSE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


async def find_registered(reference: str, *, room: LicenseRoom) -> StoredLicense | None:
    """Return the license with this id or GB/T 36904 identifier; what is neither is as unknown as one that was never issued."""
    async with room.db.read() as connection:
        if _LICENSE_ID.fullmatch(reference):
            return await find_by_id(connection, reference)
        try:
            named = parse_e_license_identifier(reference, issuer_form=IssuerForm.LENIENT)
        except InvalidIdentifier:
            return None
        return await find_version(connection, f"{named.type_code}.{named.issuer}.{named.serial}", named.version)


async def change_license_status(
    license_id: str, status: LicenseStatus, *, reason: str = "", room: LicenseRoom, actor: str, now: datetime
) -> bool:
    """Record a new status, seen by the next lookup; False when the license has it already, and then nothing is recorded.

    The reason may name people, so it is kept sealed beside the entry. Raises LicenseInvalid (no such license, reason too long) or
    StatusChangeImpossible.
    """
    if len(reason) > LONGEST_REASON:
        raise LicenseInvalid("the reason is too long")
    async with room.db.transaction() as connection:
        named = await find_by_id(connection, license_id)
        if named is None:
            raise LicenseInvalid("no such license")
        await room.db.hold_name(connection, f"license:{named.identifier_base}")
        # Read again: a report may have been written while this one waited.
        stored = await find_by_id(connection, license_id)
        if stored is None or stored.status is status:
            return False
        check_transition(stored.status, status)
        await change_license(connection, license_id, {"status": status, "source_updated_at": now, "synced_at": now})
        entry = Entry(
            kind="license.status",
            at=now,
            outcome="done",
            actor=actor,
            details={"license": license_id, "from": stored.status.value, "to": status.value},
            personal={"reason": reason} if reason else {},
        )
        await room.ledger.append_in(connection, entry)
    return True
