"""The holder's own licenses: 我的证照. Values are masked by the same rules as in lookups.

Only the holder's side calls this: the gateway derives the holder from the signed-in person, never from the
request. Licenses held by libraries above are not listed, because asking above needs a purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from certs_catalog.catalog import LicenseType
from certs_catalog.licenses.face import open_face
from certs_catalog.licenses.store import StoredLicense, find_of_holder, list_of_holder
from certs_catalog.masking import mask
from certs_catalog.room import LicenseRoom
from certs_catalog.statuses import beijing_date, status_on
from certs_catalog.vocabulary import HolderRef, LicenseStatus


@dataclass(frozen=True, slots=True)
class HeldField:
    """One face field as its holder sees it at first; ``masked`` says that more is there."""

    name: str
    label_zh: str
    label_en: str
    value: str = field(repr=False)
    masked: bool
    disputed: bool


@dataclass(frozen=True, slots=True)
class HeldLicense:
    """One license of the holder. ``status_today`` takes the term into account, ``status`` is as recorded."""

    license_id: str
    identifier: str = field(repr=False)
    type_code: str
    type_name_zh: str
    type_name_en: str
    category_zh: str
    category_en: str
    status: LicenseStatus
    status_today: LicenseStatus
    issuer_name: str
    issued_on: date | None
    valid_from: date | None
    valid_to: date | None
    number_masked: str
    provenance: str
    source_updated_at: datetime
    synced_at: datetime
    fields: tuple[HeldField, ...]


async def list_licenses(holder: HolderRef, *, room: LicenseRoom, now: datetime) -> tuple[HeldLicense, ...]:
    """Return the holder's current licenses, newest issue first."""
    async with room.db.read() as connection:
        stored = await list_of_holder(connection, holder)
    return tuple(held for one in stored if (held := _held(one, room, now)) is not None)


async def find_license(holder: HolderRef, license_id: str, *, room: LicenseRoom, now: datetime) -> HeldLicense | None:
    """Return one license of the holder; somebody else's id gives None like one that does not exist."""
    async with room.db.read() as connection:
        stored = await find_of_holder(connection, holder, license_id)
    return None if stored is None else _held(stored, room, now)


def _held(stored: StoredLicense, room: LicenseRoom, now: datetime) -> HeldLicense | None:
    license_type = room.catalog.find(stored.type_code)
    if license_type is None:
        return None
    texts = open_face(stored.face_sealed, license_id=stored.license_id, sealer=room.sealer)
    fields = _fields(license_type, texts.fields, texts.disputed)
    return HeldLicense(
        license_id=stored.license_id,
        identifier=stored.identifier,
        type_code=stored.type_code,
        type_name_zh=license_type.name_zh,
        type_name_en=license_type.name_en,
        category_zh=license_type.category_zh,
        category_en=license_type.category_en,
        status=stored.status,
        status_today=status_on(
            beijing_date(now),
            recorded=stored.status,
            valid_from=stored.valid_from,
            valid_to=stored.valid_to,
        ),
        issuer_name=stored.issuer_name,
        issued_on=stored.issued_on,
        valid_from=stored.valid_from,
        valid_to=stored.valid_to,
        number_masked=mask("number", texts.fields.get("license_number", "")),
        provenance=stored.provenance,
        source_updated_at=stored.source_updated_at,
        synced_at=stored.synced_at,
        fields=fields,
    )


def _fields(license_type: LicenseType, texts: Mapping[str, str], disputed: frozenset[str]) -> tuple[HeldField, ...]:
    shown = []
    for entry in license_type.face.fields:
        text = texts.get(entry.name, "")
        value = mask(entry.mask, text)
        shown.append(
            HeldField(entry.name, entry.label_zh, entry.label_en, value, value != text, entry.name in disputed)
        )
    return tuple(shown)
