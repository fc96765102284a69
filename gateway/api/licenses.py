"""The license API: `POST /api/v1/licenses/lookup` and the published catalogue `GET /api/v1/license-types`.

The lookup takes an access token of scope `license.lookup` for the audience of this API: a department
application's own, naming the officer it acts for in the body, or an officer's. A citizen's token opens
nothing here.
"""

import re
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from certs_catalog.catalog import LicenseType
from certs_catalog.errors import InvalidLookup, MemberProblem
from certs_catalog.lookup.look_up import look_up_license
from certs_catalog.lookup.outcomes import Refusal
from certs_catalog.lookup.parse import parse_lookup
from certs_catalog.lookup.refusing import refuse_unreadable
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.reasons import request_form
from certs_catalog.statuses import beijing_date
from foundation.problems import PROBLEM_MEDIA_TYPE, ErrorCode, Problem, describe_problem, render_problem
from gateway.api.license_callers import NotAccepted, caller_of, check_client
from gateway.api.license_narrowing import check_narrowed
from gateway.api.protected_resource import resource_metadata_url, resource_request, step_up_headers
from gateway.requests import parts_of
from idp.provider.errors import InsufficientScope, InvalidToken
from idp.provider.resources.access import answer_headers, challenge_headers, read_presented_token
from idp.provider.resources.audiences import license_audience
from idp.provider.tokens.access_tokens import VerifiedAccessToken, check_reach

LOOKUP_PATH = "/api/v1/licenses/lookup"
SCOPE = "license.lookup"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_JSON = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.ASCII | re.IGNORECASE)


def license_routes() -> list[BaseRoute]:
    """Return the routes of this module."""
    return [
        Route(LOOKUP_PATH, post_lookup, methods=["POST"]),
        Route("/api/v1/license-types", list_license_types),
    ]


async def post_lookup(request: Request) -> Response:
    """`POST /api/v1/licenses/lookup`:

    One graded lookup; 200 with results, receipt and source, or a problem document.
    """
    parts = parts_of(request)
    now = parts.clock()
    await parts.provider.clients.refresh()
    token: VerifiedAccessToken | None = None
    shown = resource_request(request, parts.certificates)
    try:
        token = await read_presented_token(shown, provider=parts.provider, now=now)
        await parts.provider.clients.learn(token.client_id)
        check_reach(token, audience=license_audience(parts.settings.issuer), scope=SCOPE)
        check_client(token, SCOPE, clients=parts.provider.clients)
    except (InvalidToken, InsufficientScope) as refused:
        await _record_unread(request, token, refused.error_code)
        headers = challenge_headers(refused, shown, resource_metadata=resource_metadata_url(parts.settings.issuer))
        return _problem(request, describe_problem(refused), headers)
    try:
        request_id = _own_request_id(request)
        asked = await _parsed(request)
        check_narrowed(token, asked)
        caller = await caller_of(token, asked, parts=parts, network=request.state.network, now=now)
    except InvalidLookup as invalid:
        return await _refused_unread(request, token, invalid.reason, invalid.errors)
    except NotAccepted as refused:
        return await _refused_unread(request, token, refused.reason, refused.errors)
    outcome = await look_up_license(asked, caller, room=parts.licenses, request_id=request_id, now=now)
    if isinstance(outcome, Refusal):
        step_up = step_up_headers(outcome.reason, shown, parts.settings)
        return _problem(request, outcome.problem(), {**outcome.headers, **step_up})
    return Response(outcome.body(), media_type="application/json", headers=answer_headers(token))


async def list_license_types(request: Request) -> Response:
    """`GET /api/v1/license-types`:

    The published catalogue with its field dictionary; it holds nothing about anybody.
    """
    catalog = parts_of(request).licenses.catalog
    return JSONResponse({"license_types": [_render_type(entry) for entry in catalog.types.values()]})


def _own_request_id(request: Request) -> str | None:
    """Return the caller's X-Request-Id, None when it sent none.

    Anything but one UUID is refused, since it would not protect.
    """
    given = request.headers.getlist("x-request-id")
    if not given:
        return None
    if len(given) != 1 or not _UUID.fullmatch(given[0]):
        raise InvalidLookup(request_form.REQUEST_ID_INVALID)
    return given[0].lower()


async def _parsed(request: Request) -> LookupRequest:
    parts = parts_of(request)
    kinds = request.headers.getlist("content-type")
    if len(kinds) != 1 or not _JSON.fullmatch(kinds[0].strip()) or "content-encoding" in request.headers:
        raise InvalidLookup(request_form.MEDIA_TYPE_UNSUPPORTED)
    return parse_lookup(await request.body(), limits=parts.licenses.limits, today=beijing_date(parts.clock()))


async def _refused_unread(
    request: Request, token: VerifiedAccessToken, reason: ErrorCode, errors: Sequence[MemberProblem]
) -> Response:
    """Record a request that never became a lookup, and answer it."""
    parts = parts_of(request)
    refusal = await _record_unread(request, token, reason, errors)
    step_up = step_up_headers(reason, resource_request(request, parts.certificates), parts.settings)
    return _problem(request, refusal.problem(), {**refusal.headers, **step_up})


async def _record_unread(
    request: Request, token: VerifiedAccessToken | None, reason: ErrorCode, errors: Sequence[MemberProblem] = ()
) -> Refusal:
    """Put on record who knocked in vain; nobody is named when the token is not one of ours."""
    parts = parts_of(request)
    client = None if token is None else parts.provider.clients.find(token.client_id)
    return await refuse_unreadable(
        reason,
        errors=errors,
        room=parts.licenses,
        actor=None if token is None else _actor_of(token),
        department_id=client.department_id if client else None,
        client_id=None if token is None else token.client_id,
        request_id=request.state.request_id,
        now=parts.clock(),
    )


def _actor_of(token: VerifiedAccessToken) -> str:
    return f"officer:{token.officer_id}" if token.officer_id else f"client:{token.client_id}"


def _problem(request: Request, problem: Problem, headers: Any = None) -> Response:
    # A machine has no language cookie: Accept-Language decides, and Chinese is the default.
    body = render_problem(
        problem,
        request_id=request.state.request_id,
        base_url=parts_of(request).settings.issuer,
        language="en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh-CN",
    )
    return JSONResponse(body, problem.status, dict(headers or {}), media_type=PROBLEM_MEDIA_TYPE)


def _render_type(entry: LicenseType) -> dict[str, Any]:
    return {
        "code": entry.code,
        "name": entry.name_zh,
        "name_en": entry.name_en,
        "category": entry.category_zh,
        "schema": entry.schema,
        "defining_authority": {
            "name": entry.defining_authority.name_zh,
            "name_en": entry.defining_authority.name_en,
            "uscc": entry.defining_authority.uscc,
            "level": entry.defining_authority.level,
        },
        "issuing_level": entry.issuing_level,
        "holder_category": entry.holder_category.value,
        "validity_ranges": list(entry.validity_ranges),
        "sharing": {
            "class": entry.sharing.sharing_class.value,
            "condition": entry.sharing.condition_zh,
            "condition_en": entry.sharing.condition_en,
            "legal_basis": entry.sharing.basis_zh,
            "legal_basis_en": entry.sharing.basis_en,
        },
        "served_from": entry.served_from,
        "fields": [
            {
                "name": face_field.name,
                "label": face_field.label_zh,
                "label_en": face_field.label_en,
                "data_type": face_field.data_type,
                "sensitivity": face_field.sensitivity.value,
                "mask": face_field.mask,
            }
            for face_field in entry.face.fields
        ],
    }
