"""Request objects and other JWTs of the relying party."""

import base64
import json
from collections.abc import Mapping
from typing import Any


def unsigned_jwt(claims: Mapping[str, Any], **header: str) -> str:
    """Return a JWT with `alg` none (RFC 7519 §6.1)."""
    parts = ({"alg": "none", **header}, dict(claims))
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
