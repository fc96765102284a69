"""公民身份号码 per GB 11643: eighteen characters of area, birth date, sequence and check character.

Only ASCII digits count: Python's ``\\d``, ``isdigit`` and ``int`` also accept full-width and Arabic digits,
which would give one person several numbers. A lower-case check character is folded. Area codes that were
abolished stay valid, so only the province-level prefix of GB/T 2260 is checked.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from foundation.identifiers.check_characters import resident_id_check_character
from foundation.identifiers.errors import (
    IllegalCharacters,
    ImpossibleBirthDate,
    UnknownAreaCode,
    WrongCheckCharacter,
)

# GB/T 2260 province-level divisions; 71, 81 and 82 are Taiwan, Hong Kong and Macao, 83 is printed on Taiwan
# residence permits.
_PROVINCES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
PROVINCE_PREFIXES = frozenset(_PROVINCES.split())
_FORM = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_EARLIEST_YEAR = 1800


class Sex(StrEnum):
    """Sex as the seventeenth digit tells it: odd is male, even is female."""

    MALE = "male"
    FEMALE = "female"


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A valid citizen number; ``number`` is canonical, with an upper-case check character."""

    number: str
    area_code: str
    birth_date: date
    sex: Sex

    def __repr__(self) -> str:
        # A number in a traceback or a log line would be a leak.
        return "ResidentId(…)"


def parse_resident_id(text: str, *, today: date) -> ResidentId:
    """Return the citizen number, or raise InvalidIdentifier; ``today`` bounds the birth date.

    The checks run from form to meaning: characters, check character (the likeliest typing error), area,
    birth date.
    """
    number = text[:-1] + "X" if text.endswith("x") else text
    if not _FORM.fullmatch(number):
        raise IllegalCharacters("a citizen number is seventeen digits and a check character")
    if resident_id_check_character(number[:17]) != number[17]:
        raise WrongCheckCharacter("GB 11643 check character")
    if number[:2] not in PROVINCE_PREFIXES:
        raise UnknownAreaCode("province prefix")
    return ResidentId(
        number=number,
        area_code=number[:6],
        birth_date=_parse_birth_date(number[6:14], today),
        sex=Sex.MALE if int(number[16]) % 2 else Sex.FEMALE,
    )


def _parse_birth_date(digits: str, today: date) -> date:
    try:
        birth_date = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise ImpossibleBirthDate("no such day") from None
    if birth_date.year < _EARLIEST_YEAR or birth_date > today:
        raise ImpossibleBirthDate("before 1800 or after today")
    return birth_date
