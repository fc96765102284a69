"""Which surface a path belongs to. It decides how errors look, whether a form needs our CSRF proof, and what may be cached."""

from enum import Enum


class Surface(Enum):
    """The four faces of the product."""

    PAGE = "page"
    OAUTH = "oauth"
    API = "api"
    OPERATIONS = "operations"


# Browser-facing OAuth endpoints show pages when they fail; relying parties post to them across sites, so they bring their own checks.
BROWSER_OAUTH = frozenset({"/oauth/authorize", "/oauth/logout"})
_OPERATIONS = frozenset({"/livez", "/readyz", "/metrics"})


def surface_of(path: str) -> Surface:
    """Return the surface of a request path (the scope's path, never a parsed URL)."""
    if path.startswith(("/oauth/", "/.well-known/")):
        return Surface.OAUTH
    if path.startswith(("/api/", "/v2/", "/ledger/")):
        return Surface.API
    if path in _OPERATIONS:
        return Surface.OPERATIONS
    return Surface.PAGE


def shows_pages(path: str) -> bool:
    """Tell whether a person looks at the answer of this path."""
    return path in BROWSER_OAUTH or surface_of(path) is Surface.PAGE
