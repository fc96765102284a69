"""Registered applications: what is known of each, and their rows. Every endpoint asks for them in memory (`memory.py`)."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, select

from foundation.database import Database
from idp.provider.clients.metadata import PLAIN, ClientMetadata, parse_metadata
from idp.provider.clients.redirects import ApplicationType
from idp.provider.tables import oauth_clients

TOPIC = "client"
"""Of the change feed: the key is the client whose row changed."""

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
    return await _load(db, select(oauth_clients))


async def load_clients_named(db: Database, client_ids: Iterable[str]) -> dict[str, Client]:
    """Read these clients, whatever their status, by identifier; unknown ones are missing."""
    query = select(oauth_clients).where(oauth_clients.c.client_id.in_(list(client_ids)))
    return {client.client_id: client for client in await _load(db, query)}


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


async def _load(db: Database, query: Select[Any]) -> list[Client]:
    async with db.read() as connection:
        return [_client(row) for row in (await connection.execute(query)).mappings()]


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
