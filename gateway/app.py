"""The web application: routes inside the guard, collaborators from the lifespan."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Router
from starlette.types import ASGIApp

from foundation.clock import Clock, system_clock
from foundation.entropy import Entropy, SystemEntropy
from foundation.sealing import parse_key_octets
from gateway.composition import open_parts
from gateway.failures import failure_response
from gateway.logs import configure_logs
from gateway.memory import return_large_blocks, settle_heap
from gateway.routes import all_routes
from gateway.security.csrf import CsrfTokens
from gateway.security.guard import Guard
from gateway.security.page_limit import PageLimit
from gateway.settings import Settings, load_settings


def create_app(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    entropy: Entropy | None = None,
    when_open: Callable[[], None] | None = None,
) -> ASGIApp:
    """Return the application for these settings; everything it needs is opened by its lifespan, which then calls `when_open`."""
    entropy = entropy or SystemEntropy()

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[Mapping[str, Any]]:
        async with open_parts(settings, clock=clock, entropy=entropy, background=True) as parts:
            if when_open is not None:
                when_open()
            yield {"parts": parts, "site": settings.site, "clock": clock}

    pages = PageLimit(limit=settings.page_requests_per_window, window=settings.page_request_window)
    # The guard does what Starlette's own middleware would do, once; a trailing slash is another address, not a hint, because
    # redirects would carry forms and codes along.
    router = Router(routes=all_routes(), lifespan=lifespan, redirect_slashes=False)
    return Guard(
        router,
        issuer=settings.issuer,
        allowed_hosts=frozenset(settings.allowed_hosts) | _certificate_host(settings),
        trusted_proxies=frozenset(settings.trusted_proxies),
        csrf=CsrfTokens(parse_key_octets(settings.blind_index_key.get_secret_value())),
        entropy=entropy,
        count_page=pages.count,
        failure_response=failure_response,
        deadline_s=settings.request_deadline_s,
        sizes=settings.request_sizes,
    )


def _certificate_host(settings: Settings) -> frozenset[str]:
    origin = settings.client_certificate_origin
    return frozenset() if origin is None else frozenset({origin.partition("://")[2]})


def app_from_environment() -> ASGIApp:
    """Return the application for the settings of the environment; the factory that server processes import."""
    return_large_blocks()
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    return create_app(settings, when_open=settle_heap)
