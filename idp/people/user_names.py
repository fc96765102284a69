"""User names and what else a person may type into the sign-in form, in one canonical spelling each.

Only Han characters, ASCII letters, digits, `_` and `-` make a user name, after NFKC and case folding: a look-alike from another
script cannot exist, so it needs no table (UTS #39 addresses what a mixed alphabet would bring).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

from foundation.identifiers import InvalidIdentifier, canonical_document_number, canonical_mobile_number

_FORM = re.compile("[0-9a-z_\\-\u3400-\u4dbf\u4e00-\u9fff]{4,32}")
_LONGEST_LOGIN = 256
RESIDENT_ID = "111"


@dataclass(frozen=True, slots=True)
class LoginName:
    """What somebody typed to say who they are; `canonical` is the same for every spelling of one name, number or phone."""

    kind: Literal["user_name", "phone", "document", "unknown"]
    canonical: str


def canonical_user_name(text: str) -> str | None:
    """Return the canonical user name, or None when the text cannot be one."""
    folded = unicodedata.normalize("NFKC", text.strip()).casefold()
    if not _FORM.fullmatch(folded) or re.fullmatch("[0-9_-]+", folded, re.ASCII):
        return None
    return folded


def parse_login_name(text: str, *, today: date) -> LoginName:
    """Tell a phone, a 公民身份号码 and a user name apart; anything else is `unknown` and still has one spelling to count by."""
    text = text[:_LONGEST_LOGIN]
    try:
        return LoginName("phone", canonical_mobile_number(text))
    except InvalidIdentifier:
        pass
    narrow = unicodedata.normalize("NFKC", text).replace(" ", "")
    try:
        return LoginName("document", canonical_document_number(RESIDENT_ID, narrow, today=today))
    except InvalidIdentifier:
        pass
    user_name = canonical_user_name(text)
    if user_name is not None:
        return LoginName("user_name", user_name)
    cleaned = narrow.casefold().encode("utf-8", "replace").decode("utf-8")
    return LoginName("unknown", cleaned)
