"""An app of a department, as its developer writes it from the specifications: it knows of the provider what the metadata say."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from foundation.clock import Clock
from foundation.entropy import Entropy
from gateway.stories.story import NotAsTold, expect

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 60
REQUEST_LIFE_S = 300
ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"]


@dataclass(slots=True)
class App:
    """One registered app with its keys. `proves` says that its requests carry a DPoP proof."""

    metadata: Mapping[str, Any]
    http: httpx2.Client
    entropy: Entropy
    clock: Clock
    registered: Mapping[str, Any] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: _new_key("sig"))
    proof_key: ECKey = field(default_factory=lambda: _new_key("sig"))
    proves: bool = False
    nonce: str | None = None
    verifier: str = ""
    state: str = ""
    expected_nonce: str = ""

    @property
    def client_id(self) -> str:
        """The identifier that registration gave."""
        return str(self.registered["client_id"])

    @property
    def redirect_uri(self) -> str:
        """The one registered redirect URI."""
        return str(self.registered["redirect_uris"][0])

    def register(self, invitation: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        """Register at the registration endpoint (RFC 7591 §3.1) and return what was registered."""
        answer = self.http.post(
            self.metadata["registration_endpoint"],
            headers={"Authorization": f"Bearer {invitation}"},
            json=dict(wanted),
        )
        expect(answer.status_code == 201, f"registration answered {answer.status_code} {_words(answer)}")
        self.registered = answer.json()
        return self.registered

    def public_keys(self) -> dict[str, Any]:
        """Return the key set to register."""
        return {"keys": [self.key.as_dict(private=False)]}

    def request(self, **more: str) -> dict[str, str]:
        """Return the parameters of a new authorization request with PKCE, state and nonce."""
        self.verifier, self.state, self.expected_nonce = (self.entropy.token() for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": self.state,
            "nonce": self.expected_nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | more

    def address(self, parameters: Mapping[str, str]) -> str:
        """Return where to send the browser."""
        return f"{self.metadata['authorization_endpoint']}?{urlencode(parameters)}"

    def signed_request(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters as one signed request object (RFC 9101 §4, FAPI 2.0 Message Signing §5.3.1)."""
        now = int(self.clock().timestamp())
        claims = {
            **parameters,
            "iss": self.client_id,
            "aud": self.metadata["issuer"],
            "iat": now,
            "nbf": now,
            "exp": now + REQUEST_LIFE_S,
            "jti": self.entropy.identifier(),
        }
        return {"client_id": self.client_id, "request": self._sign(claims, typ="oauth-authz-req+jwt")}

    def push(self, parameters: Mapping[str, str]) -> str:
        """Push a request (RFC 9126) and return the address with its request_uri."""
        endpoint = str(self.metadata["pushed_authorization_request_endpoint"])
        answer = self.post(endpoint, parameters)
        expect(answer.status_code == 201, f"the pushed request answered {answer.status_code} {_words(answer)}")
        pushed = {"client_id": self.client_id, "request_uri": answer.json()["request_uri"]}
        return self.address(pushed)

    def redeem(self, code: str, **more: str) -> dict[str, Any]:
        """Exchange the code for tokens."""
        return self.token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": self.verifier,
            }
            | more
        )

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Ask the token endpoint and return the answer; NotAsTold when it refuses."""
        answer = self.post(str(self.metadata["token_endpoint"]), form)
        expect(answer.status_code == 200, f"the token endpoint answered {answer.status_code} {_words(answer)}")
        return dict(answer.json())

    def refusal(self, form: Mapping[str, str], *, endpoint: str = "token_endpoint") -> str:
        """Return the error with which an endpoint refuses; NotAsTold when it does not."""
        answer = self.post(str(self.metadata[endpoint]), form)
        expect(400 <= answer.status_code < 500, f"{endpoint} answered {answer.status_code}")
        return str(answer.json()["error"])

    def post(self, url: str, form: Mapping[str, str]) -> httpx2.Response:
        """Ask an endpoint as this client, proving possession where it does so; a demanded nonce is sent with a second try."""
        answer = self._post_once(url, form)
        if "DPoP-Nonce" in answer.headers:
            self.nonce = answer.headers["DPoP-Nonce"]
        if answer.status_code in (400, 401) and self.proves and _error(answer) == "use_dpop_nonce":
            answer = self._post_once(url, form)
        return answer

    def get(self, url: str, token: str) -> httpx2.Response:
        """Ask a protected resource with an access token, bound or not."""
        if not self.proves:
            return self.http.get(url, headers={"Authorization": f"Bearer {token}"})
        answer = self.http.get(url, headers=self._bound(url, token))
        if answer.status_code == 401 and "DPoP-Nonce" in answer.headers:
            self.nonce = answer.headers["DPoP-Nonce"]
            answer = self.http.get(url, headers=self._bound(url, token))
        return answer

    def proof(self, method: str, url: str, *, token: str | None = None) -> str:
        """Return a DPoP proof (RFC 9449 §4.2)."""
        claims: dict[str, Any] = {
            "jti": self.entropy.identifier(),
            "htm": method,
            "htu": url,
            "iat": int(self.clock().timestamp()),
        }
        if self.nonce is not None:
            claims["nonce"] = self.nonce
        if token is not None:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        public = {name: self.proof_key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": public}
        return jwt.encode(header, claims, self.proof_key, algorithms=["ES256"])

    def verified(self, token: str, *, audience: str | None = None, check_nonce: bool = True) -> dict[str, Any]:
        """Verify a JWT of the provider with its published keys and return the claims."""
        keys = KeySet.import_key_set(self.http.get(str(self.metadata["jwks_uri"])).json())
        try:
            claims: dict[str, Any] = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        except JoseError as failure:
            raise NotAsTold(f"a token of the provider does not verify: {type(failure).__name__}") from failure
        expect(claims["iss"] == self.metadata["issuer"], "a token names another issuer")
        expect(claims["aud"] == (audience or self.client_id), "a token is for somebody else")
        if check_nonce and "nonce" in claims:
            expect(claims["nonce"] == self.expected_nonce, "a token carries another nonce")
        return claims

    def _post_once(self, url: str, form: Mapping[str, str]) -> httpx2.Response:
        method = self.registered["token_endpoint_auth_method"]
        headers: dict[str, str] = {}
        sent = dict(form)
        if method == "private_key_jwt":
            sent |= {"client_assertion_type": ASSERTION, "client_assertion": self._assertion()}
            sent.setdefault("client_id", self.client_id)
        elif method == "client_secret_basic":
            pair = f"{self.client_id}:{self.registered['client_secret']}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        else:
            sent["client_id"] = self.client_id
        if self.proves:
            headers["DPoP"] = self.proof("POST", url)
        return self.http.post(url, headers=headers, data=sent)

    def _bound(self, url: str, token: str) -> dict[str, str]:
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof("GET", url, token=token)}

    def _assertion(self) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.metadata["issuer"],
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
            "jti": self.entropy.identifier(),
        }
        return self._sign(claims, typ="JWT")

    def _sign(self, claims: Mapping[str, Any], *, typ: str) -> str:
        header = {"alg": "ES256", "kid": self.key.kid, "typ": typ}
        return jwt.encode(header, dict(claims), self.key, algorithms=["ES256"])


def _new_key(use: str) -> ECKey:
    key = ECKey.generate_key("P-256", {"use": use, "alg": "ES256"})
    key.ensure_kid()
    return key


def _error(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("error", ""))
    except json.JSONDecodeError:
        return ""


def _words(answer: httpx2.Response) -> str:
    try:
        told = answer.json()
    except json.JSONDecodeError:
        return ""
    return " ".join(str(told[name]) for name in ("error", "error_description") if name in told)
