"""Which network addresses may be reached when somebody else chose the URL.

A fetched URL may name our own network (server-side request forgery). The decision is made on the address that
is connected to, after name resolution, so that a host name which resolves to an inner address, a decimal or
octal spelling, or a rebinding name server gains nothing (OWASP ASVS 5.2, RFC 6890 special-purpose
registries).
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# Translation and tunnel prefixes carry an IPv4 address that the far end unpacks: a way around every check on
# the outer address.
_CARRIERS_OF_IPV4 = (
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("2001::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("::/96"),
)

# Below 1024 only the ports of the web; above it, ports on which infrastructure listens that answers to plain
# text.
_WEB_PORTS = frozenset({80, 443})
_INFRASTRUCTURE_PORTS = frozenset(
    {1433, 1521, 2049, 2375, 2376, 2379, 3306, 5432, 5672, 6379, 9200, 9300, 11211, 27017}
)


def is_public_address(address: str) -> bool:
    """Tell whether a numeric address (IPv4 or IPv6, zone allowed) is globally routable unicast."""
    try:
        parsed = ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return _is_public_ipv4(parsed.ipv4_mapped)
        if parsed.is_site_local or any(parsed in network for network in _CARRIERS_OF_IPV4):
            return False
        return parsed.is_global and not parsed.is_multicast
    return _is_public_ipv4(parsed)


def is_inner_literal(host: str) -> bool:
    """Tell whether a host is no name but a numeric address, in any spelling, that is not public, or a name of this very machine.

    What system resolvers take for a number (`2130706433`, `0x7f.1`, `0177.0.0.1`) has a last label that begins with a digit, as no
    top-level domain does (RFC 3696 §2): such a host is inner unless it is a public address in its usual spelling.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    last = name.rpartition(".")[2]
    return (":" in name or last[:1].isdecimal()) and not is_public_address(name)


def is_permitted_port(port: int) -> bool:
    """Tell whether a port may be contacted on a public address: 80, 443, and high ports where no
    infrastructure listens.
    """
    return port in _WEB_PORTS or (1024 <= port <= 65535 and port not in _INFRASTRUCTURE_PORTS)


def _is_public_ipv4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
