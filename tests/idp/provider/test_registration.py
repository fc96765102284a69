"""Registering clients, and what the provider says of itself."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from joserfc.jwk import ECKey, RSAKey

from idp.provider.authorization.response_types import RESPONSE_TYPES
from idp.provider.clients.metadata import ClientAlgorithms, ClientMetadata, Encryption, parse_metadata, render_metadata
from idp.provider.clients.policies import CIBA, DEVICE_CODE, TOKEN_EXCHANGE
from idp.provider.clients.registry import GrantType
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.register import check_registration
from idp.provider.subjects import Subjects
from idp.vocabulary import ALL_ACR_VALUES
from tests.idp.provider.world import BUSINESS, HOUSING, ISSUER, NATIVE, START, World

UNFIT: dict[str, dict[str, Any]] = {
    "P09 identifier with a colon": {"client_id": "a:b"},
    "P09 identifier as long as a subject": {"client_id": "a" * 43},
    "no name": {"name_zh": " "},
    "control character": {"name_zh": "公租房\x00"},
    "unknown policy": {"policy": "anything"},
    "unknown method": {"token_endpoint_auth_method": "private_key_jwt"},
    "unknown grant type": {"grant_types": ("authorization_code", "password")},
    "no grant type": {"grant_types": ()},
    "refresh without code": {"grant_types": ("refresh_token",), "redirect_uris": ()},
    "code without address": {"redirect_uris": ()},
    "public web application": {"token_endpoint_auth_method": "none"},
    "unknown scope": {"scopes": ("openid", "admin")},
    "R16 wildcard": {"redirect_uris": ("https://*.gzf.test/*",)},
    "R19 script": {"home_uri": "javascript:alert(1)"},
    "L10 script": {"backchannel_logout_uri": "javascript:alert(1)"},
    "L10 plain http": {"backchannel_logout_uri": "http://gzf.test/logout"},
    "L02 wildcard": {"post_logout_redirect_uris": ("https://gzf.test/*",)},
    "exempt without basis": {"consent": "exempt"},
    "two hosts, no sector": {"redirect_uris": ("https://a.test/cb", "https://b.test/cb")},
}


@pytest.mark.parametrize("grant_type", ["client_credentials", TOKEN_EXCHANGE, CIBA])
def test_public_application_acts_for_nobody_who_is_absent(grant_type: str) -> None:
    """Whoever cannot prove who they are acts neither for themselves nor for officers, and rings nobody up."""
    check_registration(NATIVE, now=START)
    with pytest.raises(InvalidClientMetadata, match="a public client"):
        check_registration(replace(NATIVE, grant_types=("authorization_code", grant_type)), now=START)


@pytest.mark.parametrize("changes", UNFIT.values(), ids=UNFIT.keys())
def test_unfit_registration_is_refused(changes: dict[str, Any]) -> None:
    """RFC 7591 §3.2.2: named member, nothing stored."""
    with pytest.raises(InvalidClientMetadata):
        check_registration(replace(HOUSING, **changes), now=START)


KEY = ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=False)
RSA_KEY = RSAKey.generate_key(2048, {"kid": "k2"}).as_dict(private=False)
KEYS = {"keys": [KEY]}
LATER = START + timedelta(days=90)
CIBA_GRANTS = ("authorization_code", CIBA)

# What a registration says beside its further members, and these.
UNFIT_FURTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "keys twice": ({}, {"jwks": KEYS, "jwks_uri": "https://gzf.test/jwks"}),
    "private key": ({}, {"jwks": {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}}),
    "assertion without keys": ({"token_endpoint_auth_method": "private_key_jwt"}, {}),
    "own certificate without keys": ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, {}),
    "certificate without subject": ({"token_endpoint_auth_method": "tls_client_auth"}, {}),
    "subject of no kind": (
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"tls_client_auth_kind": "subject", "tls_client_auth_value": "CN=gzf"},
    ),
    "empty subject": (
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"tls_client_auth_kind": "tls_client_auth_san_dns", "tls_client_auth_value": ""},
    ),
    **{
        f"{kind} that no certificate carries, {value}": (
            {"token_endpoint_auth_method": "tls_client_auth"},
            {"tls_client_auth_kind": f"tls_client_auth_{kind}", "tls_client_auth_value": value},
        )
        for kind, value in (
            ("subject_dn", "gzf"),
            ("subject_dn", "CN=gzf.test, O=Housing"),
            ("san_dns", "https://gzf.test"),
            ("san_dns", "gzf..test"),
            # Tried in every way in which it could be split, this would hold up the worker for longer than anybody lives.
            ("san_dns", "g" * 252 + "!"),
            ("san_uri", "gzf.test"),
            ("san_ip", "192.0.2.256"),
            ("san_email", "gzf.test"),
        )
    },
    "secret and subject": ({}, {"tls_client_auth_kind": "tls_client_auth_san_dns", "tls_client_auth_value": "x"}),
    "symmetric signature": ({}, {"algorithms": ClientAlgorithms(id_token_signed_response_alg="HS256")}),
    "no signature": ({}, {"algorithms": ClientAlgorithms(id_token_signed_response_alg="none")}),
    "RS256 under high": (
        {"policy": "high", "token_endpoint_auth_method": "private_key_jwt"},
        {"jwks": KEYS, "algorithms": ClientAlgorithms(id_token_signed_response_alg="RS256")},
    ),
    "algorithm without its key": (
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"jwks": KEYS, "algorithms": ClientAlgorithms(token_endpoint_auth_signing_alg="PS256")},
    ),
    "encryption without keys": (
        {},
        {"algorithms": ClientAlgorithms(id_token_encrypted_response=Encryption("ECDH-ES"))},
    ),
    "encryption without its key": (
        {},
        {"jwks": KEYS, "algorithms": ClientAlgorithms(userinfo_encrypted_response=Encryption("RSA-OAEP-256"))},
    ),
    "RSA1_5": (
        {},
        {"jwks": {"keys": [RSA_KEY]}, "algorithms": ClientAlgorithms(id_token_encrypted_response=Encryption("RSA1_5"))},
    ),
    "unknown content encryption": (
        {},
        {"jwks": KEYS, "algorithms": ClientAlgorithms(id_token_encrypted_response=Encryption("ECDH-ES", "none"))},
    ),
    "signed requests without keys": ({}, {"require_signed_request_object": True}),
    "high-signed without keys": (
        {"policy": "high-signed", "token_endpoint_auth_method": "tls_client_auth"},
        {"tls_client_auth_kind": "tls_client_auth_san_dns", "tls_client_auth_value": "gzf.test"},
    ),
    "two bindings": ({}, {"dpop_bound_access_tokens": True, "tls_client_certificate_bound_access_tokens": True}),
    "unknown token format": ({}, {"access_token_format": "saml"}),
    "hybrid under baseline": ({}, {"response_types": ("code id_token",)}),
    "no response type for the code flow": ({}, {"response_types": ()}),
    "implicit without its grant type": (
        {"policy": "legacy"},
        {"response_types": ("code", "id_token"), "legacy_exceptions": ("implicit",), "legacy_until": LATER},
    ),
    "implicit without its exception": (
        {"policy": "legacy", "grant_types": ("authorization_code", "implicit")},
        {"response_types": ("code", "id_token"), "legacy_exceptions": ("no_pkce",), "legacy_until": LATER},
    ),
    "implicit on loopback": (
        {"policy": "legacy", "grant_types": ("implicit",), "redirect_uris": ("http://127.0.0.1/cb",)},
        {"response_types": ("id_token",), "legacy_exceptions": ("implicit",), "legacy_until": LATER},
    ),
    "exception under baseline": ({}, {"legacy_exceptions": ("no_pkce",), "legacy_until": LATER}),
    "exception without end": ({"policy": "legacy"}, {"legacy_exceptions": ("no_pkce",)}),
    "end without exception": ({"policy": "legacy"}, {"legacy_until": LATER}),
    "exception for two years": (
        {"policy": "legacy"},
        {"legacy_exceptions": ("no_pkce",), "legacy_until": START + timedelta(days=730)},
    ),
    "unknown exception": ({"policy": "legacy"}, {"legacy_exceptions": ("everything",), "legacy_until": LATER}),
    "loopback under high": (
        {"policy": "high", "token_endpoint_auth_method": "private_key_jwt", "redirect_uris": ("http://127.0.0.1/cb",)},
        {"jwks": KEYS},
    ),
    "CIBA without a delivery mode": ({"grant_types": CIBA_GRANTS}, {}),
    "delivery mode without CIBA": ({}, {"backchannel_token_delivery_mode": "poll"}),
    "push": ({"grant_types": CIBA_GRANTS}, {"backchannel_token_delivery_mode": "push"}),
    "ping without address": ({"grant_types": CIBA_GRANTS}, {"backchannel_token_delivery_mode": "ping"}),
    "poll with address": (
        {"grant_types": CIBA_GRANTS},
        {
            "backchannel_token_delivery_mode": "poll",
            "backchannel_client_notification_endpoint": "https://gzf.test/ping",
        },
    ),
    "public CIBA client": (
        {"grant_types": CIBA_GRANTS, "token_endpoint_auth_method": "none", "application_type": "native"},
        {"backchannel_token_delivery_mode": "poll"},
    ),
    "frame of another origin": ({}, {"frontchannel_logout_uri": "https://gzf.test.evil.test/out"}),
    "frame of another port": ({}, {"frontchannel_logout_uri": "https://gzf.test:8443/out"}),
    "session without frame": ({}, {"frontchannel_logout_session_required": True}),
    "session without message": ({"backchannel_logout_uri": None}, {"backchannel_logout_session_required": True}),
    "sector document never judged": ({}, {"sector_identifier_uri": "https://sector.test/list"}),
    "public subjects": ({}, {"subject_type": "public"}),
    "negative age": ({}, {"default_max_age": -1}),
    "age of two years": ({}, {"default_max_age": 730 * 86_400}),
    "unknown acr": ({}, {"default_acr_values": ("urn:nothing",)}),
    "contact that is no address": ({}, {"contacts": ("nobody",)}),
    "line end in a software name": ({}, {"software_id": "a\nb"}),
    "request address with a fragment that is no digest": ({}, {"request_uris": ("https://gzf.test/request#one",)}),
    "start of a sign-in by script": ({}, {"initiate_login_uri": "javascript:alert(1)"}),
}


@pytest.mark.parametrize(("changes", "members"), UNFIT_FURTHER.values(), ids=UNFIT_FURTHER.keys())
def test_unfit_further_member_is_refused(changes: dict[str, Any], members: dict[str, Any]) -> None:
    """The rules of RFC 7591, RFC 8705, JARM, CIBA and the logout profiles, one by one, whoever registers."""
    with pytest.raises(InvalidClientMetadata):
        check_registration(replace(HOUSING, **{**changes, "metadata": ClientMetadata(**members)}), now=START)


FIT_FURTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "assertion with keys": ({"token_endpoint_auth_method": "private_key_jwt"}, {"jwks": KEYS}),
    "assertion with an address of keys": (
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"jwks_uri": "https://gzf.test/jwks"},
    ),
    "certificate with its subject": (
        {"policy": "high", "token_endpoint_auth_method": "tls_client_auth"},
        {"tls_client_auth_kind": "tls_client_auth_subject_dn", "tls_client_auth_value": "CN=gzf,O=青榆区"},
    ),
    **{
        f"certificate with its {kind}": (
            {"token_endpoint_auth_method": "tls_client_auth"},
            {"tls_client_auth_kind": f"tls_client_auth_{kind}", "tls_client_auth_value": value},
        )
        for kind, value in (
            ("subject_dn", "2.5.4.5=#130133,CN=gzf+OU=一科"),
            ("san_dns", "GZF.Test"),
            ("san_uri", "urn:gzf"),
            ("san_ip", "2001:db8::7"),
            ("san_email", "app@gzf.test"),
        )
    },
    "high": (
        {"policy": "high", "token_endpoint_auth_method": "private_key_jwt"},
        {"jwks": KEYS, "dpop_bound_access_tokens": True},
    ),
    "high, native on loopback": (
        {
            "policy": "high",
            "token_endpoint_auth_method": "private_key_jwt",
            "application_type": "native",
            "redirect_uris": ("http://127.0.0.1/cb",),
        },
        {"jwks": KEYS},
    ),
    "high-signed": ({"policy": "high-signed", "token_endpoint_auth_method": "private_key_jwt"}, {"jwks": KEYS}),
    "hybrid and implicit with their exceptions": (
        {"policy": "legacy", "grant_types": ("authorization_code", "implicit")},
        {
            "response_types": ("code", "code id_token", "id_token token"),
            "legacy_exceptions": ("hybrid", "implicit"),
            "legacy_until": LATER,
        },
    ),
    "implicit alone, without a secret": (
        {"policy": "legacy", "grant_types": ("implicit",), "token_endpoint_auth_method": "none"},
        {"response_types": ("id_token",), "legacy_exceptions": ("implicit",), "legacy_until": LATER},
    ),
    "legacy without exceptions": ({"policy": "legacy"}, {}),
    "ping": (
        {"grant_types": CIBA_GRANTS},
        {
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": "https://gzf.test/ping",
        },
    ),
    "poll": ({"grant_types": CIBA_GRANTS}, {"backchannel_token_delivery_mode": "poll"}),
    "kiosk": ({"grant_types": (DEVICE_CODE, "refresh_token"), "redirect_uris": ()}, {}),
    "encrypted answers": (
        {},
        {
            "jwks": {"keys": [KEY, RSA_KEY]},
            "algorithms": ClientAlgorithms(
                id_token_encrypted_response=Encryption("RSA-OAEP-256", "A256GCM"),
                userinfo_encrypted_response=Encryption("ECDH-ES+A256KW"),
                request_object_encryption=Encryption("RSA-OAEP"),
            ),
        },
    ),
    "frame of its own origin": (
        {},
        {"frontchannel_logout_uri": "https://gzf.test/out", "frontchannel_logout_session_required": True},
    ),
    "wishes": ({}, {"default_max_age": 0, "require_auth_time": True, "default_acr_values": ALL_ACR_VALUES[-1:]}),
    "request address with the digest of its document": (
        {},
        {"request_uris": ("https://gzf.test/request#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM",)},
    ),
    "proved sector": (
        {"sector": "sector.test", "redirect_uris": ("https://a.test/cb", "https://b.test/cb")},
        {"sector_identifier_uri": "https://sector.test/list"},
    ),
}


@pytest.mark.parametrize(("changes", "members"), FIT_FURTHER.values(), ids=FIT_FURTHER.keys())
def test_fit_further_members_pass_and_are_stored_as_they_are(changes: dict[str, Any], members: dict[str, Any]) -> None:
    """Positive controls beside the refusals; what is written to the column reads back equal."""
    metadata = ClientMetadata(**members)
    check_registration(replace(HOUSING, **{**changes, "metadata": metadata}), now=START)
    assert parse_metadata(json.loads(json.dumps(render_metadata(metadata)))) == metadata


@pytest.mark.parametrize("registration", [HOUSING, BUSINESS, NATIVE])
def test_fit_registrations_pass(registration: Any) -> None:
    """Positive controls."""
    check_registration(registration, now=START)


async def test_identifier_is_taken_once(world: World) -> None:
    """A second registration of one identifier is refused."""
    with pytest.raises(InvalidClientMetadata):
        await world.add_client(HOUSING)


async def test_both_documents_say_the_same(world: World) -> None:
    """OpenID Connect Discovery §3, RFC 8414 §2: generated from what is switched on."""
    async with world.http() as http:
        openid = await http.get("/.well-known/openid-configuration")
        oauth = await http.get("/.well-known/oauth-authorization-server")
        body = openid.json()
        assert {**body, "signed_metadata": oauth.json()["signed_metadata"]} == oauth.json()
        assert body["issuer"] == ISSUER
        assert set(body["grant_types_supported"]) == set(get_args(GrantType))
        assert body["code_challenge_methods_supported"] == ["S256"]
        assert set(body["response_types_supported"]) == RESPONSE_TYPES
        assert body["subject_types_supported"] == ["pairwise"]
        for name, value in body.items():
            if name.endswith(("_endpoint", "jwks_uri")):
                response = await http.request("OPTIONS", value.removeprefix(ISSUER))
                assert response.status_code == 405, name
        jwks = await http.get("/oauth/jwks")
    assert "max-age" in jwks.headers["cache-control"]


def test_subjects_depend_on_key_sector_and_person() -> None:
    """OpenID Connect Core §8.1: stable for one triple, unrelated for any other; lengths keep parts apart."""
    one = Subjects(1, bytes(range(32)))
    base = one.subject("gzf.test", "p1")
    assert base == one.subject("gzf.test", "p1")
    others = {
        one.subject("qyfw.test", "p1"),
        one.subject("gzf.test", "p2"),
        one.subject("gzf.testp", "1"),
        one.session_identifier("gzf.test", "p1"),
        Subjects(2, bytes(range(32))).subject("gzf.test", "p1"),
        Subjects(1, bytes(range(1, 33))).subject("gzf.test", "p1"),
    }
    assert len(others) == 6
    assert base not in others
    assert len(base) == 43
