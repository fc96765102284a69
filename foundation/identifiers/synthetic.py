"""Valid numbers that belong to nobody, for demonstrations and tests.

Citizen numbers get a birth year before 1915, so that no living person can hold them; organisation codes
begin with XX in the part that GB 11714 numbers, which no registrar has issued.
"""

from datetime import date

from foundation.identifiers.check_characters import (
    organization_code_check_character,
    resident_id_check_character,
    social_credit_check_character,
)

FIRST_REAL_BIRTH_YEAR = 1915


def synthetic_resident_id(area: str, birth_date: date, sequence: int) -> str:
    """Return a citizen number that checks; an odd ``sequence`` (0 to 999) is male. Refuses birth years from
    1915 on.
    """
    if birth_date.year >= FIRST_REAL_BIRTH_YEAR:
        raise ValueError("a synthetic person is born before 1915")
    if not 0 <= sequence <= 999 or len(area) != 6:
        raise ValueError("area has six digits and sequence lies between 0 and 999")
    body = f"{area}{birth_date:%Y%m%d}{sequence:03d}"
    return body + resident_id_check_character(body)


def synthetic_social_credit_code(area: str, sequence: int, *, registration: str = "91") -> str:
    """Return a USCC that checks; ``registration`` is 91 for enterprises, 11 for public bodies; sequence has
    six digits.
    """
    if not 0 <= sequence <= 999_999 or len(area) != 6 or len(registration) != 2:
        raise ValueError("registration has two characters, area six digits, sequence at most six digits")
    organization = f"XX{sequence:06d}"
    body = f"{registration}{area}{organization}{organization_code_check_character(organization)}"
    return body + social_credit_check_character(body)
