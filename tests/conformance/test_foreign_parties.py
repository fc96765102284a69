"""Relying parties that others wrote sign in: npm `openid-client`, which is certified, by every policy, and Authlib's client."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.conformance.node_provider import installed_peers
from tests.conformance.op import Op
from tests.conformance.registrations import CALLBACK, SIGNED_OUT
from tests.conformance.relying_party import Asked, RelyingParty
from tests.conformance.rp_browser import BrowserShelf
from tests.conformance.variants import Variant

ANSWERS_WITHIN_S = 60.0
POLICIES = {
    "baseline": "basic",
    "high": "high-jwt-dpop",
    "high:certificate": "high-tls-mtls",
    "high-signed": "signed-jwt-dpop",
    "legacy:hybrid": "hybrid",
    "legacy:implicit": "implicit",
}
SCOPE = "openid profile offline_access"


@pytest.fixture
def browsers() -> Iterator[BrowserShelf]:
    """The browsers of one test."""
    with closing(BrowserShelf()) as shelf:
        yield shelf


class OpenidClient:
    """A running `openid-client`, one JSON object a line in each direction."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def tell(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send an object and return the next one that comes back."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(ANSWERS_WITHIN_S)
            assert self._process.stderr is not None
            raise AssertionError(f"openid-client gave up:\n{self._process.stderr.read()[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def openid_client() -> Iterator[OpenidClient]:
    """Run `openid-client` while the block lasts."""
    folder = installed_peers()
    node = shutil.which("node")
    assert node is not None
    process = subprocess.Popen(
        [node, "relying_party.mjs"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    with process:
        try:
            yield OpenidClient(process)
        finally:
            process.kill()


def _come_back(party: RelyingParty, url: str) -> str:
    """Walk the browser through the provider's pages and return the address at which it comes back to the client."""
    answer = party.walk(Asked({"redirect_uri": CALLBACK}, ""), party.browser.open(url))
    assert answer.page.location is not None, answer.page.describe()
    return urljoin(answer.page.url, answer.page.location)


@pytest.mark.parametrize("policy", POLICIES)
def test_openid_client_signs_in_by_every_policy(renzheng_op: Op, browsers: BrowserShelf, policy: str) -> None:
    """Discovery, request, answer, tokens, UserInfo, refresh, revocation and sign-out, all checked by `openid-client` itself."""
    client = renzheng_op.client(POLICIES[policy])
    party = RelyingParty(renzheng_op, Variant("basic"), client, browsers)
    by_certificate = client.auth_method == "tls_client_auth"
    wanted = {
        "issuer": renzheng_op.issuer,
        "clientId": client.client_id,
        "secret": client.client_secret,
        "privateJwk": client.signing_key.as_dict(private=True) if client.auth_method == "private_key_jwt" else None,
        "certificate": dict(renzheng_op.http.certificate_header(client.certificate))
        if by_certificate and client.certificate
        else None,
        "policy": policy,
        "redirectUri": CALLBACK,
        "scope": SCOPE if policy != "legacy:implicit" else "openid profile",
        "postLogoutRedirectUri": SIGNED_OUT,
    }
    with openid_client() as foreign:
        callback = _come_back(party, foreign.tell(wanted)["url"])
        done = foreign.tell({"callback": callback})
    assert done["claims"]["iss"] == renzheng_op.issuer
    if policy == "legacy:implicit":
        return
    assert done["userinfo"]["sub"] == done["again"]["sub"] == done["claims"]["sub"]
    is_dpop = policy in ("high", "high-signed")
    assert done["tokenType"].lower() == ("dpop" if is_dpop else "bearer")
    left = party.browser.open(done["signOut"])
    assert left.location == SIGNED_OUT or SIGNED_OUT in left.body


@pytest.mark.parametrize("role", ["basic", "basic-post"])
def test_authlib_client_signs_in(renzheng_op: Op, browsers: BrowserShelf, role: str) -> None:
    """Authlib's OAuth2Session: PKCE, code, UserInfo, refresh, revocation; the ID token is verified by our own relying party."""
    from authlib.integrations.requests_client import OAuth2Session

    client = renzheng_op.client(role)
    party = RelyingParty(renzheng_op, Variant("basic"), client, browsers)
    verifier = "authlib-verifier-authlib-verifier-authlib-verifier"
    with OAuth2Session(
        client.client_id,
        client.client_secret,
        token_endpoint_auth_method=client.auth_method,
        revocation_endpoint_auth_method=client.auth_method,
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    ) as session:
        session.trust_env = False
        url, state = session.create_authorization_url(
            party.endpoint("authorization_endpoint"), code_verifier=verifier, nonce="nonce-1", prompt="consent"
        )
        callback = _come_back(party, url)
        tokens = session.fetch_token(
            party.endpoint("token_endpoint"), authorization_response=callback, state=state, code_verifier=verifier
        )
        claims = party.check_id_token(tokens["id_token"], nonce="nonce-1")
        assert session.get(party.endpoint("userinfo_endpoint")).json()["sub"] == claims["sub"]
        fresh = session.refresh_token(party.endpoint("token_endpoint"))
        assert fresh["access_token"] != tokens["access_token"]
        assert session.get(party.endpoint("userinfo_endpoint")).status_code == 200
        revoked = session.revoke_token(party.endpoint("revocation_endpoint"), token=fresh["refresh_token"])
        assert revoked.status_code == 200
