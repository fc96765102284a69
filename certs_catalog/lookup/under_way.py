"""One lookup under way: what every step of it knows."""

from datetime import datetime

from certs_catalog.lookup.request import LookupRequest
from certs_catalog.room import LicenseRoom
from certs_catalog.vocabulary import Caller
from foundation.values import value_type


@value_type
class Lookup:
    """A request, its caller and the instant it is decided for.

    ``request_id`` is the caller's UUID, if it sent one.
    """

    request: LookupRequest
    caller: Caller
    room: LicenseRoom
    request_id: str | None
    now: datetime
