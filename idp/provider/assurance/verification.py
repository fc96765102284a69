"""Everything that could be told about how a person was verified, in the form of Identity Assurance §5; what is told is chosen elsewhere.

Neither the number of a document nor a phone number is ever part of the evidence: the one is a claim of its own, the other no matter of the
app's.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from idp.people.levels import IN_PERSON, NAME_AND_NUMBER, PHONE, UPPER_CENTER, Evidence, proved_at
from idp.provider.assurance.vocabulary import (
    ASSURANCE_LEVELS,
    CHECK_METHODS,
    DOCUMENT,
    DOCUMENT_TYPES,
    ELECTRONIC_RECORD,
    MOBILE_NUMBER,
    OTHER_DOCUMENT,
    POPULATION_REGISTER,
    TRUST_FRAMEWORK,
    VOUCH,
)
from idp.vocabulary import RealNameLevel


def describe_verification(proofs: Sequence[Evidence], level: RealNameLevel, *, document_type: str) -> dict[str, Any]:
    """Return the complete `verification` element for the proofs, of which there is at least one."""
    return {
        "trust_framework": TRUST_FRAMEWORK,
        "assurance_level": ASSURANCE_LEVELS[level],
        "assurance_process": {"procedure": " ".join(_procedure(proof) for proof in proofs)},
        "time": render_time(proved_at(proofs)),
        "evidence": [_evidence(proof, document_type) for proof in proofs],
    }


def render_time(instant: datetime) -> str:
    """Return the instant in UTC, which tells nothing of where the person was (§9)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Return the instant of a text of this module's; a bare date is its last second (§6.3.2)."""
    if "T" not in text:
        text += "T23:59:59Z"
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _procedure(proof: Evidence) -> str:
    # What an upper center did itself stands in the reference of our proof.
    return f"{proof.method}:{proof.reference}" if proof.method == UPPER_CENTER and proof.reference else proof.method


def _evidence(proof: Evidence, document_type: str) -> dict[str, Any]:
    at = render_time(proof.proved_at)
    check = {"check_method": CHECK_METHODS[proof.method], "organization": proof.source, "time": at}
    if proof.reference and proof.method == NAME_AND_NUMBER:
        check["txn"] = proof.reference
    common: dict[str, Any] = {"check_details": [check], "time": at}
    if proof.method == IN_PERSON:
        details = {"type": DOCUMENT_TYPES.get(document_type, OTHER_DOCUMENT)}
        return {"type": DOCUMENT, **common, "document_details": details}
    if proof.method == UPPER_CENTER:
        attestation = {
            "type": "digital_attestation",
            "date_of_issuance": at.partition("T")[0],
            "voucher": {"organization": proof.source},
        }
        return {"type": VOUCH, **common, "attestation": attestation}
    kind = MOBILE_NUMBER if proof.method == PHONE else POPULATION_REGISTER
    return {"type": ELECTRONIC_RECORD, **common, "record": {"type": kind, "source": {"name": proof.source}}}
