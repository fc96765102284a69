"""One lookup under way: what every step of it knows."""

from dataclasses import dataclass
from datetime import datetime

from certs_catalog.lookup.request import LookupRequest
from certs_catalog.room import LicenseRoom
from certs_catalog.vocabulary import Caller


@dataclass(frozen=True, slots=True)
class Lookup:
    """A request, its caller and the instant it is decided for.

    ``request_id`` is the caller's UUID, if it sent one.
    """

    request: LookupRequest
    caller: Caller
    room: LicenseRoom
    request_id: str | None
    now: datetime
