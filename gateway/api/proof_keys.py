"""`/ledger/keys`: the public keys with which anybody checks receipts and checkpoints.

They are apart from the keys of tokens, so that no relying party ever takes a receipt for an ID token.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.requests import parts_of

PROOF_KEYS_PATH = "/ledger/keys"
_MEDIA_TYPE = "application/jwk-set+json"
_CACHE_SECONDS = 300


def proof_key_routes() -> list[BaseRoute]:
    """Return the routes of this module."""
    return [Route(PROOF_KEYS_PATH, list_proof_keys)]


async def list_proof_keys(request: Request) -> Response:
    """Return every key that signs or ever signed receipts and checkpoints, as a JWK Set (RFC 7517 §5)."""
    parts = parts_of(request)
    keys = parts.keys.jwks(parts.clock(), purposes=("receipt", "checkpoint"))
    headers = {"Cache-Control": f"public, max-age={_CACHE_SECONDS}"}
    return JSONResponse(keys, media_type=_MEDIA_TYPE, headers=headers)
