"""Forgetting sessions and text-message codes whose time is over; called by the leased housekeeping job."""

from datetime import datetime, timedelta

from foundation.database import Database
from foundation.forgetting import forget_rows
from idp.signin.tables import sessions, sms_codes

KEPT_AFTER_EXPIRY = timedelta(days=1)
"""A session that was ended is remembered beyond every grant that may have been made while it ended."""


async def forget_finished_sign_ins(*, db: Database, now: datetime) -> int:
    """Delete sessions a day after the latest moment they could have lasted to, codes a day after they ran out; return how many rows."""
    before = now - KEPT_AFTER_EXPIRY
    forgotten = await forget_rows(db, sessions, sessions.c.expires_at <= before)
    return forgotten + await forget_rows(db, sms_codes, sms_codes.c.expires_at <= before)
