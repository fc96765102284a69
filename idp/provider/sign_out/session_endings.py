"""What ends when a session ends: its grants, their refresh families, and a sign-out message to each app
concerned.

`GrantAndLogoutEndings` is what sign-in calls (`idp.ports.SessionEndings`) inside the transaction that ends
sessions, whoever ends them and why: the messages are as durable as the end itself. Access tokens are
reached by the revocation of the session that sign-in announces.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.outbox import new_letter
from idp.ports import EndedSession
from idp.provider.composition import Provider
from idp.provider.tables import logout_messages
from idp.provider.tokens.granting import Grant, end_grants

_NAME = ["session_id", "client_id"]


class GrantAndLogoutEndings:
    """Ends grants and writes sign-out messages for ended sessions; satisfies `idp.ports.SessionEndings`."""

    def __init__(self, provider: Provider) -> None:
        self._db = provider.db
        self._entropy = provider.entropy

    async def __call__(self, connection: AsyncConnection, ended: Sequence[EndedSession], *, now: datetime) -> None:
        """Write what must follow.

        Never commits. An app is told once per session, however many grants it had.
        """
        if not ended:
            return
        grants = await end_grants(connection, session_ids=[session.session_id for session in ended], now=now)
        await write_logout_messages(connection, grants, db=self._db, entropy=self._entropy, now=now)


async def write_logout_messages(
    connection: AsyncConnection, grants: Sequence[Grant], *, db: Database, entropy: Entropy, now: datetime
) -> tuple[str, ...]:
    """Write one message per session for each app that the ended grants had reached, and return the sessions concerned, in order.

    An app may be left, signed in to again and left once more in one session: the newer end takes the place of the older message, whose
    delivery is then no longer recorded, since it told of something else.
    """
    concerned = {(grant.session_id, grant.client_id): grant for grant in grants if grant.has_reached_app}
    rows = [
        {
            "message_id": entropy.identifier(),
            "session_id": grant.session_id,
            "client_id": grant.client_id,
            "person_id": grant.person_id,
            "sid": grant.sid,
            **new_letter(now),
        }
        # In one order, so that transactions that touch the same messages wait for each other instead of for both.
        for _, grant in sorted(concerned.items())
    ]
    if rows:
        statement = db.insert(logout_messages)
        newer = {name: statement.excluded[name] for name in rows[0] if name not in _NAME}
        await connection.execute(statement.on_conflict_do_update(index_elements=_NAME, set_=newer), rows)
    return tuple(dict.fromkeys(str(row["session_id"]) for row in rows))
