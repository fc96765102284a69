"""What people and applications do in the town, over HTTP: sign in, authorize, exchange codes, look up licenses.

Every step says which node it goes to. Secrets that appear on the way are remembered, so that a test can look for them where they
must not be.
"""

import base64
import hashlib
import json
import re
import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx2
import pyotp

from foundation.clock import system_clock
from tests.faults.nodes import Town
from tests.faults.population import APP, CALLBACK, OTHER_APP, OTHER_CALLBACK, RESOURCE, Citizen

TIMEOUT_S = 20.0
BROWSER_COOKIE, SESSION_COOKIE = "__Host-rz_flow", "__Host-rz_session"
LOOKUP = "/api/v1/licenses/lookup"
ID_CARD = "11100000000013127D001"
CALLBACKS = {APP: CALLBACK, OTHER_APP: OTHER_CALLBACK, "probe-asking": CALLBACK}
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])", re.ASCII)
_CSRF = re.compile(r'name="csrf_token"\s+value="([^"]+)"')

SEEN_SECRETS: set[str] = set()
"""Every token, code, cookie and verifier of this run; none of them may ever be logged or recorded."""

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Grip:
    """An authorization code with what belongs to it."""

    code: str
    verifier: str
    client: str
    redirect_uri: str


class Doors:
    """The nodes of a town, reached by number."""

    def __init__(self, town: Town, http: httpx2.AsyncClient) -> None:
        self.town = town
        self._http = http

    async def send(
        self,
        method: str,
        path: str,
        *,
        node: int = 0,
        headers: Mapping[str, str] | None = None,
        form: Pairs | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        """Send one request to one node; redirects are answers like any other."""
        sent = {"Host": self.town.host, **(headers or {})}
        if form is not None:
            content = urlencode(form if isinstance(form, Mapping) else list(form)).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        url = self.town.nodes[node].url + path
        octets = [(name.encode(), value.encode()) for name, value in sent.items()]
        return await self._http.request(method, url, headers=octets, content=content)

    async def back_channel(self, path: str, client: str = APP, *, node: int = 0, **parameters: str) -> httpx2.Response:
        """Ask an OAuth endpoint as a client, with client_secret_basic (RFC 6749 §2.3.1)."""
        return await self.send("POST", path, node=node, headers=self.basic(client), form=parameters)

    def basic(self, client: str) -> dict[str, str]:
        """Return the Authorization header of a client."""
        secret = self.town.population.client_secrets[client]
        pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    async def redeem(self, grip: Grip, *, node: int = 0, client: str | None = None, **changes: str) -> httpx2.Response:
        """Exchange a code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": grip.code,
            "redirect_uri": grip.redirect_uri,
            "code_verifier": grip.verifier,
        } | changes
        return remember(await self.back_channel("/oauth/token", client or grip.client, node=node, **form))

    async def refresh(self, token: str, client: str = APP, *, node: int = 0, **more: str) -> httpx2.Response:
        """Exchange a refresh token for its successor."""
        form = {"grant_type": "refresh_token", "refresh_token": token} | more
        return remember(await self.back_channel("/oauth/token", client, node=node, **form))

    async def own_token(self, client: str = APP, *, node: int = 0) -> str:
        """Return a token of the client's own for license lookups."""
        form = {"grant_type": "client_credentials", "scope": "license.lookup"}
        answer = remember(await self.back_channel("/oauth/token", client, node=node, **form))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def introspect(self, token: str, *, node: int = 0) -> dict[str, Any]:
        """Ask whether a token is alive, as the resource that it is made for."""
        answer = await self.back_channel("/oauth/introspect", RESOURCE, node=node, token=token)
        assert answer.status_code == 200, answer.text
        members: dict[str, Any] = answer.json()
        return members

    async def userinfo(self, token: str, *, node: int = 0) -> httpx2.Response:
        """Ask for the person behind a token."""
        return await self.send("GET", "/oauth/userinfo", node=node, headers={"Authorization": f"Bearer {token}"})

    async def look_up(
        self, token: str, *, node: int = 0, request_id: str | None = None, **changes: Any
    ) -> httpx2.Response:
        """Look up the identity card of the citizen of the open case, masked, on behalf of the officer."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "X-Request-Id": request_id or str(uuid.uuid4()),
        }
        body = json.dumps(lookup_body(self.town, **changes), ensure_ascii=False).encode()
        return await self.send("POST", LOOKUP, node=node, headers=headers, content=body)


@asynccontextmanager
async def open_doors(town: Town) -> AsyncIterator[Doors]:
    """Open connections to every node, with room for bursts."""
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=0)
    async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False, limits=limits) as http:
        yield Doors(town, http)


async def texted_code(town: Town, phone: str) -> str:
    """Return the code of the last message to a phone."""
    async with httpx2.AsyncClient(trust_env=False) as outside:
        outbox = await outside.get(f"{town.places.url_of('sms')}/outbox", params={"phone": phone})
    found = _CODE.search(outbox.json()["messages"][-1]["text"])
    assert found is not None
    return found[0]


def lookup_body(town: Town, **changes: Any) -> dict[str, Any]:
    """Return a sound lookup; a change of None leaves the member out."""
    arriving = next(person for person in town.world["people"] if person["arrives_through"])
    body = {
        "by": {"holder": {"type": "111", "code": arriving["document_number"]}},
        "license_types": [ID_CARD],
        "grade": "masked",
        "fields": ["holder_name", "valid_to"],
        "purpose": {"matter": "gzf-apply", "case": "QY-2026-000101"},
        "officer": "ZJ-0317",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


@dataclass
class Visitor:
    """One browser: its cookies, and the form token of the pages shown to it."""

    doors: Doors
    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""

    async def get(self, path: str, *, node: int = 0, **parameters: str) -> httpx2.Response:
        """Open an address."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._hear(await self.doors.send("GET", path + query, node=node, headers=self.headers()))

    async def post(
        self, path: str, form: Pairs, *, node: int = 0, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Send a form from one of the product's own pages."""
        pairs = list(form.items() if isinstance(form, Mapping) else form)
        if "csrf_token" not in dict(pairs):
            pairs.append(("csrf_token", self.csrf_token))
        sent = {**self.headers(), "Origin": self.doors.town.issuer, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        return self._hear(await self.doors.send("POST", path, node=node, headers=sent, form=pairs))

    def headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Accept": "text/html", "User-Agent": "Mozilla/5.0 Test"} | ({"Cookie": cookies} if cookies else {})

    async def sign_in(self, citizen: Citizen, *, node: int = 0) -> httpx2.Response:
        """Sign in with the password; fails when that does not lead to a session."""
        await self.get("/login", node=node)
        answer = await self.post("/login", {"identifier": citizen.user_name, "password": citizen.password}, node=node)
        assert answer.status_code == 303, f"{answer.status_code} {answer.text[-800:]}"
        assert self.cookies.get(SESSION_COOKIE)
        return answer

    async def sign_in_as_officer(self, *, node: int = 0) -> None:
        """Sign in as the officer of the demo, with password and one-time password."""
        officer = next(person for person in self.doors.town.world["people"] if person["officer"])
        await self.get("/staff/login", node=node)
        asked = await self.post(
            "/staff/login", {"identifier": officer["user_name"], "password": officer["password"]}, node=node
        )
        assert asked.status_code == 303, asked.text[-800:]
        target = urlsplit(asked.headers["location"])
        await self.get(f"{target.path}?{target.query}", node=node)
        flow = {name: values[0] for name, values in parse_qs(target.query).items()}
        code = pyotp.TOTP(officer["totp_secret"]).at(system_clock())
        entered = await self.post("/login/totp", {**flow, "code": code}, node=node)
        assert entered.status_code == 303, entered.text[-800:]

    async def authorize(self, client: str = APP, *, node: int = 0, **changes: str | None) -> httpx2.Response:
        """Ask for authorization (OpenID Connect Core §3.1.2.1); a change of None leaves the parameter out."""
        parameters = authorization(client) | changes
        return await self.get(
            "/oauth/authorize", node=node, **{name: value for name, value in parameters.items() if value is not None}
        )

    async def grip(self, client: str = APP, *, node: int = 0, **changes: str | None) -> Grip:
        """Get an authorization code; fails when none comes at once."""
        verifier = secrets.token_urlsafe(48)
        answer = await self.authorize(client, node=node, code_challenge=challenge(verifier), **changes)
        assert answer.status_code == 303, f"{answer.status_code} {answer.text[-800:]}"
        code = answered(answer).get("code")
        assert code, answer.headers["location"].partition("?")[0]
        SEEN_SECRETS.update((code, verifier))
        return Grip(code, verifier, client, changes.get("redirect_uri") or CALLBACKS[client])

    async def tokens(self, client: str = APP, *, node: int = 0, **changes: str | None) -> dict[str, Any]:
        """Get tokens for an application in which this person is signed in."""
        answer = await self.doors.redeem(await self.grip(client, node=node, **changes), node=node)
        assert answer.status_code == 200, answer.text
        members: dict[str, Any] = answer.json()
        return members

    def _hear(self, answer: httpx2.Response) -> httpx2.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "Max-Age=0" in line:
                self.cookies.pop(name)
            elif len(value) > 20:
                SEEN_SECRETS.add(value)
        found = _CSRF.search(answer.text)
        if found:
            self.csrf_token = unescape(found[1])
        return answer


def authorization(client: str) -> dict[str, str | None]:
    """Return sound parameters of an authorization request, with a challenge to which nobody has the verifier."""
    return {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": CALLBACKS[client],
        "scope": "openid profile realname offline_access",
        "state": "state-of-the-test",
        "nonce": "nonce-of-the-test",
        "code_challenge": challenge("somebody-elses-verifier-somebody-elses-verifier"),
        "code_challenge_method": "S256",
    }


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def answered(answer: httpx2.Response) -> dict[str, str]:
    """Return the parameters that an authorization response carries to the application."""
    query = parse_qs(urlsplit(answer.headers.get("location", "")).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}


def remember(answer: httpx2.Response) -> httpx2.Response:
    """Remember the tokens of a token response as secrets of this run."""
    if answer.status_code == 200:
        members = answer.json()
        SEEN_SECRETS.update(
            str(members[name]) for name in ("access_token", "refresh_token", "id_token") if name in members
        )
    return answer
