"""The license API as an OAuth protected resource: what its requests show, what it says about itself, what it asks for.

RFC 9728: metadata below the well-known path, found from the challenge of every refusal. RFC 9470: a sign-in that is too weak for the grade is
answered with what would be enough.
"""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from certs_catalog.reasons.authorisation import STRONGER_SIGN_IN_NEEDED
from foundation.problems import ErrorCode
from gateway.api.license_callers import FRESHER_SIGN_IN_NEEDED
from gateway.requests import parts_of
from gateway.security.client_certificates import CertificateHeaders
from idp.provider.composition import Origin
from idp.provider.proof.dpop import PROOF_ALGORITHMS
from idp.provider.resources.access import ResourceRequest, challenge
from idp.provider.resources.audiences import license_audience
from idp.vocabulary import RealNameLevel, SignInStrength, acr_of

if TYPE_CHECKING:
    from gateway.settings import Settings

WELL_KNOWN = "/.well-known/oauth-protected-resource"
SCOPES = ("license.lookup",)
STRONGER_ACR = acr_of(RealNameLevel.MEDIUM, SignInStrength.TWO_FACTOR)
"""What lets an officer see whole values: two factors, as a person whose identity was proved."""
_CACHE_SECONDS = 300


def protected_resource_routes() -> list[BaseRoute]:
    """Return the routes of this module: the address derived from the resource (RFC 9728 §3.1), and the bare one."""
    return [
        Route(f"{WELL_KNOWN}/api/v1/licenses", show_metadata),
        Route(WELL_KNOWN, show_metadata),
    ]


async def show_metadata(request: Request) -> Response:
    """`GET /.well-known/oauth-protected-resource/api/v1/licenses`: the license API's metadata (RFC 9728 §2)."""
    issuer = parts_of(request).settings.issuer
    return JSONResponse(
        resource_metadata(issuer, takes_certificates=bool(parts_of(request).settings.client_certificate_header)),
        headers={"Cache-Control": f"public, max-age={_CACHE_SECONDS}"},
    )


def resource_metadata(issuer: str, *, takes_certificates: bool) -> dict[str, Any]:
    """Return the metadata of the license API below this issuer."""
    return {
        "resource": license_audience(issuer),
        "resource_name": "License lookup",
        "resource_name#zh-CN": "电子证照查询",
        "authorization_servers": [issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
        "tls_client_certificate_bound_access_tokens": takes_certificates,
    }


def resource_metadata_url(issuer: str) -> str:
    """Return where the metadata of the license API are (RFC 9728 §3.1)."""
    return issuer + WELL_KNOWN + license_audience(issuer).removeprefix(issuer)


def resource_request(request: Request, certificates: CertificateHeaders) -> ResourceRequest:
    """Return what a request shows of its token and of what it possesses."""
    authorization: list[str] = []
    dpop: list[str] = []
    read = {b"authorization": authorization, b"dpop": dpop}
    for name, value in request.scope["headers"]:
        if name in read:
            read[name].append(value.decode("latin-1"))
    return ResourceRequest(
        authorization=tuple(authorization),
        method=request.scope["method"],
        path=request.scope["path"],
        dpop=tuple(dpop),
        certificate=certificates.read(request.scope)[0],
        origin=Origin(request.state.request_id, request.state.network),
    )


def step_up_headers(reason: ErrorCode, request: ResourceRequest, settings: "Settings") -> dict[str, str]:
    """Return the challenge of RFC 9470 §3 when a stronger or a fresher sign-in would be answered, nothing otherwise."""
    if reason not in (STRONGER_SIGN_IN_NEEDED, FRESHER_SIGN_IN_NEEDED):
        return {}
    members = {
        "error": "insufficient_user_authentication",
        "error_description": reason.title_en,
        "acr_values": STRONGER_ACR,
    }
    if reason is FRESHER_SIGN_IN_NEEDED:
        members["max_age"] = str(settings.lookup.full_sign_in_age_seconds)
    return {"WWW-Authenticate": challenge(members, request, resource_metadata=resource_metadata_url(settings.issuer))}
