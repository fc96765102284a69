"""The OAuth 2.0 authorization server and OpenID provider: persons and sessions by identifier, no HTML."""
