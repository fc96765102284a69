"""A relying party of our own: it builds requests, walks the browser through the provider's pages, and believes nothing unchecked.

It is written from the specifications and shares no code with the product.
"""

import base64
import functools
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

from gateway.stories.browser import Page, without_query
from tests.conformance.op import Op
from tests.conformance.registrations import DYNAMIC, RegisteredClient
from tests.conformance.rp_browser import BrowserShelf, RpBrowser
from tests.conformance.variants import Variant

MAX_STEPS = 15
CLOCK_SKEW_S = 5
ASYMMETRIC = ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REQUEST_LIFE_S = 300
JsonObject = dict[str, Any]
Changes = Mapping[str, Any]
UNCHANGED: Changes = {}


@dataclass(frozen=True)
class Asked:
    """What was sent in an authorization request, and the verifier that stays with the client."""

    parameters: Mapping[str, str]
    verifier: str


@dataclass(frozen=True)
class Answer:
    """Where an authorization led: to the client (`mode` tells how), or to a page that the provider ended on (`mode` is None)."""

    asked: Asked
    mode: str | None
    parameters: Mapping[str, str]
    page: Page
    steps: tuple[str, ...]
    """What the person was shown on the way: `login`, `consent`."""
    links: frozenset[str] = frozenset()
    """Where the pages on the way led to, besides."""

    @property
    def code(self) -> str:
        """The authorization code; fails when there is none."""
        assert "code" in self.parameters, f"no code: {dict(self.parameters) or self.page.describe()}"
        return self.parameters["code"]

    @property
    def error(self) -> str | None:
        """The error code of an error answer (RFC 6749 §4.1.2.1)."""
        return self.parameters.get("error")


@dataclass
class RelyingParty:
    """One client of one provider, and the browser of one person."""

    op: Op
    variant: Variant
    client: RegisteredClient
    browsers: BrowserShelf
    person: int = 0
    browser: RpBrowser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.browsers.open()

    def registered(self, **metadata: Any) -> "RelyingParty":
        """Register a client dynamically (RFC 7591 §3), plain but for these members, and return it in the same browser."""
        answer = self.register(**metadata)
        assert answer.status_code == 201, answer.text
        given = answer.json()
        client = RegisteredClient(given["client_id"], given.get("client_secret"), given, self.client.signing_key)
        other = RelyingParty(self.op, self.variant, client, self.browsers, self.person)
        other.browser = self.browser
        return other

    def register(self, **metadata: Any) -> httpx2.Response:
        """Ask for a registration."""
        return self.op.register({**DYNAMIC, **metadata})

    def beside(self, role: str | None = None, *, same_browser: bool = True) -> "RelyingParty":
        """Return another client, by default the second one of the role, in the same browser or in a fresh one."""
        if self.variant.plan == "dynamic":
            return self.registered()
        client = self.op.client(role or f"{self.variant.role}-2")
        other = RelyingParty(self.op, self.variant, client, self.browsers, self.person)
        if same_browser:
            other.browser = self.browser
        return other

    @functools.cached_property
    def metadata(self) -> JsonObject:
        """The provider's metadata (OpenID Connect Discovery §4)."""
        answer = self.op.http.get(f"{self.op.issuer}/.well-known/openid-configuration")
        assert answer.status_code == 200
        members: JsonObject = answer.json()
        return members

    def endpoint(self, name: str) -> str:
        """Return an endpoint's address from the metadata."""
        return str(self.metadata[name])

    def keys(self) -> KeySet:
        """Return the provider's public keys."""
        return KeySet.import_key_set(self.op.http.get(self.endpoint("jwks_uri")).json())

    def ask(self, **changes: str | None) -> Asked:
        """Build a sound request of the variant; a change of None leaves the parameter out."""
        verifier = secrets.token_urlsafe(48)
        parameters: dict[str, str | None] = {
            "response_type": self.variant.response_type,
            "client_id": self.client.client_id,
            "redirect_uri": self.client.metadata["redirect_uris"][0],
            "scope": "openid",
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
        }
        if self.variant.response_mode:
            parameters["response_mode"] = self.variant.response_mode
        if self.variant.asks_code:
            parameters |= {"code_challenge": s256(verifier), "code_challenge_method": "S256"}
        parameters |= changes
        return Asked({name: value for name, value in parameters.items() if value is not None}, verifier)

    def authorize(self, *, post: bool = False, agree: bool = True, **changes: str | None) -> Answer:
        """Send an authorization request and go through all pages to the answer."""
        return self.go(self.ask(**changes), post=post, agree=agree)

    def go(self, asked: Asked, *, post: bool = False, agree: bool = True) -> Answer:
        """Send a request that is built already, as it is."""
        endpoint = self.endpoint("authorization_endpoint")
        if post:
            return self.walk(asked, self.post_from_app(endpoint, asked.parameters), agree=agree)
        return self.walk(asked, self.browser.open(f"{endpoint}?{urlencode(asked.parameters)}"), agree=agree)

    def post_from_app(self, url: str, form: Mapping[str, str]) -> Page:
        """Send a form from a page of the application, as a browser does."""
        return self.browser.post_from(self.client.metadata["redirect_uris"][0], url, form)

    def walk(self, asked: Asked, page: Page, *, agree: bool = True) -> Answer:
        """Follow redirects and fill in pages until the browser would be back at the client, or nothing goes on."""
        home = asked.parameters.get("redirect_uri") or self.client.metadata["redirect_uris"][0]
        steps: list[str] = []
        links: set[str] = set()
        for _ in range(MAX_STEPS):
            target = page.location
            if target is None:
                links |= {link.href for link in page.document.links}
                # An app that no operator has looked at gets a refusal when the person follows the link to it.
                target = _link_to(page, home)
            if target is not None and without_query(target) == without_query(home):
                return Answer(asked, *_carried(target, home), page, tuple(steps), frozenset(links))
            if target is not None:
                assert target.startswith(f"{self.op.issuer}/"), f"led to {without_query(target)}"
                page = self.browser.hop(page, without_query(target))
                continue
            posted = _form_for(page, home)
            if posted is not None:
                return Answer(asked, "form_post", posted, page, tuple(steps))
            following = self.op.sign_in(self.browser, page, self.person)
            if following is not None:
                steps.append("login")
            else:
                following = self.op.decide(self.browser, page, agree=agree)
                if following is None:
                    return Answer(asked, None, {}, page, tuple(steps))
                steps.append("consent")
            page = following
        raise AssertionError(f"no end after {MAX_STEPS} steps: {page.describe()}")

    def check_answer(self, answer: Answer) -> None:
        """Check that a successful answer carries just what was asked, in the mode that was asked, bound to the request."""
        assert answer.mode == self.variant.expected_mode, f"{answer.mode}: {answer.page.describe()}"
        assert answer.error is None, dict(answer.parameters)
        assert answer.parameters.get("state") == answer.asked.parameters.get("state")
        assert ("code" in answer.parameters) == self.variant.asks_code
        assert ("id_token" in answer.parameters) == self.variant.asks_id_token
        assert ("access_token" in answer.parameters) == self.variant.asks_token
        if "iss" in answer.parameters:  # RFC 9207 §2.4
            assert answer.parameters["iss"] == self.op.issuer
        if self.variant.asks_token:
            assert answer.parameters["token_type"].lower() == "bearer"

    def instant(self, seconds: float = 0) -> int:
        """Return the provider's present, moved."""
        return int(self.op.now().timestamp() + seconds)

    def sign(self, claims: Changes, *, key: Any = None, **header: str) -> str:
        """Sign a JWT as this client."""
        signing = key or self.client.signing_key
        known = {name: value for name, value in claims.items() if value is not None}
        full = {"alg": "ES256", "kid": signing.kid, **header}
        return jwt.encode(full, known, signing, algorithms=["ES256", "RS256", "PS256"])

    def assertion(self, changes: Changes = UNCHANGED, *, key: Any = None, **header: str) -> str:
        """Make a client assertion (RFC 7523 §3)."""
        claims = {
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": self.op.issuer,
            "exp": self.instant(60),
            "iat": self.instant(),
            "jti": secrets.token_urlsafe(16),
        }
        return self.sign({**claims, **changes}, key=key, **header)

    def request_object(self, asked: Asked, changes: Changes = UNCHANGED, *, key: Any = None, **header: str) -> str:
        """Make a request object (RFC 9101 §4)."""
        claims = {
            "iss": self.client.client_id,
            "aud": self.op.issuer,
            "exp": self.instant(REQUEST_LIFE_S),
            "nbf": self.instant(),
            "iat": self.instant(),
            **asked.parameters,
        }
        return self.sign({**claims, **changes}, key=key, **{"typ": "oauth-authz-req+jwt", **header})

    def authenticate(self, form: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return form and headers of a back-channel request with the client's authentication (RFC 6749 §2.3.1)."""
        sent, headers = dict(form), {}
        if self.client.auth_method == "client_secret_basic":
            pair = f"{quote(self.client.client_id, safe='')}:{quote(self.client.client_secret or '', safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif self.client.auth_method == "client_secret_post":
            sent |= {"client_id": self.client.client_id, "client_secret": self.client.client_secret or ""}
        elif self.client.auth_method == "private_key_jwt":
            sent.setdefault("client_assertion_type", ASSERTION_TYPE)
            sent.setdefault("client_assertion", self.assertion())
        return sent, headers

    def call(self, endpoint: str, form: Mapping[str, str | None]) -> httpx2.Response:
        """Send an authenticated request to a back-channel endpoint."""
        known = {name: value for name, value in form.items() if value is not None}
        sent, headers = self.authenticate(known)
        return self.op.http.post(self.endpoint(endpoint), sent, headers=headers)

    def redeem(self, answer: Answer, **changes: str | None) -> httpx2.Response:
        """Exchange the code of an answer (RFC 6749 §4.1.3)."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": answer.asked.parameters.get("redirect_uri"),
            "code_verifier": answer.asked.verifier,
        }
        return self.call("token_endpoint", form | changes)

    def tokens(self, answer: Answer) -> JsonObject:
        """Return the tokens of an answer, those of the answer itself where there is no code; everything is checked."""
        self.check_answer(answer)
        if not self.variant.asks_code:
            return dict(answer.parameters)
        got = self.redeem(answer)
        assert got.status_code == 200, got.text
        assert "no-store" in got.headers["cache-control"]  # RFC 6749 §5.1
        members: JsonObject = got.json()
        assert members["token_type"].lower() == "bearer"
        return members

    def sign_in(self, **changes: str | None) -> "SignedIn":
        """Go through the whole flow of the variant and check everything on the way."""
        answer = self.go(self.ask(**changes))
        self.check_answer(answer)
        tokens = self.tokens(answer)
        nonce = answer.asked.parameters.get("nonce")
        front = None
        if "id_token" in answer.parameters:
            front = self.check_id_token(
                answer.parameters["id_token"],
                nonce=nonce,
                code=answer.parameters.get("code"),
                access_token=answer.parameters.get("access_token"),
                is_front=True,
            )
        claims = front
        if "id_token" in tokens and tokens["id_token"] != answer.parameters.get("id_token"):
            claims = self.check_id_token(tokens["id_token"], nonce=nonce)
            if front is not None:
                assert (claims["iss"], claims["sub"]) == (front["iss"], front["sub"])  # OpenID Connect Core §3.3.3.6
        assert claims is not None, "no ID token came at all"
        return SignedIn(self, answer, tokens, claims)

    def check_id_token(
        self,
        token: str,
        *,
        nonce: str | None,
        code: str | None = None,
        access_token: str | None = None,
        is_front: bool = False,
    ) -> JsonObject:
        """Verify an ID token as OpenID Connect Core §3.1.3.7 and §3.3.2.11 say, and return its claims."""
        decoded = jwt.decode(token, self.keys(), algorithms=ASYMMETRIC)
        claims: JsonObject = decoded.claims
        now = self.op.now().timestamp()
        assert claims["iss"] == self.op.issuer
        audiences = [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]
        assert self.client.client_id in audiences
        assert len(audiences) == 1 or claims["azp"] == self.client.client_id
        assert 1 <= len(claims["sub"]) <= 255
        assert claims["sub"].isascii()
        assert claims["exp"] > now - CLOCK_SKEW_S
        assert abs(claims["iat"] - now) < 120
        assert claims.get("nonce") == nonce
        assert decoded.header["alg"] != "none"
        if is_front and code is not None:
            assert claims["c_hash"] == half_hash(code, decoded.header["alg"])
        if is_front and access_token is not None:
            assert claims["at_hash"] == half_hash(access_token, decoded.header["alg"])
        return claims

    def logout(self, **parameters: str) -> "LogoutAnswer":
        """Ask for a sign-out (RP-Initiated Logout §2) and say yes if asked."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        page, asked = self.browser.open(self.endpoint("end_session_endpoint") + query), False
        for _ in range(MAX_STEPS):
            target = page.location
            if target is not None and not target.startswith(f"{self.op.issuer}/"):
                return LogoutAnswer(page, asked, target)
            following = None
            if target is not None:
                following = self.browser.hop(page, without_query(target))
            else:
                following = self.op.confirm_logout(self.browser, page)
                asked = asked or following is not None
            if following is None:
                return LogoutAnswer(page, asked, None)
            page = following
        raise AssertionError(f"no end after {MAX_STEPS} steps: {page.describe()}")

    def is_signed_in(self) -> bool:
        """Tell whether the provider still knows the person in this browser, as `prompt=none` shows."""
        return "error" not in self.authorize(prompt="none").parameters


@dataclass(frozen=True)
class LogoutAnswer:
    """Where a logout request led: whether the person was asked, and the address outside the provider, if any."""

    page: Page
    was_asked: bool
    target: str | None


@dataclass(frozen=True)
class SignedIn:
    """A person is signed in at the client."""

    rp: RelyingParty
    answer: Answer
    tokens: JsonObject
    claims: JsonObject

    @property
    def access_token(self) -> str:
        """The access token."""
        return str(self.tokens["access_token"])

    @property
    def id_token(self) -> str:
        """The ID token."""
        return str(self.tokens["id_token"])

    def userinfo(self, how: str = "get") -> httpx2.Response:
        """Ask the UserInfo endpoint (OpenID Connect Core §5.3.1, RFC 6750 §2)."""
        url, http = self.rp.endpoint("userinfo_endpoint"), self.rp.op.http
        bearer = {"Authorization": f"Bearer {self.access_token}"}
        if how == "get":
            return http.get(url, headers=bearer)
        if how == "post-header":
            return http.post(url, headers=bearer)
        return http.post(url, {"access_token": self.access_token})

    def user_claims(self) -> JsonObject:
        """Return everything known about the person: UserInfo where there is an access token, else the ID token's claims."""
        if "access_token" not in self.tokens:
            return self.claims
        answer = self.userinfo()
        assert answer.status_code == 200, answer.text
        claims: JsonObject = answer.json()
        assert claims["sub"] == self.claims["sub"]  # OpenID Connect Core §5.3.2
        return claims


def s256(verifier: str) -> str:
    """Return the challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")


def half_hash(value: str, alg: str) -> str:
    """Return `at_hash`, `c_hash` or `s_hash`: the left half of the digest of the signature's algorithm (Core §3.3.2.11)."""
    digest = hashlib.sha512 if alg in ("EdDSA", "Ed25519") else hashlib.sha256
    octets = digest(value.encode("ascii")).digest()
    return base64.urlsafe_b64encode(octets[: len(octets) // 2]).decode().rstrip("=")


def _carried(target: str, home: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(target)
    registered = dict(parse_qsl(urlsplit(home).query, keep_blank_values=True))
    if parts.fragment:
        assert dict(parse_qsl(parts.query, keep_blank_values=True)) == registered
        return "fragment", dict(parse_qsl(parts.fragment, keep_blank_values=True))
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    carried = dict(pairs)
    assert len(carried) == len(pairs), "a parameter is repeated"
    for name, value in registered.items():
        assert carried.pop(name) == value
    return "query", carried


def _link_to(page: Page, home: str) -> str | None:
    return next((link.href for link in page.document.links if without_query(link.href) == without_query(home)), None)


def _form_for(page: Page, home: str) -> dict[str, str] | None:
    for form in page.document.forms:
        if form.method == "post" and urljoin(page.url, form.action) == home:
            return dict(form.fields)
    return None
