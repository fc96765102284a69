"""The case system over HTTP as the catalogue's `Matters`."""

from adapters.api_calls import ApiSettings, CallFailed, call_api
from adapters.guarded_http import GuardedHttp
from adapters.matters.wire import MalformedCase, parse_case, render_query
from certs_catalog.ports import CaseFacts, MattersUnavailable


class HttpMatters:
    """Asks the case system anew at every call; how long an answer may be kept is the caller's rule."""

    def __init__(self, settings: ApiSettings, *, http: GuardedHttp) -> None:
        self._settings = settings
        self._http = http

    async def find_case(self, number: str) -> CaseFacts | None:
        """See `Matters.find_case`."""
        try:
            accepted = await call_api(self._http, self._settings, "/cases/query", render_query(number))
            return parse_case(accepted.document, asked=number)
        except (CallFailed, MalformedCase) as error:
            raise MattersUnavailable(str(error)) from error
