"""Errors of this room: raising one means that nothing happened and nothing was recorded.

    RenzhengError
      CatalogInvalid · LicenseInvalid · GrantInvalid · InvalidLookup · StatusChangeImpossible

Refusals of a lookup are not errors: they are returned and on record (see ``certs_catalog.lookup.outcomes``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from certs_catalog.reasons import request_form
from foundation.problems import ErrorCode, RenzhengError


@dataclass(frozen=True, slots=True)
class MemberProblem:
    """One wrong member of a request: an RFC 6901 pointer, a stable word, and the texts."""

    pointer: str
    code: str
    detail_zh: str
    detail_en: str


class CatalogInvalid(RenzhengError):
    """A catalogue file is malformed or contradicts the registered pairs of code and name.

    The text names the code.
    """

    error_code = request_form.CATALOG_INVALID


class LicenseInvalid(RenzhengError):
    """License data fails a check on write; the text names the rule and never a number or a name."""

    error_code = request_form.LICENSE_INVALID


class GrantInvalid(RenzhengError):
    """A grant's content fails its checks; the text lists every finding."""

    error_code = request_form.GRANT_INVALID


class StatusChangeImpossible(RenzhengError):
    """A license cannot make the requested transition."""

    error_code = request_form.STATUS_CHANGE_IMPOSSIBLE


class InvalidLookup(RenzhengError):
    """A lookup body cannot be read.

    ``reason`` is one of the 421xx codes and ``errors`` point at the members.
    """

    error_code = request_form.MEMBERS_INVALID

    def __init__(self, reason: ErrorCode, errors: Sequence[MemberProblem] = ()) -> None:
        super().__init__(detail=",".join(f"{entry.pointer}:{entry.code}" for entry in errors))
        self.reason = reason
        self.code = reason.code
        self.status = reason.status
        self.description = reason.cause_zh
        self.description_en = reason.cause_en
        self.errors = tuple(errors)
