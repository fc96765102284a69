"""The key check of the simulators whose wire carries one bearer key."""

import hmac

from starlette.requests import Request


def is_presented(request: Request, key: str) -> bool:
    """Tell whether the request carries the key as `Authorization: Bearer …`."""
    return hmac.compare_digest(
        request.headers.get("authorization", "").encode("utf-8", "replace"), f"Bearer {key}".encode()
    )
