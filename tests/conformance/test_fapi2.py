"""Modules of FAPI 2.0 Security Profile and Message Signing: both client authentications, both sender constraints."""

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2

from tests.conformance.high_party import HighParty
from tests.conformance.registrations import new_rsa_key, new_signing_key
from tests.conformance.relying_party import Answer
from tests.conformance.request_objects import unsigned_jwt

MINUTE = 60
STRONG_ALGS = {"ES256", "PS256", "EdDSA", "Ed25519"}


def _check_refused(answer: httpx2.Response, *errors: str) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"] in errors, answer.text


def _check_stopped(rp: HighParty, answer: Answer, *errors: str) -> None:
    """An authorization is refused, on the provider's own page or by an error to the client."""
    assert "code" not in answer.parameters
    if answer.mode is None:
        assert rp.op.is_error_page(answer.page), answer.page.describe()
    else:
        assert answer.error in errors, dict(answer.parameters)


def _check_works(rp: HighParty, answer: Answer) -> dict[str, Any]:
    tokens = rp.tokens(answer)
    assert rp.resource(tokens["access_token"]).status_code == 200
    return tokens


def _check_request_object_refused(rp: HighParty, changes: dict[str, Any]) -> None:
    asked = rp.ask()
    refused = rp.push(asked, request_object=rp.request_object(asked, changes))
    _check_refused(refused, "invalid_request_object", "invalid_request")


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


def test_fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(rp: HighParty) -> None:
    """The issuer may stand among several audiences of a request object (RFC 9101 §4, RFC 7519 §4.1.3)."""
    asked = rp.ask()
    signed = rp.request_object(asked, {"aud": ["https://other.test", rp.op.issuer]})
    _check_works(rp, rp.bring(asked, rp.pushed(asked, request_object=signed)))


def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(rp: HighParty) -> None:
    """PKCE takes the place of `state`; without one none comes back (FAPI 2.0 Security Profile §5.3.2.2)."""
    answer = rp.authorize(state=None)
    assert "state" not in answer.parameters
    _check_works(rp, answer)


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


def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(rp: HighParty) -> None:
    """The scheme's name may be written in any case (RFC 9110 §11.1)."""
    token = rp.sign_in().access_token
    for scheme in ("dpop", "DPOP") if rp.uses_dpop else ("bearer", "BEARER"):
        assert rp.resource(token, scheme=scheme).status_code == 200


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    rp: HighParty,
) -> None:
    """A client's clock may be some seconds ahead (FAPI 2.0 Security Profile §5.3.2.1, note on clocks)."""
    asked = rp.ask()
    signed = rp.request_object(asked, {"nbf": rp.instant(8), "iat": rp.instant(8)})
    _check_works(rp, rp.bring(asked, rp.pushed(asked, request_object=signed)))


def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(rp: HighParty) -> None:
    """`nbf` and `exp` in a proof are no reason to refuse it while they hold (RFC 9449 §4.2)."""
    answer = rp.authorize()
    _learn_nonce(rp)
    proof = rp.proof("POST", rp.endpoint("token_endpoint"), changes={"nbf": rp.instant(-5), "exp": rp.instant(MINUTE)})
    assert rp.redeem(answer, proof=proof).status_code == 200


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(rp: HighParty) -> None:
    """A proof may be some seconds old (RFC 9449 §11.1)."""
    _check_proof_age(rp, -10)


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(rp: HighParty) -> None:
    """A client's clock may be 10 seconds ahead (FAPI 2.0 Security Profile §5.3.2.1)."""
    _check_proof_age(rp, 10)


def _learn_nonce(rp: HighParty) -> None:
    """Let the provider hand out its nonce, if it wants one, before a proof is made by hand."""
    rp.call("token_endpoint", {"grant_type": "refresh_token", "refresh_token": "unknown"})


def _check_proof_age(rp: HighParty, seconds: int) -> None:
    answer = rp.authorize()
    _learn_nonce(rp)
    proof = rp.proof("POST", rp.endpoint("token_endpoint"), changes={"iat": rp.instant(seconds)})
    assert rp.redeem(answer, proof=proof).status_code == 200


def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(rp: HighParty) -> None:
    """A `dpop_jkt` that is not the key of the proof beside it is refused (RFC 9449 §10.1)."""
    _learn_nonce(rp)
    asked = rp.ask(dpop_jkt=new_signing_key("other").thumbprint())
    refused = rp.push(asked, proof=rp.proof("POST", rp.endpoint("pushed_authorization_request_endpoint")))
    _check_refused(refused, "invalid_dpop_proof", "invalid_request")


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(rp: HighParty) -> None:
    """A code whose push proved one key is not redeemed with another (RFC 9449 §10.1)."""
    _learn_nonce(rp)
    asked = rp.ask()
    proof = rp.proof("POST", rp.endpoint("pushed_authorization_request_endpoint"))
    answer = rp.bring(asked, rp.pushed(asked, proof=proof))
    rp.dpop_key = new_signing_key("another")
    _check_refused(rp.redeem(answer), "invalid_grant", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(rp: HighParty) -> None:
    """A code whose request named one key is not redeemed with another (RFC 9449 §10)."""
    answer = rp.authorize(dpop_jkt=rp.dpop_key.thumbprint())
    rp.dpop_key = new_signing_key("another")
    _check_refused(rp.redeem(answer), "invalid_grant", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(rp: HighParty) -> None:
    """A push that proves the key binds the code to it, and that key redeems it (RFC 9449 §10.1)."""
    _learn_nonce(rp)
    asked = rp.ask()
    proof = rp.proof("POST", rp.endpoint("pushed_authorization_request_endpoint"))
    _check_works(rp, rp.bring(asked, rp.pushed(asked, proof=proof)))


def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(rp: HighParty) -> None:
    """A request that names the key binds the code to it, and that key redeems it (RFC 9449 §10)."""
    _check_works(rp, rp.authorize(dpop_jkt=rp.dpop_key.thumbprint()))


def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(rp: HighParty) -> None:
    """Beside a pushed request nothing in the address counts (RFC 9126 §4, RFC 9101 §6.3)."""
    asked = rp.ask()
    answer = rp.bring(asked, rp.pushed(asked), nonce="outside")
    if answer.error is None:
        rp.check_id_token(rp.tokens(answer)["id_token"], nonce=asked.parameters["nonce"])
    else:
        assert answer.error in {"invalid_request", "invalid_request_object"}


def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(rp: HighParty) -> None:
    """The state of the pushed request comes back, not the one in the address (RFC 9126 §4, RFC 9101 §6.3)."""
    asked = rp.ask()
    answer = rp.bring(asked, rp.pushed(asked), state="outside")
    if answer.error is None:
        _check_works(rp, answer)
    else:
        assert answer.error in {"invalid_request", "invalid_request_object"}


def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(rp: HighParty) -> None:
    """A very long nonce comes back whole or is refused (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_long(rp, nonce="n" * 384)


def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(rp: HighParty) -> None:
    """A very long state comes back whole or is refused (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_long(rp, state="s" * 384)


def _check_long(rp: HighParty, **changes: str) -> None:
    asked = rp.ask(**changes)
    pushed = rp.push(asked)
    if pushed.status_code == 201:
        answer = rp.bring(asked, pushed.json()["request_uri"])
        tokens = rp.tokens(answer)
        rp.check_id_token(tokens["id_token"], nonce=asked.parameters["nonce"])
    else:
        _check_refused(pushed, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_without_exp_fails(rp: HighParty) -> None:
    """A request object needs an end (FAPI 2.0 Message Signing §5.3.1)."""
    _check_request_object_refused(rp, {"exp": None})


def test_fapi2_security_profile_final_ensure_request_object_without_nbf_fails(rp: HighParty) -> None:
    """A request object needs a beginning (FAPI 2.0 Message Signing §5.3.1)."""
    _check_request_object_refused(rp, {"nbf": None})


def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(rp: HighParty) -> None:
    """A state that stands in the address alone does not come back (RFC 9126 §4)."""
    asked = rp.ask(state=None)
    answer = rp.bring(asked, rp.pushed(asked), state="outside")
    assert answer.parameters.get("state") is None
    assert "code" in answer.parameters or answer.error in {"invalid_request", "invalid_request_object"}


def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(rp: HighParty) -> None:
    """The redirect URI has to stand in the pushed request (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_refused(rp.push(rp.ask(redirect_uri=None)), "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_expired_request_object_fails(rp: HighParty) -> None:
    """A request object that is over is refused (FAPI 2.0 Message Signing §5.3.1)."""
    _check_request_object_refused(rp, {"exp": rp.instant(-5 * MINUTE), "nbf": rp.instant(-6 * MINUTE)})


def test_fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(rp: HighParty) -> None:
    """A request object for another provider is refused (RFC 9101 §4)."""
    _check_request_object_refused(rp, {"aud": "https://other.test"})


def test_fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(rp: HighParty) -> None:
    """A request object lives for an hour at most (FAPI 2.0 Message Signing §5.3.1)."""
    _check_request_object_refused(rp, {"exp": rp.instant(70 * MINUTE)})


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(rp: HighParty) -> None:
    """A request object began an hour ago at most (FAPI 2.0 Message Signing §5.3.1)."""
    _check_request_object_refused(rp, {"nbf": rp.instant(-70 * MINUTE)})


def test_fapi2_security_profile_final_ensure_signed_request_object_with_RS256_fails(rp: HighParty) -> None:
    """RS256 is not good enough (FAPI 2.0 Security Profile §5.4.1)."""
    asked = rp.ask()
    signed = rp.request_object(asked, key=new_rsa_key(rp.client.signing_key.kid or "", "RS256"), alg="RS256")
    _check_refused(rp.push(asked, request_object=signed), "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(rp: HighParty) -> None:
    """An unsigned request object is refused (FAPI 2.0 Message Signing §5.3.1)."""
    asked = rp.ask()
    claims = {"iss": rp.client.client_id, "aud": rp.op.issuer, "exp": rp.instant(60), "nbf": rp.instant()}
    unsigned = unsigned_jwt({**claims, **asked.parameters}, typ="oauth-authz-req+jwt")
    _check_refused(rp.push(asked, request_object=unsigned), "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(rp: HighParty) -> None:
    """A request object whose signature does not fit is refused (RFC 9101 §6.2)."""
    asked = rp.ask()
    head, body, signature = rp.request_object(asked).split(".")
    flipped = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    refused = rp.push(asked, request_object=f"{head}.{body}.{flipped}")
    _check_refused(refused, "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(rp: HighParty) -> None:
    """A request object signed by another client's key is refused (RFC 9101 §6.2)."""
    asked = rp.ask()
    signed = rp.request_object(asked, key=rp.beside().client.signing_key, kid=rp.client.signing_key.kid or "")
    _check_refused(rp.push(asked, request_object=signed), "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(rp: HighParty) -> None:
    """Plain parameters are not enough where requests are signed (FAPI 2.0 Message Signing §5.3.1)."""
    refused = rp.call("pushed_authorization_request_endpoint", dict(rp.ask().parameters))
    _check_refused(refused, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_registered_redirect_uri(rp: HighParty) -> None:
    """An address that is not registered is refused when the request is pushed (RFC 9126 §2.1, §2.4)."""
    refused = rp.push(rp.ask(redirect_uri="https://rp.test/unregistered"))
    _check_refused(refused, "invalid_request", "invalid_redirect_uri", "invalid_request_object")


def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(rp: HighParty) -> None:
    """A new address may be taken from an authenticated client or refused; what is taken is then followed (RFC 9126 §2.4)."""
    asked = rp.ask(redirect_uri=f"https://rp.test/new/{secrets.token_hex(4)}")
    pushed = rp.push(asked)
    if pushed.status_code == 201:
        _check_works(rp, rp.bring(asked, pushed.json()["request_uri"]))
    else:
        _check_refused(pushed, "invalid_request", "invalid_redirect_uri", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    rp: HighParty,
) -> None:
    """A request in the address, not pushed, is refused (FAPI 2.0 Security Profile §5.3.2.2)."""
    asked = rp.ask()
    answer = rp.unpacked(super(HighParty, rp).go(asked))
    _check_stopped(rp, answer, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(rp: HighParty) -> None:
    """`redirect_uri` is required, also of a client with a single one (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_refused(rp.push(rp.ask(redirect_uri=None)), "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(rp: HighParty) -> None:
    """Only `code` is allowed (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_response_type_refused(rp, "code id_token")


def test_fapi2_security_profile_final_ensure_response_type_token_fails(rp: HighParty) -> None:
    """Only `code` is allowed (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_response_type_refused(rp, "token")


def _check_response_type_refused(rp: HighParty, response_type: str) -> None:
    _check_refused(
        rp.push(rp.ask(response_type=response_type)),
        "unsupported_response_type",
        "unauthorized_client",
        "invalid_request",
        "invalid_request_object",
    )


def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(rp: HighParty) -> None:
    """The client is who authenticates, whatever `client_id` says: another one's is refused (RFC 6749 §2.3, §4.1.3)."""
    answer = rp.authorize()
    _check_refused(
        rp.redeem(answer, client_id=rp.beside().client.client_id), "invalid_client", "invalid_request", "invalid_grant"
    )


def test_fapi2_security_profile_final_ensure_holder_of_key_required(rp: HighParty) -> None:
    """Without proof of possession no token is given, and none is taken (FAPI 2.0 Security Profile §5.3.2.1)."""
    if rp.uses_dpop or rp.client.auth_method == "private_key_jwt":
        refused = rp.redeem(rp.authorize(), is_bound=False)
        _check_refused(refused, "invalid_request", "invalid_grant", "invalid_dpop_proof", "invalid_client")
    token = rp.sign_in().access_token
    without = rp.op.http.get(rp.endpoint("userinfo_endpoint"), headers={"Authorization": f"Bearer {token}"})
    assert without.status_code == 401


def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(rp: HighParty) -> None:
    """Another client cannot redeem a code (RFC 6749 §4.1.3)."""
    answer = rp.authorize()
    _check_refused(rp.beside().redeem(answer), "invalid_grant")


def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(rp: HighParty) -> None:
    """A code that was used is refused, and what it brought ends (RFC 6749 §4.1.2)."""
    signed_in = rp.sign_in()
    with rp.op.later(timedelta(seconds=1)):
        _check_refused(rp.redeem(signed_in.answer), "invalid_grant")
        assert rp.resource(signed_in.access_token).status_code == 401


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(rp: HighParty) -> None:
    """A code lives for a minute at most (FAPI 2.0 Security Profile §5.3.2.1)."""
    answer = rp.authorize()
    with rp.op.later(timedelta(seconds=62)):
        _check_refused(rp.redeem(answer), "invalid_grant")


def _check_assertion_refused(rp: HighParty, changes: dict[str, Any], *endpoints: str, **how: Any) -> None:
    """At the token and the push endpoint; the wrong assertion is the only thing that is wrong."""
    wanted = endpoints or ("token_endpoint", "pushed_authorization_request_endpoint")
    if "token_endpoint" in wanted:
        refused = rp.redeem(rp.authorize(), **_asserted(rp, changes, **how))
        _check_refused(refused, "invalid_client", "invalid_request")
    if "pushed_authorization_request_endpoint" in wanted:
        asked = rp.ask()
        form = (
            {"client_id": rp.client.client_id, "request": rp.request_object(asked)}
            if rp.signs_requests
            else asked.parameters
        )
        refused = rp.call("pushed_authorization_request_endpoint", {**form, **_asserted(rp, changes, **how)})
        _check_refused(refused, "invalid_client", "invalid_request")


def _asserted(rp: HighParty, changes: dict[str, Any], **how: Any) -> dict[str, str]:
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": rp.assertion(changes, **how),
    }


def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails(rp: HighParty) -> None:
    """RS256 is not good enough for a client assertion (FAPI 2.0 Security Profile §5.4.1)."""
    key = new_rsa_key(rp.client.signing_key.kid or "", "RS256")
    _check_assertion_refused(rp, {}, key=key, alg="RS256")


def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(rp: HighParty) -> None:
    """Without proof of the client nothing is given (FAPI 2.0 Security Profile §5.3.2.1)."""
    answer = rp.authorize()
    url = rp.endpoint("token_endpoint")
    form = {
        "grant_type": "authorization_code",
        "code": answer.code,
        "redirect_uri": answer.asked.parameters["redirect_uri"],
        "code_verifier": answer.asked.verifier,
        "client_id": rp.client.client_id,
    }
    _learn_nonce(rp)
    headers = {"DPoP": rp.proof("POST", url)} if rp.uses_dpop else {}
    _check_refused(rp.op.http.post(url, form, headers=headers), "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    rp: HighParty,
) -> None:
    """An assertion that is over is refused (RFC 7523 §3)."""
    _check_assertion_refused(rp, {"exp": rp.instant(-5 * MINUTE), "iat": rp.instant(-6 * MINUTE)})


def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(rp: HighParty) -> None:
    """An assertion for another provider is refused (RFC 7523 §3)."""
    _check_assertion_refused(rp, {"aud": "https://other.test"})


def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(rp: HighParty) -> None:
    """An assertion names its client as subject (RFC 7523 §3)."""
    _check_assertion_refused(rp, {"sub": None})


def test_fapi2_security_profile_final_dpop_negative_tests(rp: HighParty) -> None:
    """Every bent proof is refused at the resource and at the token endpoint (RFC 9449 §4.3, §7.1)."""
    token = rp.sign_in().access_token
    url = rp.endpoint("userinfo_endpoint")
    assert rp.resource(token).status_code == 200
    used = rp.proof("GET", url, access_token=token)
    assert rp.resource(token, proof=used).status_code == 200
    bent = {
        "used before": used,
        "another method": rp.proof("POST", url, access_token=token),
        "another address": rp.proof("GET", url + "/x", access_token=token),
        "another token": rp.proof("GET", url, access_token="another"),
        "no token": rp.proof("GET", url),
        "another key": rp.proof("GET", url, access_token=token, key=new_signing_key("other")),
        "too old": rp.proof("GET", url, access_token=token, changes=_without_nonce(rp, -10)),
        "too early": rp.proof("GET", url, access_token=token, changes=_without_nonce(rp, 10)),
        "no identifier": rp.proof("GET", url, access_token=token, changes={"jti": None}),
        "another type": rp.proof("GET", url, access_token=token, header={"typ": "JWT"}),
        "a private key inside": rp.proof(
            "GET", url, access_token=token, header={"jwk": rp.dpop_key.as_dict(private=True)}
        ),
        "a foreign key inside": rp.proof(
            "GET", url, access_token=token, header={"jwk": new_signing_key("other").as_dict(private=False)}
        ),
        "no proof": "not.a.proof",
    }
    for what, proof in bent.items():
        answer = rp.resource(token, proof=proof)
        assert answer.status_code in (400, 401), what
        assert "www-authenticate" in answer.headers, what
    as_bearer = rp.op.http.get(url, headers={"Authorization": f"Bearer {token}"})
    assert as_bearer.status_code == 401
    wrong = rp.proof("GET", rp.endpoint("token_endpoint"))
    _check_refused(rp.redeem(rp.authorize(), proof=wrong), "invalid_dpop_proof", "invalid_request")


def _without_nonce(rp: HighParty, minutes: int) -> dict[str, Any]:
    """A server nonce may stand in for the age of the proof (RFC 9449 §11.1), so that age is judged without one."""
    return {"iat": rp.instant(minutes * MINUTE), "nonce": None}


def test_fapi2_security_profile_final_refresh_token(rp: HighParty) -> None:
    """A refresh token works for its client with possession proved; it is not rotated (FAPI 2.0 Security Profile §5.3.2.1)."""
    signed_in = rp.sign_in(scope="openid offline_access", prompt="consent")
    form = {"grant_type": "refresh_token", "refresh_token": str(signed_in.tokens["refresh_token"])}
    _check_refused(rp.beside().call("token_endpoint", form), "invalid_grant")
    got = rp.call("token_endpoint", form)
    assert got.status_code == 200, got.text
    assert rp.resource(got.json()["access_token"]).status_code == 200
    again = rp.call("token_endpoint", {**form, "refresh_token": got.json().get("refresh_token", form["refresh_token"])})
    assert again.status_code == 200, again.text


def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    rp: HighParty,
) -> None:
    """A page that is loaded again before the person signed in still works (FAPI 2.0 Security Profile §5.3.2.2, note 3)."""
    asked = rp.ask()
    request_uri = rp.pushed(asked)
    parameters = {"client_id": rp.client.client_id, "request_uri": request_uri}
    rp.browser.open(f"{rp.endpoint('authorization_endpoint')}?{urlencode(parameters)}")
    _check_works(rp, rp.bring(asked, request_uri))


def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(rp: HighParty) -> None:
    """A pushed request that was answered is over (RFC 9126 §2.2, §4)."""
    asked = rp.ask()
    request_uri = rp.pushed(asked)
    _check_works(rp, rp.bring(asked, request_uri))
    _check_stopped(rp, rp.bring(asked, request_uri), "invalid_request_uri", "invalid_request")


def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(rp: HighParty) -> None:
    """A pushed request ends when the answer said (RFC 9126 §2.2)."""
    asked = rp.ask()
    pushed = rp.push(asked).json()
    with rp.op.later(timedelta(seconds=pushed["expires_in"] + 2)):
        answer = rp.bring(asked, pushed["request_uri"])
        _check_stopped(rp, answer, "invalid_request_uri", "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    rp: HighParty,
) -> None:
    """A client's clock may be some seconds ahead (FAPI 2.0 Security Profile §5.3.2.1)."""
    ahead = {"nbf": rp.instant(8), "iat": rp.instant(8)}
    assert rp.push(rp.ask(), assertion=rp.assertion(ahead)).status_code == 201


def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    rp: HighParty,
) -> None:
    """A client's clock that is more than a minute ahead is wrong (FAPI 2.0 Security Profile §5.3.2.1)."""
    ahead = {"nbf": rp.instant(75), "iat": rp.instant(75), "exp": rp.instant(135)}
    _check_assertion_refused(rp, ahead, "pushed_authorization_request_endpoint")


def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(rp: HighParty) -> None:
    """A pushed request belongs to its client (RFC 9126 §2.2)."""
    asked = rp.ask()
    answer = rp.beside().bring(asked, rp.pushed(asked))
    _check_stopped(rp, answer, "invalid_request_uri", "invalid_request")


def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    rp: HighParty,
) -> None:
    """The name of a request cannot be pushed (RFC 9126 §2.1)."""
    asked = rp.ask()
    form = {**asked.parameters, "request_uri": rp.pushed(asked)}
    refused = rp.call("pushed_authorization_request_endpoint", form)
    _check_refused(refused, "invalid_request", "invalid_request_object", "request_uri_not_supported")


def test_fapi2_security_profile_final_par_attempt_invalid_http_method(rp: HighParty) -> None:
    """Requests are pushed by POST (RFC 9126 §2.1)."""
    url = rp.endpoint("pushed_authorization_request_endpoint")
    for method in ("GET", "PUT"):
        assert rp.op.http.client.request(method, url).status_code in (400, 404, 405)


def test_fapi2_security_profile_final_par_ensure_pkce_required(rp: HighParty) -> None:
    """A request without a challenge is refused when it is pushed (FAPI 2.0 Security Profile §5.3.2.2)."""
    refused = rp.push(rp.ask(code_challenge=None, code_challenge_method=None))
    _check_refused(refused, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(rp: HighParty) -> None:
    """A code is not redeemed without its verifier (RFC 7636 §4.6)."""
    _check_refused(rp.redeem(rp.authorize(), code_verifier=None), "invalid_grant", "invalid_request")


def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(rp: HighParty) -> None:
    """A code is not redeemed with another verifier (RFC 7636 §4.6)."""
    _check_refused(rp.redeem(rp.authorize(), code_verifier="w" * 43), "invalid_grant")


def test_fapi2_security_profile_final_par_plain_pkce_rejected(rp: HighParty) -> None:
    """The `plain` method is refused (FAPI 2.0 Security Profile §5.3.2.2)."""
    refused = rp.push(rp.ask(code_challenge_method="plain"))
    _check_refused(refused, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri(rp: HighParty) -> None:
    """A request object does not name another request (RFC 9101 §4, RFC 9126 §2.1)."""
    asked = rp.ask()
    signed = rp.request_object(asked, {"request_uri": "urn:ietf:params:oauth:request_uri:another"})
    _check_refused(rp.push(asked, request_object=signed), "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_par_without_duplicate_parameters(rp: HighParty) -> None:
    """The browser brings nothing but `client_id` and `request_uri` (RFC 9126 §4)."""
    _check_works(rp, rp.authorize())


def _check_audience_refused(rp: HighParty, audience: Any) -> None:
    _check_assertion_refused(rp, {"aud": audience}, "pushed_authorization_request_endpoint")


def test_fapi2_security_profile_final_par_test_array_as_audience_fails(rp: HighParty) -> None:
    """The audience of an assertion is one string (FAPI 2.0 Security Profile §5.3.2.1)."""
    _check_audience_refused(rp, [rp.op.issuer, "https://other.test"])


def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(rp: HighParty) -> None:
    """The audience of an assertion is the issuer, not the endpoint (FAPI 2.0 Security Profile §5.3.2.1)."""
    _check_audience_refused(rp, rp.endpoint("pushed_authorization_request_endpoint"))


def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(rp: HighParty) -> None:
    """The audience of an assertion is the issuer, not the token endpoint (FAPI 2.0 Security Profile §5.3.2.1)."""
    _check_audience_refused(rp, rp.endpoint("token_endpoint"))
