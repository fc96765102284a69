"""Delivery of sign-out messages: one form, posted to an address that a client registered, through the
guarded client.
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from adapters.guarded_http import FetchFailed, GuardedHttp
from foundation.outbox import NotDelivered


class HttpLogoutPoster:
    """Satisfies `LogoutPoster` over HTTP; `http` decides which networks may be reached."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def post_form(
        self,
        url: str,
        fields: Mapping[str, str],
        timeout: timedelta,  # noqa: ASYNC109 - the port's parameter; the whole exchange is bounded by it
    ) -> int:
        """See `LogoutPoster.post_form`."""
        try:
            fetched = await self._http.fetch(
                "POST",
                url,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(fields).encode(),
                deadline=timeout,
            )
        except FetchFailed as error:
            raise NotDelivered(error.problem) from error
        return fetched.status
