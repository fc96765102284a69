"""What the operations say to the server, request by request, and which answers they take for right."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Generator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from loadtests.calls import Call, Conversation, WrongAnswer, expect
from loadtests.connection import Reply
from loadtests.signing import assertion, proof
from loadtests.world import Applicant, Secret, World

SCOPE = "openid profile realname"
_CSRF = re.compile(r'name="csrf_token"\s+value="([^"]+)"')


@dataclass(slots=True)
class Browser:
    """The cookies of one browser, and the form token of the pages shown to it."""

    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""

    def headers(self, **more: str) -> dict[str, str]:
        """Return the headers of its next request."""
        lines = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return ({"cookie": lines} if lines else {}) | more

    def hear(self, reply: Reply) -> None:
        """Keep the cookies that an answer sets, and the form token of a page."""
        self.cookies |= reply.cookies()
        found = _CSRF.search(reply.body.decode("utf-8", "replace"))
        if found:
            self.csrf_token = unescape(found[1])


def basic(client: Secret) -> dict[str, str]:
    """Return the header of client_secret_basic (RFC 6749 §2.3.1)."""
    pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def ask_for_token(world: World, heard: list[str] | None = None) -> Conversation:
    """Get an ES256 access token for the backend itself (RFC 6749 §4.4); it is appended to `heard`."""
    form = urlencode({"grant_type": "client_credentials", "scope": "license.lookup"}).encode()
    reply = yield Call("POST", "/oauth/token", basic(world.backend), form)
    expect(reply, 200, "token")
    token = json_text(reply, "access_token")
    if token.count(".") != 2:
        raise WrongAnswer("token: not a JWT")
    if heard is not None:
        heard.append(token)


def ask_for_bound_token(world: World) -> Conversation:
    """Get an access token for the backend that is bound to a key (RFC 9449 §5); each request has a proof of its own."""
    form = urlencode({"grant_type": "client_credentials", "scope": "license.lookup"}).encode()
    headers = basic(world.backend) | proof(world.signer, "POST", f"{world.issuer}/oauth/token")
    reply = yield Call("POST", "/oauth/token", headers, form)
    expect(reply, 200, "token")
    if json_text(reply, "token_type") != "DPoP":
        raise WrongAnswer("token: not bound")


def introspect(world: World, token: str) -> Conversation:
    """Ask whether a token is alive (RFC 7662); it has to be."""
    form = urlencode({"token": token}).encode()
    reply = yield Call("POST", "/oauth/introspect", basic(world.resource), form)
    expect(reply, 200, "introspection")
    if b'"active":true' not in reply.body.replace(b" ", b""):
        raise WrongAnswer("introspection: a live token is called dead")


def look_up(world: World, token: str, applicant: Applicant) -> Conversation:
    """Look up one license in the grade `masked`, with a request id of its own; a signed receipt has to come with it."""
    body = {
        "by": {"holder": {"type": "111", "code": applicant.document_number}},
        "license_types": [world.license_type],
        "grade": "masked",
        "fields": list(world.fields),
        "purpose": {"matter": world.matter, "case": applicant.case},
        "officer": world.work_number,
    }
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "x-request-id": str(uuid.uuid4()),
    }
    octets = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    reply = yield Call("POST", "/api/v1/licenses/lookup", headers, octets)
    expect(reply, 200, "lookup")
    answer = json.loads(reply.body)
    if not answer.get("results") or not answer.get("receipt"):
        raise WrongAnswer("lookup: no result or no receipt")


def new_verifier() -> str:
    """Return a code verifier of 64 characters (RFC 7636 §4.1)."""
    return uuid.uuid4().hex + uuid.uuid4().hex


def challenge_of(verifier: str) -> str:
    """Return the challenge of a verifier by S256 (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def authorize(world: World, verifier: str, *, scope: str = SCOPE) -> Call:
    """Return the authorization request of the app (OpenID Connect Core §3.1.2.1) with PKCE S256 (RFC 7636)."""
    query = {
        "response_type": "code",
        "client_id": world.app.client_id,
        "redirect_uri": world.redirect_uri,
        "scope": scope,
        "state": verifier[:16],
        "nonce": verifier[16:32],
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    return Call("GET", f"/oauth/authorize?{urlencode(query)}")


def sign_on(world: World, browser: Browser) -> Conversation:
    """A round of single sign-on: authorize with a live session and remembered consent, code for tokens, userinfo."""
    verifier = new_verifier()
    reply = yield Call("GET", authorize(world, verifier).target, browser.headers())
    yield from learn_who(world, code_of(reply, world.redirect_uri), verifier)


def learn_who(world: World, code: str, verifier: str) -> Conversation:
    """Exchange the app's code for tokens, and ask userinfo for the person's name."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": world.redirect_uri,
        "code_verifier": verifier,
    }
    reply = yield Call("POST", "/oauth/token", basic(world.app), urlencode(form).encode())
    expect(reply, 200, "token")
    if not json_text(reply, "id_token"):
        raise WrongAnswer("token: no ID token")
    bearer = {"authorization": f"Bearer {json_text(reply, 'access_token')}"}
    reply = yield Call("GET", "/oauth/userinfo", bearer)
    expect(reply, 200, "userinfo")
    if not json_text(reply, "name"):
        raise WrongAnswer("userinfo: no name")


def rotate(world: World, families: list[str], place: int) -> Conversation:
    """Exchange the newest refresh token of a family for its successor (RFC 6749 §6), which takes its place."""
    form = urlencode({"grant_type": "refresh_token", "refresh_token": families[place]}).encode()
    reply = yield Call("POST", "/oauth/token", basic(world.app), form)
    expect(reply, 200, "refresh")
    successor = json_text(reply, "refresh_token")
    if not successor or successor == families[place]:
        raise WrongAnswer("refresh: the token did not rotate")
    families[place] = successor


def push(world: World, verifier: str) -> Generator[Call, Reply, str]:
    """Push the signer's authorization request (RFC 9126) and return the target of the authorization that it began."""
    form = {
        "response_type": "code",
        "redirect_uri": world.signer.redirect_uri,
        "scope": SCOPE,
        "state": verifier[:16],
        "nonce": verifier[16:32],
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        **assertion(world.signer, world.issuer),
    }
    reply = yield Call("POST", "/oauth/par", {}, urlencode(form).encode())
    expect(reply, 201, "pushed request")
    query = {"client_id": world.signer.client_id, "request_uri": json_text(reply, "request_uri")}
    return f"/oauth/authorize?{urlencode(query)}"


def sign_on_by_high_policy(world: World, browser: Browser) -> Conversation:
    """A round of single sign-on by FAPI 2.0: pushed request, authorization, tokens for a signed assertion and a DPoP proof."""
    verifier = new_verifier()
    target = yield from push(world, verifier)
    reply = yield Call("GET", target, browser.headers())
    form = {
        "grant_type": "authorization_code",
        "code": code_of(reply, world.signer.redirect_uri),
        "redirect_uri": world.signer.redirect_uri,
        "code_verifier": verifier,
        **assertion(world.signer, world.issuer),
    }
    headers = proof(world.signer, "POST", f"{world.issuer}/oauth/token")
    reply = yield Call("POST", "/oauth/token", headers, urlencode(form).encode())
    expect(reply, 200, "token")
    if not json_text(reply, "id_token") or json_text(reply, "token_type") != "DPoP":
        raise WrongAnswer("token: no ID token, or not bound")


def code_of(reply: Reply, redirect_uri: str) -> str:
    """Return the authorization code that a redirect carries to this address; raises WrongAnswer for anything else."""
    expect(reply, 303 if reply.status == 303 else 302, "authorization")
    address = reply.header("location")
    code = parse_qs(urlsplit(address).query).get("code", [""])[0]
    if not code or not address.startswith(redirect_uri + "?"):
        raise WrongAnswer(f"authorization: no code, but {address.partition('?')[0]}")
    return code


def json_text(reply: Reply, member: str) -> str:
    """Return a member of a JSON answer when it is text, else nothing."""
    value = json.loads(reply.body).get(member, "")
    return value if isinstance(value, str) else ""
