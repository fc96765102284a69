"""The proofing wire, pure: `POST /checks` with two factors is answered by `{"result", "reference", "method",
"source"}`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from idp.ports import ProofingResult


class MalformedVerdict(ValueError):
    """The answer is no verdict; the message repeats nothing of it."""


def render_check(*, name: str, document_type: str, document_number: str) -> dict[str, Any]:
    """Return the members of a two-factor check (name and number)."""
    return {
        "factors": ["name", "document_number"],
        "name": name,
        "documentType": document_type,
        "documentNumber": document_number,
    }


def parse_verdict(document: Mapping[str, Any], *, now: datetime) -> ProofingResult:
    """Return the verdict, or raise MalformedVerdict.

    `agreed` is the only yes. `differs` and `unknown` are both no: which of them it was must not be told
    onward, for it would tell whether a number exists.
    """
    verdict = document.get("result")
    if verdict not in ("agreed", "differs", "unknown"):
        raise MalformedVerdict("result is not a listed word")
    texts = [document.get(member) for member in ("method", "source", "reference")]
    if not all(isinstance(text, str) and 0 < len(text) <= 128 for text in texts):
        raise MalformedVerdict("method, source or reference is missing")
    method, source, reference = (str(text) for text in texts)
    return ProofingResult(verdict == "agreed", method, source, reference, now)
