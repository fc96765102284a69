"""Modules of dynamic registration and of login that a third party initiates; the other dynamic modules stand in test_oidcc_core.py."""

import secrets
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt

from tests.conformance.registrations import CALLBACK, OTHER_CALLBACK, QUERY_CALLBACK, new_rsa_key, public_jwks
from tests.conformance.registrations import new_signing_key as new_key
from tests.conformance.relying_party import ASYMMETRIC, RelyingParty
from tests.conformance.request_objects import unsigned_jwt

KEY_SEEN_WITHIN_S = 45.0


def _path(name: str) -> str:
    return f"/documents/{name}-{secrets.token_hex(4)}.json"


def test_oidcc_idtoken_rs256(rp: RelyingParty) -> None:
    """A client that registers RS256 gets its ID tokens so (OpenID Connect Registration §2)."""
    app = rp.registered(id_token_signed_response_alg="RS256")
    assert jwt.decode(app.sign_in().id_token, app.keys(), algorithms=ASYMMETRIC).header["alg"] == "RS256"


def test_oidcc_userinfo_rs256(rp: RelyingParty) -> None:
    """A client that registers it gets UserInfo as a signed JWT (OpenID Connect Core §5.3.2)."""
    app = rp.registered(userinfo_signed_response_alg="RS256")
    signed_in = app.sign_in(scope="openid profile")
    answer = signed_in.userinfo()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/jwt")
    decoded = jwt.decode(answer.text, app.keys(), algorithms=ASYMMETRIC)
    assert decoded.header["alg"] == "RS256"
    assert decoded.claims["iss"] == rp.op.issuer
    assert app.client.client_id in decoded.claims["aud"]
    assert decoded.claims["sub"] == signed_in.claims["sub"]


def _check_stops(app: RelyingParty, redirect_uri: str | None) -> None:
    answer = app.authorize(redirect_uri=redirect_uri)
    assert answer.mode is None
    assert app.op.is_error_page(answer.page)


def test_oidcc_ensure_redirect_uri_in_authorization_request(rp: RelyingParty) -> None:
    """`redirect_uri` is required (OpenID Connect Core §3.1.2.1)."""
    _check_stops(rp, None)


def test_oidcc_redirect_uri_query_OK(rp: RelyingParty) -> None:
    """A registered query is kept, and the answer is added to it (RFC 6749 §3.1.2)."""
    rp.registered(redirect_uris=[QUERY_CALLBACK]).sign_in()


def test_oidcc_redirect_uri_query_mismatch(rp: RelyingParty) -> None:
    """Another query than the registered one is another address (OpenID Connect Core §3.1.2.1)."""
    _check_stops(rp.registered(redirect_uris=[QUERY_CALLBACK]), f"{CALLBACK}?foo=other")


def test_oidcc_redirect_uri_query_added(rp: RelyingParty) -> None:
    """An added query makes another address (OpenID Connect Core §3.1.2.1)."""
    _check_stops(rp.registered(redirect_uris=[CALLBACK]), QUERY_CALLBACK)


def test_oidcc_redirect_uri_regfrag(rp: RelyingParty) -> None:
    """An address with a fragment is not registered (RFC 6749 §3.1.2, RFC 7591 §3.2.2)."""
    refused = rp.register(redirect_uris=[f"{CALLBACK}#fragment"])
    assert refused.status_code == 400
    assert refused.json()["error"] in {"invalid_redirect_uri", "invalid_client_metadata"}


def test_oidcc_registration_logo_uri(rp: RelyingParty) -> None:
    """A logo can be registered, and people can sign in; showing it is left to the provider (OpenID Connect Registration §2)."""
    _links_shown(rp, "logo_uri")


def test_oidcc_registration_policy_uri(rp: RelyingParty) -> None:
    """People are led to what the app says of their data (OpenID Connect Registration §2)."""
    assert "https://rp.test/policy_uri" in _links_shown(rp, "policy_uri")


def test_oidcc_registration_tos_uri(rp: RelyingParty) -> None:
    """People are led to the app's terms (OpenID Connect Registration §2)."""
    assert "https://rp.test/tos_uri" in _links_shown(rp, "tos_uri")


def _links_shown(rp: RelyingParty, member: str) -> frozenset[str]:
    address = f"https://rp.test/{member}"
    app = rp.registered(**{member: address})
    assert app.client.metadata[member] == address
    return app.sign_in().answer.links


def _publishing(rp: RelyingParty, keys: dict[str, Any], **metadata: Any) -> tuple[RelyingParty, str]:
    path = _path("jwks")
    address = rp.op.publish(path, keys)
    app = rp.registered(
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="ES256",
        jwks_uri=address,
        **metadata,
    )
    return app, path


def test_oidcc_registration_jwks_uri(rp: RelyingParty) -> None:
    """Keys may be published at an address of the client (OpenID Connect Registration §2)."""
    app, _ = _publishing(rp, public_jwks(rp.client.signing_key))
    app.sign_in()


def test_oidcc_registration_sector_uri(rp: RelyingParty) -> None:
    """A document that lists every redirect URI proves a sector (OpenID Connect Core §8.1, Registration §5)."""
    address = rp.op.publish(_path("sector"), [CALLBACK, OTHER_CALLBACK])
    rp.registered(sector_identifier_uri=address, subject_type="pairwise").sign_in()


def test_oidcc_registration_sector_bad(rp: RelyingParty) -> None:
    """A document that lists other addresses proves nothing (OpenID Connect Registration §5)."""
    address = rp.op.publish(_path("sector"), ["https://other.test/callback"])
    refused = rp.register(sector_identifier_uri=address, subject_type="pairwise")
    assert refused.status_code == 400
    assert refused.json()["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}


def test_oidcc_server_rotate_keys(rp: RelyingParty) -> None:
    """After a rotation a new key is published, and sign-ins go on (OpenID Connect Core §10.1.1)."""
    before = {key.kid for key in rp.keys().keys}
    rp.sign_in()
    rp.op.rotate_keys()
    deadline = time.monotonic() + KEY_SEEN_WITHIN_S
    while not {key.kid for key in rp.keys().keys} - before:
        assert time.monotonic() < deadline, "no new key was published"
        time.sleep(0.5)
    rp.sign_in()


def test_oidcc_refresh_token_rp_key_rotation(rp: RelyingParty) -> None:
    """A client that published a new key is known by it (OpenID Connect Core §10.1.1)."""
    app, path = _publishing(rp, public_jwks(rp.client.signing_key))
    signed_in = app.sign_in(scope="openid offline_access", prompt="consent")
    fresh = new_key(f"rotated-{secrets.token_hex(4)}")
    rp.op.publish(path, public_jwks(fresh))
    app.client = replace(app.client, signing_key=fresh)
    form = {"grant_type": "refresh_token", "refresh_token": str(signed_in.tokens["refresh_token"])}
    # Whoever keeps a client's keys for a minute may do so.
    with rp.op.later(timedelta(seconds=70)):
        got = app.call("token_endpoint", form)
    assert got.status_code == 200, got.text


def test_oidcc_request_uri_unsigned(rp: RelyingParty) -> None:
    """An unsigned request object by reference is refused by its own error, never ignored (OpenID Connect Core §6.2, RFC 9101 §6.3)."""
    asked = rp.ask(state="inside")
    claims = {"iss": rp.client.client_id, "aud": rp.op.issuer, **asked.parameters}
    address = rp.op.publish(_path("request"), unsigned_jwt(claims))
    app = rp.registered(request_uris=[address])
    answer = app.authorize(request_uri=address, state="outside")
    if answer.mode is None:
        assert rp.op.is_error_page(answer.page)
    else:
        assert answer.error in {"request_uri_not_supported", "invalid_request_object", "invalid_request_uri"}


def test_oidcc_request_uri_signed_rs256(rp: RelyingParty) -> None:
    """A signed request object by reference counts instead of what stands in the address (OpenID Connect Core §6.2)."""
    key = new_rsa_key("request", "RS256")
    path = _path("request")
    address = rp.op.publish(path, "")
    app = rp.registered(request_uris=[address], request_object_signing_alg="RS256", jwks=public_jwks(key))
    asked = app.ask(state="inside")
    rp.op.publish(path, app.request_object(asked, key=key, alg="RS256"))
    answer = app.authorize(request_uri=address, state="inside", nonce=asked.parameters["nonce"])
    assert answer.error is None, dict(answer.parameters)
    assert answer.parameters["state"] == "inside"


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(rp: RelyingParty) -> None:
    """The issuer as the audience of an assertion is right for everybody (RFC 7523 §3, OpenID Connect Core §9)."""
    app, _ = _publishing(rp, public_jwks(rp.client.signing_key))
    answer = app.authorize()
    got = app.redeem(answer, client_assertion=app.assertion({"aud": rp.op.issuer}))
    assert got.status_code == 200, got.text


def test_oidcc_3rd_party_init_login(rp: RelyingParty) -> None:
    """The provider can lead a person to begin at the client, which then asks as ever (OpenID Connect Core §4)."""
    app = rp.beside("third-party")
    address = rp.op.initiated_login("third-party")
    assert address.startswith(app.client.metadata["initiate_login_uri"])
    assert dict(parse_qsl(urlsplit(address).query))["iss"] == rp.op.issuer
    app.sign_in()


def test_oidcc_3rd_party_init_login_nohttps(rp: RelyingParty) -> None:
    """An address without TLS is not registered (OpenID Connect Core §4, Registration §2)."""
    refused = rp.register(initiate_login_uri="http://rp.test/initiate-login")
    assert refused.status_code == 400
    assert refused.json()["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}
