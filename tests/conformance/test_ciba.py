"""Modules of FAPI-CIBA, poll and ping: the client asks by a signed request, the person answers elsewhere."""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.conformance.high_party import HighParty
from tests.conformance.listener import Given
from tests.conformance.registrations import CIBA_GRANT, new_rsa_key, new_signing_key
from tests.conformance.relying_party import ASSERTION_TYPE
from tests.conformance.request_objects import unsigned_jwt

ENDPOINT = "backchannel_authentication_endpoint"
HINT = "zhaojing"
MINUTE = 60
NOT_RETRIED_FOR_S = 2.5
REQUEST_REFUSED = ("invalid_request", "invalid_request_object")


@dataclass(frozen=True)
class Begun:
    """A request that waits for the person."""

    auth_req_id: str
    interval: int
    notification_token: str


def _claims(rp: HighParty, changes: Mapping[str, Any]) -> dict[str, Any]:
    claims = {
        "iss": rp.client.client_id,
        "aud": rp.op.issuer,
        "exp": rp.instant(5 * MINUTE),
        "iat": rp.instant(),
        "nbf": rp.instant(),
        "jti": secrets.token_urlsafe(16),
        "scope": "openid",
        "login_hint": HINT,
        "binding_message": "QY-0042",
    }
    if rp.variant.delivery == "ping":
        claims["client_notification_token"] = secrets.token_urlsafe(24)
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def _ask(rp: HighParty, claims: Mapping[str, Any], **how: Any) -> httpx2.Response:
    return rp.call(ENDPOINT, {"request": rp.sign(claims, typ="oauth-authz-req+jwt", **how)})


def _begin(rp: HighParty, **changes: Any) -> Begun:
    claims = _claims(rp, changes)
    answer = _ask(rp, claims)
    assert answer.status_code == 200, answer.text
    members = answer.json()
    assert len(members["auth_req_id"]) >= 22  # CIBA Core §7.3: 128 bits at least
    assert members["expires_in"] > 0
    return Begun(members["auth_req_id"], members.get("interval", 5), str(claims.get("client_notification_token", "")))


def _poll(rp: HighParty, begun: Begun, **how: Any) -> httpx2.Response:
    return rp.call("token_endpoint", {"grant_type": CIBA_GRANT, "auth_req_id": begun.auth_req_id}, **how)


def _answer(rp: HighParty, begun: Begun, *, agree: bool = True) -> None:
    rp.op.answer_decoupled(rp.browser, begun.auth_req_id, agree=agree)


def _check_refused(answer: httpx2.Response, *errors: str) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"] in errors, answer.text


def _check_works(rp: HighParty, begun: Begun) -> dict[str, Any]:
    """The person agrees, and the client gets bound tokens that work."""
    _answer(rp, begun)
    if rp.variant.delivery == "ping":
        _check_told(rp, begun)
    got = _poll(rp, begun)
    assert got.status_code == 200, got.text
    tokens: dict[str, Any] = got.json()
    rp.check_id_token(tokens["id_token"], nonce=None)
    assert rp.resource(tokens["access_token"]).status_code == 200
    return tokens


def _path(rp: HighParty) -> str:
    return urlsplit(str(rp.client.metadata["backchannel_client_notification_endpoint"])).path


def _check_told(rp: HighParty, begun: Begun) -> None:
    told = rp.op.listener.wait_for(_path(rp), lambda heard: begun.auth_req_id.encode() in heard.body)
    assert told.method == "POST"
    assert told.headers["authorization"] == f"Bearer {begun.notification_token}"
    assert told.headers["content-type"].startswith("application/json")


def _check_request_refused(rp: HighParty, **changes: Any) -> None:
    _check_refused(_ask(rp, _claims(rp, changes)), *REQUEST_REFUSED)


def test_fapi_ciba_id1_discovery_end_point_verification(rp: HighParty) -> None:
    """The metadata announce the endpoint and how tokens are delivered (CIBA Core §4)."""
    metadata = rp.metadata
    assert metadata[ENDPOINT].startswith(rp.op.issuer)
    assert rp.variant.delivery in metadata["backchannel_token_delivery_modes_supported"]
    assert CIBA_GRANT in metadata["grant_types_supported"]
    assert "ES256" in metadata["backchannel_authentication_request_signing_alg_values_supported"]
    assert not {"none", "RS256"} & set(metadata.get("dpop_signing_alg_values_supported", ()))


def test_fapi_ciba_id1(rp: HighParty) -> None:
    """Ask, wait, be agreed to, get tokens, use them (CIBA Core §7, §10, §11)."""
    begun = _begin(rp)
    _check_refused(_poll(rp, begun), "authorization_pending")
    with rp.op.later(timedelta(seconds=begun.interval + 1)):
        _check_works(rp, begun)


def test_fapi_ciba_id1_user_rejects_authentication(rp: HighParty) -> None:
    """A person who says no is told to the client (CIBA Core §11)."""
    begun = _begin(rp)
    _answer(rp, begun, agree=False)
    _check_refused(_poll(rp, begun), "access_denied")


def test_fapi_ciba_id1_multiple_call_to_token_endpoint(rp: HighParty) -> None:
    """A client may ask again in its interval; whoever asks faster is slowed down (CIBA Core §11)."""
    begun = _begin(rp)
    _check_refused(_poll(rp, begun), "authorization_pending")
    _check_refused(_poll(rp, begun), "authorization_pending", "slow_down", "invalid_request")
    with rp.op.later(timedelta(seconds=3 * begun.interval + 5)):
        _check_refused(_poll(rp, begun), "authorization_pending", "slow_down")


def test_fapi_ciba_id1_auth_req_id_expired(rp: HighParty) -> None:
    """A request that nobody answered ends (CIBA Core §11)."""
    begun = _begin(rp, requested_expiry=30)
    with rp.op.later(timedelta(seconds=45)):
        _check_refused(_poll(rp, begun), "expired_token")


def test_fapi_ciba_id1_ensure_authorization_request_with_binding_message_succeeds(rp: HighParty) -> None:
    """A short message that both sides show (CIBA Core §7.1)."""
    _check_works(rp, _begin(rp, binding_message="1234"))


def test_fapi_ciba_id1_ensure_other_scope_order_succeeds(rp: HighParty) -> None:
    """The order of scopes means nothing (RFC 6749 §3.3)."""
    _check_works(rp, _begin(rp, scope="profile openid"))


def test_fapi_ciba_id1_ensure_requested_expiry_as_string_succeeds(rp: HighParty) -> None:
    """The expiry that is asked for may come as a string, since it is a parameter (CIBA Core §7.1)."""
    _check_works(rp, _begin(rp, requested_expiry="60"))


def test_fapi_ciba_id1_ensure_authorization_request_with_potentially_bad_binding_message(rp: HighParty) -> None:
    """A message that cannot be shown well is refused by its own error, or taken (CIBA Core §13)."""
    answer = _ask(rp, _claims(rp, {"binding_message": "1234 \N{THUMBS UP SIGN} 品川 " + "long " * 40}))
    assert answer.status_code == 200 or answer.json()["error"] in ("invalid_binding_message", "invalid_request")


def test_fapi_ciba_id1_ensure_request_object_missing_aud_fails(rp: HighParty) -> None:
    """A signed request names whom it is for (CIBA Core §7.1.1)."""
    _check_request_refused(rp, aud=None)


def test_fapi_ciba_id1_ensure_request_object_bad_aud_fails(rp: HighParty) -> None:
    """A signed request for another provider is refused (CIBA Core §7.1.1)."""
    _check_request_refused(rp, aud="https://other.test")


def test_fapi_ciba_id1_ensure_request_object_missing_iss_fails(rp: HighParty) -> None:
    """A signed request names its client (CIBA Core §7.1.1)."""
    _check_request_refused(rp, iss=None)


def test_fapi_ciba_id1_ensure_request_object_bad_iss_fails(rp: HighParty) -> None:
    """A signed request of somebody else is refused (CIBA Core §7.1.1)."""
    _check_request_refused(rp, iss="https://other.test")


def test_fapi_ciba_id1_ensure_request_object_missing_exp_fails(rp: HighParty) -> None:
    """A signed request has an end (CIBA Core §7.1.1)."""
    _check_request_refused(rp, exp=None)


def test_fapi_ciba_id1_ensure_request_object_expired_exp_fails(rp: HighParty) -> None:
    """A signed request that is over is refused (CIBA Core §7.1.1)."""
    _check_request_refused(rp, exp=rp.instant(-5 * MINUTE), nbf=rp.instant(-6 * MINUTE), iat=rp.instant(-6 * MINUTE))


def test_fapi_ciba_id1_ensure_request_object_exp_is_70_minutes_in_future_fails(rp: HighParty) -> None:
    """A signed request lives for an hour at most (FAPI-CIBA §5.2.2)."""
    _check_request_refused(rp, exp=rp.instant(70 * MINUTE))


def test_fapi_ciba_id1_ensure_request_object_missing_iat_fails(rp: HighParty) -> None:
    """A signed request says when it was made (CIBA Core §7.1.1)."""
    _check_request_refused(rp, iat=None)


def test_fapi_ciba_id1_ensure_request_object_missing_nbf_fails(rp: HighParty) -> None:
    """A signed request says from when on it holds (CIBA Core §7.1.1)."""
    _check_request_refused(rp, nbf=None)


def test_fapi_ciba_id1_ensure_request_object_nbf_is_10_minutes_in_future_fails(rp: HighParty) -> None:
    """A signed request that does not hold yet is refused (CIBA Core §7.1.1)."""
    _check_request_refused(rp, nbf=rp.instant(10 * MINUTE), exp=rp.instant(15 * MINUTE))


def test_fapi_ciba_id1_ensure_request_object_nbf_is_70_minutes_in_past_fails(rp: HighParty) -> None:
    """A signed request began an hour ago at most (FAPI-CIBA §5.2.2)."""
    _check_request_refused(rp, nbf=rp.instant(-70 * MINUTE))


def test_fapi_ciba_id1_ensure_request_object_missing_jti_fails(rp: HighParty) -> None:
    """A signed request has a name of its own (CIBA Core §7.1.1)."""
    _check_request_refused(rp, jti=None)


def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_none_fails(rp: HighParty) -> None:
    """An unsigned request object is refused (CIBA Core §7.1.1)."""
    _check_refused(rp.call(ENDPOINT, {"request": unsigned_jwt(_claims(rp, {}))}), *REQUEST_REFUSED)


def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_bad_fails(rp: HighParty) -> None:
    """A signature that does not fit is refused (CIBA Core §7.1.1)."""
    refused = _ask(rp, _claims(rp, {}), key=new_signing_key("other"), kid=rp.client.signing_key.kid or "")
    _check_refused(refused, *REQUEST_REFUSED)


def test_fapi_ciba_id1_ensure_request_object_signature_algorithm_is_RS256_fails(rp: HighParty) -> None:
    """RS256 is not good enough (FAPI-CIBA §7.10, FAPI 2.0 Security Profile §5.4.1)."""
    refused = _ask(rp, _claims(rp, {}), key=new_rsa_key("other", "RS256"), alg="RS256")
    _check_refused(refused, *REQUEST_REFUSED)


def test_fapi_ciba_id1_ensure_request_object_signed_by_other_client_fails(rp: HighParty) -> None:
    """A request signed by another client's key is refused (CIBA Core §7.1.1)."""
    other = rp.beside().client.signing_key
    _check_refused(_ask(rp, _claims(rp, {}), key=other), *REQUEST_REFUSED)


def test_fapi_ciba_id1_ensure_authorization_request_with_multiple_hints_fails(rp: HighParty) -> None:
    """There is exactly one hint (CIBA Core §7.1)."""
    _check_request_refused(rp, id_token_hint="a.b.c", login_hint_token="a.b.c")


def test_fapi_ciba_id1_ensure_wrong_auth_req_id_in_token_endpoint_request(rp: HighParty) -> None:
    """A name that nobody gave brings nothing (CIBA Core §11)."""
    begun = _begin(rp)
    _check_refused(_poll(rp, Begun("wrong" + begun.auth_req_id, 5, "")), "invalid_grant", "invalid_request")


def test_fapi_ciba_id1_ensure_different_client_id_and_issuer_in_backchannel_authorization_request(
    rp: HighParty,
) -> None:
    """Whoever authenticates is who signed (CIBA Core §7.1.1)."""
    _check_request_refused(rp, iss=rp.beside().client.client_id)


def test_fapi_ciba_id1_ensure_wrong_client_id_in_token_endpoint_request(rp: HighParty) -> None:
    """Another client gets nothing for a request (CIBA Core §11)."""
    begun = _begin(rp)
    _answer(rp, begun)
    _check_refused(_poll(rp.beside(), begun), "invalid_grant", "invalid_client")


def test_fapi_ciba_id1_ensure_wrong_client_id_in_backchannel_authorization_request(rp: HighParty) -> None:
    """A `client_id` beside another client's assertion is refused (RFC 7521 §4.2)."""
    form = {"request": rp.sign(_claims(rp, {})), "client_id": rp.beside().client.client_id}
    _check_refused(rp.call(ENDPOINT, form), "invalid_client", "invalid_request")


def test_fapi_ciba_id1_ensure_without_client_assertion_in_token_endpoint_request(rp: HighParty) -> None:
    """Without proof of the client nothing is given (CIBA Core §11)."""
    form = {"grant_type": CIBA_GRANT, "auth_req_id": _begin(rp).auth_req_id, "client_id": rp.client.client_id}
    refused = rp.op.http.post(rp.endpoint("token_endpoint"), form, certificate=rp.client.certificate)
    _check_refused(refused, "invalid_client", "invalid_request")


def test_fapi_ciba_id1_ensure_without_client_assertion_in_backchannel_authorization_request(rp: HighParty) -> None:
    """Without proof of the client nothing is asked (CIBA Core §7.1)."""
    form = {"request": rp.sign(_claims(rp, {})), "client_id": rp.client.client_id}
    _check_refused(rp.op.http.post(rp.endpoint(ENDPOINT), form), "invalid_client", "invalid_request")


def _rs256_assertion(rp: HighParty) -> dict[str, str]:
    key = new_rsa_key(rp.client.signing_key.kid or "", "RS256")
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": rp.assertion(key=key, alg="RS256")}


def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_RS256_fails(
    rp: HighParty,
) -> None:
    """RS256 is not good enough for an assertion (FAPI-CIBA §7.10)."""
    form = {"request": rp.sign(_claims(rp, {})), **_rs256_assertion(rp)}
    _check_refused(rp.call(ENDPOINT, form), "invalid_client", "invalid_request")


def test_fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_RS256_fails(
    rp: HighParty,
) -> None:
    """RS256 is not good enough for an assertion (FAPI-CIBA §7.10)."""
    form = {"grant_type": CIBA_GRANT, "auth_req_id": _begin(rp).auth_req_id, **_rs256_assertion(rp)}
    _check_refused(rp.call("token_endpoint", form), "invalid_client", "invalid_request")


def test_fapi_ciba_id1_ensure_client_assertion_with_iss_aud_to_token_endpoint_succeeds(rp: HighParty) -> None:
    """The issuer as the audience of an assertion is right (CIBA Core §7.1)."""
    begun = _begin(rp)
    _answer(rp, begun)
    assert _poll(rp, begun, assertion=rp.assertion({"aud": rp.op.issuer})).status_code == 200


@contextmanager
def _answering(rp: HighParty, given: Given) -> Iterator[None]:
    documents = rp.op.listener.documents
    documents[_path(rp)] = given
    try:
        yield
    finally:
        del documents[_path(rp)]


def _check_told_once(rp: HighParty, given: Given) -> Begun:
    begun = _begin(rp)
    with _answering(rp, given):
        _answer(rp, begun)
        _check_told(rp, begun)
        time.sleep(NOT_RETRIED_FOR_S)
    told = [one for one in rp.op.listener.heard(_path(rp)) if begun.auth_req_id.encode() in one.body]
    assert len(told) == 1
    return begun


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_has_body(rp: HighParty) -> None:
    """What the client answers to a notification is not looked at (CIBA Core §10.2)."""
    begun = _check_told_once(rp, Given(b'{"error":"something"}', 200))
    assert _poll(rp, begun).status_code == 200


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_401(rp: HighParty) -> None:
    """A client that refuses a notification can still ask (CIBA Core §10.2)."""
    assert _poll(rp, _check_told_once(rp, Given(status=401))).status_code == 200


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_403(rp: HighParty) -> None:
    """A client that refuses a notification can still ask (CIBA Core §10.2)."""
    assert _poll(rp, _check_told_once(rp, Given(status=403))).status_code == 200


def test_fapi_ciba_id1_ping_with_mtls_ciba_notification_endpoint_response_401_and_require_server_does_not_retry(
    rp: HighParty,
) -> None:
    """A refused notification is not sent again (CIBA Core §10.2)."""
    _check_told_once(rp, Given(status=401))


def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_return_redirect_request(rp: HighParty) -> None:
    """A redirect of a notification is not followed: it carries a secret (CIBA Core §10.2)."""
    elsewhere = f"/elsewhere-{secrets.token_hex(4)}"
    for status in (302, 307):
        _check_told_once(rp, Given(status=status, headers={"Location": rp.op.listener.url + elsewhere}))
    assert not rp.op.listener.heard(elsewhere)


def test_fapi_ciba_id1_ensure_unsigned_backchannel_authorization_request_fails(rp: HighParty) -> None:
    """Plain parameters are not enough (FAPI-CIBA §5.2.2)."""
    form = {"scope": "openid", "login_hint": HINT, "binding_message": "1234", "client_notification_token": "t" * 24}
    _check_refused(rp.call(ENDPOINT, form), *REQUEST_REFUSED)


def test_fapi_ciba_id1_refresh_token(rp: HighParty) -> None:
    """A refresh token works for its own client with possession proved (CIBA Core §11, RFC 6749 §6)."""
    tokens = _check_works(rp, _begin(rp, scope="openid offline_access"))
    form = {"grant_type": "refresh_token", "refresh_token": str(tokens["refresh_token"])}
    _check_refused(rp.beside().call("token_endpoint", form), "invalid_grant")
    got = rp.call("token_endpoint", form)
    assert got.status_code == 200, got.text
    assert rp.resource(got.json()["access_token"]).status_code == 200


def test_fapi_ciba_id1_ensure_mtls_holder_of_key_required(rp: HighParty) -> None:
    """Without the certificate there is no token, and none works (RFC 8705 §3)."""
    begun = _begin(rp)
    _answer(rp, begun)
    _check_refused(_poll(rp, begun, is_bound=False), "invalid_request", "invalid_grant", "invalid_client")
    with rp.op.later(timedelta(seconds=begun.interval + 1)):
        again = _begin(rp)
        token = _check_works(rp, again)["access_token"]
        without = rp.op.http.get(rp.endpoint("userinfo_endpoint"), headers={"Authorization": f"Bearer {token}"})
        assert without.status_code == 401
