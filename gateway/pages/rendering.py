"""From a template and plain data to a page.

One Jinja2 environment for each language: autoescape everywhere, undefined names are errors. ``render`` adds what
the frame of every page needs (preferences, site, viewer, request id, time) and puts the used icons into the page.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from foundation.clock import system_clock
from gateway.i18n import Language, translator
from gateway.pages.formats import BEIJING, Formats
from gateway.pages.forms import errors_of
from gateway.pages.modes import parse_preferences, safe_next
from gateway.pages.paths import PATHS
from gateway.pages.site import SiteIdentity
from gateway.pages.static_files import icon_symbols, static_integrity, static_url

_TEMPLATES = Path(__file__).parent.parent / "templates"
_SPRITE_PLACE = "<!--sprite-->"
_USED_ICON = re.compile(r'<use href="#i-([a-z]+)"/>')
# Headings break only between phrases (word-break: keep-all); these are the seams that a name shows by itself.
_SEAM = re.compile(r"(?<=[区市省县局厅、，；：》）])(?=[^\s、，；：。》）”<]{2})|(?=[（《“])")
# A part of so many characters fits a line of a phone and stays whole.
_KEPT_WHOLE = 8
# Elder mode is fewer tasks, not only bigger letters: these pages have a form of their own.
_ELDER_TEMPLATES = {"home.html": "home_elder.html"}


def render(
    request: Request,
    template: str,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **data: object,
) -> HTMLResponse:
    """Render ``template`` with ``data`` in the visitor's language and mode.

    Read from ``request.state``, each optional, because a page must also come out when little else works:
    ``parts`` (their settings' ``site``, and ``clock``), ``csrf_token``, ``request_id``.
    Data every page may take: ``viewer`` (Viewer or None), ``hidden`` (fields to carry through a form), ``here``
    (the address the mode buttons return to; by default the address asked for).
    """
    preferences = parse_preferences(request.cookies)
    if preferences.mode == "elder":
        template = _ELDER_TEMPLATES.get(template, template)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    parts = getattr(request.state, "parts", None)
    context: dict[str, object] = {
        "preferences": preferences,
        "site": parts.settings.site if parts else SiteIdentity(),
        "viewer": None,
        "hidden": {},
        "errors": [],
        "here": safe_next(asked, default=safe_next(request.url.path)),
        "request_id": getattr(request.state, "request_id", ""),
        "csrf_token": getattr(request.state, "csrf_token", ""),
        "now": parts.clock() if parts else system_clock(),
        **data,
    }
    page = environment(preferences.language).get_template(template).render(context)
    response = HTMLResponse(with_sprite(page), status_code=status_code, headers=dict(headers or {}))
    response.headers.setdefault("Content-Language", preferences.language)
    return response


@lru_cache(maxsize=2)
def environment(language: Language) -> Environment:
    """Return the template environment of ``language``; templates are compiled at first use and kept."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    words = translator(language)
    formats = Formats(language)
    made.globals.update(
        language=language,
        t=words.text,
        tn=words.counted,
        fmt=formats,
        icon=icon,
        csrf_field=csrf_field,
        hidden_fields=hidden_fields,
        errors_of=errors_of,
        static_integrity=static_integrity,
        static_url=static_url,
        path=PATHS,
    )
    made.filters.update(seams=seams, iso=iso, wording=lambda wording: wording.in_language(language))
    return made


def icon(name: str) -> Markup:
    """Return a decorative icon; the words beside it carry the meaning. An unknown name is a KeyError."""
    if name not in icon_symbols():
        raise KeyError(f"there is no icon named {name}")
    return Markup('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>').format(name)


def with_sprite(page: str) -> str:
    """Put the symbols of the icons that ``page`` uses, each once, where its frame left the place for them."""
    used = dict.fromkeys(_USED_ICON.findall(page))
    if not used:
        return page.replace(_SPRITE_PLACE, "", 1)
    symbols = "".join(icon_symbols()[name] for name in used)
    return page.replace(_SPRITE_PLACE, f'<svg class="sprite" aria-hidden="true">{symbols}</svg>', 1)


def csrf_field(token: str) -> Markup:
    """Return the hidden field that proves a form to be ours; without a token the form is refused when it comes back."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)


def hidden_fields(fields: Mapping[str, str]) -> Markup:
    """Return ``fields`` as hidden inputs, such as the handle of the sign-in that a form continues."""
    inputs = (
        Markup('<input type="hidden" name="{}" value="{}">').format(name, value) for name, value in fields.items()
    )
    return Markup("").join(inputs)


def seams(text: str) -> Markup:
    """Escape a name for a heading, which keeps words together: it breaks at its natural seams, a long part wherever it must."""
    return Markup("<wbr>").join(_kept_together(part) for part in _SEAM.split(text))


def _kept_together(part: str) -> Markup:
    return escape(part) if len(part) <= _KEPT_WHOLE else Markup('<span class="name">{}</span>').format(part)


def iso(value: datetime) -> str:
    """Return ``value`` for the ``datetime`` attribute of ``<time>``, in Beijing time with its offset."""
    return value.astimezone(BEIJING).isoformat(timespec="seconds")
