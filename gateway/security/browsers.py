"""The browser cookie: an unguessable name for one browser, to which half-way states and CSRF proofs are bound.

It says nothing about who uses the browser and lives as long as the browser's own session.
"""

import re
from collections.abc import Iterable

from idp.signin.flows import FLOW_COOKIE

_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def browser_from_headers(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the browser's name from its one well-formed cookie; a missing, malformed or repeated cookie is no cookie."""
    found = [
        value.strip()
        for name, line in headers
        if name == b"cookie"
        for key, _, value in (pair.partition("=") for pair in line.decode("latin-1").split(";"))
        if key.strip() == FLOW_COOKIE
    ]
    return found[0] if len(found) == 1 and _FORM.fullmatch(found[0]) else None


def browser_cookie(browser: str) -> bytes:
    """Render the Set-Cookie value; the __Host- prefix pins it to this host, this path and secure transport."""
    return f"{FLOW_COOKIE}={browser}; Path=/; Secure; HttpOnly; SameSite=Lax".encode("ascii")
