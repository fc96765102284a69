"""What has been revoked and could still be shown: a list in memory that every worker keeps up to date.

A token is dead when its own id, its grant, its session, its client or its person is on the list. Entries
live as long as the longest token they can hit; the list of a starting worker is filled from SQL before it
serves.
"""

import heapq
from datetime import datetime, timedelta

from foundation.changes import Change, ChangeFeed

TOPIC = "revoked"
SLACK = timedelta(seconds=60)
"""Added to a token's life: a token may be signed a moment after its grant was revoked."""


class RevocationList:
    """The revoked keys of this process, such as `jti:…`, `grant:…`, `session:…`, `client:…`, `person:…`."""

    def __init__(self) -> None:
        self._expires_at: dict[str, datetime] = {}
        self._queue: list[tuple[datetime, str]] = []
        self._feed: ChangeFeed | None = None

    def open(self, feed: ChangeFeed) -> None:
        """Follow the feed; call before the feed starts, so that every standing revocation is heard."""
        self._feed = feed
        feed.subscribe(TOPIC, self._hear)

    def check_fresh(self, now: datetime) -> None:
        """Refuse with StorageUnavailable when the feed is stale:

        A revocation may be missing (fail closed).
        """
        if self._feed is not None:
            self._feed.check_fresh(now)

    def is_revoked(self, *keys: str, now: datetime) -> bool:
        """Tell whether any of the keys is revoked."""
        while self._queue and self._queue[0][0] <= now:
            expires_at, key = heapq.heappop(self._queue)
            if self._expires_at.get(key) == expires_at:
                del self._expires_at[key]
        return any(key in self._expires_at for key in keys)

    def _hear(self, change: Change) -> None:
        if change.expires_at is None:
            return
        known = self._expires_at.get(change.key)
        if known is None or known < change.expires_at:
            self._expires_at[change.key] = change.expires_at
            heapq.heappush(self._queue, (change.expires_at, change.key))


def revocation(key: str, *, lifetime: timedelta, now: datetime) -> Change:
    """Return the change that revokes `key` until every token of this lifetime is over."""
    return Change(TOPIC, key, expires_at=now + lifetime + SLACK)
