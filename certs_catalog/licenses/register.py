"""Registering licenses: the writes of issuing departments.

Idempotent by (identifier base, version): the same report twice changes nothing, a late report of an earlier
version is stored but never becomes current, an older report of the same version is ignored. Each write
shares its transaction with its ledger entry.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from certs_catalog.holders import reference_of_canonical
from certs_catalog.licenses.face import Face, render_face, seal_face
from certs_catalog.licenses.keys import key_of_holder, key_of_identifier, key_of_number
from certs_catalog.licenses.record import CheckedRecord, LicenseRecord, check_record
from certs_catalog.licenses.store import (
    StoredLicense,
    add_license,
    change_license,
    find_version,
    mark_current,
    replace_holders,
)
from certs_catalog.room import LicenseRoom
from certs_catalog.statuses import beijing_date, check_transition
from foundation.identifiers import IssuerForm
from foundation.ledger import Entry

Reported = Literal["added", "unchanged", "updated", "older_ignored"]


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of one report."""

    license_id: str
    identifier: str
    outcome: Reported


async def register_license(record: LicenseRecord, *, room: LicenseRoom, actor: str, now: datetime) -> Registered:
    """Check and store one report; raises LicenseInvalid, StatusChangeImpossible or StorageUnavailable.

    Two nodes that store versions of one license at once do so one after the other.
    """
    issuer_form = IssuerForm.STRICT if room.limits.issuer_mode == "strict" else IssuerForm.LENIENT
    checked = check_record(record, room.catalog, issuer_form=issuer_form, today=beijing_date(now))
    async with room.db.transaction() as connection:
        registered = await _store(connection, checked, room, now)
        await room.ledger.append_in(connection, _entry_of(checked, registered, actor, now))
    return registered


async def _store(connection: AsyncConnection, checked: CheckedRecord, room: LicenseRoom, now: datetime) -> Registered:
    record = checked.record
    identifier = str(checked.identifier)
    base = f"{record.type_code}.{record.issuer_code}.{record.serial}"
    holders = tuple(
        reference_of_canonical(holder.type, holder.code, blind_index=room.blind_index) for holder in checked.holders
    )
    rendered = render_face(Face(checked.fields, holders))
    # Keyed, because a plain hash of a face could be guessed by trying names and numbers.
    digest = room.blind_index.index("license.face", rendered.decode("utf-8"))
    await room.db.hold_name(connection, f"license:{base}")
    stored = await find_version(connection, base, record.version)
    if stored is not None and (outcome := _already(stored, record, digest)) is not None:
        return Registered(stored.license_id, identifier, outcome)
    if stored is not None:
        check_transition(stored.status, record.status)
    license_id = stored.license_id if stored else room.entropy.identifier()
    values = _values_of(record, room, rendered=rendered, digest=digest, license_id=license_id, now=now)
    if stored is None:
        fixed = {
            "license_id": license_id,
            "identifier": identifier,
            "identifier_base": base,
            "version": record.version,
        }
        await add_license(connection, fixed | values)
        await mark_current(connection, base)
    else:
        await change_license(connection, license_id, values)
    keys = {key_of_holder(holder, record.type_code): False for holder in holders}
    keys[key_of_number(record.type_code, record.number, blind_index=room.blind_index)] = False
    keys[key_of_identifier(identifier)] = True
    await replace_holders(connection, license_id, holders, keys)
    return Registered(license_id, identifier, "updated" if stored else "added")


def _already(stored: StoredLicense, record: LicenseRecord, digest: bytes) -> Reported | None:
    if record.source_updated_at < stored.source_updated_at:
        return "older_ignored"
    same_terms = (stored.status, stored.valid_from, stored.valid_to, stored.trust_grade) == (
        record.status,
        record.valid_from,
        record.valid_to,
        record.trust_grade,
    )
    return "unchanged" if same_terms and stored.face_digest == digest else None


def _values_of(
    record: LicenseRecord, room: LicenseRoom, *, rendered: bytes, digest: bytes, license_id: str, now: datetime
) -> dict[str, Any]:
    return {
        "type_code": record.type_code,
        "issuer_code": record.issuer_code,
        "issuer_name": record.issuer_name,
        "issued_on": record.issued_on,
        "valid_from": record.valid_from,
        "valid_to": record.valid_to,
        "status": record.status.value,
        "trust_grade": record.trust_grade,
        "face_sealed": seal_face(rendered, license_id=license_id, sealer=room.sealer),
        "face_digest": digest,
        "provenance": record.provenance,
        "source_updated_at": record.source_updated_at,
        "synced_at": now,
    }


def _entry_of(checked: CheckedRecord, registered: Registered, actor: str, now: datetime) -> Entry:
    return Entry(
        kind="license.registered",
        at=now,
        outcome="done",
        actor=actor,
        details={
            "license": registered.license_id,
            "type": checked.record.type_code,
            "version": checked.record.version,
            "status": checked.record.status.value,
            "report": registered.outcome,
        },
        personal={"identifier": registered.identifier},
    )
