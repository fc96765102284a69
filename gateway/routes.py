"""Every route of the product, as one literal list."""

from starlette.requests import Request
from starlette.routing import BaseRoute

from gateway.api.licenses import license_routes
from gateway.api.oauth import OAuthParts, oauth_routes
from gateway.ops import operation_routes
from gateway.pages.oauth_outcomes import show_outcome
from gateway.pages.routes import page_routes
from gateway.requests import current_session, parts_of


def all_routes() -> list[BaseRoute]:
    """Return the routes in order of matching."""
    return [
        *oauth_routes(oauth_parts),
        *license_routes(),
        *operation_routes(),
        *page_routes(),
    ]


def oauth_parts(request: Request) -> OAuthParts:
    """Return what the OAuth endpoints work with."""
    parts = parts_of(request)
    return OAuthParts(provider=parts.provider, clock=parts.clock, current_session=current_session, show=show_outcome)
