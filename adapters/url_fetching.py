"""Documents at addresses that a client registered (keys, sectors, request objects), through the guarded client."""

from adapters.guarded_http import (
    FetchFailed,
    FetchNotConnected,
    FetchRefused,
    FetchTimedOut,
    FetchTooLarge,
    GuardedHttp,
)
from idp.provider.ports import FetchedDocument, UrlNotFetched

# The words that a refusal may tell: the exception's own text may hold a host name.
_PROBLEMS: tuple[tuple[type[FetchFailed], str], ...] = (
    (FetchRefused, "address not allowed"),
    (FetchNotConnected, "no connection"),
    (FetchTimedOut, "timed out"),
    (FetchTooLarge, "answer too large"),
)


class HttpUrlFetcher:
    """Satisfies `UrlFetcher` over HTTP; `http` decides which networks may be reached."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    def check_address(self, url: str) -> None:
        """See `UrlFetcher.check_address`."""
        try:
            self._http.check_url(url)
        except FetchRefused as error:
            raise UrlNotFetched(_problem_of(error)) from error

    async def fetch(self, url: str, *, accept: str) -> FetchedDocument:
        """See `UrlFetcher.fetch`."""
        try:
            fetched = await self._http.fetch("GET", url, headers={"Accept": accept})
        except FetchFailed as error:
            raise UrlNotFetched(_problem_of(error)) from error
        if fetched.status != 200:
            raise UrlNotFetched("another status than 200")
        if fetched.content_type not in {listed.strip() for listed in accept.split(",")}:
            raise UrlNotFetched("another media type")
        return FetchedDocument(fetched.body, fetched.content_type)


def _problem_of(error: FetchFailed) -> str:
    return next((word for kind, word in _PROBLEMS if isinstance(error, kind)), "broken answer")
