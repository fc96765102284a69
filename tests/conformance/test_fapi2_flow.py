"""Modules of FAPI 2.0 about the flow as a whole: what is announced, what works, codes, PKCE and refresh."""

from datetime import timedelta

from tests.conformance.fapi_checks import check_refused, check_works
from tests.conformance.high_party import HighParty

STRONG_ALGS = {"ES256", "PS256", "EdDSA", "Ed25519"}


def test_fapi2_security_profile_final_discovery_end_point_verification(rp: HighParty) -> None:
    """The metadata announce what the profile needs (FAPI 2.0 Security Profile §5.3.2.1, §5.4; Message Signing §5.3.1, §5.4.1)."""
    metadata = rp.metadata
    assert metadata["issuer"] == rp.op.issuer
    assert metadata["pushed_authorization_request_endpoint"].startswith(rp.op.issuer)
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert {"private_key_jwt", "tls_client_auth"} <= set(metadata["token_endpoint_auth_methods_supported"])
    assert STRONG_ALGS & set(metadata["token_endpoint_auth_signing_alg_values_supported"])
    assert "ES256" in metadata["dpop_signing_alg_values_supported"]
    assert set(metadata["dpop_signing_alg_values_supported"]) <= STRONG_ALGS
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert {"authorization_code", "refresh_token"} <= set(metadata["grant_types_supported"])
    if rp.signs_requests:
        assert "jwt" in metadata["response_modes_supported"]
        assert STRONG_ALGS & set(metadata["request_object_signing_alg_values_supported"])
        assert STRONG_ALGS & set(metadata["authorization_signing_alg_values_supported"])


def test_fapi2_security_profile_final_happy_flow(rp: HighParty) -> None:
    """Push, sign in, redeem with possession proved, use the token (FAPI 2.0 Security Profile §5.3)."""
    signed_in = rp.sign_in(scope="openid profile")
    answer = rp.resource(signed_in.access_token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["sub"] == signed_in.claims["sub"]


def test_fapi2_security_profile_final_user_rejects_authentication(rp: HighParty) -> None:
    """A person who says no is told to the client as access_denied (RFC 6749 §4.1.2.1)."""
    other = rp.beside(same_browser=False)
    other.person = 1
    answer = other.authorize(agree=False, prompt="consent")
    assert answer.error == "access_denied", answer.page.describe()
    assert answer.parameters["state"] == answer.asked.parameters["state"]
    assert answer.parameters["iss"] == rp.op.issuer


def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(rp: HighParty) -> None:
    """PKCE takes the place of `state`; without one none comes back (FAPI 2.0 Security Profile §5.3.2.2)."""
    answer = rp.authorize(state=None)
    assert "state" not in answer.parameters
    check_works(rp, answer)


def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(rp: HighParty) -> None:
    """The nonce may be left out (OpenID Connect Core §3.1.2.1)."""
    assert "nonce" not in rp.sign_in(nonce=None).claims


def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(rp: HighParty) -> None:
    """A nonce of 64 characters comes back whole (FAPI 2.0 Security Profile §5.3.2.2)."""
    rp.sign_in(nonce="n" * 64)


def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(rp: HighParty) -> None:
    """The order of scopes means nothing (RFC 6749 §3.3)."""
    rp.sign_in(scope="profile openid")


def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(rp: HighParty) -> None:
    """A claim that was asked for by name is given (OpenID Connect Core §5.5)."""
    signed_in = rp.sign_in(claims='{"userinfo":{"name":{"essential":true}}}')
    assert rp.resource(signed_in.access_token).json()["name"]


def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(rp: HighParty) -> None:
    """Another client cannot redeem a code (RFC 6749 §4.1.3)."""
    answer = rp.authorize()
    check_refused(rp.beside().redeem(answer), "invalid_grant")


def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(rp: HighParty) -> None:
    """A code that was used is refused, and what it brought ends (RFC 6749 §4.1.2)."""
    signed_in = rp.sign_in()
    with rp.op.later(timedelta(seconds=1)):
        check_refused(rp.redeem(signed_in.answer), "invalid_grant")
        assert rp.resource(signed_in.access_token).status_code == 401


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(rp: HighParty) -> None:
    """A code lives for a minute at most (FAPI 2.0 Security Profile §5.3.2.1)."""
    answer = rp.authorize()
    with rp.op.later(timedelta(seconds=62)):
        check_refused(rp.redeem(answer), "invalid_grant")


def test_fapi2_security_profile_final_refresh_token(rp: HighParty) -> None:
    """A refresh token works for its client with possession proved; it is not rotated (FAPI 2.0 Security Profile §5.3.2.1)."""
    signed_in = rp.sign_in(scope="openid offline_access", prompt="consent")
    form = {"grant_type": "refresh_token", "refresh_token": str(signed_in.tokens["refresh_token"])}
    check_refused(rp.beside().call("token_endpoint", form), "invalid_grant")
    got = rp.call("token_endpoint", form)
    assert got.status_code == 200, got.text
    assert rp.resource(got.json()["access_token"]).status_code == 200
    again = rp.call("token_endpoint", {**form, "refresh_token": got.json().get("refresh_token", form["refresh_token"])})
    assert again.status_code == 200, again.text


def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(rp: HighParty) -> None:
    """A code is not redeemed without its verifier (RFC 7636 §4.6)."""
    check_refused(rp.redeem(rp.authorize(), code_verifier=None), "invalid_grant", "invalid_request")


def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(rp: HighParty) -> None:
    """A code is not redeemed with another verifier (RFC 7636 §4.6)."""
    check_refused(rp.redeem(rp.authorize(), code_verifier="w" * 43), "invalid_grant")
