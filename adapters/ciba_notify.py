"""Delivery of CIBA notifications: one JSON document, posted to an address that a client registered, through the guarded client."""

from datetime import timedelta

from adapters.guarded_http import (
    FetchFailed,
    FetchNotConnected,
    FetchRefused,
    FetchTimedOut,
    FetchTooLarge,
    GuardedHttp,
)
from idp.provider.decoupled.ports import NotificationNotDelivered

# What the record says; the exception's own text may hold a host name.
_PROBLEMS: tuple[tuple[type[FetchFailed], str], ...] = (
    (FetchRefused, "address not allowed"),
    (FetchNotConnected, "no connection"),
    (FetchTimedOut, "timed out"),
    (FetchTooLarge, "answer too large"),
)


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
            problem = next((word for kind, word in _PROBLEMS if isinstance(error, kind)), "broken answer")
            raise NotificationNotDelivered(problem) from error
        return fetched.status
