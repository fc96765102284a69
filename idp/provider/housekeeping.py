"""Forgetting what can matter no more, so that storage stays bounded; called by the leased housekeeping job.

How long each kind of row stays stands in `finished_rows`, once; docs/storage.md gives the sizes that follow from it. What is on record
about persons (ledger, consents that stand) and registrations stay.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, exists

from foundation.forgetting import forget_rows
from idp.provider.composition import Provider
from idp.provider.decoupled.requests import KEPT_AFTER_EXPIRY
from idp.provider.decoupled.tables import ciba_notifications, decoupled_requests
from idp.provider.limits import ProviderLimits
from idp.provider.registration.tables import client_invitations
from idp.provider.tables import (
    consents,
    logout_messages,
    oauth_grants,
    one_time_values,
    opaque_tokens,
    pushed_requests,
    refresh_families,
)

SLACK = timedelta(days=1)
"""Time beyond the end of a row's use in which a late request still gets its precise answer."""

PERMANENT = ("oauth_clients",)
"""Tables of this room that do not grow with use."""


def finished_rows(limits: ProviderLimits, now: datetime) -> tuple[tuple[Table, ColumnElement[bool]], ...]:
    """Return for each table that grows with use which of its rows may go, in an order that leaves nothing behind for long.

    A grant is kept as long as anything issued from it could still be shown, which is the longest refresh family, and as long as a family of
    it is there. What carries a one-time value is refused by its own time when the row goes.
    """
    family, settled_before = refresh_families.c, now - limits.logout_kept
    return (
        (refresh_families, family.absolute_expires_at <= now - SLACK),
        (
            oauth_grants,
            (oauth_grants.c.created_at <= now - limits.refresh_absolute - SLACK)
            & ~exists().where(family.grant_id == oauth_grants.c.grant_id),
        ),
        (opaque_tokens, opaque_tokens.c.expires_at <= now),
        (one_time_values, one_time_values.c.expires_at <= now),
        (pushed_requests, pushed_requests.c.expires_at <= now - limits.transaction_lifetime),
        (decoupled_requests, decoupled_requests.c.expires_at <= now - KEPT_AFTER_EXPIRY),
        (ciba_notifications, ciba_notifications.c.settled_at <= settled_before),
        (logout_messages, logout_messages.c.settled_at <= settled_before),
        (client_invitations, client_invitations.c.expires_at <= now - limits.withdrawn_kept),
        (consents, consents.c.withdrawn_at <= now - limits.withdrawn_kept),
    )


async def forget_finished(*, provider: Provider, now: datetime) -> int:
    """Delete finished rows of every kind, and return how many those were."""
    forgotten = 0
    for table, finished in finished_rows(provider.limits, now):
        forgotten += await forget_rows(provider.db, table, finished)
    return forgotten
