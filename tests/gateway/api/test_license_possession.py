"""The license API as a protected resource: bound tokens, challenges, step-up, and what it says about itself."""

import hashlib
import secrets
import time
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from gateway.composition import Parts, open_parts
from gateway.settings import load_settings
from idp.provider.tokens.access_tokens import AccessTokenFacts, TokenContext, sign_access_token
from idp.vocabulary import RealNameLevel, SignInStrength, acr_of
from tests.gateway.api.conftest import CLERK, Backend
from tests.idp.provider.signed_requests import encoded, sign

KEY, OTHER_KEY = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
WELL_KNOWN = "/.well-known/oauth-protected-resource"


def proof(url: str, *, key: Any = KEY, token: str | None = None, **changes: Any) -> str:
    """A DPoP proof for a POST to this address, now."""
    claims = {"htm": "POST", "htu": url, "iat": int(time.time()), "jti": secrets.token_hex(8)}
    if token is not None:
        claims["ath"] = encoded(hashlib.sha256(token.encode()).digest())
    return sign({**claims, **changes}, key=key, typ="dpop+jwt", kid=None, jwk=key.as_dict(private=False))


@pytest.fixture(scope="module")
def bound(backend: Backend) -> str:
    """The application's own token, bound to a key."""
    client = next(one for one in backend.town.world["clients"] if one["client_id"] == "gzf")
    answer = httpx2.post(
        f"{backend.town.issuer}/oauth/token",
        data={"grant_type": "client_credentials", "scope": "license.lookup", "resource": backend.audience},
        auth=("gzf", client["client_secret"]),
        headers={"DPoP": proof(f"{backend.town.issuer}/oauth/token")},
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP"), answer.text
    token: str = answer.json()["access_token"]
    return token


def look_up(backend: Backend, token: str, *proofs: str, scheme: str = "DPoP") -> httpx2.Response:
    """The ordinary question with a token in this scheme."""
    lines: list[tuple[str, str | bytes]] = [("authorization", f"{scheme} {token}")]
    return backend.post(headers=[*lines, *(("dpop", one) for one in proofs)])


def test_a_bound_token_looks_up_with_its_key(backend: Backend, bound: str) -> None:
    """RFC 9449 §7.1; the second use of a proof is refused."""
    url = f"{backend.audience}/lookup"
    shown = proof(url, token=bound)
    assert look_up(backend, bound, shown).status_code == 200
    replayed = look_up(backend, bound, shown)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "21220")
    assert 'error="invalid_dpop_proof"' in replayed.headers["www-authenticate"]
    assert look_up(backend, bound, proof(url, token=bound)).status_code == 200


def test_a_bound_token_looks_nothing_up_otherwise(backend: Backend, bound: str) -> None:
    """M01, M02, M04: every way around the binding is a 401 with a challenge that leads to the metadata."""
    url = f"{backend.audience}/lookup"
    plain = backend.token()
    attempts = {
        "as bearer": look_up(backend, bound, scheme="Bearer"),
        "as bearer with a proof": look_up(backend, bound, proof(url, token=bound), scheme="Bearer"),
        "without a proof": look_up(backend, bound),
        "another key": look_up(backend, bound, proof(url, key=OTHER_KEY, token=bound)),
        "another token's proof": look_up(backend, bound, proof(url, token=plain)),
        "no token hash": look_up(backend, bound, proof(url)),
        "another address": look_up(backend, bound, proof(backend.audience, token=bound)),
        "another method": look_up(backend, bound, proof(url, token=bound, htm="GET")),
        "an old proof": look_up(backend, bound, proof(url, token=bound, iat=int(time.time()) - 90)),
        "a bearer token in this scheme": look_up(backend, plain, proof(url, token=plain)),
    }
    for name, answer in attempts.items():
        assert answer.status_code == 401, name
        assert answer.json()["code"] in ("21201", "21220"), name
        challenge = answer.headers["www-authenticate"]
        assert f'resource_metadata="{backend.town.issuer}{WELL_KNOWN}/api/v1/licenses"' in challenge, name
        assert challenge.startswith("DPoP " if name != "as bearer" else "Bearer "), name
    assert look_up(backend, plain, scheme="Bearer").status_code == 200


def test_a_foreign_nonce_is_answered_with_one_of_ours(backend: Backend, bound: str) -> None:
    """RFC 9449 §9: the resource hands out nonces as the token endpoint does, and each takes the other's."""
    url = f"{backend.audience}/lookup"
    answer = look_up(backend, bound, proof(url, token=bound, nonce="foreign"))
    assert answer.status_code == 401
    assert 'error="use_dpop_nonce"' in answer.headers["www-authenticate"]
    nonce = answer.headers["dpop-nonce"]
    assert look_up(backend, bound, proof(url, token=bound, nonce=nonce)).status_code == 200


def test_a_token_without_the_scope_is_told_so_in_its_scheme(backend: Backend) -> None:
    """RFC 6750 §3.1 with the metadata of RFC 9728 §5.1."""
    answer = backend.post(token="x")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="renzheng", error="invalid_token"')
    assert "resource_metadata=" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("path", [f"{WELL_KNOWN}/api/v1/licenses", WELL_KNOWN])
def test_the_resource_says_what_it_takes(backend: Backend, path: str) -> None:
    """RFC 9728 §2, §3.1: the identifier is the audience of its tokens."""
    answer = httpx2.get(f"{backend.town.issuer}{path}", trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = answer.json()
    assert body["resource"] == backend.audience
    assert body["authorization_servers"] == [backend.town.issuer]
    assert body["bearer_methods_supported"] == ["header"]
    assert body["scopes_supported"] == ["license.lookup"]
    assert "ES256" in body["dpop_signing_alg_values_supported"]
    discovery = httpx2.get(f"{backend.town.issuer}/.well-known/openid-configuration", trust_env=False).json()
    assert backend.audience in discovery["protected_resources"]


async def test_a_weak_or_old_sign_in_is_told_what_would_do(backend: Backend) -> None:
    """RFC 9470 §3: the challenge names what is wanted, and a token with just that is answered."""
    settings = load_settings(backend.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        officer = await parts.directory.find_officer_by_work_number(housing.department_id, CLERK)
        assert officer is not None
        weak = officers_token(parts, backend, officer.officer_id, SignInStrength.ONE_FACTOR, age=timedelta())
        old = officers_token(parts, backend, officer.officer_id, SignInStrength.TWO_FACTOR, age=timedelta(hours=9))
        good = officers_token(parts, backend, officer.officer_id, SignInStrength.TWO_FACTOR, age=timedelta(hours=7))
    asked: dict[str, Any] = {"officer": None, "grade": "full", "fields": ["location"]}
    for token, code, members in (
        (weak, "31009", {'acr_values="urn:renzheng:acr:l2:f2"'}),
        (old, "21221", {'acr_values="urn:renzheng:acr:l2:f2"', 'max_age="28800"'}),
    ):
        answer = backend.post(token=token, **asked)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith('Bearer realm="renzheng", error="insufficient_user_authentication"')
        assert members <= set(challenge.split(", "))
        assert backend.post(token=token, officer=None).status_code == 200
    answer = backend.post(token=good, **asked)
    assert answer.status_code == 200, answer.text


def officers_token(parts: Parts, backend: Backend, officer_id: str, strength: SignInStrength, *, age: timedelta) -> str:
    """An officer's own token as the product would sign it, of a sign-in so long ago."""
    now = parts.clock()
    facts = AccessTokenFacts(
        subject="s" * 43,
        client_id="gzf",
        audience=(backend.audience,),
        scope=("license.lookup",),
        lifetime=timedelta(minutes=5),
        context=TokenContext(officer_id=officer_id),
        acr=acr_of(RealNameLevel.MEDIUM, strength),
        auth_time=now - age,
    )
    return sign_access_token(
        facts,
        issuer=backend.town.issuer,
        jti=parts.entropy.identifier(),
        keys=parts.keys,
        sealer=parts.sealer,
        now=now,
    )
