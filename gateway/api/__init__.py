"""The machine interfaces: OAuth endpoints and the license API."""
