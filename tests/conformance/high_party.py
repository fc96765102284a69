"""A relying party of the FAPI 2.0 profiles: it pushes its requests, signs them where the profile says so, and proves its key or certificate.

Every place where a test bends something is a parameter: `assertion`, `proof` and `request_object` take members to change, None taking one
out.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx2
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from tests.conformance.registrations import ClientCertificate, new_signing_key
from tests.conformance.relying_party import ASSERTION_TYPE, ASYMMETRIC, UNCHANGED, Answer, Asked, Changes, RelyingParty


@dataclass
class HighParty(RelyingParty):
    """One client of a FAPI 2.0 plan."""

    dpop_key: ECKey = field(default_factory=lambda: new_signing_key("dpop"))
    nonce: str | None = None

    def beside(self, role: str | None = None, *, same_browser: bool = True) -> "HighParty":
        """Return another client of the kind, with keys of its own."""
        other = HighParty(self.op, self.variant, self.op.client(role or f"{self.variant.role}-2"), self.browsers)
        other.person = self.person
        if same_browser:
            other.browser = self.browser
        return other

    @property
    def uses_dpop(self) -> bool:
        """Whether access tokens are bound to a key rather than to a certificate."""
        return self.variant.constraint == "dpop"

    @property
    def signs_requests(self) -> bool:
        """Whether the plan is Message Signing."""
        return self.variant.plan == "fapi2-message-signing"

    def proof(
        self,
        method: str,
        url: str,
        *,
        access_token: str | None = None,
        changes: Changes = UNCHANGED,
        key: ECKey | None = None,
        header: Changes = UNCHANGED,
    ) -> str:
        """Make a DPoP proof (RFC 9449 §4.2)."""
        signing = key or self.dpop_key
        claims: dict[str, Any] = {
            "htm": method,
            "htu": url,
            "iat": self.instant(),
            "jti": secrets.token_urlsafe(16),
            "nonce": self.nonce,
        }
        if access_token is not None:
            digest = hashlib.sha256(access_token.encode("ascii")).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        known = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        public = {
            name: value for name, value in signing.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")
        }
        full = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public, **header}
        return jwt.encode(full, known, signing, algorithms=["ES256"], registry=_LAX)

    def call(
        self,
        endpoint: str,
        form: Mapping[str, str | None],
        *,
        assertion: str | None = None,
        proof: str | None = None,
        certificate: ClientCertificate | None = None,
        is_bound: bool | None = None,
    ) -> httpx2.Response:
        """Send an authenticated request; `is_bound` says whether it proves possession, which it does at the token endpoint.

        A server nonce that is asked for is taken and the request sent once more, as RFC 9449 §8 has it.
        """
        url = self.endpoint(endpoint)
        bind = endpoint == "token_endpoint" if is_bound is None else is_bound
        sent = {name: value for name, value in form.items() if value is not None}
        if self.client.auth_method == "private_key_jwt":
            sent.setdefault("client_assertion_type", ASSERTION_TYPE)
            sent.setdefault("client_assertion", assertion or self.assertion())
        sent.setdefault("client_id", self.client.client_id)
        shown = certificate or (
            self.client.certificate
            if self.client.auth_method == "tls_client_auth" or (bind and not self.uses_dpop)
            else None
        )
        headers = {}
        if proof is not None or (bind and self.uses_dpop):
            headers["DPoP"] = proof or self.proof("POST", url)
        answer = self.op.http.post(url, sent, headers=headers, certificate=shown)
        nonce = answer.headers.get("dpop-nonce")
        asks_nonce = answer.status_code == 400 and answer.json().get("error") == "use_dpop_nonce"
        if nonce is not None:
            self.nonce = nonce
        if asks_nonce and proof is None:
            return self.call(endpoint, form, assertion=None, certificate=certificate, is_bound=is_bound)
        return answer

    def push(self, asked: Asked, *, request_object: str | None = None, **how: Any) -> httpx2.Response:
        """Push a request (RFC 9126 §2.1), signed where the plan says so."""
        form = dict(asked.parameters)
        if request_object is not None or self.signs_requests:
            form = {"client_id": self.client.client_id, "request": request_object or self.request_object(asked)}
        return self.call("pushed_authorization_request_endpoint", form, **how)

    def pushed(self, asked: Asked, *, request_object: str | None = None, **how: Any) -> str:
        """Push a request that has to be accepted, and return its name."""
        answer = self.push(asked, request_object=request_object, **how)
        assert answer.status_code == 201, answer.text
        members = answer.json()
        assert members["expires_in"] > 0
        return str(members["request_uri"])

    def bring(self, asked: Asked, request_uri: str, *, agree: bool = True, **beside: str) -> Answer:
        """Bring a pushed request's name by the browser (RFC 9126 §4)."""
        parameters = {"client_id": self.client.client_id, "request_uri": request_uri, **beside}
        page = self.browser.open(f"{self.endpoint('authorization_endpoint')}?{urlencode(parameters)}")
        return self.unpacked(self.walk(asked, page, agree=agree))

    def go(self, asked: Asked, *, post: bool = False, agree: bool = True) -> Answer:
        """Push the request and bring its name."""
        return self.bring(asked, self.pushed(asked), agree=agree)

    def unpacked(self, answer: Answer) -> Answer:
        """Verify a signed answer (JARM §2.4) and return it with its members as parameters."""
        if set(answer.parameters) != {"response"}:
            return answer
        decoded = jwt.decode(answer.parameters["response"], self.keys(), algorithms=ASYMMETRIC)
        claims = dict(decoded.claims)
        assert claims["iss"] == self.op.issuer
        assert claims.pop("aud") == self.client.client_id
        assert claims.pop("exp") > self.instant()
        claims.pop("iat", None)
        assert decoded.header["alg"] in {"ES256", "PS256", "EdDSA", "Ed25519"}
        return replace(answer, mode="jwt", parameters={name: str(value) for name, value in claims.items()})

    def check_answer(self, answer: Answer) -> None:
        """Check as ever; the issuer has to be named as well (FAPI 2.0 Security Profile §5.3.2.2, RFC 9207)."""
        super().check_answer(answer)
        assert answer.parameters["iss"] == self.op.issuer

    def tokens(self, answer: Answer) -> dict[str, Any]:
        """Redeem the code and check that the access token is bound."""
        self.check_answer(answer)
        got = self.redeem(answer)
        assert got.status_code == 200, got.text
        members: dict[str, Any] = got.json()
        assert members["token_type"].lower() == ("dpop" if self.uses_dpop else "bearer")
        return members

    def resource(
        self, access_token: str, *, scheme: str | None = None, proof: str | None = None, **how: Any
    ) -> httpx2.Response:
        """Ask UserInfo as the protected resource of the plan, proving possession."""
        url = self.endpoint("userinfo_endpoint")
        headers = {"Authorization": f"{scheme or ('DPoP' if self.uses_dpop else 'Bearer')} {access_token}"}
        if self.uses_dpop:
            headers["DPoP"] = proof or self.proof("GET", url, access_token=access_token)
        certificate = how.get("certificate", self.client.certificate)
        if not self.uses_dpop and certificate is not None:
            headers |= dict(self.op.http.certificate_header(certificate))
        answer = self.op.http.get(url, headers=headers)
        nonce = answer.headers.get("dpop-nonce")
        if nonce is not None and nonce != self.nonce:
            self.nonce = nonce
            if answer.status_code == 401 and "use_dpop_nonce" in answer.headers["www-authenticate"] and proof is None:
                return self.resource(access_token, scheme=scheme)
        return answer

    def redeem(self, answer: Answer, **changes: Any) -> httpx2.Response:
        """Exchange the code; `how` of `call` may stand among the changes."""
        how = {name: changes.pop(name) for name in ("assertion", "proof", "certificate", "is_bound") if name in changes}
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": answer.asked.parameters.get("redirect_uri"),
            "code_verifier": answer.asked.verifier,
        }
        return self.call("token_endpoint", form | changes, **how)


_LAX = jws.JWSRegistry(strict_check_header=False)
