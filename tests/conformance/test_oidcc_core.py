"""Modules of the basic, hybrid, implicit and form-post plans: one test each, run in every response type and mode of its plan."""

import json
from datetime import timedelta
from typing import Any

from joserfc import jwt

from tests.conformance.registrations import OTHER_CALLBACK
from tests.conformance.relying_party import ASYMMETRIC, RelyingParty, SignedIn
from tests.conformance.request_objects import unsigned_jwt

CODE_REUSED = {"invalid_grant"}
NO_INTERACTION_POSSIBLE = {
    "login_required",
    "interaction_required",
    "account_selection_required",
    "consent_required",
}
REQUEST_OBJECT_ERRORS = {"request_not_supported", "invalid_request_object", "invalid_request"}
REQUEST_URI_ERRORS = {"request_uri_not_supported", "invalid_request_uri", "invalid_request"}
CLAIMS_OF_SCOPE = {
    "profile": {
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    },
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
}


def test_oidcc_server(rp: RelyingParty) -> None:
    """The whole flow, with every check of a careful relying party (OpenID Connect Core §3.1, §3.2, §3.3)."""
    signed_in = rp.sign_in()
    assert signed_in.user_claims()["sub"] == signed_in.claims["sub"]


def test_oidcc_response_type_missing(rp: RelyingParty) -> None:
    """A request without `response_type` is refused (RFC 6749 §3.1.1)."""
    answer = rp.authorize(response_type=None, response_mode=None)
    if answer.mode is None:
        assert rp.op.is_error_page(answer.page)
    else:
        assert answer.error in {"invalid_request", "unsupported_response_type"}
        assert answer.parameters["state"] == answer.asked.parameters["state"]


def test_oidcc_idtoken_signature(rp: RelyingParty) -> None:
    """The ID token is signed with a published key that its header names (OpenID Connect Core §2, §10.1)."""
    signed_in = rp.sign_in()
    token = signed_in.tokens.get("id_token") or signed_in.answer.parameters["id_token"]
    header = jwt.decode(token, rp.keys(), algorithms=ASYMMETRIC).header
    published = [key for key in rp.keys().keys if key.kid == header["kid"]]
    assert len(published) == 1
    assert header["alg"] in rp.metadata["id_token_signing_alg_values_supported"]
    assert not published[0].is_private


def test_oidcc_idtoken_unsigned(rp: RelyingParty) -> None:
    """Unsigned ID tokens, which nobody has to offer, are not offered (OpenID Connect Core §2, §15.1)."""
    assert "none" not in rp.metadata["id_token_signing_alg_values_supported"]
    signed_in = rp.sign_in()
    assert jwt.decode(signed_in.id_token, rp.keys(), algorithms=ASYMMETRIC).header["alg"] != "none"


def test_oidcc_userinfo_get(rp: RelyingParty) -> None:
    """UserInfo answers a GET with the token in the header (OpenID Connect Core §5.3.1)."""
    _check_userinfo(rp.sign_in(), "get")


def test_oidcc_userinfo_post_header(rp: RelyingParty) -> None:
    """UserInfo answers a POST with the token in the header (OpenID Connect Core §5.3.1)."""
    _check_userinfo(rp.sign_in(), "post-header")


def test_oidcc_userinfo_post_body(rp: RelyingParty) -> None:
    """A provider may take the token from the form (RFC 6750 §2.2 is optional): one that does answers, one that does not says 401."""
    signed_in = rp.sign_in()
    if rp.op.takes_form_token:
        _check_userinfo(signed_in, "post-body")
        return
    refused = signed_in.userinfo("post-body")
    assert refused.status_code == 401, refused.text
    assert "invalid_token" in refused.headers["www-authenticate"]
    _check_userinfo(signed_in, "post-header")


def _check_userinfo(signed_in: SignedIn, how: str) -> None:
    answer = signed_in.userinfo(how)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["sub"] == signed_in.claims["sub"]


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp: RelyingParty) -> None:
    """Without an ID token in the answer itself the nonce may be left out (OpenID Connect Core §3.1.2.1)."""
    assert "nonce" not in rp.sign_in(nonce=None).claims


def test_oidcc_ensure_request_without_nonce_fails(rp: RelyingParty) -> None:
    """An ID token in the answer itself needs a nonce (OpenID Connect Core §3.2.2.1, §3.3.2.11)."""
    answer = rp.authorize(nonce=None)
    assert answer.error == "invalid_request" or rp.op.is_error_page(answer.page)


def _check_scope(rp: RelyingParty, *scopes: str) -> None:
    """Every claim of the scopes that the provider has comes; claims of scopes that were not asked for do not."""
    if not set(scopes) <= set(rp.metadata["scopes_supported"]):
        # OpenID Connect Core §3.1.2.1: scope values that are not understood should be ignored; RFC 6749 §3.3 allows to refuse.
        answer = rp.authorize(scope=" ".join(("openid", *scopes)))
        if answer.error is not None:
            assert answer.error == "invalid_scope"
            return
        rp.check_answer(answer)
        return
    supported = set(rp.metadata["claims_supported"])
    claims = rp.sign_in(scope=" ".join(("openid", *scopes))).user_claims()
    wanted = set().union(*(CLAIMS_OF_SCOPE[scope] for scope in scopes)) & supported
    forbidden = set().union(*CLAIMS_OF_SCOPE.values()) - set().union(*(CLAIMS_OF_SCOPE[scope] for scope in scopes))
    assert set(claims) & wanted, f"none of {sorted(wanted)}"
    assert not set(claims) & forbidden


def test_oidcc_scope_profile(rp: RelyingParty) -> None:
    """Scope `profile` releases the profile's claims and no others (OpenID Connect Core §5.4)."""
    _check_scope(rp, "profile")


def test_oidcc_scope_email(rp: RelyingParty) -> None:
    """Scope `email` releases the address and whether it is verified (OpenID Connect Core §5.4)."""
    _check_scope(rp, "email")


def test_oidcc_scope_address(rp: RelyingParty) -> None:
    """Scope `address` releases a structured address (OpenID Connect Core §5.4)."""
    _check_scope(rp, "address")


def test_oidcc_scope_phone(rp: RelyingParty) -> None:
    """Scope `phone` releases the number and whether it is verified (OpenID Connect Core §5.4)."""
    _check_scope(rp, "phone")


def test_oidcc_scope_all(rp: RelyingParty) -> None:
    """All standard scopes that the provider has can be asked for together (OpenID Connect Core §5.4)."""
    supported = rp.metadata["scopes_supported"]
    _check_scope(rp, *(scope for scope in CLAIMS_OF_SCOPE if scope in supported))


def test_oidcc_alternate_happy_flow(rp: RelyingParty) -> None:
    """Another redirect URI of the client and a long state with every URL character (OpenID Connect Core §3.1.2.1)."""
    state = "".join(chr(octet) for octet in range(0x20, 0x7F)) * 3
    signed_in = rp.sign_in(redirect_uri=OTHER_CALLBACK, state=state, nonce="n" * 128)
    assert signed_in.answer.parameters["state"] == state


def test_oidcc_display_page(rp: RelyingParty) -> None:
    """`display=page` is no reason to refuse (OpenID Connect Core §3.1.2.1)."""
    rp.sign_in(display="page")


def test_oidcc_display_popup(rp: RelyingParty) -> None:
    """`display=popup` is no reason to refuse (OpenID Connect Core §3.1.2.1)."""
    rp.sign_in(display="popup")


def test_oidcc_prompt_login(rp: RelyingParty) -> None:
    """`prompt=login` asks a person who is signed in once more, and says when that was (OpenID Connect Core §3.1.2.1)."""
    first = rp.sign_in(max_age="3600")
    with rp.op.later(timedelta(seconds=3)):
        again = rp.sign_in(prompt="login", max_age="3600")
        assert "login" in again.answer.steps
        assert again.claims["auth_time"] > first.claims["auth_time"]
        assert again.claims["sub"] == first.claims["sub"]


def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty) -> None:
    """`prompt=none` without a session is an error for the client, in the mode of a success (OpenID Connect Core §3.1.2.6)."""
    answer = rp.authorize(prompt="none")
    assert answer.mode == rp.variant.expected_mode
    assert answer.error in NO_INTERACTION_POSSIBLE
    assert answer.parameters["state"] == answer.asked.parameters["state"]
    assert not {"code", "id_token", "access_token"} & set(answer.parameters)


def test_oidcc_prompt_none_logged_in(rp: RelyingParty) -> None:
    """`prompt=none` with a session succeeds without a page (OpenID Connect Core §3.1.2.1)."""
    first = rp.sign_in(max_age="3600")
    with rp.op.later(timedelta(seconds=3)):
        again = rp.sign_in(prompt="none", max_age="3600")
    assert not again.answer.steps
    assert again.claims["sub"] == first.claims["sub"]
    assert again.claims["auth_time"] == first.claims["auth_time"]


def test_oidcc_max_age_1(rp: RelyingParty) -> None:
    """An authentication older than `max_age` is done again (OpenID Connect Core §3.1.2.1)."""
    first = rp.sign_in(max_age="3600")
    with rp.op.later(timedelta(seconds=4)):
        again = rp.sign_in(max_age="1")
        assert "login" in again.answer.steps
        assert again.claims["auth_time"] > first.claims["auth_time"]
        assert again.claims["sub"] == first.claims["sub"]


def test_oidcc_max_age_10000(rp: RelyingParty) -> None:
    """A young authentication is kept, and `auth_time` says so (OpenID Connect Core §2, §3.1.2.1)."""
    first = rp.sign_in(max_age="10000")
    again = rp.sign_in(max_age="10000")
    assert not again.answer.steps
    assert again.claims["auth_time"] == first.claims["auth_time"]
    assert abs(again.claims["auth_time"] - rp.op.now().timestamp()) < 60


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp: RelyingParty) -> None:
    """Unknown parameters are ignored (RFC 6749 §3.1)."""
    rp.sign_in(extra="foobar")


def test_oidcc_id_token_hint(rp: RelyingParty) -> None:
    """With the hint of the person who is signed in, `prompt=none` succeeds for the same person (OpenID Connect Core §3.1.2.1)."""
    first = rp.sign_in()
    hint = first.tokens.get("id_token") or first.answer.parameters["id_token"]
    again = rp.sign_in(prompt="none", id_token_hint=str(hint))
    assert again.claims["sub"] == first.claims["sub"]
    assert not again.answer.steps


def test_oidcc_login_hint(rp: RelyingParty) -> None:
    """A `login_hint` is no reason to refuse, whoever signs in (OpenID Connect Core §3.1.2.1)."""
    rp.sign_in(login_hint="somebody@rp.test")


def test_oidcc_ui_locales(rp: RelyingParty) -> None:
    """Languages that the provider has not are no error (OpenID Connect Core §3.1.2.1)."""
    rp.sign_in(ui_locales="se")


def test_oidcc_claims_locales(rp: RelyingParty) -> None:
    """Claim languages that the provider has not are no error (OpenID Connect Core §5.2)."""
    rp.sign_in(claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(rp: RelyingParty) -> None:
    """Asking for the first advertised `acr` succeeds, and what is reached is told (OpenID Connect Core §3.1.2.1)."""
    offered = rp.metadata.get("acr_values_supported", ["1"])
    claims = rp.sign_in(acr_values=f"{offered[0]} urn:unknown").claims
    assert claims.get("acr", offered[0]) in offered


def test_oidcc_codereuse(rp: RelyingParty) -> None:
    """A code that was used once is refused (RFC 6749 §4.1.2)."""
    _check_code_reuse(rp, 0)


def test_oidcc_codereuse_30seconds(rp: RelyingParty) -> None:
    """A code that was used is refused half a minute later too, and its tokens end (RFC 6749 §4.1.2)."""
    _check_code_reuse(rp, 30)


def _check_code_reuse(rp: RelyingParty, seconds: int) -> None:
    signed_in = rp.sign_in()
    with rp.op.later(timedelta(seconds=seconds)):
        again = rp.redeem(signed_in.answer)
        assert again.status_code == 400
        assert again.json()["error"] in CODE_REUSED
        assert signed_in.userinfo().status_code == 401


def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty) -> None:
    """An address that is not registered is never followed; the person is told (OpenID Connect Core §3.1.2.1, RFC 6749 §3.1.2.4)."""
    answer = rp.authorize(redirect_uri="https://rp.test/callback-unregistered")
    assert answer.mode is None
    assert rp.op.is_error_page(answer.page)
    assert "callback-unregistered" not in answer.page.headers.get("location", "")


def test_oidcc_ensure_post_request_succeeds(rp: RelyingParty) -> None:
    """The authorization request may come as a POST (OpenID Connect Core §3.1.2.1)."""
    answer = rp.authorize(post=True)
    assert rp.tokens(answer)


def test_oidcc_server_client_secret_post(rp: RelyingParty) -> None:
    """A client may send its secret in the form when it is registered so (OpenID Connect Core §9)."""
    posting = rp.beside(f"{rp.variant.role}-post")
    assert posting.client.auth_method == "client_secret_post"
    posting.sign_in()


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(rp: RelyingParty) -> None:
    """An unsigned request object by reference is read or refused with the right error, never ignored (OpenID Connect Core §6.2)."""
    answer = rp.authorize(request_uri="https://rp.test/request.jwt", state="outer")
    if answer.mode is None:
        assert rp.op.is_error_page(answer.page)
    else:
        assert answer.error in REQUEST_URI_ERRORS, dict(answer.parameters)


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(rp: RelyingParty) -> None:
    """An unsigned request object is read or refused with the right error, never ignored (OpenID Connect Core §6.1)."""
    _check_unsigned_request_object(rp)


def test_oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty) -> None:
    """The redirect URI inside a request object counts, or request objects are refused (OpenID Connect Core §6.1, §6.3.3)."""
    _check_unsigned_request_object(rp, redirect_uri=OTHER_CALLBACK)


def _check_unsigned_request_object(rp: RelyingParty, **inside: str) -> None:
    asked = rp.ask()
    members: dict[str, Any] = {**asked.parameters, "state": "inside", **inside}
    answer = rp.authorize(
        request=unsigned_jwt(
            {"iss": rp.client.client_id, "aud": rp.op.issuer, **members},
        ),
        state="outside",
        redirect_uri=inside.get("redirect_uri", asked.parameters["redirect_uri"]),
    )
    if answer.mode is None:
        assert rp.op.is_error_page(answer.page)
    elif answer.error is not None:
        assert answer.error in REQUEST_OBJECT_ERRORS
        assert rp.metadata.get("request_parameter_supported") is not True or answer.error != "request_not_supported"
    else:
        assert answer.parameters["state"] == "inside"


def test_oidcc_claims_essential(rp: RelyingParty) -> None:
    """An essential claim that was asked for by name is given (OpenID Connect Core §5.5.1)."""
    place = "userinfo" if rp.variant.asks_code or rp.variant.asks_token else "id_token"
    signed_in = rp.sign_in(claims=json.dumps({place: {"name": {"essential": True}}}))
    assert signed_in.user_claims()["name"]


def test_oidcc_refresh_token(rp: RelyingParty) -> None:
    """A refresh token gives tokens for the same person and client, to its own client alone (OpenID Connect Core §12)."""
    signed_in = rp.sign_in(scope="openid offline_access", prompt="consent")
    refresh_token = str(signed_in.tokens["refresh_token"])
    stolen = rp.beside().call("token_endpoint", {"grant_type": "refresh_token", "refresh_token": refresh_token})
    assert stolen.status_code == 400
    assert stolen.json()["error"] == "invalid_grant"
    got = rp.call("token_endpoint", {"grant_type": "refresh_token", "refresh_token": refresh_token})
    assert got.status_code == 200, got.text
    fresh = got.json()
    assert fresh["access_token"] != signed_in.access_token
    if "id_token" in fresh:
        claims = jwt.decode(fresh["id_token"], rp.keys(), algorithms=ASYMMETRIC).claims
        for name in ("iss", "sub", "aud"):
            assert claims[name] == signed_in.claims[name]
        assert claims["iat"] >= signed_in.claims["iat"]
        assert claims.get("nonce") in (None, signed_in.claims["nonce"])


def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty) -> None:
    """PKCE with S256 works, and a wrong verifier does not (RFC 7636 §4.5, §4.6)."""
    answer = rp.authorize()
    wrong = rp.redeem(answer, code_verifier="w" * 43)
    assert wrong.status_code == 400
    assert wrong.json()["error"] == "invalid_grant"
    rp.sign_in()
