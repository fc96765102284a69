"""From octets to a ``LookupRequest``: strict, complete, and naming every wrong member at once.

Unknown members are refused rather than ignored, because an ignored ``feilds`` would disclose less than
meant, and an ignored ``grdae`` perhaps more. Numbers are JSON integers, never text; identifiers are checked
by their own standards.
"""

import hashlib
import re
from datetime import date
from typing import Any

from certs_catalog.catalog import FIELD_NAME
from certs_catalog.errors import InvalidLookup
from certs_catalog.limits import LookupLimits
from certs_catalog.lookup.members import MemberReader
from certs_catalog.lookup.request import (
    By,
    ByHolder,
    ByIdentifier,
    ByNumber,
    ByPresentation,
    ByShareCode,
    LookupRequest,
    Purpose,
    lookup_request,
)
from certs_catalog.reasons import request_form
from certs_catalog.vocabulary import GRADES, Grade
from foundation.identifiers import (
    InvalidIdentifier,
    IssuerForm,
    canonical_document_number,
    parse_e_license_identifier,
)
from foundation.strict_json import MalformedJson, parse_strict_json

MOST_TYPES = 10
MOST_FIELDS = 50
LONGEST_AGE = 31_536_000  # one year in seconds
_TYPE_CODE = re.compile(r"[0-9A-Z]{21}", re.ASCII)
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:@/-]{0,63}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def parse_lookup(body: bytes, *, limits: LookupLimits, today: date) -> LookupRequest:
    """Parse one request body, or raise InvalidLookup.

    The error names a reason of 421xx and a pointer for every wrong member. ``today`` bounds birth dates inside
    document numbers. Not checked here: whether anything exists or is allowed.
    """
    if len(body) > limits.body_octets:
        raise InvalidLookup(request_form.BODY_TOO_LARGE)
    try:
        document = parse_strict_json(body, max_depth=limits.json_depth)
    except MalformedJson:
        raise InvalidLookup(request_form.BODY_UNREADABLE) from None
    reader = MemberReader()
    request = _read(reader, document, today, limits, hashlib.sha256(body).digest())
    if request is None or reader.problems:
        raise InvalidLookup(request_form.MEMBERS_INVALID, reader.problems)
    return request


_MEMBERS = frozenset({"by", "license_types", "grade", "fields", "facts", "purpose", "max_age", "officer"})
_BY_MEMBERS = frozenset({"holder", "identifier", "type", "number", "share_code", "second_factor", "presentation"})
_PURPOSE_MEMBERS = frozenset({"matter", "case", "legal_basis", "note"})


def _read(
    reader: MemberReader, document: Any, today: date, limits: LookupLimits, digest: bytes
) -> LookupRequest | None:
    members = reader.members(document, "", _MEMBERS)
    if members is None:
        return None
    by = _read_by(reader, members.get("by"), today, limits)
    types = reader.words(members.get("license_types"), "/license_types", _is_type_code, MOST_TYPES)
    types = _agreed_types(reader, by, types, given=members.get("license_types") is not None)
    grade_word = reader.text(members.get("grade"), "/grade", GRADES.__contains__)
    grade = GRADES[grade_word] if grade_word is not None else None
    fields = reader.words(members.get("fields"), "/fields", _is_field, MOST_FIELDS)
    facts = _read_facts(reader, members.get("facts"))
    if grade is not None:
        _check_content(reader, grade, members)
    purpose = _read_purpose(reader, members.get("purpose"))
    max_age = _read_age(reader, members.get("max_age"))
    officer = reader.text(members.get("officer"), "/officer", _is_word, required=False)
    if by is None or grade is None or purpose is None or reader.problems:
        return None
    return lookup_request(
        by=by,
        license_types=types,
        grade=grade,
        fields=fields,
        facts=facts,
        purpose=purpose,
        max_age=max_age,
        officer=officer,
        digest=digest,
    )


def _read_by(reader: MemberReader, value: Any, today: date, limits: LookupLimits) -> By | None:
    members = reader.members(value, "/by", _BY_MEMBERS)
    if members is None:
        return None
    given = frozenset(members)
    if given == {"holder"}:
        return _read_holder(reader, members["holder"], today)
    if given == {"identifier"}:
        return _read_identifier(reader, members["identifier"], limits)
    if given == {"type", "number"}:
        type_code = reader.text(members["type"], "/by/type", _is_type_code)
        number = reader.text(members["number"], "/by/number", lambda text: _is_line(text, 128))
        return ByNumber(type_code, number) if type_code is not None and number is not None else None
    if given in ({"share_code"}, {"share_code", "second_factor"}):
        code = reader.text(members["share_code"], "/by/share_code", lambda text: _is_line(text, 128))
        return ByShareCode(code) if code is not None else None
    if given == {"presentation"}:
        shown = reader.text(members["presentation"], "/by/presentation", lambda text: _is_line(text, 4096))
        return ByPresentation(shown) if shown is not None else None
    reader.note("/by", "choice")
    return None


def _read_holder(reader: MemberReader, value: Any, today: date) -> ByHolder | None:
    members = reader.members(value, "/by/holder", frozenset({"type", "code"}))
    if members is None:
        return None
    type_code = reader.text(members.get("type"), "/by/holder/type", lambda text: _is_line(text, 3))
    code = reader.text(members.get("code"), "/by/holder/code", lambda text: _is_line(text, 64))
    if type_code is None or code is None:
        return None
    try:
        return ByHolder(type_code, canonical_document_number(type_code, code, today=today))
    except InvalidIdentifier as wrong:
        reader.note("/by/holder/type" if wrong.code == "41005" else "/by/holder/code", "form")
        return None


def _read_identifier(reader: MemberReader, value: Any, limits: LookupLimits) -> ByIdentifier | None:
    text = reader.text(value, "/by/identifier", lambda text: _is_line(text, 128))
    if text is None:
        return None
    form = IssuerForm.STRICT if limits.issuer_mode == "strict" else IssuerForm.LENIENT
    try:
        return ByIdentifier(text, parse_e_license_identifier(text, issuer_form=form).type_code)
    except InvalidIdentifier:
        reader.note("/by/identifier", "form")
        return None


def _agreed_types(reader: MemberReader, by: By | None, types: tuple[str, ...], *, given: bool) -> tuple[str, ...]:
    """A way of asking that names its type needs no list; a list beside it has to say the same."""
    if isinstance(by, ByIdentifier | ByNumber):
        if given and types != (by.type_code,):
            reader.note("/license_types", "conflict")
        return (by.type_code,)
    if isinstance(by, ByHolder) and not given:
        reader.note("/license_types", "missing")
    return types


def _read_facts(reader: MemberReader, value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        reader.note("/facts", "type")
        return {}
    if not 1 <= len(value) <= MOST_FIELDS:
        reader.note("/facts", "form")
        return {}
    facts = {}
    for name, stated in value.items():
        if not FIELD_NAME.fullmatch(name):
            reader.note("/facts", "unknown")
            continue
        text = reader.text(stated, f"/facts/{name}", lambda text: _is_line(text, 500))
        if text is not None:
            facts[name] = text
    return facts


def _check_content(reader: MemberReader, grade: Grade, members: dict[str, Any]) -> None:
    """``facts`` belong to verify, ``fields`` to masked and full.

    The wrong one is refused rather than ignored.
    """
    wanted, other = ("facts", "fields") if grade is Grade.VERIFY else ("fields", "facts")
    if members.get(wanted) is None and grade is not Grade.ORIGINAL:
        reader.note(f"/{wanted}", "missing")
    if members.get(other) is not None:
        reader.note(f"/{other}", "conflict")


def _read_purpose(reader: MemberReader, value: Any) -> Purpose | None:
    members = reader.members(value, "/purpose", _PURPOSE_MEMBERS)
    if members is None:
        return None
    matter = reader.text(members.get("matter"), "/purpose/matter", _is_word)
    case = reader.text(members.get("case"), "/purpose/case", _is_word, required=False)
    basis = reader.text(members.get("legal_basis"), "/purpose/legal_basis", _is_word, required=False)
    note = reader.text(members.get("note"), "/purpose/note", lambda text: _is_line(text, 200), required=False)
    return None if matter is None else Purpose(matter, case, basis, note)


def _read_age(reader: MemberReader, value: Any) -> int | None:
    if value is None:
        return None
    # bool is an int in Python, not in JSON.
    if not isinstance(value, int) or isinstance(value, bool):
        reader.note("/max_age", "type")
        return None
    if not 0 <= value <= LONGEST_AGE:
        reader.note("/max_age", "form")
        return None
    return value


def _is_type_code(text: str) -> bool:
    return _TYPE_CODE.fullmatch(text) is not None


def _is_field(text: str) -> bool:
    return FIELD_NAME.fullmatch(text) is not None


def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


def _is_line(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and not _CONTROL.search(text) and bool(text.strip())
