"""Every route of the product, as one literal list."""

from starlette.routing import BaseRoute

from gateway.api.licenses import license_routes
from gateway.api.oauth import oauth_routes
from gateway.api.proof_keys import proof_key_routes
from gateway.api.protected_resource import protected_resource_routes
from gateway.ops import operation_routes
from gateway.pages.oauth_pages import oauth_parts
from gateway.pages.routes import page_routes


def all_routes() -> list[BaseRoute]:
    """Return the routes in order of matching, the busiest first: each route that does not match costs a moment."""
    return [
        *license_routes(),
        *oauth_routes(oauth_parts),
        *proof_key_routes(),
        *protected_resource_routes(),
        *operation_routes(),
        *page_routes(),
    ]
