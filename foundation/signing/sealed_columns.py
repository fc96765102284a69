"""The sealed column of the signing keys: their private halves."""

from foundation.resealing import SealedColumn
from foundation.signing.store import SEALING_CONTEXT
from foundation.signing.tables import signing_keys

SEALED_COLUMNS = (SealedColumn(signing_keys.c.sealed_private_key, SEALING_CONTEXT, bound_to=signing_keys.c.kid),)
