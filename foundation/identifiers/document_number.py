"""One spelling for every document number, so that the blind index of a number is the same however it was
typed.

``canonical_document_number`` is the only way a number enters the blind index. 公民身份号码 and USCC are
checked in full; for the other types no public check rule exists, so only their form is held.
"""

import re
import unicodedata
from datetime import date

from foundation.identifiers.errors import IllegalCharacters
from foundation.identifiers.holder_code_types import HolderCodeType, HolderGroup, parse_holder_code_type
from foundation.identifiers.resident_id import parse_resident_id
from foundation.identifiers.social_credit_code import parse_social_credit_code

_LONGEST = 64
# ICAO Doc 9303 gives a passport number nine characters; some states print more.
_PASSPORT = re.compile(r"[0-9A-Z]{5,15}", re.ASCII)
_TAIWAN_PERMIT = re.compile(r"[0-9]{8}|[0-9]{10}[0-9A-Z]{0,2}", re.ASCII)
_HONG_KONG_MACAO_PERMIT = re.compile(r"[HM](?:[0-9]{8}|[0-9]{10})", re.ASCII)
# 军字第1234567号, 武字第1234567号 and the like: Han characters, digits and capitals.
_MILITARY = re.compile(r"[0-9A-Z\u4e00-\u9fff]{4,24}")
_OTHER = re.compile(r"[0-9A-Z][0-9A-Z/-]{2,31}", re.ASCII)


def canonical_document_number(document_type: HolderCodeType | str, number: str, *, today: date) -> str:
    """Return the canonical number of a holder-code type of GB/T 36903 annex A, or raise InvalidIdentifier.

    Outer spaces are dropped and ASCII letters become capitals. Full-width characters are refused rather
    than folded, so that nobody holds two spellings of one number. ``today`` bounds the birth date inside a
    公民身份号码.
    """
    code_type = parse_holder_code_type(document_type)
    text = number.strip(" ")
    if len(text) > _LONGEST:
        raise IllegalCharacters("too long")
    if code_type is HolderCodeType.RESIDENT_ID:
        return parse_resident_id(text, today=today).number
    if code_type is HolderCodeType.SOCIAL_CREDIT_CODE:
        return parse_social_credit_code(text).code
    canonical = _upper_ascii(text)
    if not _form_of(code_type).fullmatch(canonical):
        raise IllegalCharacters(f"the form of document type {code_type.value}")
    return canonical


def _form_of(code_type: HolderCodeType) -> re.Pattern[str]:
    if code_type.group is HolderGroup.OVERSEAS:
        return _PASSPORT
    if code_type.group is HolderGroup.MILITARY:
        return _MILITARY
    if code_type is HolderCodeType.TAIWAN_PERMIT:
        return _TAIWAN_PERMIT
    if code_type is HolderCodeType.HONG_KONG_MACAO_PERMIT:
        return _HONG_KONG_MACAO_PERMIT
    return _OTHER


def _upper_ascii(text: str) -> str:
    # str.upper() would turn ß into SS and dotless ı into I; only ASCII letters have a second spelling here.
    composed = unicodedata.normalize("NFC", text)
    return "".join(character.upper() if character.isascii() else character for character in composed)
