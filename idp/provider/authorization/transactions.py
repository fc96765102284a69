"""An authorization that waits for the person: kept on the server, named by an unguessable id, sealed under it, bound to one
browser.

It is written once, when it begins, and taken once, when it is answered; what the consent page showed is kept beside it. A page that is
just being shown can therefore never bring back what another tab has answered. Losing the store costs a fresh start at the app and nothing
else: what a transaction leads to is decided in SQL.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore
from idp.provider.authorization.kept_requests import open_kept, seal_kept
from idp.provider.authorization.reasons import TRANSACTION_GONE
from idp.provider.authorization.request import AuthorizationRequest, authorization_request_from_json
from idp.provider.errors import ShownError
from idp.provider.limits import ProviderLimits

LONGEST_ID = 64
_KIND = "transaction"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One waiting authorization.

    `consent_person_id` and `consent_items` are set once the consent page was shown.
    """

    transaction_id: str
    request: AuthorizationRequest
    browser: bytes
    begun_at: datetime
    consent_person_id: str | None = None
    consent_items: tuple[str, ...] = ()


async def begin_transaction(
    request: AuthorizationRequest,
    *,
    browser: str,
    store: ExpiringStore,
    entropy: Entropy,
    limits: ProviderLimits,
    now: datetime,
) -> Transaction:
    """Keep the request for as long as sign-in and consent may take."""
    transaction = Transaction(entropy.token(), request, _digest(browser), now)
    document = {
        "request": request.as_json(),
        "browser": transaction.browser.hex(),
        "begun_at": now.isoformat(),
    }
    sealed = seal_kept(_octets(document), name=transaction.transaction_id, kind=_KIND)
    await store.set(_key(transaction.transaction_id), sealed, limits.transaction_lifetime)
    return transaction


async def find_transaction(transaction_id: str, *, browser: str, store: ExpiringStore) -> Transaction:
    """Return the transaction of this browser; raises ShownError when it is over or somebody else's."""
    kept, page = await asyncio.gather(store.get(_key(transaction_id)), store.get(_page_key(transaction_id)))
    return _with_page(_opened(transaction_id, browser, kept), page)


async def take_transaction(transaction_id: str, *, browser: str, store: ExpiringStore) -> Transaction:
    """Return the transaction of this browser and end it: whatever follows happens once.

    Another browser's attempt does not end it, so that a guessed id cannot stop somebody's sign-in.
    """
    transaction = await find_transaction(transaction_id, browser=browser, store=store)
    return _opened(transaction_id, browser, await store.take(_key(transaction.transaction_id)))


async def remember_consent_page(
    transaction: Transaction,
    *,
    person_id: str,
    items: tuple[str, ...],
    store: ExpiringStore,
    limits: ProviderLimits,
) -> Transaction:
    """Keep to whom and for what the consent page was shown, so that the answer can be for nothing else."""
    page = _octets({"person_id": person_id, "items": items})
    await store.set(_page_key(transaction.transaction_id), page, limits.transaction_lifetime)
    return replace(transaction, consent_person_id=person_id, consent_items=items)


def _opened(transaction_id: str, browser: str, kept: bytes | None) -> Transaction:
    opened = None if kept is None else open_kept(kept, name=transaction_id[:LONGEST_ID], kind=_KIND)
    if opened is None:
        raise ShownError(TRANSACTION_GONE, "unknown, expired or finished")
    document = json.loads(opened)
    bound_to = bytes.fromhex(document["browser"])
    if not browser or not hmac.compare_digest(bound_to, _digest(browser)):
        raise ShownError(TRANSACTION_GONE, "another browser's")
    return Transaction(
        transaction_id=transaction_id,
        request=authorization_request_from_json(document["request"]),
        browser=bound_to,
        begun_at=datetime.fromisoformat(document["begun_at"]),
    )


def _with_page(transaction: Transaction, kept: bytes | None) -> Transaction:
    if kept is None:
        return transaction
    page = json.loads(kept)
    return replace(transaction, consent_person_id=page["person_id"], consent_items=tuple(page["items"]))


def _octets(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _key(transaction_id: str) -> str:
    return f"provider:transaction:{_hashed(transaction_id)}"


def _page_key(transaction_id: str) -> str:
    return f"provider:consent-page:{_hashed(transaction_id)}"


def _hashed(transaction_id: str) -> str:
    # Whoever reads the store's keys cannot continue anybody's sign-in.
    return hashlib.sha256(transaction_id[:LONGEST_ID].encode("utf-8", "replace")).hexdigest()


def _digest(browser: str) -> bytes:
    return hashlib.sha256(browser.encode("utf-8", "replace")).digest()
