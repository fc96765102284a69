"""Grants in memory:

Every decision reads them from here, and a change drops them within a second on every worker.
"""

from certs_catalog.grants.store import list_grants
from certs_catalog.grants.version import GrantVersion
from foundation.changes import Change, ChangeFeed
from foundation.database import Database

TOPIC = "grant"


class GrantBook:
    """The current version of every grant by department.

    A change names the department; what was cached for it is dropped and read again by the next question, so
    a suspended grant never serves another answer on this worker, and on others not once the feed was heard.
    """

    def __init__(self, db: Database, feed: ChangeFeed) -> None:
        self._db = db
        self._by_department: dict[str, tuple[GrantVersion, ...]] = {}
        self._changes = 0
        feed.subscribe(TOPIC, self._forget)

    async def load(self) -> None:
        """Read every grant; called once before serving."""
        async with self._db.read() as connection:
            everything = await list_grants(connection)
        for department_id in {grant.content.department_id for grant in everything}:
            self._by_department[department_id] = tuple(
                grant for grant in everything if grant.content.department_id == department_id
            )

    async def of_department(self, department_id: str) -> tuple[GrantVersion, ...]:
        """Return the department's grants in any state.

        Raises StorageUnavailable when they have to be read and cannot be.
        """
        known = self._by_department.get(department_id)
        if known is not None:
            return known
        changes_before = self._changes
        async with self._db.read() as connection:
            read = tuple(await list_grants(connection, department_id))
        # A change heard while reading may be missing in what was read: answer with it, but do not keep it.
        if changes_before == self._changes:
            self._by_department[department_id] = read
        return read

    def _forget(self, change: Change) -> None:
        self._changes += 1
        self._by_department.pop(change.key, None)
