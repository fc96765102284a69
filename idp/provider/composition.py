"""What the endpoints of the provider work with; `opening.py` puts it together once per worker."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.batching import Claims, Coalescer
from foundation.changes import ChangeFeed
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore
from foundation.ledger import Ledger
from foundation.sealing import BlindIndex, Sealer
from foundation.signing import KeyRing
from idp.people.facts import PersonFactsLoader
from idp.provider.authorization.consents import Consent, ConsentKey
from idp.provider.authorization.pushed_requests import PushedRequests
from idp.provider.clients.keys import ClientKeys
from idp.provider.clients.memory import ClientRegistry
from idp.provider.limits import ProviderLimits
from idp.provider.ports import LicenseTypes, UrlFetcher
from idp.provider.proof.one_time import OneTimeUse
from idp.provider.subjects import Subjects
from idp.provider.tokens.code_spending import CodeClaim
from idp.provider.tokens.granting import Grant
from idp.provider.tokens.opaque_tokens import OpaqueTokens
from idp.provider.tokens.refreshing import RefreshFamilies
from idp.provider.tokens.revocations import RevocationList

if TYPE_CHECKING:
    from idp.provider.authlib_server import Core
    from idp.provider.signed_metadata import PublishedMetadata


@dataclass(frozen=True, slots=True)
class MutualTls:
    """Whether client certificates reach this provider, and the other origin at which they are asked for, if there is one (RFC 8705 §5)."""

    is_on: bool = False
    origin: str | None = None


WITHOUT_MUTUAL_TLS = MutualTls()


@dataclass(frozen=True, slots=True)
class Provider:
    """The collaborators of every use case of this room. `issuer` has no trailing slash."""

    issuer: str
    limits: ProviderLimits
    db: Database
    ledger: Ledger
    feed: ChangeFeed
    keys: KeyRing
    sealer: Sealer
    index: BlindIndex
    store: ExpiringStore
    entropy: Entropy
    people: PersonFactsLoader
    subjects: Subjects
    clients: ClientRegistry
    fetcher: UrlFetcher
    client_keys: ClientKeys
    revocations: RevocationList
    consents: Coalescer[ConsentKey, Consent]
    codes: Claims[CodeClaim, Grant]
    families: RefreshFamilies
    one_time: Claims[OneTimeUse, bool]
    pushed_requests: PushedRequests
    license_types: LicenseTypes
    opaque_tokens: OpaqueTokens
    core: "Core"
    metadata: "PublishedMetadata"
    mutual_tls: MutualTls = WITHOUT_MUTUAL_TLS


@dataclass(frozen=True, slots=True)
class Origin:
    """Facts of the HTTP request that go into the record: its id, and the caller's address as text."""

    request_id: str | None = None
    network: str = ""


NOWHERE = Origin()
