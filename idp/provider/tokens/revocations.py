"""What has been revoked and could still be shown: a list in memory that every worker keeps up to date.

A token is dead when its own id, its grant, its session, its client or its person is on the list. A person or
a client may be restored: then what was issued before that stays dead, and what is issued afterwards lives.
Entries live as long as the longest token they can hit; the list of a starting worker is filled from SQL
before it serves.
"""

import heapq
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from foundation.changes import Change, ChangeFeed

TOPIC = "revoked"
TOPIC_RESTORED = "restored"
SLACK = timedelta(seconds=60)
"""Added to a token's life: a token may be signed a moment after its grant was revoked."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Standing:
    """What is known of one key; the later of its two instants decides, whatever was heard first."""

    expires_at: datetime
    revoked_at: datetime = _NEVER
    restored_at: datetime = _NEVER

    def hits(self, issued_at: datetime) -> bool:
        """Tell whether something of this key issued at the instant is dead."""
        if self.revoked_at == _NEVER:
            return False
        # A token tells its instant in whole seconds.
        return self.restored_at <= self.revoked_at or issued_at < self.restored_at.replace(microsecond=0)


class RevocationList:
    """The revoked keys of this process, such as `jti:…`, `grant:…`, `session:…`, `client:…`, `person:…`."""

    def __init__(self) -> None:
        self._standings: dict[str, _Standing] = {}
        self._queue: list[tuple[datetime, str]] = []
        self._feed: ChangeFeed | None = None

    def open(self, feed: ChangeFeed) -> None:
        """Follow the feed; call before the feed starts, so that every standing revocation is heard."""
        self._feed = feed
        feed.subscribe(TOPIC, self._hear_revoked)
        feed.subscribe(TOPIC_RESTORED, self._hear_restored)

    def check_fresh(self, now: datetime) -> None:
        """Refuse with StorageUnavailable when the feed is stale:

        A revocation may be missing (fail closed).
        """
        if self._feed is not None:
            self._feed.check_fresh(now)

    def is_revoked(self, *keys: str, issued_at: datetime, now: datetime) -> bool:
        """Tell whether any of the keys is revoked for what was issued at the instant."""
        while self._queue and self._queue[0][0] <= now:
            expires_at, key = heapq.heappop(self._queue)
            standing = self._standings.get(key)
            if standing is not None and standing.expires_at == expires_at:
                del self._standings[key]
        return any(key in self._standings and self._standings[key].hits(issued_at) for key in keys)

    def _hear_revoked(self, change: Change) -> None:
        standing = self._standing_of(change)
        if standing is not None:
            # Without its instant a revocation is one that nothing lifts.
            standing.revoked_at = max(standing.revoked_at, change.at or _FOR_GOOD)

    def _hear_restored(self, change: Change) -> None:
        standing = self._standing_of(change)
        if standing is not None and change.at is not None:
            standing.restored_at = max(standing.restored_at, change.at)

    def _standing_of(self, change: Change) -> _Standing | None:
        if change.expires_at is None:
            return None
        known = self._standings.get(change.key)
        if known is None:
            known = self._standings[change.key] = _Standing(change.expires_at)
        elif known.expires_at >= change.expires_at:
            return known
        known.expires_at = change.expires_at
        heapq.heappush(self._queue, (change.expires_at, change.key))
        return known


def revocation(key: str, *, lifetime: timedelta, now: datetime) -> Change:
    """Return the change that revokes `key` until every token of this lifetime is over."""
    return Change(TOPIC, key, expires_at=now + lifetime + SLACK, at=now)


def restoration(key: str, *, lifetime: timedelta, now: datetime) -> Change:
    """Return the change after which `key` counts again: what was issued before it stays revoked.

    It stands for as long as a revocation made at the same instant, so that it outlives every older one.
    """
    return Change(TOPIC_RESTORED, key, expires_at=now + lifetime + SLACK, at=now)


def lapse(key: str, *, lifetime: timedelta, now: datetime) -> tuple[Change, Change]:
    """Return the changes that revoke `key` for what was issued until now, and for nothing that is issued later.

    For what may be given again at once, such as consent.
    """
    later = now + timedelta(seconds=1)
    return revocation(key, lifetime=lifetime, now=now), restoration(key, lifetime=lifetime, now=later)


def consent_key(person_id: str, client_id: str) -> str:
    """Return the key of what a person has agreed to for an application."""
    return f"consent:{person_id}:{client_id}"
