"""What decoupled requests need from the outside: somebody who tells apps, and somebody who tells people."""

from datetime import timedelta
from typing import Protocol


class CibaNotifier(Protocol):
    """Posts one CIBA notification to an address that a client registered (CIBA Core §10.2).

    JSON in the body, the client's own token as Bearer. Never follows redirects, reads at most 64 KiB and keeps none of it, keeps to the
    deadline, and reaches private addresses only where the settings allow it. Delivery is at least once.
    """

    async def notify(
        self,
        url: str,
        *,
        bearer: str,
        body: bytes,
        timeout: timedelta,  # noqa: ASYNC109 - the deadline belongs to the HTTP exchange, not to the task
    ) -> int:
        """Return the HTTP status of the answer; raises `foundation.outbox.NotDelivered` when there is none."""
        ...


class NoticeSender(Protocol):
    """Sends courtesy messages to phones, in the background: what cannot be sent is lost."""

    def send_soon(self, *, phone: str, text: str, template: str) -> None:
        """Begin sending one message."""
        ...
