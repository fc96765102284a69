"""The words in which this provider speaks of verified identities, and what its metadata say of them (Identity Assurance §7).

Where the register of predefined values has a word it is used; the trust framework is our own: real-name verification of a natural person
against the population register, an upper identity platform or the document itself.
"""

from typing import Any

from idp.people.levels import IN_PERSON, NAME_AND_NUMBER, PHONE, UPPER_CENTER
from idp.people.user_names import RESIDENT_ID
from idp.vocabulary import RealNameLevel

TRUST_FRAMEWORK = "urn:renzheng:trust-framework:real-name"
ASSURANCE_LEVELS: dict[RealNameLevel, str] = {
    RealNameLevel.BASIC: "basic",
    RealNameLevel.MEDIUM: "medium",
    RealNameLevel.HIGH: "high",
}
VERIFIABLE_CLAIMS = ("name", "document_type", "document_number")
"""What the proofs establish. A phone is confirmed, but it is no part of who somebody is."""

DOCUMENT, ELECTRONIC_RECORD, VOUCH = "document", "electronic_record", "vouch"
CHECK_METHODS: dict[str, str] = {
    NAME_AND_NUMBER: "data",
    PHONE: "token",
    UPPER_CENTER: "auth",
    IN_PERSON: "vpip",
}
"""How each kind of proof was checked: against data, by a code that arrived, by a sign-in elsewhere, by looking at the document."""

DOCUMENT_TYPES: dict[str, str] = {RESIDENT_ID: "idcard", "414": "passport"}
OTHER_DOCUMENT = "travel_permit"
POPULATION_REGISTER, MOBILE_NUMBER = "population_register", "mobile_number"

METADATA: dict[str, Any] = {
    "verified_claims_supported": True,
    "trust_frameworks_supported": [TRUST_FRAMEWORK],
    "claims_in_verified_claims_supported": list(VERIFIABLE_CLAIMS),
    "evidence_supported": [DOCUMENT, ELECTRONIC_RECORD, VOUCH],
    "documents_supported": [*DOCUMENT_TYPES.values(), OTHER_DOCUMENT],
    "documents_check_methods_supported": [CHECK_METHODS[IN_PERSON]],
    "electronic_records_supported": [POPULATION_REGISTER, MOBILE_NUMBER],
}
