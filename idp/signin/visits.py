"""What one HTTP request tells about its browser: parsed to what may be stored, counted by and shown.

A full address or user agent string is never stored: a coarse network and a short label are enough for an owner to recognise a
device.
"""

import ipaddress
from dataclasses import dataclass

_BROWSERS = (
    ("MicroMessenger", "微信"),
    ("AlipayClient", "支付宝"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("OPR", "Opera"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
_LONGEST_AGENT = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Facts of one request: `browser` is the flow cookie, `device` the device cookie, `network` the peer's address as text."""

    browser: str
    network: str
    user_agent: str = ""
    device: str | None = None
    session_token: str | None = None
    request_id: str | None = None
    client_id: str | None = None

    def __repr__(self) -> str:
        return f"Visit(request_id={self.request_id!r})"


def device_label(user_agent: str) -> str:
    """Return system and browser as an owner would name them, for example `Windows · Chrome`; `·` alone when unknown."""
    agent = user_agent[:_LONGEST_AGENT]
    system = next((label for sign, label in _SYSTEMS if sign in agent), "")
    browser = next((label for sign, label in _BROWSERS if sign in agent), "")
    return " · ".join(part for part in (system, browser) if part) or "·"


def coarse_network(address: str) -> str:
    """Return the network of an address: /24 of IPv4, /48 of IPv6, nothing for anything else."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def counted_network(address: str) -> str:
    """Return what attempts are counted by: the address of IPv4, the /64 of IPv6, which one subscriber holds whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
