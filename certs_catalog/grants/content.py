"""授权: the content of one grant version, and the checks it passes before it can be in force.

A version is never changed: it is decided upon as a whole, and every decision names ``grant_id@version``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network

from certs_catalog.catalog import Catalog
from certs_catalog.limits import LookupLimits
from certs_catalog.vocabulary import Channel, Grade, SharingClass

LONGEST_TERM = timedelta(days=549)  # 18 months
CHANNELS: tuple[Channel, ...] = ("api", "desk")


@dataclass(frozen=True, slots=True)
class TypeGrant:
    """One license type within a grant: the highest grade, and the face fields by catalogue name."""

    type_code: str
    grade: Grade
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurposeGrant:
    """One purpose:

    The matter, and the legal basis on which licenses are read for it (``LB-77@3`` style code and its text).
    """

    matter_code: str
    matter_name_zh: str
    matter_name_en: str
    legal_basis: str
    legal_basis_text: str
    needs_case: bool = True


@dataclass(frozen=True, slots=True)
class GrantContent:
    """What the department may read, for what, how, how much and until when.

    ``networks`` are CIDR blocks, empty for any; ``daily_volume`` counts lookups in 24 hours,
    ``rate_per_minute`` in one minute, over all officers. ``sees_protected`` is clearance for protected
    holders.
    """

    department_id: str
    title: str
    types: tuple[TypeGrant, ...]
    purposes: tuple[PurposeGrant, ...]
    channels: tuple[Channel, ...]
    networks: tuple[str, ...]
    daily_volume: int
    rate_per_minute: int
    valid_from: datetime
    valid_to: datetime
    contacts: tuple[str, ...]
    retention_days: int
    sees_protected: bool = False


def find_faults(
    content: GrantContent, *, catalog: Catalog, validated_by: Sequence[str], limits: LookupLimits
) -> list[str]:
    """Return every reason why this content may not be validated, in English for the log and the command
    line; empty when sound.
    """
    faults = [*_type_faults(content, catalog), *_purpose_faults(content)]
    if not content.title.strip() or len(content.title) > 200:
        faults.append("the title has 1 to 200 characters")
    if not content.channels or any(channel not in CHANNELS for channel in content.channels):
        faults.append("channels are api and desk, at least one")
    for network in content.networks:
        try:
            ip_network(network)
        except ValueError:
            faults.append(f"network {network} is not a CIDR block")
    if content.daily_volume < 1 or content.rate_per_minute < 1:
        faults.append("daily volume and rate are at least 1")
    if not content.valid_from < content.valid_to <= content.valid_from + LONGEST_TERM:
        faults.append("the term is positive and at most 18 months")
    if not content.contacts:
        faults.append("a grant names a contact")
    if content.retention_days < 1:
        faults.append("retention is at least one day")
    needed = 2 if _needs_two_people(content, limits) else 1
    if len(set(validated_by)) < needed:
        faults.append(f"{needed} different people have to validate this grant")
    return faults


def _needs_two_people(content: GrantContent, limits: LookupLimits) -> bool:
    strongest = max((entry.grade for entry in content.types), default=Grade.VERIFY)
    return strongest >= Grade.FULL or content.daily_volume >= limits.large_daily_volume


def _type_faults(content: GrantContent, catalog: Catalog) -> list[str]:
    faults = [] if content.types else ["a grant names at least one license type"]
    if len({entry.type_code for entry in content.types}) != len(content.types):
        faults.append("a license type is named twice")
    for entry in content.types:
        license_type = catalog.find(entry.type_code)
        if license_type is None:
            faults.append(f"license type {entry.type_code} is not in the catalogue")
            continue
        if license_type.sharing.sharing_class is SharingClass.NOT_SHARED:
            faults.append(f"license type {entry.type_code} is not shared")
        if not entry.fields:
            faults.append(f"license type {entry.type_code}: no field is granted")
        faults += [
            f"license type {entry.type_code} has no field {name}"
            for name in entry.fields
            if name not in license_type.fields
        ]
    return faults


def _purpose_faults(content: GrantContent) -> list[str]:
    faults = [] if content.purposes else ["a grant names at least one purpose"]
    for purpose in content.purposes:
        if not purpose.matter_code or not purpose.matter_name_zh or not purpose.matter_name_en:
            faults.append("a purpose names its matter by code and in both languages")
        if not purpose.legal_basis or not purpose.legal_basis_text:
            faults.append(f"matter {purpose.matter_code}: the legal basis is missing")
    if len({purpose.matter_code for purpose in content.purposes}) != len(content.purposes):
        faults.append("a matter is named twice")
    return faults
