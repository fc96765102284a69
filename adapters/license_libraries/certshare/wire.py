"""The certshare wire, pure: requests to octets, answers to dataclasses.

`POST {"head": {accessId, accessToken}, "data": {…}}` is answered by `{"head": {status, message}, "data": …}`.
Certificate data lies in `data.certData`, sealed for the caller. Its members carry the snake_case names of
GB/T 36903; face fields beyond them lie in `extend_info` under names that begin with `KZ_`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.json_documents import parse_json_object
from adapters.license_libraries.certshare.codes import MEANINGS, HeadStatus
from certs_catalog.ports import Cause, LibraryHolder
from foundation.identifiers import InvalidIdentifier, IssuerForm, parse_e_license_identifier
from foundation.strict_json import MalformedJson, parse_strict_json

_LONGEST_CAUSE = 200
_LONGEST_TEXT = 4_000
_EXTENSION = re.compile(r"KZ_[A-Za-z0-9_]{1,60}", re.ASCII)


class MalformedAnswer(ValueError):
    """The octets are not an answer of this wire; the message repeats nothing of their content."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's head and its undecoded data; `status` may be a code that no list names."""

    status: int
    message: str
    data: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateData:
    """照面 data of one license as the wire carries it; `face` holds every text member by its wire name."""

    identifier: str
    type_code: str
    number: str = field(repr=False)
    status: str
    holders: Sequence[LibraryHolder] = field(repr=False)
    issuer_code: str
    issuer_name: str
    face: Mapping[str, str] = field(repr=False)


def render_request(access_id: str, access_token: str, data: Mapping[str, Any]) -> bytes:
    """Return the octets of one request."""
    document = {"head": {"accessId": access_id, "accessToken": access_token}, "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def render_cause(cause: Cause) -> str:
    """Return `useCause` as the structured JSON of the wire; the free text is cut to 200 characters.

    `certificateCallCategory` is 0 for a call within a matter and 1 outside of one.
    """
    members = {
        "certificateSystemName": cause.system_name,
        "certificateCopyCause": cause.text[:_LONGEST_CAUSE],
        "certificateCallCategory": "0" if cause.matter_code else "1",
        "certificateMatterName": cause.matter_name or "",
        "certificateEventCode": cause.matter_code or "",
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def parse_answer(body: bytes) -> Answer:
    """Return the answer's head and data, or raise MalformedAnswer. A status may come as a number or as
    digits.
    """
    try:
        document = parse_json_object(body)
    except MalformedJson as error:
        raise MalformedAnswer(str(error)) from error
    head = document.get("head")
    if not isinstance(head, dict):
        raise MalformedAnswer("head is missing")
    status = head.get("status")
    if isinstance(status, str) and re.fullmatch(r"[0-9]{1,6}", status, re.ASCII):
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int):
        raise MalformedAnswer("head.status is not a number")
    message = head.get("message")
    return Answer(status, message if isinstance(message, str) else "", document.get("data"))


def describe_status(status: int) -> str:
    """Return the list's meaning of a status. The library's own message is not repeated: it may hold personal
    data.
    """
    try:
        return MEANINGS[HeadStatus(status)]
    except ValueError:
        return "未列出的状态码"


def sealed_certificate_data(answer: Answer) -> str:
    """Return the sealed text of a successful answer, or raise MalformedAnswer."""
    data = answer.data
    sealed = data.get("certData") if isinstance(data, dict) else None
    if not isinstance(sealed, str) or not sealed:
        raise MalformedAnswer("data.certData is missing")
    return sealed


def parse_certificates(plain: bytes) -> list[CertificateData]:
    """Return the licenses in opened certificate data (one object or a list), or raise MalformedAnswer."""
    try:
        document = parse_strict_json(plain)
    except MalformedJson as error:
        raise MalformedAnswer(f"certData: {error}") from error
    entries = document if isinstance(document, list) else [document]
    return [_parse_certificate(entry) for entry in entries]


def _parse_certificate(entry: Any) -> CertificateData:
    if not isinstance(entry, dict):
        raise MalformedAnswer("certData: an entry is not an object")
    face = {name: value for name, value in entry.items() if isinstance(value, str)}
    extension = entry.get("extend_info") or {}
    if not isinstance(extension, dict):
        raise MalformedAnswer("certData: extend_info is not an object")
    for name, value in extension.items():
        if not _EXTENSION.fullmatch(name) or not isinstance(value, str):
            raise MalformedAnswer("certData: extend_info holds something else than texts named KZ_…")
        face[name] = value
    if any(len(value) > _LONGEST_TEXT for value in face.values()):
        raise MalformedAnswer("certData: a text is too long")
    try:
        identifier = parse_e_license_identifier(face.get("certificate_identifier", ""), issuer_form=IssuerForm.LENIENT)
    except InvalidIdentifier as error:
        raise MalformedAnswer("certData: certificate_identifier is not valid") from error
    if face.get("certificate_type_name_code") != identifier.type_code:
        raise MalformedAnswer("certData: type code and identifier disagree")
    return CertificateData(
        identifier=str(identifier),
        type_code=identifier.type_code,
        number=_required(face, "certificate_number"),
        status=_required(face, "status"),
        holders=_holders(face),
        issuer_code=identifier.issuer,
        issuer_name=_required(face, "certificate_issuing_authority_name"),
        face=face,
    )


def _holders(face: Mapping[str, str]) -> tuple[LibraryHolder, ...]:
    """Several holders of one license are joined by `^` in each of the three members."""
    codes = _required(face, "certificate_holder_code").split("^")
    names = _required(face, "certificate_holder_name").split("^")
    types = _required(face, "certificate_holder_type").split("^")
    if len(types) == 1:
        types *= len(codes)
    if not len(codes) == len(names) == len(types):
        raise MalformedAnswer("certData: the holders' codes, names and types differ in number")
    return tuple(LibraryHolder(*holder) for holder in zip(types, codes, names, strict=True))


def _required(face: Mapping[str, str], name: str) -> str:
    value = face.get(name, "")
    if not value:
        raise MalformedAnswer(f"certData: {name} is missing")
    return value
