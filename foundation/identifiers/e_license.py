"""电子证照标识 per GB/T 36904 and the 21-character 证照类型代码 inside it.

``1.2.156.3005.2 . type code (21) . issuer (18) . serial . version (3) . check character``

The check character is ISO 7064 MOD 37,36 over type, issuer, serial and version joined without dots; the
root OID is left out. Letters are capitals only: a second spelling of one identifier would be a second
license.
"""

import re
from dataclasses import dataclass
from enum import Enum

from foundation.identifiers.check_characters import mod_37_36_check_character
from foundation.identifiers.errors import IllegalCharacters, WrongCheckCharacter
from foundation.identifiers.social_credit_code import parse_social_credit_code

ROOT_OID = "1.2.156.3005.2"

_TYPE_CODE = re.compile(r"[0-9A-Z]{18}[0-9]{3}", re.ASCII)
_SERIAL = re.compile(r"[0-9A-Z]{1,64}", re.ASCII)
_AREA_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_LONGEST = 200


class IssuerForm(Enum):
    """How the issuer is written: STRICT wants a USCC; LENIENT also takes the six-digit area code that some
    systems use.
    """

    STRICT = "strict"
    LENIENT = "lenient"


@dataclass(frozen=True, slots=True)
class LicenseTypeCode:
    """证照类型代码: the USCC of the defining authority followed by a three-digit sequence number."""

    code: str
    defining_authority: str
    sequence: str


@dataclass(frozen=True, slots=True)
class ELicenseIdentifier:
    """The parts of a valid identifier; ``version`` counts from 1 and is written with three digits."""

    type_code: str
    issuer: str
    serial: str
    version: int

    @property
    def check_character(self) -> str:
        """The MOD 37,36 character over the four parts."""
        return mod_37_36_check_character(f"{self.type_code}{self.issuer}{self.serial}{self.version:03d}")

    def __str__(self) -> str:
        return render_e_license_identifier(self)


def parse_license_type_code(text: str) -> LicenseTypeCode:
    """Return the parts of a 21-character type code, or raise InvalidIdentifier."""
    if not _TYPE_CODE.fullmatch(text):
        raise IllegalCharacters("a license type code is a unified social credit code and three digits")
    return LicenseTypeCode(code=text, defining_authority=parse_social_credit_code(text[:18]).code, sequence=text[18:])


def parse_e_license_identifier(text: str, *, issuer_form: IssuerForm = IssuerForm.STRICT) -> ELicenseIdentifier:
    """Return the parts of an identifier, or raise InvalidIdentifier.

    The check character is compared before the codes inside are looked at: a mistyped character should be
    reported as such.
    """
    if len(text) > _LONGEST or not text.startswith(ROOT_OID + "."):
        raise IllegalCharacters("an e-license identifier begins with the root OID of GB/T 36904")
    parts = text[len(ROOT_OID) + 1 :].split(".")
    if len(parts) != 5:
        raise IllegalCharacters("an e-license identifier has six parts")
    type_code, issuer, serial, version, check_character = parts
    if not _SERIAL.fullmatch(serial) or not re.fullmatch(r"[0-9]{3}", version, re.ASCII) or version == "000":
        raise IllegalCharacters("serial or version")
    if mod_37_36_check_character(type_code + issuer + serial + version) != check_character:
        raise WrongCheckCharacter("GB/T 17710 check character")
    parse_license_type_code(type_code)
    _check_issuer(issuer, issuer_form)
    return ELicenseIdentifier(type_code=type_code, issuer=issuer, serial=serial, version=int(version))


def render_e_license_identifier(identifier: ELicenseIdentifier) -> str:
    """Return the dotted form with its check character; parsing it again gives the same parts."""
    parts = (identifier.type_code, identifier.issuer, identifier.serial, f"{identifier.version:03d}")
    return ".".join((ROOT_OID, *parts, identifier.check_character))


def compose_e_license_identifier(*, type_code: str, issuer: str, serial: str, version: int = 1) -> ELicenseIdentifier:
    """Build a new identifier for an issuer with a USCC; raises InvalidIdentifier when a part is not valid."""
    parse_license_type_code(type_code)
    _check_issuer(issuer, IssuerForm.STRICT)
    if not _SERIAL.fullmatch(serial) or not 1 <= version <= 999:
        raise IllegalCharacters("serial or version")
    return ELicenseIdentifier(type_code=type_code, issuer=issuer, serial=serial, version=version)


def _check_issuer(issuer: str, issuer_form: IssuerForm) -> None:
    if issuer_form is IssuerForm.LENIENT and _AREA_CODE.fullmatch(issuer):
        return
    if parse_social_credit_code(issuer).code != issuer:
        raise IllegalCharacters("the issuer is written in capitals")
