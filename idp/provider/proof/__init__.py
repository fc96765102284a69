"""Proving who asks: client authentication, sender constraint, and the identifiers that count once."""
