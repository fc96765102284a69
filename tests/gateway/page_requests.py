"""Renders a sample page the way a request would, without a server."""

from types import SimpleNamespace
from typing import Any

from starlette.requests import Request

from gateway.pages.modes import COOKIE_NAME
from gateway.pages.rendering import render
from gateway.pages.site import FooterLink, SiteIdentity, Wording
from tests.gateway.template_samples import NOW, Sample

SITE = SiteIdentity(
    footer_links=(
        FooterLink(Wording("网站地图", "Site map"), "/help/sitemap"),
        FooterLink(Wording("无障碍声明", "Accessibility"), "/help/accessibility"),
        FooterLink(Wording("隐私与个人信息", "Privacy"), "/help/privacy"),
    )
)


def page_request(view: str = "", path: str = "/page") -> Request:
    """Return a GET request with the state that the composition gives it; `view` is the preferences cookie."""
    state: dict[str, Any] = {
        "parts": SimpleNamespace(settings=SimpleNamespace(site=SITE), clock=lambda: NOW),
        "csrf_token": "token-of-this-browser",
        "request_id": "00000000-0000-4000-8000-000000000001",
    }
    headers = [(b"cookie", f"{COOKIE_NAME}={view}".encode())] if view else []
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "path": path,
            "query_string": b"",
            "headers": headers,
            "state": state,
        }
    )


def rendered(sample: Sample, view: str) -> str:
    """Return the HTML of a sample in the given view, for example ``light.standard.1.en``."""
    return bytes(render(page_request(view), sample.template, **sample.data).body).decode()
