"""Sign-in that begins elsewhere than in the app (OpenID Connect Core §4): the address by which an app is asked to begin one."""

from urllib.parse import urlencode

from idp.provider.clients.registry import Client


def initiated_login_url(client: Client, issuer: str) -> str | None:
    """Return the app's `initiate_login_uri` with our issuer, None when it registered none or is not active.

    The app answers with an ordinary authorization request of its own; nothing about a person travels in this address.
    """
    address = client.metadata.initiate_login_uri
    if address is None or not client.is_active:
        return None
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'iss': issuer})}"
