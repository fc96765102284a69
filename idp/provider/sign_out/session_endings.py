"""What ends when a session ends: its grants, their refresh families, and a sign-out message to each app
concerned.

`GrantAndLogoutEndings` is what sign-in calls (`idp.ports.SessionEndings`) inside the transaction that ends
sessions, whoever ends them and why: the messages are as durable as the end itself. Access tokens are
reached by the revocation of the session that sign-in announces.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.outbox import new_letter
from idp.ports import EndedSession
from idp.provider.composition import Provider
from idp.provider.tables import logout_messages
from idp.provider.tokens.granting import Grant, end_grants


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
        await self._add_messages(connection, grants, now)

    async def _add_messages(self, connection: AsyncConnection, grants: Sequence[Grant], now: datetime) -> None:
        concerned = {(grant.session_id, grant.client_id): grant for grant in grants if grant.has_reached_app}
        rows = [
            {
                "message_id": self._entropy.identifier(),
                "session_id": grant.session_id,
                "client_id": grant.client_id,
                "person_id": grant.person_id,
                "sid": grant.sid,
                **new_letter(now),
            }
            for grant in concerned.values()
        ]
        if rows:
            await connection.execute(self._db.insert(logout_messages).on_conflict_do_nothing(), rows)
