"""What the provider needs from the outside: somebody who posts sign-out messages to apps, and somebody who fetches what clients publish."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


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
        """Return the HTTP status of the answer; raises `foundation.outbox.NotDelivered` when there is none."""
        ...


class NamedField(Protocol):
    """A field of a license's face, with its labels."""

    @property
    def label_zh(self) -> str: ...
    @property
    def label_en(self) -> str: ...


class NamedLicenseType(Protocol):
    """A license type with its names and its fields by name."""

    @property
    def name_zh(self) -> str: ...
    @property
    def name_en(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, NamedField]: ...


class LicenseTypes(Protocol):
    """The license types that an authorization can be about; memory alone, the same for the life of the process."""

    def find(self, code: str) -> NamedLicenseType | None:
        """Return the type with this 21-character code, None when there is none."""
        ...


class UrlNotFetched(Exception):
    """The document could not be had. `problem` is a short word for the log and the refusal, never the other side's own text."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A complete answer of status 200; `media_type` is bare and in lower case."""

    body: bytes
    media_type: str


class UrlFetcher(Protocol):
    """Fetches documents at addresses that somebody else chose.

    One GET without credentials; no redirects; at most 64 KiB in at most five seconds; only public addresses unless the settings allow
    others, checked on the address that is connected to. Caches nothing. Safe to call from many tasks at once.
    """

    def check_address(self, url: str) -> None:
        """Raise UrlNotFetched for an address that our own rules forbid whatever it resolves to; sends and resolves nothing."""
        ...

    async def fetch(self, url: str, *, accept: str) -> FetchedDocument:
        """Return the document; raises UrlNotFetched, also for another status than 200 or a media type that `accept` does not list.

        `accept` lists media types without parameters, separated by commas.
        """
        ...
