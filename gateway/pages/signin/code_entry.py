"""The page “enter the code we sent”: one room for registration, signing in by text message and recovery.

They differ in their words, in the use cases behind the two buttons, and in what follows the right code; a `CodeEntry` says that.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Generic, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gateway.pages.refusals import returned
from gateway.pages.rendering import render
from gateway.pages.signin.journeys import (
    FLOW_LOST,
    Goal,
    Journey,
    app_of,
    find_journey,
    next_page,
    remember_journey,
    start_again,
)
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.signin.entrance import Entrance
from idp.signin.errors import CODE_EXPIRED
from idp.signin.outcomes import CodeSent, Refused
from idp.signin.visits import Visit

Confirmed = TypeVar("Confirmed")
Confirmed_co = TypeVar("Confirmed_co", covariant=True)


class Resend(Protocol):
    """A use case that sends another code of the same flow."""

    async def __call__(self, flow_id: str, *, visit: Visit, entrance: Entrance, now: datetime) -> CodeSent | Refused:
        """Send it, or refuse."""


class Confirm(Protocol[Confirmed_co]):
    """A use case that spends the code."""

    async def __call__(
        self, flow_id: str, code_text: str, *, visit: Visit, entrance: Entrance, now: datetime
    ) -> Confirmed_co | Refused:
        """Spend it, or refuse."""


@dataclass(frozen=True, slots=True)
class CodeEntry(Generic[Confirmed]):
    """One page of a code: `path` is its own, `phone_path` asks for another phone, `restart_path` is where a lost journey begins again.

    `may_leave` says that the right code may lead to the waiting application at once, so that its form may end there.
    """

    template: str
    path: str
    phone_path: str
    restart_path: str
    resend: Resend
    confirm: Confirm[Confirmed]
    go_on: Callable[[Request, Confirmed, Journey], Awaitable[Response]]
    may_leave: bool = False


async def to_code_page(request: Request, entry: CodeEntry[Confirmed], sent: CodeSent, goal: Goal) -> Response:
    """Remember what the page of a sent code shows, and lead there."""
    shown = {
        "phone": sent.phone_masked,
        "prefix": sent.prefix,
        "resend_at": sent.resend_at.isoformat(),
        "expires_at": sent.expires_at.isoformat(),
    }
    await remember_journey(request, sent.flow_id, goal, **shown)
    return next_page(entry.path, sent.flow_id)


async def show_code_page(request: Request, entry: CodeEntry[Confirmed]) -> Response:
    """Show the page of the flow in the address."""
    journey = await _journey_at_code(request, request.query_params)
    return start_again(entry.restart_path) if journey is None else await _code_page(request, entry, journey)


async def answer_code_page(request: Request, entry: CodeEntry[Confirmed]) -> Response:
    """Take the code, or the wish for another one."""
    parts, form = parts_of(request), form_of(request)
    journey = await _journey_at_code(request, form)
    if journey is None:
        return start_again(entry.restart_path)
    visit, entrance, now = visit_of(request), parts.entrance, parts.clock()
    if form.text("resend"):
        sent = await entry.resend(journey.flow_id, visit=visit, entrance=entrance, now=now)
        if isinstance(sent, CodeSent):
            return await to_code_page(request, entry, sent, journey.goal)
        return await _code_page(request, entry, journey, refused=sent)
    outcome = await entry.confirm(journey.flow_id, form.text("code"), visit=visit, entrance=entrance, now=now)
    if isinstance(outcome, Refused):
        return await _code_page(request, entry, journey, refused=outcome)
    return await entry.go_on(request, outcome, journey)


async def _journey_at_code(request: Request, fields: Mapping[str, str]) -> Journey | None:
    """Return the journey when it waits for a code; one that is past this step, as after the back button, begins again."""
    journey = await find_journey(request, fields.get("flow", ""))
    return journey if journey is not None and "expires_at" in journey.shown else None


async def _code_page(
    request: Request, entry: CodeEntry[Confirmed], journey: Journey, refused: Refused | None = None
) -> Response:
    if refused is not None and refused.code == FLOW_LOST:
        return start_again(entry.restart_path, journey.goal)
    parts = parts_of(request)
    back = returned(refused, language=language_of(request), now=parts.clock(), at="code")
    tries = parts.settings.signin.code_tries
    left = tries if refused is None or refused.tries_left is None else refused.tries_left
    # Nothing that is typed now could be right: the page offers a new code only, and has no field to point at.
    locked = left == 0 or (refused is not None and refused.code == CODE_EXPIRED.code)
    if entry.may_leave:
        await app_of(request, journey.goal)
    return render(
        request,
        entry.template,
        status_code=back.status,
        headers=back.headers,
        action=entry.path,
        back_href=journey.goal.address(entry.phone_path),
        errors=[] if locked else back.errors,
        hidden={"flow": journey.flow_id},
        code=_code_words(journey, left, now=parts.clock()),
        locked=locked,
        throttle=back.throttle,
    )


def _code_words(journey: Journey, tries_left: int, *, now: datetime) -> dict[str, object]:
    shown = journey.shown
    valid = (datetime.fromisoformat(shown["expires_at"]) - now).total_seconds()
    pause = (datetime.fromisoformat(shown["resend_at"]) - now).total_seconds()
    return {
        "phone": shown["phone"],
        "prefix": shown["prefix"],
        "tries_left": tries_left,
        "valid_minutes": max(0, ceil(valid / 60)),
        "resend_after": max(0, ceil(pause)),
    }
