"""The wire of the case system, pure: `POST /cases/query {number}` is answered by `{"case": {…} | null}`."""

from collections.abc import Mapping
from typing import Any

from certs_catalog.ports import CaseFacts


class MalformedCase(ValueError):
    """The answer is not readable as a case; the message repeats nothing of it."""


def render_query(number: str) -> dict[str, str]:
    """Return the members of a query; the number travels in the body, never in an address."""
    return {"number": number}


def parse_case(document: Mapping[str, Any], *, asked: str) -> CaseFacts | None:
    """Return the facts of the case that was asked for, None when there is none, or raise MalformedCase."""
    if "case" not in document:
        raise MalformedCase("member case is missing")
    case = document["case"]
    if case is None:
        return None
    if not isinstance(case, dict) or case.get("number") != asked:
        raise MalformedCase("the answer is about another case")
    is_open = case.get("open")
    # Only the JSON value true opens a case: a text such as "false" must not.
    if not isinstance(is_open, bool):
        raise MalformedCase("member open is not true or false")
    return CaseFacts(
        number=asked,
        matter_code=_text(case, "matterCode"),
        matter_name=_text(case, "matterName"),
        department_uscc=_text(case, "departmentCode"),
        open=is_open,
        holder_type=_optional(case, "holderType"),
        holder_number=_optional(case, "holderNumber"),
        matter_name_en=_optional(case, "matterNameEn") or "",
    )


def _text(case: Mapping[str, Any], member: str) -> str:
    value = case.get(member)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise MalformedCase(f"member {member} is missing")
    return value


def _optional(case: Mapping[str, Any], member: str) -> str | None:
    return None if case.get(member) is None else _text(case, member)
