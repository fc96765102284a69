"""The parameters of one request, exactly as they were sent.

RFC 6749 §3.1 and §3.2: a parameter occurs at most once, one without a value counts as omitted, unknown ones
are ignored. The octets are read strictly: what is not UTF-8, too long or too many is refused before any
rule looks at it.
"""

from collections.abc import Mapping
from dataclasses import field
from urllib.parse import parse_qsl

from foundation.values import value_type

MAX_PARAMETERS = 100

REPEATABLE = "resource"
"""The one parameter that may occur several times (RFC 8707 §2)."""


class UnreadableParameters(ValueError):
    """The octets are too long, too many, or not UTF-8; the message never repeats them."""


@value_type
class Parameters:
    """Parameters by name; `repeated` holds the names that occurred more than once, and keeps their first
    value.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()
    resources: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """Return the value, or None when the parameter is absent or empty."""
        return self.values.get(name)


def parse_parameters(octets: bytes, *, max_octets: int) -> Parameters:
    """Read an `application/x-www-form-urlencoded` query or body; raises UnreadableParameters."""
    if len(octets) > max_octets:
        raise UnreadableParameters("too long")
    if not octets:
        return Parameters()
    try:
        pairs = parse_qsl(
            octets.decode("utf-8"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as unreadable:
        raise UnreadableParameters(type(unreadable).__name__) from None
    values: dict[str, str] = {}
    repeated: set[str] = set()
    seen: set[str] = set()
    resources: list[str] = []
    for name, value in pairs:
        if name == REPEATABLE and value:
            resources.append(value)
            continue
        if name in seen:
            repeated.add(name)
            continue
        seen.add(name)
        if value:
            values[name] = value
    return Parameters(values, frozenset(repeated), tuple(dict.fromkeys(resources)))
