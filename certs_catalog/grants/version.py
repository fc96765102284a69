"""One grant version as decisions see it."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from certs_catalog.grants.content import GrantContent, PurposeGrant, TypeGrant


class GrantState(StrEnum):
    """Where a grant stands; only ``VALIDATED`` versions within their term allow anything."""

    VALIDATED = "validated"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class GrantVersion:
    """The version of a grant that is in force, with its content indexed for the decision.

    ``content_digest`` is the SHA-256 of the canonical content in hexadecimal: the policy hash that receipts
    carry.
    """

    grant_id: str
    version: int
    state: GrantState
    content: GrantContent
    content_digest: str
    types: dict[str, TypeGrant] = field(init=False, repr=False, compare=False)
    purposes: dict[str, PurposeGrant] = field(init=False, repr=False, compare=False)
    networks: tuple[IPv4Network | IPv6Network, ...] = field(init=False, repr=False, compare=False)
    ref: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", {entry.type_code: entry for entry in self.content.types})
        object.__setattr__(self, "purposes", {entry.matter_code: entry for entry in self.content.purposes})
        object.__setattr__(self, "networks", tuple(ip_network(text) for text in self.content.networks))
        object.__setattr__(self, "ref", f"{self.grant_id}@{self.version}")

    def allows_network(self, address: str) -> bool:
        """Whether the caller's address lies in the registered networks.

        Without any registered, every address does.
        """
        if not self.networks:
            return True
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks if network.version == parsed.version)
