"""Delivery of CIBA notifications: one JSON document, posted to an address that a client registered, through the guarded client."""

from datetime import timedelta

from adapters.guarded_http import FetchFailed, GuardedHttp
from foundation.outbox import NotDelivered


class HttpCibaNotifier:
    """Satisfies `CibaNotifier` over HTTP; `http` decides which networks may be reached."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def notify(
        self,
        url: str,
        *,
        bearer: str,
        body: bytes,
        timeout: timedelta,  # noqa: ASYNC109 - the port's parameter; the whole exchange is bounded by it
    ) -> int:
        """See `CibaNotifier.notify`."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
        try:
            fetched = await self._http.fetch("POST", url, headers=headers, body=body, deadline=timeout)
        except FetchFailed as error:
            raise NotDelivered(error.problem) from error
        return fetched.status
