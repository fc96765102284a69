"""The browser of the port: the plain browser of the stories, which an application's own page can also make send a form."""

from collections.abc import Mapping
from urllib.parse import urlencode

from gateway.stories.browser import Browser, Page


class RpBrowser(Browser):
    """A browser in which the application's pages are open too."""

    def post_from(self, source: str, url: str, form: Mapping[str, str]) -> Page:
        """Send a form from a page of the application at `source`."""
        return self._send("POST", url, urlencode(form).encode(), source=source)

    def open_from(self, source: str, url: str) -> Page:
        """Follow a link on a page of the application at `source`."""
        return self._send("GET", url, None, source=source)


class BrowserShelf:
    """The browsers of one test, closed together."""

    def __init__(self) -> None:
        self._opened: list[RpBrowser] = []

    def open(self) -> RpBrowser:
        """Open a browser that has never been anywhere."""
        self._opened.append(RpBrowser())
        return self._opened[-1]

    def close(self) -> None:
        """Close all of them."""
        for browser in self._opened:
            browser.close()
