"""Every sealed column of the product, as the rooms name them."""

from certs_catalog.sealed_columns import SEALED_COLUMNS as OF_LICENSES
from foundation.ledger.sealed_columns import SEALED_COLUMNS as OF_LEDGER
from foundation.signing.sealed_columns import SEALED_COLUMNS as OF_KEYS
from idp.sealed_columns import SEALED_COLUMNS as OF_PEOPLE

# The longest table comes last, so that what a person waits for is done early.
SEALED_COLUMNS = (*OF_KEYS, *OF_PEOPLE, *OF_LICENSES, *OF_LEDGER)
