"""What follows an outcome of signing in: the next page, or the goal with the new session."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.api.oauth import present
from gateway.browser_state import follow_session
from gateway.pages.oauth_pages import oauth_parts
from gateway.pages.paths import PATHS
from gateway.pages.signin.journeys import Goal, goal_from, next_page, remember_journey
from gateway.requests import current_session, parts_of, set_session_cookie
from idp.provider.authorization.authorize import resume_authorization
from idp.provider.authorization.outcomes import SignInNeeded
from idp.signin.outcomes import ArrivalToConfirm, IdentityCheckNeeded, SecondFactorNeeded, SignedIn


async def go_on(
    request: Request,
    outcome: SignedIn | SecondFactorNeeded | IdentityCheckNeeded | ArrivalToConfirm,
    goal: Goal,
    **shown: str,
) -> Response:
    """Lead to the page that the outcome asks for; `shown` is kept for it."""
    if isinstance(outcome, SignedIn):
        return enter(request, outcome, goal)
    if isinstance(outcome, ArrivalToConfirm):
        shown |= {
            "center": outcome.center,
            "name": outcome.name_masked,
            "number": outcome.document_number_masked,
            "phone": outcome.phone_masked or "",
            "level": str(int(outcome.level)),
        }
        page = PATHS.center_arrival
    elif isinstance(outcome, IdentityCheckNeeded):
        page = PATHS.login_identity
    else:
        page = PATHS.login_totp
    await remember_journey(request, outcome.flow_id, goal, **shown)
    return next_page(page, outcome.flow_id)


def enter(request: Request, signed_in: SignedIn, goal: Goal) -> Response:
    """Give the browser its session and lead to the goal; a waiting authorization goes on at its own address."""
    if goal.transaction:
        target = Goal(transaction=goal.transaction).address(PATHS.sign_in_continue)
    else:
        target = goal.next or (PATHS.desk if signed_in.session.kind == "staff" else PATHS.home)
    response = RedirectResponse(target, status_code=303)
    set_session_cookie(response, signed_in)
    follow_session(request, response, signed_in.session)
    return response


async def continue_authorization(request: Request) -> Response:
    """`GET /sign-in/continue`: back to the authorization that waited for the sign-in.

    A sign-in that was not enough (its level, its strength) leads to the sign-in page, which says so.
    """
    parts, goal = parts_of(request), goal_from(request.query_params)
    outcome = await resume_authorization(
        goal.transaction,
        session=await current_session(request),
        browser=request.state.browser,
        provider=parts.provider,
        now=parts.clock(),
        request_id=request.state.request_id,
    )
    if isinstance(outcome, SignInNeeded):
        session = await current_session(request)
        door = PATHS.staff_login if session is not None and session.kind == "staff" else PATHS.login
        return RedirectResponse(goal.address(door, notice="level"), status_code=303)
    return await present(request, outcome, oauth_parts(request))
