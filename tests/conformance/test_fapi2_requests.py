"""Modules of FAPI 2.0 about authorization requests: pushed (RFC 9126), and signed where the profile asks for it (RFC 9101)."""

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from tests.conformance.fapi_checks import check_refused, check_stopped, check_works
from tests.conformance.high_party import HighParty
from tests.conformance.registrations import new_rsa_key
from tests.conformance.request_objects import unsigned_jwt

MINUTE = 60


def _check_request_object_refused(rp: HighParty, changes: dict[str, Any]) -> None:
    asked = rp.ask()
    refused = rp.push(asked, request_object=rp.request_object(asked, changes))
    check_refused(refused, "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(rp: HighParty) -> None:
    """The issuer may stand among several audiences of a request object (RFC 9101 §4, RFC 7519 §4.1.3)."""
    asked = rp.ask()
    signed = rp.request_object(asked, {"aud": ["https://other.test", rp.op.issuer]})
    check_works(rp, rp.bring(asked, rp.pushed(asked, request_object=signed)))


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    rp: HighParty,
) -> None:
    """A client's clock may be some seconds ahead (FAPI 2.0 Security Profile §5.3.2.1, note on clocks)."""
    asked = rp.ask()
    signed = rp.request_object(asked, {"nbf": rp.instant(8), "iat": rp.instant(8)})
    check_works(rp, rp.bring(asked, rp.pushed(asked, request_object=signed)))


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
        check_works(rp, answer)
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
        check_refused(pushed, "invalid_request", "invalid_request_object")


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
    check_refused(rp.push(rp.ask(redirect_uri=None)), "invalid_request", "invalid_request_object")


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
    check_refused(rp.push(asked, request_object=signed), "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(rp: HighParty) -> None:
    """An unsigned request object is refused (FAPI 2.0 Message Signing §5.3.1)."""
    asked = rp.ask()
    claims = {"iss": rp.client.client_id, "aud": rp.op.issuer, "exp": rp.instant(60), "nbf": rp.instant()}
    unsigned = unsigned_jwt({**claims, **asked.parameters}, typ="oauth-authz-req+jwt")
    check_refused(rp.push(asked, request_object=unsigned), "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(rp: HighParty) -> None:
    """A request object whose signature does not fit is refused (RFC 9101 §6.2)."""
    asked = rp.ask()
    head, body, signature = rp.request_object(asked).split(".")
    flipped = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    refused = rp.push(asked, request_object=f"{head}.{body}.{flipped}")
    check_refused(refused, "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(rp: HighParty) -> None:
    """A request object signed by another client's key is refused (RFC 9101 §6.2)."""
    asked = rp.ask()
    signed = rp.request_object(asked, key=rp.beside().client.signing_key, kid=rp.client.signing_key.kid or "")
    check_refused(rp.push(asked, request_object=signed), "invalid_request_object", "invalid_request")


def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(rp: HighParty) -> None:
    """Plain parameters are not enough where requests are signed (FAPI 2.0 Message Signing §5.3.1)."""
    refused = rp.call("pushed_authorization_request_endpoint", dict(rp.ask().parameters))
    check_refused(refused, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_registered_redirect_uri(rp: HighParty) -> None:
    """An address that is not registered is refused when the request is pushed (RFC 9126 §2.1, §2.4)."""
    refused = rp.push(rp.ask(redirect_uri="https://rp.test/unregistered"))
    check_refused(refused, "invalid_request", "invalid_redirect_uri", "invalid_request_object")


def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(rp: HighParty) -> None:
    """A new address may be taken from an authenticated client or refused; what is taken is then followed (RFC 9126 §2.4)."""
    asked = rp.ask(redirect_uri=f"https://rp.test/new/{secrets.token_hex(4)}")
    pushed = rp.push(asked)
    if pushed.status_code == 201:
        check_works(rp, rp.bring(asked, pushed.json()["request_uri"]))
    else:
        check_refused(pushed, "invalid_request", "invalid_redirect_uri", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    rp: HighParty,
) -> None:
    """A request in the address, not pushed, is refused (FAPI 2.0 Security Profile §5.3.2.2)."""
    asked = rp.ask()
    answer = rp.unpacked(super(HighParty, rp).go(asked))
    check_stopped(rp, answer, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(rp: HighParty) -> None:
    """`redirect_uri` is required, also of a client with a single one (FAPI 2.0 Security Profile §5.3.2.2)."""
    check_refused(rp.push(rp.ask(redirect_uri=None)), "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(rp: HighParty) -> None:
    """Only `code` is allowed (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_response_type_refused(rp, "code id_token")


def test_fapi2_security_profile_final_ensure_response_type_token_fails(rp: HighParty) -> None:
    """Only `code` is allowed (FAPI 2.0 Security Profile §5.3.2.2)."""
    _check_response_type_refused(rp, "token")


def _check_response_type_refused(rp: HighParty, response_type: str) -> None:
    check_refused(
        rp.push(rp.ask(response_type=response_type)),
        "unsupported_response_type",
        "unauthorized_client",
        "invalid_request",
        "invalid_request_object",
    )


def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    rp: HighParty,
) -> None:
    """A page that is loaded again before the person signed in still works (FAPI 2.0 Security Profile §5.3.2.2, note 3)."""
    asked = rp.ask()
    request_uri = rp.pushed(asked)
    parameters = {"client_id": rp.client.client_id, "request_uri": request_uri}
    rp.browser.open(f"{rp.endpoint('authorization_endpoint')}?{urlencode(parameters)}")
    check_works(rp, rp.bring(asked, request_uri))


def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(rp: HighParty) -> None:
    """A pushed request that was answered is over (RFC 9126 §2.2, §4)."""
    asked = rp.ask()
    request_uri = rp.pushed(asked)
    check_works(rp, rp.bring(asked, request_uri))
    check_stopped(rp, rp.bring(asked, request_uri), "invalid_request_uri", "invalid_request")


def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(rp: HighParty) -> None:
    """A pushed request ends when the answer said (RFC 9126 §2.2)."""
    asked = rp.ask()
    pushed = rp.push(asked).json()
    with rp.op.later(timedelta(seconds=pushed["expires_in"] + 2)):
        answer = rp.bring(asked, pushed["request_uri"])
        check_stopped(rp, answer, "invalid_request_uri", "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(rp: HighParty) -> None:
    """A pushed request belongs to its client (RFC 9126 §2.2)."""
    asked = rp.ask()
    answer = rp.beside().bring(asked, rp.pushed(asked))
    check_stopped(rp, answer, "invalid_request_uri", "invalid_request")


def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    rp: HighParty,
) -> None:
    """The name of a request cannot be pushed (RFC 9126 §2.1)."""
    asked = rp.ask()
    form = {**asked.parameters, "request_uri": rp.pushed(asked)}
    refused = rp.call("pushed_authorization_request_endpoint", form)
    check_refused(refused, "invalid_request", "invalid_request_object", "request_uri_not_supported")


def test_fapi2_security_profile_final_par_attempt_invalid_http_method(rp: HighParty) -> None:
    """Requests are pushed by POST (RFC 9126 §2.1)."""
    url = rp.endpoint("pushed_authorization_request_endpoint")
    for method in ("GET", "PUT"):
        assert rp.op.http.client.request(method, url).status_code in (400, 404, 405)


def test_fapi2_security_profile_final_par_ensure_pkce_required(rp: HighParty) -> None:
    """A request without a challenge is refused when it is pushed (FAPI 2.0 Security Profile §5.3.2.2)."""
    refused = rp.push(rp.ask(code_challenge=None, code_challenge_method=None))
    check_refused(refused, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_par_plain_pkce_rejected(rp: HighParty) -> None:
    """The `plain` method is refused (FAPI 2.0 Security Profile §5.3.2.2)."""
    refused = rp.push(rp.ask(code_challenge_method="plain"))
    check_refused(refused, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri(rp: HighParty) -> None:
    """A request object does not name another request (RFC 9101 §4, RFC 9126 §2.1)."""
    asked = rp.ask()
    signed = rp.request_object(asked, {"request_uri": "urn:ietf:params:oauth:request_uri:another"})
    check_refused(rp.push(asked, request_object=signed), "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_par_without_duplicate_parameters(rp: HighParty) -> None:
    """The browser brings nothing but `client_id` and `request_uri` (RFC 9126 §4)."""
    check_works(rp, rp.authorize())
