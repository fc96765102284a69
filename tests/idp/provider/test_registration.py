"""Registering clients, and what the provider says of itself."""

from dataclasses import replace
from typing import Any

import pytest

from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration import check_registration
from idp.provider.response_types import RESPONSE_TYPES
from idp.provider.subjects import Subjects
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


@pytest.mark.parametrize("changes", UNFIT.values(), ids=UNFIT.keys())
def test_unfit_registration_is_refused(changes: dict[str, Any]) -> None:
    """RFC 7591 §3.2.2: named member, nothing stored."""
    with pytest.raises(InvalidClientMetadata):
        check_registration(replace(HOUSING, **changes), now=START)


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
        assert openid.json() == oauth.json()
        body = openid.json()
        assert body["issuer"] == ISSUER
        assert body["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
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
