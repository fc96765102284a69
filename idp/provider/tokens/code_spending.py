"""Spending authorization codes, each once (RFC 6749 §4.1.2, §10.5).

Spending is one conditional UPDATE, so of many parallel requests on many nodes at most one is told that it won; the others find the row
already spent, which is a replay.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from foundation.database import Database
from idp.provider.tables import oauth_grants
from idp.provider.tokens.granting import Grant, grant_of_row
from idp.signin.tables import sessions

CodeClaim = tuple[bytes, datetime]
"""(SHA-256 of the code, instant of the attempt)"""


class CodeSpender:
    """Spends authorization codes, those of all callers of a batch in one statement."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # A grant that was written while its session was being ended is not marked as ended itself yet: it is here.
        session_ended_at = (
            select(sessions.c.ended_at)
            .where(sessions.c.session_id == oauth_grants.c.session_id)
            .correlate(oauth_grants)
            .scalar_subquery()
        )
        self._spend = (
            update(oauth_grants)
            .where(
                db.among(oauth_grants.c.code_hash, "digests"),
                oauth_grants.c.redeemed_at.is_(None),
                oauth_grants.c.ended_at.is_(None),
            )
            .values(redeemed_at=bindparam("spent_at"), ended_at=session_ended_at)
            .returning(oauth_grants)
        )

    async def claim_codes(self, claims: Sequence[CodeClaim]) -> Mapping[CodeClaim, Grant]:
        """Spend the codes and return the grants of those that were unspent.

        Expiry, client and redirect_uri are judged afterwards: a wrong attempt has spent the code too (RFC 6749
        §4.1.2). The grant of a session that has ended counts as ended.
        """
        attempts: dict[bytes, datetime] = {}
        for digest, at in claims:
            attempts.setdefault(digest, at)
        async with self._db.read() as connection:
            rows = await connection.execute(
                self._spend, {"digests": list(attempts), "spent_at": min(attempts.values())}
            )
            won = [(row["code_hash"], grant_of_row(row)) for row in rows.mappings()]
        return {(digest, attempts[digest]): grant for digest, grant in won}


async def find_grant_by_code(db: Database, digest: bytes) -> Grant | None:
    """Return the grant a code belongs to, spent or not."""
    async with db.read() as connection:
        rows = await connection.execute(select(oauth_grants).where(oauth_grants.c.code_hash == digest))
        row = rows.mappings().first()
    return None if row is None else grant_of_row(row)
