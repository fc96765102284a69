"""The rules of identity assurance by themselves: what a level rests on, what of it is told, and when nothing is."""

import json
from datetime import timedelta
from typing import Any

import pytest

from idp.people.levels import UPPER_CENTER, Evidence, proofs_of_level
from idp.provider.assurance.selection import select_verified_claims
from idp.provider.assurance.verification import describe_verification
from idp.provider.assurance.vocabulary import TRUST_FRAMEWORK
from idp.vocabulary import RealNameLevel
from tests.idp.provider.json_schema import faults
from tests.idp.provider.proofs import BASIC, COUNTER, HIGH, MEDIUM, PROVINCE, REGISTER, SCHEMA, SMS, VECTORS, wish
from tests.idp.provider.world import START, ZHANG

MEDIUM_PROOF = describe_verification((REGISTER, SMS), MEDIUM, document_type="111")
FACTS = {"name": "张知明", "document_type": "111", "document_number": ZHANG}

# What the wish says of `verification`, and whether the element is given for the person with register and phone.
RESTRICTIONS: dict[str, tuple[dict[str, Any], bool]] = {
    "our framework": ({"trust_framework": {"value": TRUST_FRAMEWORK}}, True),
    "one of several frameworks": ({"trust_framework": {"values": ["eidas", TRUST_FRAMEWORK]}}, True),
    "another framework": ({"trust_framework": {"value": "eidas"}}, False),
    "none of several frameworks": ({"trust_framework": {"values": ["eidas", "de_aml"]}}, False),
    "framework by empty object": ({"trust_framework": {}}, True),
    "the level there is": ({"assurance_level": {"value": "medium"}}, True),
    "a higher level": ({"assurance_level": {"value": "high"}}, False),
    "young enough": ({"time": {"max_age": 40 * 86_400}}, True),
    "exactly as old": ({"time": {"max_age": 39 * 86_400}}, True),
    "a second too old": ({"time": {"max_age": 39 * 86_400 - 1}}, False),
    "age of what has none": ({"assurance_level": {"max_age": 10}}, False),
    "evidence of the kind": ({"evidence": [{"type": {"value": "electronic_record"}}]}, True),
    "evidence of another kind": ({"evidence": [{"type": {"value": "document"}}]}, False),
    "evidence of either kind": (
        {"evidence": [{"type": {"value": "document"}}, {"type": {"value": "electronic_record"}}]},
        True,
    ),
    "record of the kind": (
        {"evidence": [{"type": {"value": "electronic_record"}, "record": {"type": {"value": "mobile_number"}}}]},
        True,
    ),
    "record of another kind": (
        {"evidence": [{"type": {"value": "electronic_record"}, "record": {"type": {"value": "bank_account"}}}]},
        False,
    ),
    "the check method": (
        {
            "evidence": [
                {"type": {"value": "electronic_record"}, "check_details": [{"check_method": {"value": "data"}}]}
            ]
        },
        True,
    ),
    "another check method": (
        {
            "evidence": [
                {"type": {"value": "electronic_record"}, "check_details": [{"check_method": {"value": "vpip"}}]}
            ]
        },
        False,
    ),
    "unknown element": ({"favourite": None}, True),
    "restriction on an unknown element": ({"favourite": {"value": "blue"}}, False),
    "restriction deep in an unknown element": ({"favourite": [{"of": {"values": ["blue"]}}]}, False),
    "evidence that is no list": ({"evidence": {"type": {"value": "document"}}}, False),
    "level that is a list": ({"assurance_level": ["medium"]}, False),
}


@pytest.mark.parametrize(("asked", "given"), RESTRICTIONS.values(), ids=RESTRICTIONS.keys())
def test_restrictions_on_the_verification(asked: dict[str, Any], given: bool) -> None:
    """§6.5.3: one that is not met takes the whole element away, and none is ever ignored."""
    found = select_verified_claims(wish(asked), verification=MEDIUM_PROOF, claims=FACTS, now=START)
    assert (found is not None) is given
    if found is not None:
        assert faults(found, SCHEMA) == []


CLAIM_RESTRICTIONS: dict[str, tuple[dict[str, Any], set[str] | None]] = {
    "the value there is": ({"name": {"value": "张知明"}}, {"name"}),
    "another value": ({"name": {"value": "random-7f3a"}}, None),
    "another value beside a sound wish": ({"name": {"value": "random"}, "document_type": {}}, {"document_type"}),
    "among values": ({"name": {"values": ["李晓禾", "张知明"]}}, {"name"}),
    "not essential": ({"name": {"essential": False}}, {"name"}),
    "empty object": ({"name": {}}, {"name"}),
    "unknown beside known": ({"name": None, "favourite": {"essential": True}}, {"name"}),
}


@pytest.mark.parametrize(("asked", "given"), CLAIM_RESTRICTIONS.values(), ids=CLAIM_RESTRICTIONS.keys())
def test_restrictions_on_claims(asked: dict[str, Any], given: set[str] | None) -> None:
    """§6.5.3, §6.5.4: only the claim is left out; without any claim the element would not be valid, so it goes too."""
    found = select_verified_claims(wish(**asked), verification=MEDIUM_PROOF, claims=FACTS, now=START)
    assert (None if found is None else set(found["claims"])) == given


def test_evidence_is_shaped_by_the_template_that_fits() -> None:
    """Of each proof that fits exactly the named members are told, and those without which it would not be valid."""
    asked = {
        "evidence": [{"type": {"value": "electronic_record"}, "record": {"type": {"value": "population_register"}}}]
    }
    found = select_verified_claims(wish(asked), verification=MEDIUM_PROOF, claims=FACTS, now=START)
    assert found is not None
    assert found["verification"]["evidence"] == [
        {"type": "electronic_record", "record": {"type": "population_register"}}
    ]


@pytest.mark.parametrize("document_type", ["111", "414", "516"])
@pytest.mark.parametrize("proofs", [(REGISTER, SMS), (REGISTER,), (PROVINCE,), (COUNTER,)])
def test_every_kind_of_proof_is_told_in_the_form_of_the_specification(
    proofs: tuple[Evidence, ...], document_type: str
) -> None:
    """And without the number of the document or a phone number."""
    level = max(HIGH if proof.level is HIGH else BASIC for proof in proofs)
    verification = describe_verification(proofs, level, document_type=document_type)
    assert faults({"verification": verification, "claims": FACTS}, SCHEMA) == []
    assert ZHANG not in json.dumps(verification)


@pytest.mark.parametrize("document", VECTORS["refused"])
def test_schema_refuses_what_is_not_valid(document: Any) -> None:
    """The yardstick itself is checked."""
    assert faults(document, SCHEMA) != []


PROOFS: dict[str, tuple[tuple[Evidence, ...], RealNameLevel, tuple[Evidence, ...]]] = {
    "name and number make the lowest": ((REGISTER,), BASIC, (REGISTER,)),
    "a phone beside it makes the next": ((REGISTER, SMS), MEDIUM, (REGISTER, SMS)),
    "a counter stands alone": ((REGISTER, SMS, COUNTER), HIGH, (COUNTER,)),
    "the youngest that suffices": ((PROVINCE, COUNTER), HIGH, (COUNTER,)),
    "a level that nothing carries": ((REGISTER,), HIGH, ()),
    "an expired proof": (
        (Evidence(UPPER_CENTER, "city", "", HIGH, START - timedelta(days=9), START - timedelta(days=1)),),
        HIGH,
        (),
    ),
    "nothing at all": ((), BASIC, ()),
}


@pytest.mark.parametrize(("evidence", "level", "expected"), PROOFS.values(), ids=PROOFS.keys())
def test_proofs_by_which_a_level_is_reached(
    evidence: tuple[Evidence, ...], level: RealNameLevel, expected: tuple[Evidence, ...]
) -> None:
    """What is told as evidence is what the level rests on, and nothing that merely lies beside it."""
    assert proofs_of_level(evidence, level, now=START) == expected
