"""Delivery of logout tokens: one form, posted to an address that a client registered, through the guarded
client.
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from adapters.guarded_http import GuardedHttp

_MAX_ANSWER = 16_384


class HttpLogoutFetcher:
    """Posts forms to registered addresses; a failure of any kind is a `FetchFailed`."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def post_form(self, url: str, fields: Mapping[str, str], timeout: timedelta) -> int:  # noqa: ASYNC109 - the port's name
        """Post the fields and return the answer's status; the body is read and forgotten (Back-Channel
        Logout §2.5).
        """
        fetched = await self._http.fetch(
            "POST",
            url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(fields).encode(),
            deadline=timeout,
            max_bytes=_MAX_ANSWER,
        )
        return fetched.status
