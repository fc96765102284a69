"""What follows an outcome of signing in: the next page, or the goal with the new session."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.pages.paths import PATHS
from gateway.pages.signin.journeys import Goal, next_page, remember_journey
from gateway.requests import set_session_cookie
from idp.signin.outcomes import ArrivalToConfirm, IdentityCheckNeeded, SecondFactorNeeded, SignedIn


async def go_on(
    request: Request,
    outcome: SignedIn | SecondFactorNeeded | IdentityCheckNeeded | ArrivalToConfirm,
    goal: Goal,
    **shown: str,
) -> Response:
    """Lead to the page that the outcome asks for; `shown` is kept for it."""
    if isinstance(outcome, SignedIn):
        return enter(outcome, goal)
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


def enter(signed_in: SignedIn, goal: Goal) -> Response:
    """Give the browser its session and lead to the goal; a waiting authorization goes on at the sign-in address."""
    if goal.transaction:
        target = Goal(transaction=goal.transaction).address(PATHS.login)
    else:
        target = goal.next or (PATHS.desk if signed_in.session.kind == "staff" else PATHS.home)
    response = RedirectResponse(target, status_code=303)
    set_session_cookie(response, signed_in)
    return response
