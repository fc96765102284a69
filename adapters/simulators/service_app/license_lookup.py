"""The housing app's backend: a license lookup with the app's own token, on behalf of one of its officers."""

import json
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from starlette.responses import JSONResponse, Response

from adapters.simulators.service_app.relying_party import RelyingParty, SignInRejected

_SCOPE = "license.lookup"
_TIMEOUT = httpx2.Timeout(15.0)


async def look_up_on_behalf(party: RelyingParty, body: bytes, request_id: str | None) -> Response:
    """Pass a lookup (the license API's own JSON, `officer` included) on with a fresh client token.

    The answer's status, media type and octets are handed back unchanged, so that the caller sees receipt
    and source.
    """
    try:
        lookup: Any = json.loads(body)
    except ValueError:
        return JSONResponse({"error": "malformed"}, 400)
    api = f"{party.issuer}/api/v1/licenses"
    try:
        token = await party.client_token(scope=_SCOPE, resource=api)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if request_id is not None:
            headers["X-Request-Id"] = request_id
        async with httpx2.AsyncClient(trust_env=False, timeout=_TIMEOUT) as client:
            answer = await client.post(f"{api}/lookup", json=lookup, headers=headers)
    except (OAuthError, SignInRejected, httpx2.HTTPError) as error:
        return JSONResponse({"error": "lookup_failed", "reason": type(error).__name__}, 502)
    kept = {
        name: answer.headers[name]
        for name in ("content-type", "retry-after", "x-request-id", "www-authenticate")
        if name in answer.headers
    }
    return Response(answer.content, answer.status_code, headers=kept)
