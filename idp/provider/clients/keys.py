"""The public keys of clients: registered in their row (`jwks`) or published at their address (`jwks_uri`).

A published set is fetched through the guarded fetcher, one fetch at a time for each address, and kept in memory. A key that is not
found is looked for once more, since the client may have rotated; how often strangers can cause that is bounded, and so is how often an
address that fails is asked. While an address fails, the last set stays usable for a while, so that an app's short outage locks nobody out.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import Key

from idp.provider.clients.jwk_sets import (
    PublishedKey,
    UnusableJwkSet,
    check_jwk_set,
    encrypting_keys,
    parse_jwk_set,
    verifying_keys,
)
from idp.provider.clients.registry import Client
from idp.provider.limits import ProviderLimits
from idp.provider.ports import UrlFetcher, UrlNotFetched

SEARCHES, SEARCH_WINDOW_S = 3, 60.0
"""Unknown keys cause at most so many fetches of one address in the window."""
MOST_ADDRESSES = 2_000

ACCEPT = "application/jwk-set+json, application/json"


class ClientKeysUnavailable(Exception):
    """No key can be had: `problem` is a short word for the log and the refusal's detail."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass
class _Address:
    """What is remembered of one `jwks_uri`; instants are readings of the monotonic clock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    keys: tuple[PublishedKey, ...] | None = None
    read_at: float = 0.0
    failed_at: float | None = None
    problem: str = ""
    reads: int = 0
    searched_at: list[float] = field(default_factory=list)


class ClientKeys:
    """The keys of every client, for one worker. Holds no secret, and nothing that could not be fetched again."""

    def __init__(
        self, fetcher: UrlFetcher, limits: ProviderLimits, *, monotonic: Callable[[], float] | None = None
    ) -> None:
        self._fetcher = fetcher
        self._fresh_s = limits.client_keys_fresh.total_seconds()
        self._stale_s = limits.client_keys_stale.total_seconds()
        self._retry_s = limits.client_keys_retry.total_seconds()
        self._monotonic = monotonic or (lambda: asyncio.get_running_loop().time())
        self._inline: dict[str, tuple[Mapping[str, Any], tuple[PublishedKey, ...]]] = {}
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    async def verification_keys(self, client: Client, *, kid: str | None, alg: str) -> list[Key]:
        """Return the client's public keys that may have signed with `alg` under `kid`; none when it has no such key.

        Raises ClientKeysUnavailable when the client registered no keys or its address does not answer.
        """
        return await self._find(client, lambda keys: verifying_keys(keys, kid=kid, alg=alg))

    async def encryption_key(self, client: Client, alg: str) -> Key:
        """Return the public key to which the client's JWE are encrypted with `alg`.

        Raises ClientKeysUnavailable, also when the client has keys but none fit for it.
        """
        found = await self._find(client, lambda keys: encrypting_keys(keys, alg=alg))
        if not found:
            raise ClientKeysUnavailable("no key to encrypt to")
        return found[0]

    async def _find(self, client: Client, choose: Callable[[tuple[PublishedKey, ...]], list[Key]]) -> list[Key]:
        jwks, jwks_uri = client.metadata.jwks, client.metadata.jwks_uri
        if jwks is not None:
            return choose(self._inline_keys(client.client_id, jwks))
        if jwks_uri is None:
            raise ClientKeysUnavailable("no keys registered")
        address = self._address(jwks_uri)
        seen = address.reads
        found = choose(await self._keys(jwks_uri, address))
        if not found and address.reads == seen and self._may_search(address):
            found = choose(await self._read(jwks_uri, address, seen=seen))
        return found

    async def _keys(self, jwks_uri: str, address: _Address) -> tuple[PublishedKey, ...]:
        if address.keys is not None and self._monotonic() < address.read_at + self._fresh_s:
            return address.keys
        return await self._read(jwks_uri, address, seen=address.reads)

    def _inline_keys(self, client_id: str, jwks: Mapping[str, Any]) -> tuple[PublishedKey, ...]:
        known = self._inline.get(client_id)
        # A changed registration is a new document in memory, so identity tells.
        if known is None or known[0] is not jwks:
            try:
                known = self._inline[client_id] = (jwks, check_jwk_set(jwks))
            except UnusableJwkSet as unusable:
                raise ClientKeysUnavailable(str(unusable)) from unusable
        return known[1]

    def _may_search(self, address: _Address) -> bool:
        """Tell whether the set may be read again for a key that it lacks, and count that it is."""
        now = self._monotonic()
        address.searched_at = [at for at in address.searched_at if now < at + SEARCH_WINDOW_S]
        if len(address.searched_at) >= SEARCHES:
            return False
        address.searched_at.append(now)
        return True

    async def _read(self, jwks_uri: str, address: _Address, *, seen: int) -> tuple[PublishedKey, ...]:
        async with address.lock:
            # Whoever waited for the lock takes what the one before it brought.
            if address.reads == seen and not self._failed_lately(address):
                await self._fetch(jwks_uri, address)
            if address.keys is None or self._monotonic() >= address.read_at + self._stale_s:
                raise ClientKeysUnavailable(address.problem)
            return address.keys

    async def _fetch(self, jwks_uri: str, address: _Address) -> None:
        try:
            document = await self._fetcher.fetch(jwks_uri, accept=ACCEPT)
            address.keys = parse_jwk_set(document.body)
        except (UrlNotFetched, UnusableJwkSet) as failure:
            address.failed_at, address.problem = self._monotonic(), f"jwks_uri: {failure}"
        else:
            address.read_at, address.failed_at = self._monotonic(), None
        address.reads += 1

    def _failed_lately(self, address: _Address) -> bool:
        return address.failed_at is not None and self._monotonic() < address.failed_at + self._retry_s

    def _address(self, jwks_uri: str) -> _Address:
        address = self._addresses.get(jwks_uri)
        if address is None:
            address = self._addresses[jwks_uri] = _Address()
            while len(self._addresses) > MOST_ADDRESSES:
                self._addresses.popitem(last=False)
        return address
