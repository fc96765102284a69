"""Claims as JSON octets."""

from collections.abc import Mapping
from typing import Any

import orjson


def encode_claims(claims: Mapping[str, Any]) -> bytes:
    """Return the claims as compact JSON in UTF-8, in the order they stand."""
    return orjson.dumps(claims, default=_plain)


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"A claim cannot be a {type(value).__name__}.")
