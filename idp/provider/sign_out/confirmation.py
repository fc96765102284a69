"""A logout that waits for the person's yes:

Kept on the server, bound to one browser and one session, taken once.
"""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import timedelta

from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore
from idp.provider.authorization.reasons import LOGOUT_NOT_CONFIRMED
from idp.provider.errors import ShownError

LIFETIME = timedelta(minutes=10)
LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class WaitingLogout:
    """What happens after the yes; `redirect_url` is already known to be registered for the client."""

    session_id: str
    client_id: str | None
    redirect_url: str | None


async def keep_logout(waiting: WaitingLogout, *, browser: str, store: ExpiringStore, entropy: Entropy) -> str:
    """Keep the request and return the unguessable id that the page's form carries."""
    transaction_id = entropy.token()
    document = {**asdict(waiting), "browser": _digest(browser)}
    await store.set(_key(transaction_id), json.dumps(document).encode(), LIFETIME)
    return transaction_id


async def take_logout(transaction_id: str, *, browser: str, store: ExpiringStore) -> WaitingLogout:
    """Return the request of this browser and end it.

    Raises ShownError when it is over or another browser's.
    """
    kept = await store.get(_key(transaction_id))
    if kept is None:
        raise ShownError(LOGOUT_NOT_CONFIRMED, "unknown or expired")
    bound_to = json.loads(kept)["browser"]
    if not browser or not hmac.compare_digest(bound_to, _digest(browser)):
        raise ShownError(LOGOUT_NOT_CONFIRMED, "another browser's")
    taken = await store.take(_key(transaction_id))
    if taken is None:
        raise ShownError(LOGOUT_NOT_CONFIRMED, "answered twice")
    document = json.loads(taken)
    return WaitingLogout(document["session_id"], document["client_id"], document["redirect_url"])


def _key(transaction_id: str) -> str:
    digest = hashlib.sha256(transaction_id[:LONGEST_ID].encode("utf-8", "replace")).hexdigest()
    return f"provider:logout:{digest}"


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode("utf-8", "replace")).hexdigest()
