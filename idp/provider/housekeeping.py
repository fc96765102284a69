"""Forgetting what can matter no more, so that storage stays bounded; called by the leased housekeeping job.

A grant is kept as long as anything issued from it could still be shown: the longest refresh family and one
day. A sign-out message is kept as a receipt for `logout_kept` after it was settled.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete

from idp.provider.composition import Provider
from idp.provider.decoupled.pings import forget_settled_notifications
from idp.provider.decoupled.requests import forget_expired_requests
from idp.provider.one_time import forget_one_time_values
from idp.provider.tables import logout_messages, oauth_grants, pushed_requests, refresh_families

SLACK = timedelta(days=1)


async def forget_finished(*, provider: Provider, now: datetime) -> int:
    """Delete finished grants, refresh families and receipts, and return how many rows that were."""
    limits = provider.limits
    forgotten = 0
    async with provider.db.transaction() as connection:
        for statement in (
            delete(refresh_families).where(refresh_families.c.absolute_expires_at <= now - SLACK),
            delete(oauth_grants).where(oauth_grants.c.created_at <= now - limits.refresh_absolute - SLACK),
            delete(pushed_requests).where(pushed_requests.c.expires_at <= now - limits.transaction_lifetime),
            delete(logout_messages).where(logout_messages.c.settled_at <= now - limits.logout_kept),
        ):
            forgotten += (await connection.execute(statement)).rowcount
        forgotten += await forget_expired_requests(connection, now)
        forgotten += await forget_settled_notifications(connection, now - limits.logout_kept)
        forgotten += await forget_one_time_values(connection, now=now)
    return forgotten
