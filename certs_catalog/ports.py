"""What this room needs from outside systems: license libraries above, and the systems that know cases.

Every implementation is safe for concurrent use on one event loop, keeps no state that a caller could see,
and translates whatever its wire does into the errors below within its own deadline (5 s, hard stop 10 s).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from certs_catalog.vocabulary import LicenseStatus


class LibraryError(Exception):
    """Root of everything a license library can fail with.

    ``detail`` is for the log and holds nothing personal.
    """

    def __init__(self, library: str, detail: str) -> None:
        super().__init__(f"{library}: {detail}")
        self.library = library
        self.detail = detail


class LibraryUnavailable(LibraryError):
    """The library could not be reached, its bulkhead is full or its breaker is open."""


class LibraryTimeout(LibraryError):
    """The library did not answer within the deadline."""


class LibraryMalformed(LibraryError):
    """The library answered with something that is not its wire (or is too large to be)."""


class LibraryRefused(LibraryError):
    """The library understood and refused; ``status`` is its own status code (not "none found")."""

    def __init__(self, library: str, status: int, detail: str) -> None:
        super().__init__(library, detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class Cause:
    """用证事由, handed to the library so that its own record names the purpose."""

    text: str  # at most 200 characters
    system_name: str
    matter_code: str | None
    matter_name: str | None
    case_number: str | None
    department_name: str


@dataclass(frozen=True, slots=True)
class LibraryHolder:
    """One holder as a library names it: holder-code type (GB/T 36903 appendix A), number and name."""

    type: str
    code: str = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LibraryLicense:
    """One license as a library returned it.

    ``face`` is keyed by the element names of the wire, in their GB/T 36903 snake_case form
    (``certificate_holder_name``, ``certificate_validate_end``) and ``KZ_…`` for extension fields; the
    catalogue's ``source`` of each face field names the element. Dates are the wire's text. ``as_of`` is
    when the library says that its data was current, or when it answered.
    """

    identifier: str
    type_code: str
    number: str = field(repr=False)
    status: LicenseStatus
    holders: Sequence[LibraryHolder]
    issuer_code: str
    issuer_name: str
    face: Mapping[str, str] = field(repr=False)
    as_of: datetime


class LicenseLibrary(Protocol):
    """One upper license library.

    Both calls are reads without effect above, so a caller may repeat them. "None found" is an empty list or
    ``None``. Raises LibraryUnavailable, LibraryTimeout, LibraryMalformed or LibraryRefused. Never called
    inside a transaction.
    """

    name: str
    display_name_zh: str
    display_name_en: str

    async def find_by_holder(
        self, *, holder_type: str, holder_code: str, license_type: str, cause: Cause
    ) -> list[LibraryLicense]:
        """All live licenses of one type that the library holds for one holder."""

    async def find_by_identifier(self, *, identifier: str, cause: Cause) -> LibraryLicense | None:
        """The license with exactly this GB/T 36904 identifier."""


class MattersUnavailable(Exception):
    """The case system did not answer in time or not in its wire; nothing is known about the case."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the case system says about one case (办件) at this moment.

    ``holder_number`` is the number of the person or organisation the case is about, None when the system
    does not say: then no lookup by holder can be tied to the case.
    """

    number: str
    matter_code: str
    matter_name: str
    department_uscc: str
    open: bool
    holder_type: str | None
    holder_number: str | None = field(repr=False)
    matter_name_en: str = ""


class Matters(Protocol):
    """The case system of the district (事项与办件)."""

    async def find_case(self, number: str) -> CaseFacts | None:
        """The case with this number, or None when there is none. Raises MattersUnavailable."""
