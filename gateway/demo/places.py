"""Where everything of a demo lives: one base port, from which every address follows."""

from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
BASE_PORT = 8000
HIGHEST_BASE_PORT = 65_000

NEIGHBOURS = {
    "housing-app": 1,
    "business-app": 2,
    "province-center": 10,
    "certshare": 11,
    "sms": 12,
    "proofing": 13,
    "matters": 14,
}
"""The simulators and sample apps by name, with their distance from the base port."""


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of one demo; `issuer` is where browsers reach the product, through a proxy or
    directly."""

    base_port: int = BASE_PORT
    issuer: str = f"http://{LOOPBACK}:{BASE_PORT}"

    @classmethod
    def at(cls, base_port: int, *, issuer: str | None = None) -> "Places":
        """Return the places above a base port; without `issuer` the product itself is on that port."""
        return cls(base_port, issuer or f"http://{LOOPBACK}:{base_port}")

    def port_of(self, neighbour: str) -> int:
        """Return the port of a simulator or sample app."""
        return self.base_port + NEIGHBOURS[neighbour]

    def url_of(self, neighbour: str) -> str:
        """Return the address of a simulator or sample app, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port_of(neighbour)}"

    def ports(self) -> dict[str, int]:
        """Return every port that the demo listens on, by the name of who listens."""
        return {"renzheng": self.base_port} | {name: self.port_of(name) for name in NEIGHBOURS}
