"""Modules of FAPI 2.0 about proofs: DPoP (RFC 9449), certificates (RFC 8705), client assertions (RFC 7523)."""

from typing import Any

from tests.conformance.fapi_checks import check_refused, check_works, learn_nonce
from tests.conformance.high_party import HighParty
from tests.conformance.registrations import new_rsa_key, new_signing_key

MINUTE = 60


def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(rp: HighParty) -> None:
    """The scheme's name may be written in any case (RFC 9110 §11.1)."""
    token = rp.sign_in().access_token
    for scheme in ("dpop", "DPOP") if rp.uses_dpop else ("bearer", "BEARER"):
        assert rp.resource(token, scheme=scheme).status_code == 200


def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(rp: HighParty) -> None:
    """`nbf` and `exp` in a proof are no reason to refuse it while they hold (RFC 9449 §4.2)."""
    answer = rp.authorize()
    learn_nonce(rp)
    proof = rp.proof("POST", rp.endpoint("token_endpoint"), changes={"nbf": rp.instant(-5), "exp": rp.instant(MINUTE)})
    assert rp.redeem(answer, proof=proof).status_code == 200


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(rp: HighParty) -> None:
    """A proof may be some seconds old (RFC 9449 §11.1)."""
    _check_proof_age(rp, -10)


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(rp: HighParty) -> None:
    """A client's clock may be 10 seconds ahead (FAPI 2.0 Security Profile §5.3.2.1)."""
    _check_proof_age(rp, 10)


def _check_proof_age(rp: HighParty, seconds: int) -> None:
    answer = rp.authorize()
    learn_nonce(rp)
    proof = rp.proof("POST", rp.endpoint("token_endpoint"), changes={"iat": rp.instant(seconds)})
    assert rp.redeem(answer, proof=proof).status_code == 200


def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(rp: HighParty) -> None:
    """A `dpop_jkt` that is not the key of the proof beside it is refused (RFC 9449 §10.1)."""
    learn_nonce(rp)
    asked = rp.ask(dpop_jkt=new_signing_key("other").thumbprint())
    refused = rp.push(asked, proof=rp.proof("POST", rp.endpoint("pushed_authorization_request_endpoint")))
    check_refused(refused, "invalid_dpop_proof", "invalid_request")


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(rp: HighParty) -> None:
    """A code whose push proved one key is not redeemed with another (RFC 9449 §10.1)."""
    learn_nonce(rp)
    asked = rp.ask()
    proof = rp.proof("POST", rp.endpoint("pushed_authorization_request_endpoint"))
    answer = rp.bring(asked, rp.pushed(asked, proof=proof))
    rp.dpop_key = new_signing_key("another")
    check_refused(rp.redeem(answer), "invalid_grant", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(rp: HighParty) -> None:
    """A code whose request named one key is not redeemed with another (RFC 9449 §10)."""
    answer = rp.authorize(dpop_jkt=rp.dpop_key.thumbprint())
    rp.dpop_key = new_signing_key("another")
    check_refused(rp.redeem(answer), "invalid_grant", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(rp: HighParty) -> None:
    """A push that proves the key binds the code to it, and that key redeems it (RFC 9449 §10.1)."""
    learn_nonce(rp)
    asked = rp.ask()
    proof = rp.proof("POST", rp.endpoint("pushed_authorization_request_endpoint"))
    check_works(rp, rp.bring(asked, rp.pushed(asked, proof=proof)))


def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(rp: HighParty) -> None:
    """A request that names the key binds the code to it, and that key redeems it (RFC 9449 §10)."""
    check_works(rp, rp.authorize(dpop_jkt=rp.dpop_key.thumbprint()))


def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(rp: HighParty) -> None:
    """The client is who authenticates, whatever `client_id` says: another one's is refused (RFC 6749 §2.3, §4.1.3)."""
    answer = rp.authorize()
    check_refused(
        rp.redeem(answer, client_id=rp.beside().client.client_id), "invalid_client", "invalid_request", "invalid_grant"
    )


def test_fapi2_security_profile_final_ensure_holder_of_key_required(rp: HighParty) -> None:
    """Without proof of possession no token is given, and none is taken (FAPI 2.0 Security Profile §5.3.2.1)."""
    if rp.uses_dpop or rp.client.auth_method == "private_key_jwt":
        refused = rp.redeem(rp.authorize(), is_bound=False)
        check_refused(refused, "invalid_request", "invalid_grant", "invalid_dpop_proof", "invalid_client")
    token = rp.sign_in().access_token
    without = rp.op.http.get(rp.endpoint("userinfo_endpoint"), headers={"Authorization": f"Bearer {token}"})
    assert without.status_code == 401


def _check_assertion_refused(rp: HighParty, changes: dict[str, Any], *endpoints: str, **how: Any) -> None:
    """At the token and the push endpoint; the wrong assertion is the only thing that is wrong."""
    wanted = endpoints or ("token_endpoint", "pushed_authorization_request_endpoint")
    if "token_endpoint" in wanted:
        refused = rp.redeem(rp.authorize(), **_asserted(rp, changes, **how))
        check_refused(refused, "invalid_client", "invalid_request")
    if "pushed_authorization_request_endpoint" in wanted:
        asked = rp.ask()
        form = (
            {"client_id": rp.client.client_id, "request": rp.request_object(asked)}
            if rp.signs_requests
            else asked.parameters
        )
        refused = rp.call("pushed_authorization_request_endpoint", {**form, **_asserted(rp, changes, **how)})
        check_refused(refused, "invalid_client", "invalid_request")


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
    learn_nonce(rp)
    headers = {"DPoP": rp.proof("POST", url)} if rp.uses_dpop else {}
    check_refused(rp.op.http.post(url, form, headers=headers), "invalid_client", "invalid_request")


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
    check_refused(rp.redeem(rp.authorize(), proof=wrong), "invalid_dpop_proof", "invalid_request")


def _without_nonce(rp: HighParty, minutes: int) -> dict[str, Any]:
    """A server nonce may stand in for the age of the proof (RFC 9449 §11.1), so that age is judged without one."""
    return {"iat": rp.instant(minutes * MINUTE), "nonce": None}


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
