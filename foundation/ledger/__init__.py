"""The tamper-evident ledger: every decision, in one order, provable.

`entries` what is recorded · `commit` how it becomes durable · `merkle` and `tiles` the tree · `sequencer` and `checkpoints` its
signed head · `proofs` and `verification` how anybody checks it · `store` the SQL.
"""

from foundation.changes import Change
from foundation.ledger.commit import Ledger
from foundation.ledger.entries import POSITION, Entry, Insert, Recorded

__all__ = ["POSITION", "Change", "Entry", "Insert", "Ledger", "Recorded"]
