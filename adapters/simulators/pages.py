"""The few plain pages of the simulators and sample apps: one frame, one small style sheet, no script."""

from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_FRAME = """<!doctype html>
<html lang="{{ lang | default('zh-CN') }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{% block title %}{% endblock %}</title><link rel="stylesheet" href="/style.css"></head>
<body class="{% block tone %}{% endblock %}">
<header><p class="brand">{% block brand %}{% endblock %}</p></header>
<main>{% block main %}{% endblock %}</main>
<footer><p>{% block foot %}{% endblock %}</p></footer>
</body></html>
"""

STYLE = """
:root { --ink: #1c2733; --ink-2: #55606d; --line: #d9dee4; --ground: #f4f6f8; --sheet: #fff; --tone: #24507a; }
body.housing { --tone: #1c6b55; } body.business { --tone: #8a4b12; } body.province { --tone: #7c2438; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.7 "PingFang SC", "Noto Sans CJK SC",
  "Noto Sans SC", "Microsoft YaHei", "WenQuanYi Micro Hei", system-ui, sans-serif; }
header { background: var(--tone); color: #fff; }
header p, main, footer p { max-width: 44rem; margin: 0 auto; padding: 1rem 1.25rem; }
.brand { font-weight: 600; font-size: 1.125rem; } .brand small { display: inline-block;
  font-weight: 400; opacity: .9; margin-left: .5rem; }
main { padding-top: 2rem; padding-bottom: 3rem; }
h1 { font-size: 1.75rem; line-height: 1.4; margin: 0 0 .5rem; } h2 { font-size: 1.125rem; margin: 2rem 0 .5rem; }
.lead { color: var(--ink-2); margin: 0 0 1.5rem; }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: .5rem; padding: 1.25rem;
  margin-bottom: 1.5rem; } .sheet > :first-child { margin-top: 0; }
.button { display: inline-block; min-height: 2.75rem; padding: .5rem 1.25rem; border: 1px solid var(--tone);
  border-radius: .25rem; background: var(--tone); color: #fff; font: inherit; text-decoration: none; cursor: pointer; }
.button.plain { background: transparent; color: var(--tone); }
.button:focus-visible, input:focus-visible { outline: 3px solid #0b66c3; outline-offset: 2px; }
.people { display: grid; gap: .75rem; } .people .button { width: 100%; text-align: left;
  background: var(--sheet); color: var(--ink); border-color: #7b838e; font-weight: 600; }
.people .button:hover { border-color: var(--tone); }
.people small { display: block; font-weight: 400; color: var(--ink-2); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0; }
dt { color: var(--ink-2); } dd { margin: 0; overflow-wrap: anywhere; }
label { display: block; margin: 1rem 0 .25rem; }
input { width: 100%; min-height: 2.75rem; padding: .25rem .75rem; border: 1px solid #7b838e; border-radius: .25rem;
  font: inherit; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
ol.steps { padding-left: 1.25rem; } .notice { border-left: .25rem solid var(--tone); padding: .25rem 1rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
  padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td:not(:last-child) { white-space: nowrap; }
footer { border-top: 1px solid var(--line); color: var(--ink-2); font-size: .875rem; }
"""

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """Renders the named templates of one server inside the common frame; values are escaped."""

    def __init__(self, templates: dict[str, str]) -> None:
        self._environment = Environment(
            loader=DictLoader({"frame": _FRAME, **templates}), autoescape=True, undefined=StrictUndefined
        )

    def render(self, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return the page as an answer that is neither stored nor framed."""
        return HTMLResponse(self._environment.get_template(name).render(**values), status, headers=_SECURITY)


def style_route() -> Route:
    """Return the route of the style sheet."""

    async def style(_: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    return Route("/style.css", style)
