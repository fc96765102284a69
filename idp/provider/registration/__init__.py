"""Registering applications: by an operator, or by an invited department itself (RFC 7591, RFC 7592)."""
