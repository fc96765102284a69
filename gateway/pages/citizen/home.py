"""`/`: the citizen's home; the desk for officers; a welcome for everybody else."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certs_catalog.accesses.history import AccessFilter, count_by_month, list_accesses
from certs_catalog.holdings import list_licenses
from gateway.i18n import mark, translator
from gateway.pages.citizen.cards import access_line, holder_of, license_cards
from gateway.pages.paths import PATHS
from gateway.pages.rendering import render
from gateway.pages.signed_in import viewer_of
from gateway.requests import current_session, language_of, parts_of
from idp.provider.decoupled.confirmation import list_confirmations

SHOWN_ACCESSES = 3
SHOWN_LICENSES = 4


async def show_home(request: Request) -> Response:
    """`GET /`."""
    session = await current_session(request)
    if session is None:
        return render(request, "welcome.html")
    if session.kind == "staff":
        return RedirectResponse(PATHS.desk, status_code=303)
    holder = await holder_of(request, session)
    if holder is None:
        return RedirectResponse(PATHS.login, status_code=303)
    parts = parts_of(request)
    room, now = parts.licenses, parts.clock()
    licenses = await list_licenses(holder, room=room, now=now)
    latest = await list_accesses(holder, room=room, choice=AccessFilter(), cursor=None, size=SHOWN_ACCESSES)
    months = await count_by_month(holder, room=room, months=1, now=now)
    waiting = await list_confirmations(session, provider=parts.provider, now=now)
    return render(
        request,
        "home.html",
        viewer=await viewer_of(request),
        notices=_notices(request, waiting=len(waiting)),
        accesses=[access_line(access, language_of(request)) for access in latest.items],
        access_count=months[-1].total if months else 0,
        licenses=license_cards(request, licenses[:SHOWN_LICENSES]),
        license_count=len(licenses),
        issuer_count=len({license.issuer_name for license in licenses}),
        licenses_missing=None if licenses else "none",
    )


def _notices(request: Request, *, waiting: int) -> list[dict[str, object]]:
    """Return what can be acted on now."""
    if not waiting:
        return []
    words = translator(language_of(request))
    text = words.text(mark('有人请您确认正在办理的事：<a href="{href}">去核对</a>。'), href=PATHS.confirmations)
    return [{"kind": "soon", "words": text}]
