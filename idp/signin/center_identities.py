"""Identities as upper centers report them: brought to canonical form, capped, and carried through a confirmation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foundation.identifiers import (
    InvalidIdentifier,
    canonical_document_number,
    canonical_mobile_number,
    parse_person_name,
)
from idp.people.arrivals import is_usable_subject
from idp.people.levels import UPPER_CENTER, Evidence
from idp.ports import CenterEvidence, CenterIdentity
from idp.signin.beijing import beijing_date
from idp.vocabulary import RealNameLevel


def canonical_identity(
    identity: CenterIdentity, center_name: str, level: RealNameLevel, now: datetime
) -> CenterIdentity | None:
    """Return the identity in canonical form and capped, or None when it names nobody we could know."""
    if identity.center != center_name or not is_usable_subject(identity.subject):
        return None
    try:
        name = parse_person_name(identity.name)
        number = canonical_document_number(identity.document_type, identity.document_number, today=beijing_date(now))
    except InvalidIdentifier:
        return None
    return CenterIdentity(
        center=identity.center,
        subject=identity.subject,
        level=level,
        name=name,
        document_type=identity.document_type,
        document_number=number,
        phone=_phone_or_none(identity.phone),
        evidence=identity.evidence,
    )


def _phone_or_none(text: str | None) -> str | None:
    try:
        return canonical_mobile_number(text) if text else None
    except InvalidIdentifier:
        return None


def evidence_of(identity: CenterIdentity) -> Evidence:
    """Return the evidence that this arrival is: worth the capped level, proved when the center proved it."""
    proof = identity.evidence
    return Evidence(UPPER_CENTER, identity.center, proof.method[:128], identity.level, proof.at)


def identity_to_state(identity: CenterIdentity) -> dict[str, Any]:
    """Return the identity as flow state, which is sealed."""
    return {
        "center": identity.center,
        "subject": identity.subject,
        "level": int(identity.level),
        "name": identity.name,
        "document_type": identity.document_type,
        "document_number": identity.document_number,
        "phone": identity.phone,
        "method": identity.evidence.method,
        "source": identity.evidence.source,
        "at": identity.evidence.at.isoformat(),
    }


def identity_from_state(state: Mapping[str, Any]) -> CenterIdentity:
    """Return the identity that `identity_to_state` put into a flow."""
    return CenterIdentity(
        center=state["center"],
        subject=state["subject"],
        level=RealNameLevel(state["level"]),
        name=state["name"],
        document_type=state["document_type"],
        document_number=state["document_number"],
        phone=state["phone"],
        evidence=CenterEvidence(state["method"], state["source"], datetime.fromisoformat(state["at"])),
    )
