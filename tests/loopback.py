"""Keeps the test process off the network: only loopback and Unix sockets may be reached.

An audit hook sees every connection that Python code opens, whatever library opens it. It cannot be taken out
again, so it is installed once for the whole run.
"""

import ipaddress
import sys

LOCAL_NAMES = frozenset({"", "localhost"})


class NetworkClosed(OSError):
    """A test tried to reach another machine."""


def close_network() -> None:
    """From now on, connecting to or resolving anything but this machine raises NetworkClosed."""
    sys.addaudithook(_refuse_other_machines)


def is_local(host: object) -> bool:
    """Whether a host given to the socket module, a name or an address, is this machine."""
    if host is None:
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
    if name in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not is_local(host):
        raise NetworkClosed("tests reach loopback alone")
