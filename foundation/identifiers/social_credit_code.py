"""统一社会信用代码 (USCC) per GB 32100, with the organisation code of GB 11714 inside it."""

import re
from dataclasses import dataclass

from foundation.identifiers.check_characters import (
    ALPHABET_31,
    organization_code_check_character,
    social_credit_check_character,
)
from foundation.identifiers.errors import IllegalCharacters, WrongCheckCharacter

_FORM = re.compile(rf"[{ALPHABET_31}]{{2}}[0-9]{{6}}[{ALPHABET_31}]{{10}}", re.ASCII)
_ORGANIZATION_FORM = re.compile(r"[0-9A-Z]{8}[0-9X]", re.ASCII)


@dataclass(frozen=True, slots=True)
class SocialCreditCode:
    """A valid USCC: registering authority and category (positions 1 and 2), area (3–8), organisation code
    (9–17).
    """

    code: str
    authority: str
    category: str
    area_code: str
    organization_code: str


def parse_social_credit_code(text: str) -> SocialCreditCode:
    """Return the code in capitals, or raise InvalidIdentifier; both check characters, GB 32100 and GB
    11714, must agree.
    """
    code = text.upper() if text.isascii() else text
    if not _FORM.fullmatch(code):
        raise IllegalCharacters("a unified social credit code is eighteen characters without I, O, S, V and Z")
    if social_credit_check_character(code[:17]) != code[17]:
        raise WrongCheckCharacter("GB 32100 check character")
    if organization_code_check_character(code[8:16]) != code[16]:
        raise WrongCheckCharacter("GB 11714 check character inside the unified social credit code")
    return SocialCreditCode(
        code=code, authority=code[0], category=code[1], area_code=code[2:8], organization_code=code[8:17]
    )


def parse_organization_code(text: str) -> str:
    """GB 11714: return the nine characters without hyphen in capitals, or raise InvalidIdentifier."""
    code = text.upper() if text.isascii() else text
    if len(code) == 10 and code[8] == "-":
        code = code[:8] + code[9]
    if not _ORGANIZATION_FORM.fullmatch(code):
        raise IllegalCharacters("an organisation code is eight characters and a check character")
    if organization_code_check_character(code[:8]) != code[8]:
        raise WrongCheckCharacter("GB 11714 check character")
    return code
