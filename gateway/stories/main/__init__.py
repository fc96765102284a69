"""The main story in eight points: two citizens, an officer, two apps, one sign-out, and a ledger that tells."""
