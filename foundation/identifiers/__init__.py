"""Chinese identifiers and their check characters: pure parsing, no I/O, no clock.

Every parser raises a subclass of InvalidIdentifier, whose texts never repeat the value.
"""

from foundation.identifiers.document_number import canonical_document_number
from foundation.identifiers.e_license import (
    ELicenseIdentifier,
    IssuerForm,
    LicenseTypeCode,
    compose_e_license_identifier,
    parse_e_license_identifier,
    parse_license_type_code,
    render_e_license_identifier,
)
from foundation.identifiers.errors import InvalidIdentifier
from foundation.identifiers.holder_code_types import HolderCodeType, HolderGroup, parse_holder_code_type
from foundation.identifiers.person_name import name_matching_key, parse_person_name
from foundation.identifiers.phone_number import canonical_mobile_number
from foundation.identifiers.resident_id import ResidentId, Sex, parse_resident_id
from foundation.identifiers.social_credit_code import (
    SocialCreditCode,
    parse_organization_code,
    parse_social_credit_code,
)

__all__ = [
    "ELicenseIdentifier",
    "HolderCodeType",
    "HolderGroup",
    "InvalidIdentifier",
    "IssuerForm",
    "LicenseTypeCode",
    "ResidentId",
    "Sex",
    "SocialCreditCode",
    "canonical_document_number",
    "canonical_mobile_number",
    "compose_e_license_identifier",
    "name_matching_key",
    "parse_e_license_identifier",
    "parse_holder_code_type",
    "parse_license_type_code",
    "parse_organization_code",
    "parse_person_name",
    "parse_resident_id",
    "parse_social_credit_code",
    "render_e_license_identifier",
]
