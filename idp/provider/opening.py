"""Putting the provider together."""

from foundation.batching import Claims, Coalescer
from foundation.changes import ChangeFeed
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore
from foundation.ledger import Ledger
from foundation.sealing import BlindIndex, Sealer
from foundation.signing import KeyRing
from idp.people.facts import PersonFactsLoader
from idp.provider.authlib_server import Core
from idp.provider.authorization.consents import ConsentReader
from idp.provider.authorization.pushed_requests import PushedRequests
from idp.provider.clients.keys import ClientKeys
from idp.provider.clients.memory import ClientRegistry
from idp.provider.composition import WITHOUT_MUTUAL_TLS, MutualTls, Provider
from idp.provider.limits import ProviderLimits
from idp.provider.metadata import provider_metadata
from idp.provider.ports import LicenseTypes, UrlFetcher
from idp.provider.proof.one_time import OneTimeUses
from idp.provider.signed_metadata import PublishedMetadata
from idp.provider.subjects import Subjects
from idp.provider.tokens.code_spending import CodeSpender
from idp.provider.tokens.opaque_tokens import OpaqueTokens
from idp.provider.tokens.refreshing import RefreshFamilies
from idp.provider.tokens.revocations import RevocationList


async def open_provider(
    *,
    issuer: str,
    limits: ProviderLimits,
    subjects: Subjects,
    db: Database,
    ledger: Ledger,
    feed: ChangeFeed,
    keys: KeyRing,
    sealer: Sealer,
    index: BlindIndex,
    store: ExpiringStore,
    entropy: Entropy,
    people: PersonFactsLoader,
    fetcher: UrlFetcher,
    license_types: LicenseTypes,
    mutual_tls: MutualTls = WITHOUT_MUTUAL_TLS,
) -> Provider:
    """Load the clients and begin to follow revocations.

    Call before `feed.start()`, which brings the standing revocations. Raises ValueError for an unusable
    issuer.
    """
    if issuer.endswith("/") or not issuer.startswith(("https://", "http://")):
        raise ValueError("The issuer is an http or https address without a trailing slash.")
    revocations = RevocationList()
    revocations.open(feed)
    clients = ClientRegistry(db)
    await clients.open(feed)
    core = Core(clients)

    return Provider(
        issuer=issuer,
        limits=limits,
        db=db,
        ledger=ledger,
        feed=feed,
        keys=keys,
        sealer=sealer,
        index=index,
        store=store,
        entropy=entropy,
        people=people,
        subjects=subjects,
        clients=clients,
        fetcher=fetcher,
        client_keys=ClientKeys(fetcher, limits),
        revocations=revocations,
        consents=Coalescer(ConsentReader(db).fetch),
        codes=Claims(CodeSpender(db).claim_codes),
        families=RefreshFamilies(db),
        one_time=Claims(OneTimeUses(db).record),
        pushed_requests=PushedRequests(db),
        license_types=license_types,
        opaque_tokens=OpaqueTokens(db, sealer),
        core=core,
        metadata=PublishedMetadata(provider_metadata(issuer, core, mutual_tls=mutual_tls), keys),
        mutual_tls=mutual_tls,
    )
