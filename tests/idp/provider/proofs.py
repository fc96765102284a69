"""Proofs of somebody's identity, and what apps ask about them."""

from datetime import timedelta
from typing import Any

from idp.people.levels import IN_PERSON, NAME_AND_NUMBER, PHONE, UPPER_CENTER, Evidence
from idp.vocabulary import RealNameLevel
from tests.idp.provider.world import START
from tests.vectors_of import vector_file

VECTORS = vector_file("verified_claims_schema")
SCHEMA = VECTORS["schema"]
BASIC, MEDIUM, HIGH, NONE = RealNameLevel.BASIC, RealNameLevel.MEDIUM, RealNameLevel.HIGH, RealNameLevel.NONE
REGISTER = Evidence(NAME_AND_NUMBER, "人口信息核验", "txn-7001", BASIC, START - timedelta(days=40))
SMS = Evidence(PHONE, "sms", "", NONE, START - timedelta(days=39))
PROVINCE = Evidence(UPPER_CENTER, "province", "face", HIGH, START - timedelta(days=3))
COUNTER = Evidence(IN_PERSON, "district counter", "", HIGH, START - timedelta(days=2))


def wish(verification: Any = None, **claims: Any) -> dict[str, Any]:
    """Return one element of a request; by default it asks for the name under any framework."""
    return {"verification": {"trust_framework": None, **(verification or {})}, "claims": claims or {"name": None}}
