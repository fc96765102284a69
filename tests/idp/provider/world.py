"""A provider with real storage behind its HTTP routes, people to sign in, apps to send them, and a clock
that the test moves.

The pages are played by the test: `/test/resume` and `/test/consent` do what the sign-in and consent pages do.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from sqlalchemy import Table, insert, select, update
from starlette.applications import Starlette

from adapters.guarded_http import GuardedHttp, Networks
from adapters.url_fetching import HttpUrlFetcher
from certs_catalog.catalog_files import load_catalog
from foundation.changes import ChangeFeed
from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.expiring import ExpiringStore, MemoryExpiringStore, open_redis_store
from foundation.identifiers.synthetic import synthetic_resident_id
from foundation.ledger import Ledger
from foundation.ledger.store import load_rows
from foundation.sealing import BlindIndex, Sealer, SealingKey
from foundation.signing import KeyRing, PurposePolicy, RotationPolicy, ensure_keys
from idp.people.facts import PersonFactsLoader
from idp.people.persons import DOCUMENT_CONTEXT, NAME_CONTEXT, document_index
from idp.people.tables import accounts, persons
from idp.provider.composition import Provider
from idp.provider.limits import ProviderLimits
from idp.provider.opening import open_provider
from idp.provider.registration.register import ClientRegistration, Registered, register_client
from idp.provider.subjects import Subjects
from idp.signin.flows import FLOW_COOKIE as BROWSER_COOKIE
from idp.signin.sessions import SESSION_COOKIE, Session, session_row
from idp.signin.tables import sessions
from idp.vocabulary import RealNameLevel, SignInStrength
from tests.idp.provider.played_pages import played_app
from tests.servers import Stack

START = datetime(2026, 5, 18, 1, 0, tzinfo=UTC)
ISSUER = "https://id.qingyu.test"
LICENSES = f"{ISSUER}/api/v1/licenses"
LI = synthetic_resident_id("370299", date(1909, 9, 9), 20)
ZHANG = synthetic_resident_id("370299", date(1908, 5, 12), 1)
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
POLICY = RotationPolicy((PurposePolicy("oidc", ("ES256",)),))

HOUSING = ClientRegistration(
    client_id="gzf",
    name_zh="公共租赁住房资格申请",
    name_en="Public rental housing",
    department_id="housing",
    redirect_uris=("https://gzf.test/cb", "https://gzf.test/cb?lang=zh"),
    post_logout_redirect_uris=("https://gzf.test/bye",),
    backchannel_logout_uri="https://gzf.test/backchannel-logout",
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    scopes=("openid", "profile", "phone", "realname", "realname.id", "offline_access", "license.lookup"),
    resources=(LICENSES,),
)
BUSINESS = ClientRegistration(
    client_id="qyfw",
    name_zh="企业开办服务",
    name_en="Starting a business",
    department_id="market",
    token_endpoint_auth_method="client_secret_post",
    redirect_uris=("https://qyfw.test/cb",),
    post_logout_redirect_uris=("https://qyfw.test/bye",),
    scopes=("openid", "profile", "realname"),
)
NATIVE = ClientRegistration(
    client_id="counter-app",
    name_zh="窗口助手",
    name_en="Counter assistant",
    department_id="approval",
    application_type="native",
    token_endpoint_auth_method="none",
    redirect_uris=("http://127.0.0.1/cb", "http://[::1]/cb", "cn.qingyu.counter:/cb"),
    grant_types=("authorization_code", "refresh_token"),
    scopes=("openid", "profile", "offline_access"),
)
LICENSE_API = ClientRegistration(
    client_id="license-api",
    name_zh="电子证照接口",
    name_en="E-license API",
    department_id="data",
    application_type="service",
    grant_types=("client_credentials",),
    scopes=("license.lookup",),
    resources=(LICENSES,),
    introspects=(LICENSES, f"{ISSUER}/oauth/userinfo"),
)


@dataclass
class World:
    """Everything a test of this room needs."""

    provider: Provider
    app: Starlette
    sealer: Sealer
    index: BlindIndex
    secrets: dict[str, str] = field(default_factory=dict)
    now: datetime = START

    def later(self, **span: float) -> None:
        """Move the clock."""
        self.now += timedelta(**span)

    async def add_client(self, registration: ClientRegistration) -> Registered:
        """Register an app and remember its secret."""
        provider = self.provider
        registered = await register_client(
            registration,
            db=provider.db,
            ledger=provider.ledger,
            entropy=provider.entropy,
            actor="system:test",
            now=self.now,
        )
        await provider.feed.catch_up()
        await provider.clients.refresh()
        if registered.secret is not None:
            self.secrets[registration.client_id] = registered.secret
        return registered

    async def add_person(self, number: str = ZHANG, name: str = "张知明", phone: str = "13800000001") -> "Person":
        """Make a person with an open account."""
        entropy = self.provider.entropy
        person = Person(entropy.identifier(), entropy.identifier())
        async with self.provider.db.transaction() as connection:
            await connection.execute(
                insert(persons).values(
                    person_id=person.person_id,
                    document_type="111",
                    document_index=document_index(self.index, "111", number),
                    document_sealed=self.sealer.seal_text(number, context=DOCUMENT_CONTEXT),
                    name_sealed=self.sealer.seal_text(name, context=NAME_CONTEXT),
                    level=2,
                    created_at=self.now,
                    updated_at=self.now,
                )
            )
            await connection.execute(
                insert(accounts).values(
                    account_id=person.account_id,
                    person_id=person.person_id,
                    phone_sealed=self.sealer.seal_text(phone, context="account.phone"),
                    phone_index=self.index.index("phone", phone),
                    status="open",
                    created_at=self.now,
                    updated_at=self.now,
                )
            )
        return person

    async def sign_in(
        self,
        browser: "Browser",
        person: "Person",
        *,
        strength: SignInStrength = SignInStrength.ONE_FACTOR,
        level: RealNameLevel = RealNameLevel.MEDIUM,
    ) -> Session:
        """Give the browser a session of the person, as a sign-in does."""
        entropy = self.provider.entropy
        session = Session(
            session_id=entropy.identifier(),
            kind="citizen",
            account_id=person.account_id,
            person_id=person.person_id,
            officer_id=None,
            department_id=None,
            auth_time=self.now,
            amr=("pwd",),
            level=level,
            strength=strength,
            created_at=self.now,
            last_seen_at=self.now,
            expires_at=self.now + timedelta(hours=12),
            user_agent_label="Chrome",
            network="203.0.113",
        )
        token = entropy.token()
        async with self.provider.db.transaction() as connection:
            await connection.execute(insert(sessions).values(session_row(session, token)))
        browser.cookies[SESSION_COOKIE] = token
        return session

    async def touch(self, session: Session) -> None:
        """Keep a session from being idle after the clock was moved."""
        async with self.provider.db.transaction() as connection:
            await connection.execute(
                update(sessions).where(sessions.c.session_id == session.session_id).values(last_seen_at=self.now)
            )

    async def entries(self) -> list[dict[str, Any]]:
        """Bodies of every ledger entry, oldest first."""
        async with self.provider.db.read() as connection:
            rows = await load_rows(connection, start=0)
        return [json.loads(row.body) for row in rows]

    async def last_entry(self) -> tuple[str, str, str | None]:
        """Kind, outcome and code of the newest ledger entry."""
        newest = (await self.entries())[-1]
        return newest["kind"], newest["outcome"], newest.get("code")

    async def rows(self, table: Table) -> list[Mapping[str, Any]]:
        """Every row of a table."""
        async with self.provider.db.read() as connection:
            return [dict(row) for row in (await connection.execute(select(table))).mappings()]

    def http(self) -> httpx2.AsyncClient:
        """A client without cookies: a server, or a browser's transport."""
        transport = httpx2.ASGITransport(app=self.app, client=("203.0.113.7", 50000))
        return httpx2.AsyncClient(transport=transport, base_url=ISSUER)

    async def token(self, client_id: str, **form: str) -> httpx2.Response:
        """Ask the token endpoint as a registered client, by its own method."""
        async with self.http() as http:
            return await http.post("/oauth/token", **self.credentials(client_id, form))

    async def ask(self, path: str, client_id: str, **form: str) -> httpx2.Response:
        """Post a form to a back-channel endpoint as a registered client."""
        async with self.http() as http:
            return await http.post(path, **self.credentials(client_id, form))

    def credentials(self, client_id: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the request parts by which a client of this world authenticates."""
        client = self.provider.clients.find(client_id)
        assert client is not None
        if client.token_endpoint_auth_method == "client_secret_basic":
            return {"data": dict(form), "auth": (client_id, self.secrets[client_id])}
        extra = {"client_id": client_id}
        if client.token_endpoint_auth_method == "client_secret_post":
            extra["client_secret"] = self.secrets[client_id]
        return {"data": {**form, **extra}}

    async def userinfo(self, token: str) -> httpx2.Response:
        """Ask the userinfo endpoint with a bearer token."""
        async with self.http() as http:
            return await http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    person_id: str
    account_id: str


@dataclass
class Browser:
    """One browser: its cookies and what it is shown."""

    world: World
    cookies: dict[str, str] = field(default_factory=lambda: {BROWSER_COOKIE: SystemEntropy().token()})

    async def get(self, path: str, query: Mapping[str, str] | str = "") -> httpx2.Response:
        """Open an address without following redirects."""
        text = query if isinstance(query, str) else urlencode(query)
        async with self.world.http() as http:
            return await http.get(f"{path}?{text}" if text else path, headers=self._headers())

    async def post(self, path: str, form: Mapping[str, str]) -> httpx2.Response:
        """Send a form without following redirects."""
        async with self.world.http() as http:
            return await http.post(path, data=dict(form), headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    async def authorize(self, client_id: str = "gzf", **changes: str | None) -> httpx2.Response:
        """Send a sound authorization request with the given parameters changed; None leaves one out."""
        return await self.get("/oauth/authorize", urlencode(authorization(client_id, **changes)))

    async def agree(self, response: httpx2.Response, *items: str) -> httpx2.Response:
        """Answer the consent page a response led to; without items everything is agreed to."""
        transaction = transaction_of(response)
        return await self.post("/test/consent", {"transaction": transaction, "agreed": " ".join(items) or "*"})

    async def code_for(self, client_id: str = "gzf", **changes: str | None) -> str:
        """Authorize, agree when asked, and return the code."""
        response = await self.authorize(client_id, **changes)
        if urlsplit(response.headers["location"]).path == "/consent":
            response = await self.agree(response)
        return answer(response)["code"]

    async def tokens_for(self, client_id: str = "gzf", **changes: str | None) -> dict[str, Any]:
        """Go through the code flow and return the token response."""
        code = await self.code_for(client_id, **changes)
        response = await self.redeem(code, client_id, redirect_uri=changes.get("redirect_uri"))
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def redeem(
        self, code: str, client_id: str = "gzf", *, redirect_uri: str | None = None, **changes: str | None
    ) -> httpx2.Response:
        """Redeem a code as the client's server; None leaves a parameter out."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri or authorization(client_id)["redirect_uri"],
            "code_verifier": VERIFIER,
            **changes,
        }
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.world.token(client_id, **sent)


def authorization(client_id: str = "gzf", **changes: str | None) -> dict[str, str]:
    """Return the parameters of a sound authorization request, changed as asked."""
    address = {"gzf": "https://gzf.test/cb", "qyfw": "https://qyfw.test/cb"}.get(client_id, "http://127.0.0.1/cb")
    parameters: dict[str, str | None] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": address,
        "scope": "openid profile",
        "state": "af0ifjsldkj",
        "nonce": "n-0S6_WzA2Mj",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def answer(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters of the redirect to the app, from query or fragment; `iss` and the status are checked for every answer."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    found = {name: values[0] for name, values in parse_qs(parts.fragment or parts.query).items()}
    assert found["iss"] == ISSUER
    return found


def transaction_of(response: httpx2.Response) -> str:
    """Return the transaction that a redirect to one of our own pages carries."""
    assert response.status_code == 303, response.text
    return parse_qs(urlsplit(response.headers["location"]).query)["transaction"][0]


def page_of(response: httpx2.Response) -> str:
    """Return the path of our own page that a redirect leads to."""
    assert response.status_code == 303, response.text
    return urlsplit(response.headers["location"]).path


def claims_of_jwt(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without checking it."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@asynccontextmanager
async def open_world(
    stack: Stack, *, url: str | None = None, networks: Networks = "any", **limits: Any
) -> AsyncIterator[World]:
    """Open a provider on one of the two stacks; `limits` override its limits."""
    entropy = SystemEntropy()
    db = Database(url or stack.database_url)
    # Apps of these tests listen on this machine, without TLS.
    outgoing = GuardedHttp(networks=networks, allow_http=True)
    worlds: list[World] = []

    def clock() -> datetime:
        return worlds[0].now if worlds else START

    store = await _open_store(stack, clock)
    sealer = Sealer([SealingKey("k1", "A256GCM", bytes(range(32)))], entropy=entropy)
    index = BlindIndex(bytes(range(100, 132)))
    feed = ChangeFeed(db, clock)
    ledger = Ledger(db, sealer=sealer, entropy=entropy, feed=feed)
    await ledger.open()
    await ensure_keys(db, sealer=sealer, policy=POLICY, now=START)
    keys = KeyRing(sealer)
    await keys.refresh(db)
    provider = await open_provider(
        issuer=ISSUER,
        limits=ProviderLimits(**({"token_requests_per_window": 0} | limits)),
        subjects=Subjects(1, bytes(range(50, 82))),
        db=db,
        ledger=ledger,
        feed=feed,
        keys=keys,
        sealer=sealer,
        index=index,
        store=store,
        entropy=entropy,
        people=PersonFactsLoader(db, sealer),
        fetcher=HttpUrlFetcher(outgoing),
        license_types=load_catalog(),
    )
    await feed.start()
    world = World(provider, played_app(provider, clock), sealer, index)
    worlds.append(world)
    try:
        yield world
    finally:
        await feed.stop()
        await store.close()
        await outgoing.close()
        await db.close()


async def _open_store(stack: Stack, clock: Any) -> ExpiringStore:
    if stack.redis_url is None:
        return MemoryExpiringStore(monotonic=lambda: clock().timestamp())
    store = await open_redis_store(stack.redis_url, epoch="test", answer_timeout=timedelta(seconds=2))
    await store.acknowledge_flush("test")
    return store
