"""Registered applications, and the memory of them that every endpoint asks.

The registry answers from memory: a client is looked up several times in every request. A change of one
client is announced on the topic `client`; the registry marks that client at once and reads it again before
the next answer. Until a change is heard from another node, whatever fails because of it is judged again by `look_again`.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select

from foundation.batching import Coalescer
from foundation.changes import Change, ChangeFeed
from foundation.database import Database
from idp.provider.clients.metadata import PLAIN, ClientMetadata, parse_metadata
from idp.provider.clients.redirects import ApplicationType
from idp.provider.tables import oauth_clients

TOPIC = "client"
LOOK_AGAIN_S = 1.0
"""A client that cannot be authenticated is read again at most once in so many seconds, however often somebody guesses."""
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}", re.ASCII)

AuthMethod = Literal[
    "client_secret_basic",
    "client_secret_post",
    "none",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]
SECRET_METHODS: tuple[AuthMethod, ...] = ("client_secret_basic", "client_secret_post")
GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "implicit",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
ConsentRule = Literal["ask", "exempt"]
ClientStatus = Literal["active", "disabled", "removed"]

_NO_SECRET = hashlib.sha256(b"no secret").digest()


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """The SHA-256 of one secret of 256 random bits; `expires_at` is set while its successor takes over."""

    sha256: bytes
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Client:
    """One registered application. What it may do follows from its policy and these members alone."""

    client_id: str
    name_zh: str
    name_en: str
    department_id: str
    policy: str
    status: ClientStatus
    application_type: ApplicationType
    token_endpoint_auth_method: AuthMethod
    secrets: tuple[ClientSecret, ...]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    backchannel_logout_uri: str | None
    grant_types: frozenset[str]
    scopes: frozenset[str]
    resources: frozenset[str]
    introspects: frozenset[str]
    sector: str
    consent: ConsentRule
    consent_basis: str | None
    home_uri: str | None
    created_at: datetime
    updated_at: datetime
    metadata: ClientMetadata = PLAIN
    registration_token_hash: bytes | None = None

    @property
    def is_active(self) -> bool:
        """Whether the client may be used at all."""
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class ClientView:
    """What a page may show of a client; the department's names stand in the directory."""

    client_id: str
    name_zh: str
    name_en: str
    department_id: str
    home_uri: str | None


def view_of(client: Client) -> ClientView:
    """Return the part of a client that pages show."""
    return ClientView(client.client_id, client.name_zh, client.name_en, client.department_id, client.home_uri)


def is_secret_of(client: Client | None, secret: str, *, now: datetime) -> bool:
    """Tell whether the secret is one of the client's valid ones, in the same time for unknown clients."""
    presented = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
    kept = () if client is None else client.secrets
    matches = [
        hmac.compare_digest(presented, entry.sha256) and (entry.expires_at is None or now < entry.expires_at)
        for entry in kept
    ]
    if not matches:
        hmac.compare_digest(presented, _NO_SECRET)
    return any(matches)


async def load_clients(db: Database) -> list[Client]:
    """Read every client, whatever its status."""
    async with db.read() as connection:
        rows = await connection.execute(select(oauth_clients))
        return [_client(row) for row in rows.mappings()]


class ClientRegistry:
    """Every client of the provider, in memory; share one per process."""

    def __init__(self, db: Database, *, monotonic: Callable[[], float] | None = None) -> None:
        self._db = db
        self._monotonic = monotonic or (lambda: asyncio.get_running_loop().time())
        self._looked_at: dict[str, float] = {}
        self._clients: dict[str, Client] = {}
        self._generation = 0
        self._stale: dict[str, int] = {}
        self._reading = asyncio.Lock()
        self._unheard: Coalescer[str, Client] = Coalescer(self._fetch)
        self._feed: ChangeFeed | None = None

    async def open(self, feed: ChangeFeed) -> None:
        """Read all clients; subscribes first, so that no change can fall between."""
        self._feed = feed
        feed.subscribe(TOPIC, self._hear)
        self._clients = {client.client_id: client for client in await load_clients(self._db)}

    async def refresh(self) -> None:
        """Read again what was announced as changed; every endpoint awaits this before it trusts `find`.

        Costs no SQL while nothing changed. Raises StorageUnavailable rather than answering from a stale memory:
        also when the feed has not been heard lately, since a disabled client or a lost entitlement may be
        missing.
        """
        if self._feed is not None:
            self._feed.check_fresh()
        if self._stale:
            async with self._reading:
                while self._stale:
                    await self._read_stale()

    async def learn(self, client_id: str) -> None:
        """Read a client that another node registered a moment ago, before this worker heard of it; call after `refresh`.

        Costs no SQL for a client in memory, and one shared read for one that nobody knows.
        """
        if client_id in self._clients or not _CLIENT_ID.fullmatch(client_id):
            return
        found = await self._unheard.load(client_id)
        # What was heard meanwhile is newer than what was read.
        if found is not None and client_id not in self._stale:
            self._clients.setdefault(client_id, found)

    async def look_again(self, judged: Client) -> Client | None:
        """Return the client as it is by now when that differs from the one that was judged and refused, otherwise None.

        Another node may have changed its secret or keys a moment ago. Costs one read of one row, shared by all who ask meanwhile, and none
        within `LOOK_AGAIN_S` of the last one. Raises StorageUnavailable.
        """
        now, looked_at = self._monotonic(), self._looked_at.get(judged.client_id)
        is_due = looked_at is None or now >= looked_at + LOOK_AGAIN_S
        if is_due and self.find(judged.client_id) is judged:
            self._looked_at[judged.client_id] = now
            self._mark(judged.client_id)
        await self.refresh()
        current = self.find_active(judged.client_id)
        return None if current is judged else current

    async def read_now(self, client_id: str) -> Client | None:
        """Return the client as the database has it by now, when it is active; for the rare request that changes it. Costs a read."""
        self._mark(client_id)
        await self.refresh()
        return self.find_active(client_id)

    async def _fetch(self, client_ids: Iterable[str]) -> dict[str, Client]:
        async with self._db.read() as connection:
            rows = await connection.execute(
                select(oauth_clients).where(oauth_clients.c.client_id.in_(list(client_ids)))
            )
            return {row["client_id"]: _client(row) for row in rows.mappings()}

    async def _read_stale(self) -> None:
        asked = dict(self._stale)
        found = await self._fetch(asked)
        for client_id, generation in asked.items():
            known = self._clients.pop(client_id, None)
            if client_id in found:
                # What did not change stays the same object: by it others know what they made of it, and what they judged.
                self._clients[client_id] = (
                    known if known is not None and known == found[client_id] else found[client_id]
                )
            # A change that arrived while reading may not be in what was read.
            if self._stale[client_id] == generation:
                del self._stale[client_id]

    def find(self, client_id: str) -> Client | None:
        """Return the client whatever its status, or None; memory alone."""
        return self._clients.get(client_id)

    def find_active(self, client_id: str) -> Client | None:
        """Return the client when it is registered and not disabled."""
        client = self._clients.get(client_id)
        return client if client is not None and client.is_active else None

    def all(self) -> tuple[Client, ...]:
        """Return every client, ordered by identifier."""
        return tuple(self._clients[client_id] for client_id in sorted(self._clients))

    def _hear(self, change: Change) -> None:
        self._mark(change.key)

    def _mark(self, client_id: str) -> None:
        self._generation += 1
        self._stale[client_id] = self._generation


def render_secrets(secrets: Iterable[ClientSecret]) -> list[dict[str, str | None]]:
    """Render secrets for their column."""
    return [
        {
            "sha256": secret.sha256.hex(),
            "expires_at": None if secret.expires_at is None else secret.expires_at.isoformat(),
        }
        for secret in secrets
    ]


def parse_secrets(column: Iterable[Mapping[str, str | None]]) -> tuple[ClientSecret, ...]:
    """Read what `render_secrets` wrote."""
    return tuple(
        ClientSecret(
            bytes.fromhex(str(entry["sha256"])),
            None if entry["expires_at"] is None else datetime.fromisoformat(entry["expires_at"]),
        )
        for entry in column
    )


def _client(row: Mapping[Any, Any]) -> Client:
    return Client(
        client_id=row["client_id"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        department_id=row["department_id"],
        policy=row["policy"],
        status=row["status"],
        application_type=row["application_type"],
        token_endpoint_auth_method=row["token_endpoint_auth_method"],
        secrets=parse_secrets(row["secrets"]),
        redirect_uris=tuple(row["redirect_uris"]),
        post_logout_redirect_uris=tuple(row["post_logout_redirect_uris"]),
        backchannel_logout_uri=row["backchannel_logout_uri"],
        grant_types=frozenset(row["grant_types"]),
        scopes=frozenset(row["scopes"]),
        resources=frozenset(row["resources"]),
        introspects=frozenset(row["introspects"]),
        sector=row["sector"],
        consent=row["consent"],
        consent_basis=row["consent_basis"],
        home_uri=row["home_uri"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        metadata=parse_metadata(row["metadata"]) if row["metadata"] else PLAIN,
        registration_token_hash=row["registration_token_hash"],
    )
