"""The sealed column of the ledger; what is hashed is the commitment in the body, so sealing again changes no leaf."""

from foundation.ledger.commit import PERSONAL_CONTEXT
from foundation.ledger.store import ledger_entries
from foundation.resealing import SealedColumn

SEALED_COLUMNS = (SealedColumn(ledger_entries.c.personal, PERSONAL_CONTEXT),)
