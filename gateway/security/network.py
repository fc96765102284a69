"""Where a request comes from, as far as it can be believed."""

import ipaddress
from collections.abc import Collection, Iterable

UNIX_PEER = "unix"
"""Stands among the trusted proxies for whoever reaches the Unix socket, and so has no address."""


def client_network(peer: str | None, headers: Iterable[tuple[bytes, bytes]], *, trusted: Collection[str]) -> str:
    """Return the client's address as text.

    The peer itself, unless the peer is a trusted proxy: then the right-most hop of the one X-Forwarded-For header, the only one
    which that proxy vouches for. Repeated headers, names, ports and obfuscated identifiers are not believed, and nothing is resolved.
    """
    direct = peer or "unknown"
    if (peer or UNIX_PEER) not in trusted:
        return direct
    forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
    if len(forwarded) != 1:
        return direct
    hop = forwarded[0].decode("latin-1").rsplit(",", 1)[-1].strip()
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return direct
