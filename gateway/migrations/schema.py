"""The tables of all rooms, imported so that the shared metadata knows them."""

import certs_catalog.tables
import foundation.changes
import foundation.expiring.tables
import foundation.leases
import foundation.ledger.store
import foundation.signing.tables
import idp.people.tables
import idp.provider.decoupled.tables
import idp.provider.registration.tables
import idp.provider.tables
import idp.signin.tables
from foundation.database import metadata

TABLE_MODULES = (
    foundation.changes,
    foundation.expiring.tables,
    foundation.leases,
    foundation.ledger.store,
    foundation.signing.tables,
    idp.people.tables,
    idp.signin.tables,
    idp.provider.tables,
    idp.provider.registration.tables,
    idp.provider.decoupled.tables,
    certs_catalog.tables,
)

__all__ = ["TABLE_MODULES", "metadata"]
