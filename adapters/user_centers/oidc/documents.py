"""The center's metadata and keys as last read: one fetch for many callers, failures remembered, old keys
kept.
"""

import asyncio
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from adapters.breaker import Monotonic
from adapters.guarded_http import FetchFailed, GuardedHttp
from adapters.user_centers.oidc import wire
from adapters.user_centers.oidc.settings import OidcCenterSettings

_KEY_TYPES = {"ES": "EC", "PS": "RSA", "RS": "RSA", "Ed": "OKP"}


class DocumentUnavailable(Exception):
    """A document could not be read and no earlier copy may be used."""


class CenterDocuments:
    """Cache of one center's metadata and keys within one event loop.

    A fetch that fails or is malformed never replaces what was read before. Keys are fetched when an unknown
    `kid` appears, at most once in `keys_pause` however many tokens with invented `kid`s arrive (Core
    §10.1.1).
    """

    def __init__(self, settings: OidcCenterSettings, *, http: GuardedHttp, monotonic: Monotonic) -> None:
        self._settings = settings
        self._http = http
        self._monotonic = monotonic
        self._metadata: wire.CenterMetadata | None = None
        self._metadata_read = self._metadata_failed = self._keys_tried = float("-inf")
        self._keys: dict[str | None, tuple[dict[str, Any], Key]] = {}
        self._reading_metadata = asyncio.Lock()
        self._reading_keys = asyncio.Lock()

    async def metadata(self) -> wire.CenterMetadata:
        """Return the metadata, fetched when it has aged; an aged copy is used while the center is down.

        Raises DocumentUnavailable, MalformedDocument.
        """
        async with self._reading_metadata:
            now = self._monotonic()
            fresh = now - self._metadata_read < self._settings.metadata_lifetime.total_seconds()
            failed_lately = now - self._metadata_failed < self._settings.failure_pause.total_seconds()
            if self._metadata is not None and (fresh or failed_lately):
                return self._metadata
            if failed_lately:
                raise DocumentUnavailable("metadata could not be read a moment ago")
            try:
                return await self._read_metadata()
            except (DocumentUnavailable, wire.MalformedDocument):
                self._metadata_failed = self._monotonic()
                if self._metadata is not None:
                    return self._metadata
                raise

    async def refresh(self) -> None:
        """Read the metadata now, whatever its age; raises DocumentUnavailable or MalformedDocument."""
        async with self._reading_metadata:
            await self._read_metadata()

    async def key(self, kid: str | None, algorithm: str) -> Key | None:
        """Return the center's key for a signature, None when it has no such key.

        Without `kid` the center must have exactly one key of the algorithm's type (Core §10.1).
        """
        found = self._known_key(kid, algorithm)
        if found is not None:
            return found
        async with self._reading_keys:
            found = self._known_key(kid, algorithm)
            pause = self._settings.keys_pause.total_seconds()
            if found is not None or self._monotonic() - self._keys_tried < pause:
                return found
            self._keys_tried = self._monotonic()
            await self._read_keys()
            return self._known_key(kid, algorithm)

    def _known_key(self, kid: str | None, algorithm: str) -> Key | None:
        wanted = _KEY_TYPES[algorithm[:2]]
        fitting = [
            key
            for known, (members, key) in self._keys.items()
            if members["kty"] == wanted
            and members.get("alg") in (None, algorithm, "EdDSA" if wanted == "OKP" else algorithm)
            and (kid is None or known == kid)
        ]
        return fitting[0] if len(fitting) == 1 else None

    async def _read_metadata(self) -> wire.CenterMetadata:
        # Joined by text, as Discovery §4 says: the issuer is never normalised.
        url = f"{self._settings.issuer.removesuffix('/')}/.well-known/openid-configuration"
        self._metadata = wire.parse_metadata(await self._get(url), issuer=self._settings.issuer)
        self._metadata_read = self._monotonic()
        return self._metadata

    async def _read_keys(self) -> None:
        body = await self._get((await self.metadata()).jwks_uri)
        keys: dict[str | None, tuple[dict[str, Any], Key]] = {}
        for members in wire.parse_key_set(body):
            kid = members.get("kid")
            try:
                keys[kid if isinstance(kid, str) else None] = (members, JWKRegistry.import_key(members))
            except (JoseError, ValueError):
                continue  # A key that we cannot read harms only the tokens signed with it.
        # An empty set is a fault of the center: what it signed with before stays verifiable.
        if keys:
            self._keys = keys

    async def _get(self, url: str) -> bytes:
        try:
            fetched = await self._http.fetch(
                "GET", url, headers={"Accept": "application/json"}, deadline=self._settings.deadline
            )
        except FetchFailed as error:
            raise DocumentUnavailable(str(error)) from error
        if fetched.status != 200:
            raise DocumentUnavailable(f"HTTP {fetched.status}")
        return fetched.body
