"""Session management (OpenID Connect Session Management 1.0): an app's own page can see that the session here has changed.

The app is given a `session_state` that only this browser can confirm: a digest over the client, the origin of its page, the state of the
browser and a salt. The browser's state is a cookie which our check-session document reads; it is derived from the session and tells nothing
of it. To anybody else, and to the same app on another origin, the digest is noise.
"""

import base64
import hashlib

from foundation.entropy import Entropy
from idp.provider.clients.redirects import origin_of
from idp.provider.clients.registry import Client

BROWSER_STATE_COOKIE = "__Host-rz_state"
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def new_session_state(client: Client, redirect_uri: str, browser_state: str, *, entropy: Entropy) -> dict[str, str]:
    """Return the member `session_state` of an authentication response (§2), nothing for an app that has no pages of its own."""
    if client.application_type != "web":
        return {}
    return {
        "session_state": session_state(client.client_id, browser_origin(redirect_uri), browser_state, entropy.token())
    }


def session_state(client_id: str, origin: str, browser_state: str, salt: str) -> str:
    """Return the digest that the check-session document computes as well (§3.2)."""
    digest = hashlib.sha256(f"{client_id} {origin} {browser_state} {salt}".encode()).digest()
    return f"{base64.urlsafe_b64encode(digest).rstrip(b'=').decode('ascii')}.{salt}"


def browser_origin(uri: str) -> str:
    """Return the origin as browsers write it: without the default port of the scheme (RFC 6454 §6.2)."""
    origin = origin_of(uri)
    return origin.removesuffix(_DEFAULT_PORTS[origin.partition(":")[0]])
