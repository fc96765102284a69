"""A lookup request after parsing: everything in it has the right form, nothing in it is believed yet."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from certs_catalog.vocabulary import Grade
from foundation.ledger.entries import canonical_json
from foundation.values import value_type


@dataclass(frozen=True, slots=True)
class ByHolder:
    """Licenses of one holder; ``code`` is canonical for its type."""

    type: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ByIdentifier:
    """One license by its GB/T 36904 identifier, whose check character agrees."""

    identifier: str = field(repr=False)
    type_code: str


@dataclass(frozen=True, slots=True)
class ByNumber:
    """One license by type and number."""

    type_code: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ByShareCode:
    """A code that the holder gave away."""

    share_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ByPresentation:
    """A license shown by its holder."""

    presentation: str = field(repr=False)


By = ByHolder | ByIdentifier | ByNumber | ByShareCode | ByPresentation


@value_type
class Purpose:
    """Why:

    The matter, the case, optionally the legal basis by its code, and a note of at most 200 characters.
    """

    matter: str
    case: str | None
    legal_basis: str | None
    note: str | None = field(repr=False, default=None)


@value_type
class LookupRequest:
    """One lookup. ``digest`` is the SHA-256 of the body, by which a repetition is recognised and which the
    receipt carries.

    ``fields`` are for masked and full, ``facts`` for verify; ``officer`` is the work number with a
    department's token. ``max_age`` is the oldest acceptable age in seconds, None for the catalogue's.
    """

    by: By
    license_types: tuple[str, ...]
    grade: Grade
    fields: tuple[str, ...]
    facts: Mapping[str, str] = field(repr=False)
    purpose: Purpose
    max_age: int | None
    officer: str | None
    digest: bytes = field(repr=False)

    @property
    def asked_fields(self) -> tuple[str, ...]:
        """The field names the request is about, whatever the grade."""
        return tuple(self.facts) if self.grade is Grade.VERIFY else self.fields


def lookup_request(
    *,
    by: By,
    license_types: Sequence[str],
    grade: Grade,
    purpose: Purpose,
    fields: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    max_age: int | None = None,
    officer: str | None = None,
    digest: bytes | None = None,
) -> LookupRequest:
    """Build a request from checked parts.

    ``digest`` is the SHA-256 of the body as received; the desk page, which has no body, leaves it out and
    it is taken over the canonical JSON of the same content.
    """
    facts = dict(facts or {})
    if digest is None:
        content: dict[str, Any] = {
            "by": [type(by).__name__, *(getattr(by, name) for name in by.__slots__)],
            "license_types": list(license_types),
            "grade": grade.word,
            "fields": list(fields),
            "facts": facts,
            "purpose": [purpose.matter, purpose.case, purpose.legal_basis, purpose.note],
            "max_age": max_age,
        }
        digest = hashlib.sha256(canonical_json(content)).digest()
    return LookupRequest(
        by=by,
        license_types=tuple(license_types),
        grade=grade,
        fields=tuple(fields),
        facts=facts,
        purpose=purpose,
        max_age=max_age,
        officer=officer,
        digest=digest,
    )
