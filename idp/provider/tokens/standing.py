"""Whether a grant still stands behind what was issued from it, as the database says now.

Revocations in memory may be a moment behind another node's; whatever prolongs a grant or derives something from it asks here.
"""

from typing import Any

from sqlalchemy import Select, or_, select

from foundation.database import Database
from idp.people.accounts import OPEN
from idp.people.directory import ACTIVE
from idp.people.tables import accounts, officers
from idp.provider.tables import oauth_grants
from idp.signin.tables import sessions


def standing_grants() -> Select[Any]:
    """Return the query of grants that stand: neither ended themselves nor with their session, account open, officer in post.

    Its columns are the grant's id, and the department of its officer or None.
    """
    return (
        select(oauth_grants.c.grant_id, officers.c.department_id)
        .join(accounts, accounts.c.account_id == oauth_grants.c.account_id)
        .outerjoin(officers, officers.c.officer_id == oauth_grants.c.officer_id)
        .outerjoin(sessions, sessions.c.session_id == oauth_grants.c.session_id)
        .where(
            oauth_grants.c.ended_at.is_(None),
            # A session that only ran out ends nothing, even when its row is gone; one that was ended does.
            sessions.c.ended_at.is_(None),
            accounts.c.status == OPEN,
            or_(oauth_grants.c.officer_id.is_(None), officers.c.status == ACTIVE),
        )
    )


async def find_officer_department(db: Database, grant_id: str) -> str | None:
    """Return the department of the officer behind a standing grant; None when it does not stand, or is a citizen's."""
    async with db.read() as connection:
        row = (await connection.execute(standing_grants().where(oauth_grants.c.grant_id == grant_id))).first()
    return None if row is None else row.department_id
