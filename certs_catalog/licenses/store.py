"""SQL on licenses; functions take a connection and never commit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from certs_catalog.tables import license_holders, license_keys, licenses
from certs_catalog.vocabulary import HolderRef, LicenseStatus
from foundation.database import Database


@dataclass(frozen=True, slots=True)
class StoredLicense:
    """One row of ``licenses``; the face stays sealed until a permit says that it may be opened."""

    license_id: str
    identifier: str
    identifier_base: str
    version: int
    is_current: bool
    type_code: str
    issuer_code: str
    issuer_name: str
    issued_on: date | None
    valid_from: date | None
    valid_to: date | None
    status: LicenseStatus
    trust_grade: str
    face_sealed: bytes = field(repr=False)
    face_digest: bytes = field(repr=False)
    provenance: str
    source_updated_at: datetime
    synced_at: datetime


_COLUMNS = tuple(licenses.c[name] for name in StoredLicense.__slots__)
_STATUS = StoredLicense.__slots__.index("status")
_FIND_BY_KEYS: Select[Any] = (
    select(license_keys.c.lookup_key, *_COLUMNS)
    .join(licenses, licenses.c.license_id == license_keys.c.license_id)
    .where(or_(licenses.c.is_current, license_keys.c.any_version))
)


def select_by_keys(db: Database) -> Select[Any]:
    """Return the statement of ``find_by_keys``, to be built once."""
    return _FIND_BY_KEYS.where(db.among(license_keys.c.lookup_key, "keys"))


async def find_by_keys(
    connection: AsyncConnection, statement: Select[Any], keys: Sequence[bytes]
) -> dict[bytes, tuple[StoredLicense, ...]]:
    """Return the licenses of each key in one statement (see ``select_by_keys``)."""
    rows = await connection.execute(statement, {"keys": keys})
    found: dict[bytes, list[StoredLicense]] = {}
    for row in rows:
        found.setdefault(bytes(row[0]), []).append(_license_of(row[1:]))
    return {key: tuple(sorted(group, key=lambda one: one.identifier)) for key, group in found.items()}


async def list_of_holder(connection: AsyncConnection, holder: HolderRef) -> list[StoredLicense]:
    """Return the current licenses of one holder, newest issue first."""
    rows = await connection.execute(
        select(*_COLUMNS)
        .join(license_holders, license_holders.c.license_id == licenses.c.license_id)
        .where(license_holders.c.holder_index == holder.index, licenses.c.is_current)
        .order_by(licenses.c.issued_on.desc(), licenses.c.identifier)
    )
    return [_license_of(row) for row in rows]


async def find_of_holder(connection: AsyncConnection, holder: HolderRef, license_id: str) -> StoredLicense | None:
    """Return one license if this holder holds it; another holder's id is as unknown as a made-up one."""
    row = (
        await connection.execute(
            select(*_COLUMNS)
            .join(license_holders, license_holders.c.license_id == licenses.c.license_id)
            .where(license_holders.c.holder_index == holder.index, licenses.c.license_id == license_id)
        )
    ).one_or_none()
    return None if row is None else _license_of(row)


async def find_by_id(connection: AsyncConnection, license_id: str) -> StoredLicense | None:
    """Return one version of a license by its id."""
    row = (await connection.execute(select(*_COLUMNS).where(licenses.c.license_id == license_id))).one_or_none()
    return None if row is None else _license_of(row)


async def find_version(connection: AsyncConnection, base: str, version: int) -> StoredLicense | None:
    """Return one version of a license by the version-free part of its identifier."""
    row = (
        await connection.execute(
            select(*_COLUMNS).where(licenses.c.identifier_base == base, licenses.c.version == version)
        )
    ).one_or_none()
    return None if row is None else _license_of(row)


async def add_license(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Write a new version; it is not current until ``mark_current`` says so."""
    await connection.execute(insert(licenses).values(**row, is_current=False))


async def change_license(connection: AsyncConnection, license_id: str, values: Mapping[str, Any]) -> None:
    """Write what a newer report, or a status change, says about one version."""
    await connection.execute(update(licenses).where(licenses.c.license_id == license_id).values(**values))


async def mark_current(connection: AsyncConnection, base: str) -> None:
    """Make the highest version of a license the current one and every other one not, in an order no index
    minds.
    """
    highest = select(func.max(licenses.c.version)).where(licenses.c.identifier_base == base).scalar_subquery()
    of_base = licenses.c.identifier_base == base
    await connection.execute(update(licenses).where(of_base, licenses.c.version < highest).values(is_current=False))
    await connection.execute(update(licenses).where(of_base, licenses.c.version == highest).values(is_current=True))


async def replace_holders(
    connection: AsyncConnection, license_id: str, holders: Iterable[HolderRef], keys: Mapping[bytes, bool]
) -> None:
    """Write who holds a license and under which keys it is found (key → whether any version may be found by
    it).
    """
    await connection.execute(delete(license_holders).where(license_holders.c.license_id == license_id))
    await connection.execute(delete(license_keys).where(license_keys.c.license_id == license_id))
    await connection.execute(
        insert(license_holders),
        [{"license_id": license_id, "holder_index": holder.index, "holder_type": holder.type} for holder in holders],
    )
    await connection.execute(
        insert(license_keys),
        [
            {"license_id": license_id, "lookup_key": key, "any_version": any_version}
            for key, any_version in keys.items()
        ],
    )


def _license_of(row: Sequence[Any]) -> StoredLicense:
    values = list(row)
    values[_STATUS] = LicenseStatus(values[_STATUS])
    return StoredLicense(*values)
