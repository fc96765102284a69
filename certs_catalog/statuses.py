"""证照状态: which status may follow which, and what a status means on a given day.

No single national list exists; the ten states cover those of the sectors, and adapters map theirs to them.
A state that ends a license (replaced, cancelled, withdrawn, revoked, invalid) is never left again: a
reinstated license is a new version.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType

from certs_catalog.errors import StatusChangeImpossible
from certs_catalog.vocabulary import LicenseStatus

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

_V, _N, _S = LicenseStatus.VALID, LicenseStatus.NOT_ACTIVE, LicenseStatus.SUSPENDED
_ENDINGS = frozenset(
    {
        LicenseStatus.REPLACED,
        LicenseStatus.CANCELLED,
        LicenseStatus.WITHDRAWN,
        LicenseStatus.REVOKED,
        LicenseStatus.INVALID,
    }
)

TRANSITIONS: Mapping[LicenseStatus, frozenset[LicenseStatus]] = MappingProxyType(
    {
        _N: _ENDINGS | {_V, LicenseStatus.EXPIRED, LicenseStatus.OTHER},
        _V: _ENDINGS | {_S, LicenseStatus.EXPIRED, LicenseStatus.OTHER},
        _S: _ENDINGS | {_V, LicenseStatus.EXPIRED, LicenseStatus.OTHER},
        # A renewal of the same version's term is how an expired license becomes valid again.
        LicenseStatus.EXPIRED: _ENDINGS | {_V, LicenseStatus.OTHER},
        LicenseStatus.OTHER: _ENDINGS | {_V, _S, LicenseStatus.EXPIRED},
        **{ending: frozenset() for ending in _ENDINGS},
    }
)


def check_transition(present: LicenseStatus, wanted: LicenseStatus) -> None:
    """Raise StatusChangeImpossible unless ``wanted`` may follow ``present`` (staying is always possible)."""
    if wanted is not present and wanted not in TRANSITIONS[present]:
        raise StatusChangeImpossible(f"{present} to {wanted}")


def beijing_date(now: datetime) -> date:
    """The calendar day in Beijing, by which validity dates are meant."""
    return now.astimezone(BEIJING).date()


def status_on(day: date, *, recorded: LicenseStatus, valid_from: date | None, valid_to: date | None) -> LicenseStatus:
    """The status that may be stated on ``day``: a license past its term is expired whatever was recorded
    last.

    ``valid_to`` is the last valid day, None stands for 长期. Only "valid" and "not active" are corrected;
    graver states stay.
    """
    if recorded in (_V, _N, _S) and valid_to is not None and day > valid_to:
        return LicenseStatus.EXPIRED
    if recorded is _V and valid_from is not None and day < valid_from:
        return _N
    return recorded
