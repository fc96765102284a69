"""What the provider needs from the outside: somebody who posts sign-out messages to apps."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol


class LogoutNotDelivered(Exception):
    """The app did not take the message.

    `problem` is a short word for the receipt, never the app's own text.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class LogoutPoster(Protocol):
    """Posts one sign-out message to an address that a client registered.

    Never follows redirects, reads at most 64 KiB, keeps to the deadline, and reaches private addresses only
    where the settings allow it. Delivery is at least once: an app tells a repeated message by its `jti`.
    """

    async def post_form(
        self,
        url: str,
        fields: Mapping[str, str],
        timeout: timedelta,  # noqa: ASYNC109 - the deadline belongs to the HTTP exchange, not to the task
    ) -> int:
        """Return the HTTP status of the answer; raises LogoutNotDelivered when there is none."""
        ...
