"""Where a person who signs in is going, and what the next page of a half-way sign-in shows.

The use cases keep what decides; a journey keeps only what is shown (masked) and the goal. Both are named by the same flow
id and bound to the same browser, so an address that was copied elsewhere opens nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.pages.apps import AppWords, allow_form_to, answer_sources, app_words
from gateway.pages.modes import safe_next
from gateway.pages.paths import PATHS
from gateway.requests import parts_of
from idp.provider.authorization.transactions import find_transaction
from idp.provider.clients.registry import view_of
from idp.provider.errors import ShownError
from idp.signin import errors

KIND = "page"
FLOW_LOST = errors.FLOW_LOST.code
_LONGEST_TRANSACTION = 64


@dataclass(frozen=True, slots=True)
class Goal:
    """What follows the sign-in: an authorization that waits (`transaction`), or a page of ours (`next`), or the home page."""

    transaction: str = ""
    next: str = ""

    def hidden(self) -> dict[str, str]:
        """Return the goal as the hidden fields that carry it through a form."""
        fields = {"transaction": self.transaction, "next": self.next}
        return {name: value for name, value in fields.items() if value}

    def address(self, path: str, **query: str) -> str:
        """Return `path` with the goal, and whatever else, in its query."""
        whole = {**query, **self.hidden()}
        return f"{path}?{urlencode(whole)}" if whole else path


@dataclass(frozen=True, slots=True)
class Journey:
    """One half-way sign-in as its pages see it; `shown` holds masked texts, instants in ISO 8601 and small numbers."""

    flow_id: str
    goal: Goal
    shown: Mapping[str, str] = field(default_factory=dict)


def goal_from(fields: Mapping[str, str]) -> Goal:
    """Read the goal from a query or a form; whatever is not a path of ours is dropped (RFC 9700 §4.11.1)."""
    wanted = fields.get("next", "")
    kept = safe_next(wanted, default="") if wanted else ""
    return Goal(transaction=fields.get("transaction", "")[:_LONGEST_TRANSACTION], next=kept)


async def remember_journey(request: Request, flow_id: str, goal: Goal, **shown: str) -> None:
    """Keep what the next page shows, replacing what was kept under this flow id."""
    flows = parts_of(request).entrance.flows
    state = {"transaction": goal.transaction, "next": goal.next, "shown": shown}
    await flows.begin(KIND, browser=request.state.browser, state=state, flow_id=flow_id)


async def find_journey(request: Request, flow_id: str) -> Journey | None:
    """Return the journey of this browser, or None when it is over, unknown or another browser's."""
    flows = parts_of(request).entrance.flows
    flow = await flows.find(KIND, flow_id, browser=request.state.browser)
    if flow is None:
        return None
    goal = Goal(flow.state["transaction"], flow.state["next"])
    return Journey(flow_id, goal, flow.state["shown"])


def next_page(path: str, flow_id: str) -> Response:
    """Lead to the next page of a journey."""
    return RedirectResponse(f"{path}?{urlencode({'flow': flow_id})}", status_code=303)


def start_again(path: str = PATHS.login, goal: Goal | None = None) -> Response:
    """Lead back to the beginning of a sign-in that took too long; an authorization that still waits is not lost."""
    return RedirectResponse((goal or Goal()).address(path, notice="expired"), status_code=303)


async def app_of(request: Request, goal: Goal) -> AppWords | None:
    """Return the application that waits for this sign-in, and let the page's forms end at its redirect addresses.

    None when nobody waits, or not any longer: the sign-in itself stays possible and tells at its end.
    """
    if not goal.transaction:
        return None
    parts = parts_of(request)
    try:
        waiting = await find_transaction(goal.transaction, browser=request.state.browser, store=parts.store)
    except ShownError:
        return None
    client = parts.provider.clients.find(waiting.request.client_id)
    if client is None:
        return None
    allow_form_to(request, answer_sources(client, client.redirect_uris))
    return await app_words(request, view_of(client))
