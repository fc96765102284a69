"""Half-finished sign-ins and registrations: kept on the server, under an unguessable id, bound to one browser.

The flow id may stand in an address or a form, because without the cookie of the browser that began it it opens nothing: the store
key is a hash over both. The state is sealed, since it may hold a name, a number or a phone. Losing the store means starting again.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore
from foundation.ledger.entries import canonical_json
from foundation.sealing import Sealer
from foundation.strict_json import parse_strict_json

FLOW_COOKIE = "__Host-rz_flow"
_FORM = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Flow:
    """One half-finished thing; `state` holds texts, numbers and flat mappings."""

    flow_id: str
    kind: str
    browser: str
    state: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Flow(kind={self.kind!r})"


class Flows:
    """The one owner of flow state; one per worker."""

    def __init__(self, store: ExpiringStore, *, sealer: Sealer, entropy: Entropy, lifetime: timedelta) -> None:
        self._store = store
        self._sealer = sealer
        self._entropy = entropy
        self._lifetime = lifetime

    def fresh_id(self) -> str:
        """Return an unguessable flow id, for callers that must know it before they know the state."""
        return self._entropy.token()

    async def begin(self, kind: str, *, browser: str, state: Mapping[str, Any], flow_id: str | None = None) -> Flow:
        """Keep a new flow for its lifetime."""
        flow = Flow(flow_id or self.fresh_id(), kind, browser, dict(state))
        await self._write(flow)
        return flow

    async def find(self, kind: str, flow_id: str, *, browser: str) -> Flow | None:
        """Return the flow, or None when it is unknown, over, of another kind or of another browser."""
        key = _key(kind, flow_id, browser)
        return self._read(kind, flow_id, browser, await self._store.get(key) if key else None)

    async def take(self, kind: str, flow_id: str, *, browser: str) -> Flow | None:
        """Return and forget the flow: of parallel callers at most one gets it."""
        key = _key(kind, flow_id, browser)
        return self._read(kind, flow_id, browser, await self._store.take(key) if key else None)

    async def keep(self, flow: Flow, state: Mapping[str, Any]) -> Flow:
        """Move the flow on to another state; its lifetime begins anew."""
        moved = Flow(flow.flow_id, flow.kind, flow.browser, dict(state))
        await self._write(moved)
        return moved

    async def _write(self, flow: Flow) -> None:
        key = _key(flow.kind, flow.flow_id, flow.browser)
        if key is None:
            raise ValueError("a flow needs the value of its browser's cookie")
        await self._store.set(key, self._sealer.seal(canonical_json(flow.state), context=key), self._lifetime)

    def _read(self, kind: str, flow_id: str, browser: str, sealed: bytes | None) -> Flow | None:
        if sealed is None:
            return None
        key = _key(kind, flow_id, browser)
        state = parse_strict_json(self._sealer.open(sealed, context=str(key)))
        return Flow(flow_id, kind, browser, state) if isinstance(state, dict) else None


def flow_hash(flow_id: str) -> bytes:
    """Return what one-time codes are bound to."""
    return hashlib.sha256(flow_id.encode("utf-8")).digest()


def _key(kind: str, flow_id: str, browser: str) -> str | None:
    """Name the flow in the store; the cookie's value is only hashed, so one that a browser made up does no harm."""
    if not _FORM.fullmatch(flow_id) or not browser:
        return None
    both = hashlib.sha256(browser.encode("utf-8", "surrogatepass")).digest() + flow_id.encode("ascii")
    return f"flow:{kind}:{hashlib.sha256(both).hexdigest()}"
