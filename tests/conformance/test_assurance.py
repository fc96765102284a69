"""Modules of OpenID Connect for Identity Assurance: verified claims in ID token and UserInfo."""

import json
from typing import Any

from tests.conformance.relying_party import RelyingParty, SignedIn

ANY_FRAMEWORK = {"trust_framework": None}
JsonObject = dict[str, Any]


def _sign_in(rp: RelyingParty, *places: str, claims: JsonObject, verification: JsonObject = ANY_FRAMEWORK) -> SignedIn:
    asked = {"verified_claims": {"verification": verification, "claims": claims}}
    return rp.sign_in(claims=json.dumps(dict.fromkeys(places or ("userinfo",), asked)))


def _told(rp: RelyingParty, *, claims: JsonObject, verification: JsonObject = ANY_FRAMEWORK) -> JsonObject | None:
    """Return `verified_claims` of UserInfo after asking there, with everything that every answer has to keep."""
    found = _sign_in(rp, claims=claims, verification=verification).user_claims().get("verified_claims")
    if found is not None:
        _check(rp, found)
        assert set(found["claims"]) <= set(claims)
    members: JsonObject | None = found
    return members


def _check(rp: RelyingParty, found: JsonObject) -> None:
    """The form of an answer (Identity Assurance schema §5): a framework that is announced, and at least one claim."""
    assert found["verification"]["trust_framework"] in rp.metadata["trust_frameworks_supported"]
    assert found["claims"]
    assert set(found["claims"]) <= set(rp.metadata["claims_in_verified_claims_supported"])


def test_ekyc_server_happypath(rp: RelyingParty) -> None:
    """A verified name with the framework under which it was verified; the metadata announce it (Identity Assurance §6.1, §7)."""
    assert rp.metadata["verified_claims_supported"] is True
    found = _told(rp, claims={"name": None})
    assert found is not None
    assert found["claims"]["name"]


def test_ekyc_server_happypath_emptyobject(rp: RelyingParty) -> None:
    """An empty object asks as null does (Identity Assurance §6.1, OpenID Connect Core §5.5.1)."""
    found = _told(rp, claims={"name": {}})
    assert found is not None
    assert found["claims"]["name"]


def test_ekyc_server_happypath_essentialfalse(rp: RelyingParty) -> None:
    """`essential: false` is the default (OpenID Connect Core §5.5.1)."""
    found = _told(rp, claims={"name": {"essential": False}})
    assert found is not None
    assert found["claims"]["name"]


def test_ekyc_server_unknown_claim_omitted(rp: RelyingParty) -> None:
    """A claim that nobody knows is left out (Identity Assurance §6.5.1)."""
    found = _told(rp, claims={"name": None, "unknown_claim_of_this_test": None})
    assert found is not None
    assert set(found["claims"]) == {"name"}


def test_ekyc_server_unknown_essential_claim_omitted(rp: RelyingParty) -> None:
    """A claim that nobody knows is left out, however essential; that is no error (Identity Assurance §6.5.1)."""
    found = _told(rp, claims={"name": None, "unknown_claim_of_this_test": {"essential": True}})
    assert found is not None
    assert set(found["claims"]) == {"name"}


def test_ekyc_server_unknown_claim_specialchars_omitted(rp: RelyingParty) -> None:
    """A name with special characters is a name like any other (Identity Assurance §6.5.1)."""
    found = _told(rp, claims={"name": None, "un-known:claim/\N{THUMBS UP SIGN}'\"<": None})
    assert found is not None
    assert set(found["claims"]) == {"name"}


def test_ekyc_server_one_claim_with_random_value_omitted(rp: RelyingParty) -> None:
    """A claim asked for by a value that it has not is left out (Identity Assurance §6.4, OpenID Connect Core §5.5.1)."""
    found = _told(rp, claims={"name": {"value": "somebody else entirely"}})
    assert found is None or "name" not in found["claims"]


def test_ekyc_server_request_only_in_idtoken(rp: RelyingParty) -> None:
    """What is asked for the ID token stands there and nowhere else (OpenID Connect Core §5.5)."""
    signed_in = _sign_in(rp, "id_token", claims={"name": None})
    _check(rp, signed_in.claims["verified_claims"])
    assert "verified_claims" not in signed_in.user_claims()


def test_ekyc_server_request_only_in_userinfo(rp: RelyingParty) -> None:
    """What is asked for UserInfo stands there and nowhere else (OpenID Connect Core §5.5)."""
    signed_in = _sign_in(rp, "userinfo", claims={"name": None})
    _check(rp, signed_in.user_claims()["verified_claims"])
    assert "verified_claims" not in signed_in.claims


def test_ekyc_server_testuserprovidedrequest(rp: RelyingParty) -> None:
    """A request of a real relying party: framework by value, time, evidence with its method (Identity Assurance §6.2)."""
    framework = rp.metadata["trust_frameworks_supported"][0]
    wanted = {
        "trust_framework": {"value": framework},
        "time": None,
        "evidence": [{"type": {"value": "document"}, "check_details": None}],
    }
    found = _told(rp, claims={"name": {"essential": True}}, verification=wanted)
    assert found is not None
    assert found["verification"]["trust_framework"] == framework
    assert found["verification"]["time"]
    assert {one["type"] for one in found["verification"]["evidence"]} == {"document"}


def test_ekyc_server_testbasedonuserinfo_defaults(rp: RelyingParty) -> None:
    """Everything that the metadata announce can be asked for together (Identity Assurance §7)."""
    found = _told(rp, claims=dict.fromkeys(rp.metadata["claims_in_verified_claims_supported"]))
    assert found is not None
    assert found["claims"]["name"]


def test_ekyc_server_test_userinfo_notfoundinop(rp: RelyingParty) -> None:
    """Under a framework that the provider does not know nothing is verified (Identity Assurance §6.5.2)."""
    wanted = {"trust_framework": {"value": "framework-of-somebody-else"}}
    assert _told(rp, claims={"name": None}, verification=wanted) is None
