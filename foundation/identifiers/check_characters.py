"""The check-character systems of Chinese identifiers, as plain functions over ASCII strings.

Each function takes the body without its check character and returns that character. A character outside the
alphabet of the system raises IllegalCharacters. The four systems detect every single wrong character, with
one exception: GB 11714 reduces 36 values modulo 11 and therefore detects every wrong digit but not every
wrong letter.
"""

from foundation.identifiers.errors import IllegalCharacters

ALPHABET_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABET_31 = "0123456789ABCDEFGHJKLMNPQRTUWXY"

_VALUES_36 = {character: value for value, character in enumerate(ALPHABET_36)}
_VALUES_31 = {character: value for value, character in enumerate(ALPHABET_31)}
_VALUES_10 = {character: value for value, character in enumerate("0123456789")}

_MOD_11_2_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MOD_11_2_CHARACTERS = "10X98765432"
_MOD_31_3_WEIGHTS = tuple(pow(3, position, 31) for position in range(17))
_GB_11714_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def resident_id_check_character(body: str) -> str:
    """GB 11643 (ISO 7064 MOD 11-2): the eighteenth character of a citizen number from its first seventeen
    digits.
    """
    return _MOD_11_2_CHARACTERS[_weighted_sum(body, _VALUES_10, _MOD_11_2_WEIGHTS) % 11]


def social_credit_check_character(body: str) -> str:
    """GB 32100 (MOD 31-3): the eighteenth character of a unified social credit code from its first
    seventeen.
    """
    return ALPHABET_31[(31 - _weighted_sum(body, _VALUES_31, _MOD_31_3_WEIGHTS) % 31) % 31]


def organization_code_check_character(body: str) -> str:
    """GB 11714: the ninth character of an organisation code from its first eight; ten is written X and
    eleven 0.
    """
    remainder = 11 - _weighted_sum(body, _VALUES_36, _GB_11714_WEIGHTS) % 11
    return {10: "X", 11: "0"}.get(remainder, str(remainder))


def mod_37_36_check_character(body: str) -> str:
    """GB/T 17710 (ISO 7064 hybrid MOD 37,36): check character of a GB/T 36904 identifier."""
    product = 36
    for character in body:
        if (value := _VALUES_36.get(character)) is None:
            raise IllegalCharacters("a character outside 0-9 A-Z")
        product = ((product + value) % 36 or 36) * 2 % 37
    return ALPHABET_36[(37 - product) % 36]


def _weighted_sum(body: str, values: dict[str, int], weights: tuple[int, ...]) -> int:
    if len(body) != len(weights):
        raise IllegalCharacters(f"the body has {len(body)} characters, expected {len(weights)}")
    try:
        return sum(values[character] * weight for character, weight in zip(body, weights, strict=True))
    except KeyError:
        raise IllegalCharacters("a character outside the alphabet") from None
