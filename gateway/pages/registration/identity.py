"""`/register/identity`: name and document number, checked by an authoritative source."""

from starlette.requests import Request
from starlette.responses import Response

from foundation.identifiers import parse_holder_code_type
from gateway.i18n import mark, translator
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, field_error, returned
from gateway.pages.rendering import render
from gateway.pages.signin.journeys import FLOW_LOST, Journey, find_journey, next_page, remember_journey, start_again
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.outcomes import Refused
from idp.signin.registration import prove_identity

PROOFING_UNAVAILABLE = "23901"
# Online proofing compares 公民身份号码 alone; other documents are checked at a counter.
_DOCUMENT_TYPES = (parse_holder_code_type("111"),)


async def show_identity(request: Request) -> Response:
    """`GET /register/identity`."""
    journey = await find_journey(request, request.query_params.get("flow", ""))
    return start_again(PATHS.register) if journey is None else await _identity_page(request, journey)


async def check_identity(request: Request) -> Response:
    """`POST /register/identity`: separate consent for sensitive data comes first (PIPL Art. 29)."""
    parts, form = parts_of(request), form_of(request)
    journey = await find_journey(request, form.text("flow"))
    if journey is None:
        return start_again(PATHS.register)
    values = {name: form.text(name) for name in ("name", "document_type", "document_number", "agreed")}
    if values["agreed"] != "yes":
        back = field_error("agreed", mark("请先单独同意核对您的姓名和证件号码"))
        return await _identity_page(request, journey, back=back, values=values)
    outcome = await prove_identity(
        flow_id=journey.flow_id,
        name=values["name"],
        document_number=values["document_number"],
        agreed=True,
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, Refused):
        return await _identity_page(request, journey, refused=outcome, values=values)
    await remember_journey(
        request,
        outcome.flow_id,
        journey.goal,
        phone=journey.shown["phone"],
        name=outcome.name_masked,
        number=outcome.document_number_masked,
    )
    return next_page(PATHS.register_password, outcome.flow_id)


async def _identity_page(
    request: Request,
    journey: Journey,
    *,
    refused: Refused | None = None,
    back: Returned = FRESH,
    values: dict[str, str] | None = None,
) -> Response:
    if refused is not None and refused.code == FLOW_LOST:
        return start_again(PATHS.register, journey.goal)
    english = language_of(request) == "en"
    unavailable = refused is not None and refused.code == PROOFING_UNAVAILABLE
    if refused is not None:
        back = returned(refused, language=language_of(request), now=parts_of(request).clock())
    throttle = None
    if refused is not None and refused.retry_at is not None and not unavailable:
        throttle = {"retry_after": int(back.headers["Retry-After"])}
    words = translator(language_of(request))
    return render(
        request,
        "register_identity.html",
        status_code=back.status,
        headers=back.headers,
        action=PATHS.register_identity,
        values=values or {},
        errors=[] if unavailable or throttle else back.errors,
        hidden={"flow": journey.flow_id},
        document_types=[(kind.value, kind.name_en if english else kind.name_zh) for kind in _DOCUMENT_TYPES],
        source=words.text(mark("人口信息核验")),
        tries_left=refused.tries_left if refused is not None else None,
        throttle=throttle,
        unavailable=unavailable,
    )
