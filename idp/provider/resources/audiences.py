"""Resource indicators (RFC 8707): for whom an access token is made.

Without a `resource` a person's token is for the userinfo endpoint. A resource is allowed when it is
registered for the client; the license API is one, at a fixed address below the issuer.
"""

from collections.abc import Iterable

from idp.provider.clients.registry import Client


def userinfo_audience(issuer: str) -> str:
    """Return the audience of tokens for the userinfo endpoint."""
    return f"{issuer}/oauth/userinfo"


def license_audience(issuer: str) -> str:
    """Return the audience of tokens for the license API."""
    return f"{issuer}/api/v1/licenses"


def is_resource_of(client: Client, resource: str, issuer: str) -> bool:
    """Tell whether the client may ask for tokens for the resource; compared character by character."""
    return resource == userinfo_audience(issuer) or resource in client.resources


def are_resources_of(client: Client, resources: Iterable[str], issuer: str) -> bool:
    """Tell whether the client may ask for all of the resources."""
    return all(is_resource_of(client, resource, issuer) for resource in resources)
