"""The page that asks to which phone a code is sent: one room for signing in by text message and for recovery.

They differ in their words, in the use case behind the button and in the page of the code that follows; a `PhoneEntry` says that. The answer is
the same whether the number has an account or not.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol

from starlette.requests import Request
from starlette.responses import Response

from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, returned
from gateway.pages.rendering import render
from gateway.pages.signin.code_entry import CodeEntry, Confirmed, to_code_page
from gateway.pages.signin.journeys import Goal, app_of, goal_from
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.entrance import Entrance
from idp.signin.outcomes import CodeSent, Refused
from idp.signin.visits import Visit


class Send(Protocol):
    """A use case that sends the first code of a flow."""

    async def __call__(self, phone_text: str, *, visit: Visit, entrance: Entrance, now: datetime) -> CodeSent | Refused:
        """Send it, or refuse."""


@dataclass(frozen=True, slots=True)
class PhoneEntry(Generic[Confirmed]):
    """One page of a phone; `path` is its own, `code` the page that it leads to."""

    template: str
    path: str
    send: Send
    code: CodeEntry[Confirmed]


async def show_phone_page(request: Request, entry: PhoneEntry[Confirmed]) -> Response:
    """Ask for the phone."""
    return await _phone_page(request, entry, goal_from(request.query_params))


async def answer_phone_page(request: Request, entry: PhoneEntry[Confirmed]) -> Response:
    """Send a code to the phone."""
    parts, form = parts_of(request), form_of(request)
    goal, phone = goal_from(form), form.text("phone")
    outcome = await entry.send(phone, visit=visit_of(request), entrance=parts.entrance, now=parts.clock())
    if isinstance(outcome, Refused):
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="phone")
        return await _phone_page(request, entry, goal, back=back, phone=phone)
    return await to_code_page(request, entry.code, outcome, goal)


async def _phone_page(
    request: Request, entry: PhoneEntry[Confirmed], goal: Goal, *, back: Returned = FRESH, phone: str = ""
) -> Response:
    return render(
        request,
        entry.template,
        status_code=back.status,
        headers=back.headers,
        action=entry.path,
        back_href=goal.address(PATHS.login),
        values={"phone": phone},
        errors=back.errors,
        hidden=goal.hidden(),
        throttle=back.throttle,
        app=await app_of(request, goal),
    )
