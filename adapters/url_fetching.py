"""Documents at addresses that a client registered (keys, sectors, request objects), through the guarded client."""

from adapters.guarded_http import FetchFailed, FetchRefused, GuardedHttp
from idp.provider.ports import FetchedDocument, UrlNotFetched


class HttpUrlFetcher:
    """Satisfies `UrlFetcher` over HTTP; `http` decides which networks may be reached."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    def check_address(self, url: str) -> None:
        """See `UrlFetcher.check_address`."""
        try:
            self._http.check_url(url)
        except FetchRefused as error:
            raise UrlNotFetched(error.problem) from error

    async def fetch(self, url: str, *, accept: str) -> FetchedDocument:
        """See `UrlFetcher.fetch`."""
        try:
            fetched = await self._http.fetch("GET", url, headers={"Accept": accept})
        except FetchFailed as error:
            raise UrlNotFetched(error.problem) from error
        if fetched.status != 200:
            raise UrlNotFetched("another status than 200")
        if fetched.content_type not in {listed.strip() for listed in accept.split(",")}:
            raise UrlNotFetched("another media type")
        return FetchedDocument(fetched.body, fetched.content_type)
