"""An upper user center that is an OpenID provider (docs/adapters/oidc.md)."""
