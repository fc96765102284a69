"""Quotas of lookups: per officer and per grant, counted together or not at all, in one round trip.

Fails closed: when the store of windows does not answer, the lookup is refused with 503 and nothing was
disclosed.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from certs_catalog.grants.version import GrantVersion
from certs_catalog.limits import LookupLimits
from certs_catalog.lookup.outcomes import Refusal
from certs_catalog.reasons import authorisation
from certs_catalog.vocabulary import Caller
from foundation.expiring import ExpiringStore, Window

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_OFFICER_WINDOWS = 2


async def spend_quota(
    caller: Caller, grants: Sequence[GrantVersion], *, store: ExpiringStore, limits: LookupLimits
) -> Refusal | None:
    """Count one lookup in every window at once; None says that all had room.

    A request that is refused anyway is counted with no grants: it costs the officer, so that trying doors
    is bounded too, but not the grant. Raises StoreUnavailable.
    """
    windows = [
        Window(f"lookup:officer:{caller.officer_id}:minute", limits.officer_per_minute, _MINUTE),
        Window(f"lookup:officer:{caller.officer_id}:day", limits.officer_per_day, _DAY),
    ]
    for grant in grants:
        windows += [
            Window(f"lookup:grant:{grant.grant_id}:minute", grant.content.rate_per_minute, _MINUTE),
            Window(f"lookup:grant:{grant.grant_id}:day", grant.content.daily_volume, _DAY),
        ]
    results = await store.hit_windows(windows)
    full = [
        (index, window, result)
        for index, (window, result) in enumerate(zip(windows, results, strict=True))
        if not result.allowed
    ]
    if not full:
        return None
    index, window, result = max(full, key=lambda entry: entry[2].retry_after)
    wait = max(1, math.ceil(result.retry_after.total_seconds()))
    return Refusal(
        reason=authorisation.OFFICER_QUOTA_USED if index < _OFFICER_WINDOWS else authorisation.GRANT_QUOTA_USED,
        retry_after=wait,
        headers={
            "RateLimit-Limit": str(window.limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(wait),
            "Retry-After": str(wait),
        },
    )
