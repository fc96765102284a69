"""The license room put together: what its use cases work with, made once for each worker.

``open_license_room`` fills the caches and subscribes them to the change feed; call it before the feed
starts, so that no change is missed in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from certs_catalog.cases import CaseBook
from certs_catalog.catalog import Catalog
from certs_catalog.catalog_files import load_catalog
from certs_catalog.grants.book import GrantBook
from certs_catalog.licenses.reader import LicenseReader
from certs_catalog.limits import LookupLimits
from certs_catalog.lookup.misses import OfficerBlocks
from certs_catalog.ports import LicenseLibrary, Matters
from certs_catalog.protection import ProtectedHolders
from foundation.changes import ChangeFeed
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore
from foundation.ledger import Ledger
from foundation.sealing import BlindIndex, Sealer
from foundation.signing import KeyRing


@dataclass(frozen=True, slots=True)
class LicenseRoom:
    """Collaborators of the use cases of this room.

    ``issuer`` is the product's own address, the ``iss`` of receipts.
    """

    issuer: str
    limits: LookupLimits
    db: Database
    ledger: Ledger
    feed: ChangeFeed
    keys: KeyRing
    sealer: Sealer
    blind_index: BlindIndex
    store: ExpiringStore
    entropy: Entropy
    catalog: Catalog
    grants: GrantBook
    protected: ProtectedHolders
    blocks: OfficerBlocks
    cases: CaseBook
    licenses: LicenseReader
    libraries: Mapping[str, LicenseLibrary]
    in_flight: set[bytes] = field(default_factory=set)


async def open_license_room(
    *,
    issuer: str,
    limits: LookupLimits,
    db: Database,
    ledger: Ledger,
    feed: ChangeFeed,
    keys: KeyRing,
    sealer: Sealer,
    blind_index: BlindIndex,
    store: ExpiringStore,
    entropy: Entropy,
    libraries: Mapping[str, LicenseLibrary],
    matters: Matters,
) -> LicenseRoom:
    """Load the catalogue and the grants, subscribe every cache, and return the room.

    Raises CatalogInvalid, StorageUnavailable.
    """
    room = LicenseRoom(
        issuer=issuer,
        limits=limits,
        db=db,
        ledger=ledger,
        feed=feed,
        keys=keys,
        sealer=sealer,
        blind_index=blind_index,
        store=store,
        entropy=entropy,
        catalog=load_catalog(),
        grants=GrantBook(db, feed),
        protected=ProtectedHolders(db, feed),
        blocks=OfficerBlocks(db, feed),
        cases=CaseBook(
            matters,
            blind_index=blind_index,
            believed_for=timedelta(seconds=limits.case_cache_seconds),
            deadline=timedelta(seconds=limits.matters_deadline_seconds),
        ),
        licenses=LicenseReader(db),
        libraries=libraries,
    )
    await room.grants.load()
    await room.protected.load()
    return room
