"""Modules about the metadata document."""

import re

from joserfc.jwk import KeySet

from tests.conformance.relying_party import RelyingParty

REQUIRED = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
)
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def test_oidcc_discovery_endpoint_verification(rp: RelyingParty) -> None:
    """The document has every required member, of the right kind, and public keys alone (OpenID Connect Discovery §3, §4.3)."""
    metadata = rp.metadata
    assert not [name for name in REQUIRED if name not in metadata]
    assert metadata["issuer"] == rp.op.issuer
    for name, value in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            assert re.fullmatch(r"https?://[^\s#]+", value), name
        if name.endswith("_supported") and not isinstance(value, bool):
            assert isinstance(value, list), name
            assert value, name
            assert len(set(value)) == len(value), name
    assert "code" in metadata["response_types_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert set(metadata["subject_types_supported"]) <= {"pairwise", "public"}
    assert "none" not in metadata.get("token_endpoint_auth_signing_alg_values_supported", ())
    answer = rp.op.http.get(metadata["jwks_uri"])
    assert answer.status_code == 200
    published = answer.json()["keys"]
    assert len({key["kid"] for key in published}) == len(published)
    assert not [key["kid"] for key in published if _PRIVATE_MEMBERS & set(key)]
    assert all(key.get("use") in (None, "sig", "enc") for key in published)
    assert KeySet.import_key_set(answer.json()).keys
