"""`/help/…`: pages for everybody, signed in or not: error codes, the ledger, accessibility, privacy, the site map."""

import base64
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from foundation.ledger.store import Checkpoint, find_latest_checkpoint
from foundation.problems import ErrorCode, all_error_codes, find_error_code
from gateway.i18n import mark, translator
from gateway.pages.rendering import render
from gateway.pages.signed_in import viewer_of
from gateway.requests import language_of, parts_of

CHECKPOINT_INTERVAL_S = 1
_GROUPS = (
    ("1", mark("系统与基础设施")),
    ("21", mark("应用接入（OpenID Connect）")),
    ("22", mark("登录")),
    ("23", mark("账户与实名")),
    ("31", mark("用证授权")),
    ("32", mark("用途与办件")),
    ("33", mark("查找与上级证照库")),
    ("4", mark("请求的格式")),
)
Who = Literal["caller", "operator"]


async def show_error_codes(request: Request) -> Response:
    """`GET /help/errors`: every registered code."""
    words = translator(language_of(request))
    codes = all_error_codes()
    groups = [
        {"name": words.text(name), "entries": [entry for entry in codes if entry.code.startswith(begin)]}
        for begin, name in _GROUPS
    ]
    return render(
        request,
        "error_codes.html",
        viewer=await viewer_of(request),
        groups=[group for group in groups if group["entries"]],
    )


async def show_error_code(request: Request) -> Response:
    """`GET /help/errors/{code}`: what the `type` of an API problem names (RFC 9457 §3.1.1)."""
    entry = find_error_code(request.path_params["code"])
    if entry is None:
        raise HTTPException(404)
    return render(request, "error_code.html", viewer=await viewer_of(request), entry=entry, who=_who_acts(entry))


async def show_ledger(request: Request) -> Response:
    """`GET /help/ledger`: the ledger's latest checkpoint and how anybody can check it."""
    parts = parts_of(request)
    async with parts.db.read() as connection:
        found = await find_latest_checkpoint(connection)
    return render(
        request,
        "ledger.html",
        viewer=await viewer_of(request),
        checkpoint=_checkpoint_words(found) if found is not None else None,
        note=found.note if found is not None else "",
        note_href="/ledger/checkpoint",
        interval_seconds=CHECKPOINT_INTERVAL_S,
    )


async def show_accessibility(request: Request) -> Response:
    """`GET /help/accessibility`."""
    return render(request, "accessibility.html", viewer=await viewer_of(request))


async def show_privacy(request: Request) -> Response:
    """`GET /help/privacy`."""
    return render(request, "privacy.html", viewer=await viewer_of(request))


async def show_sitemap(request: Request) -> Response:
    """`GET /help/sitemap`."""
    return render(request, "sitemap.html", viewer=await viewer_of(request))


def _who_acts(entry: ErrorCode) -> Who:
    return "operator" if entry.status >= 500 else "caller"


def _checkpoint_words(checkpoint: Checkpoint) -> dict[str, object]:
    """Return the members of a signed note one by one (C2SP tlog-checkpoint); the key id is the first four octets."""
    origin = checkpoint.note.split("\n", 1)[0]
    name, signature = checkpoint.note.rstrip("\n").rsplit("\n", 1)[-1].removeprefix("— ").split(" ", 1)
    return {
        "origin": origin,
        "size": checkpoint.size,
        "root_hash": base64.b64encode(checkpoint.root).decode(),
        "signed_at": checkpoint.signed_at,
        "key_name": name,
        "key_hash": base64.b64decode(signature)[:4].hex(),
    }
