"""Our own product as the provider under test: the whole town of the gateway's tests, with the clients of the port."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from foundation.identifiers.synthetic import synthetic_resident_id
from gateway.composition import Parts, open_parts
from gateway.pages.paths import PATHS
from gateway.settings import ENV_FILE, load_settings
from gateway.stories.browser import Browser, Page
from idp.provider.clients.metadata import ClientMetadata, LegacyException
from idp.provider.registration.document import apply_document
from idp.provider.registration.invitations import MOST_USES, InvitationTerms, invite_clients
from idp.provider.registration.register import ClientRegistration, register_client
from idp.signin.enrolment import enrol_person
from idp.signin.visits import Visit
from tests.conformance.certificates import new_certificate
from tests.conformance.listener import Listener
from tests.conformance.op import BackChannel, new_http
from tests.conformance.registrations import (
    OWN_MEMBERS,
    ROLES,
    SCOPES,
    ClientCertificate,
    RegisteredClient,
    metadata_of,
    new_signing_key,
    public_jwks,
)
from tests.gateway.town import Town, running_town
from tests.servers import Stack
from tests.stories.processes import clean_environment, run_renzheng

PASSWORD = "Lantern-Harbour-Quiet-88"
KNOWN_WITHIN_S = 20.0
LEGACY_LIFE = timedelta(days=30)
_VISIT = Visit(browser="conformance", network="127.0.0.1")
_PEOPLE = (("赵静", date(1891, 3, 4), "zhaojing"), ("钱守拙", date(1892, 5, 6), "qianshouzhuo"))
_UNLIMITED = "1000000000"
SETTINGS: Mapping[str, str] = {
    "RENZHENG_PROVIDER__TOKEN_REQUESTS_PER_WINDOW": _UNLIMITED,
    "RENZHENG_SIGNIN__NETWORK_ATTEMPTS": _UNLIMITED,
    "RENZHENG_SIGNIN__ARGON2_MEMORY_KIB": "8192",
    "RENZHENG_SIGNIN__ARGON2_ITERATIONS": "1",
    "RENZHENG_PROVIDER__CIBA_REQUESTS_PER_PERSON": "20",
    "RENZHENG_PROVIDER__CIBA_REQUEST_WINDOW": "PT1S",
    "RENZHENG_TRUSTED_PROXIES": '["127.0.0.1"]',
    "RENZHENG_CLIENT_CERTIFICATE_HEADER": "X-Client-Certificate",
    "RENZHENG_CLIENT_CERTIFICATE_VERDICT_HEADER": "X-Client-Verify",
}
"""Everybody here comes from one address and works without pause; what a password costs is measured elsewhere."""


@dataclass(frozen=True)
class RenzhengOp:
    """Satisfies `Op`."""

    name: str
    town: Town
    http: BackChannel
    clients: Mapping[str, RegisteredClient]
    listener: Listener
    invitations: Mapping[str, str]
    settings_file: Path
    takes_form_token: bool = False

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.town.issuer

    def client(self, role: str) -> RegisteredClient:
        """Return the client of a role."""
        return self.clients[role]

    def sign_in(self, browser: Browser, page: Page, person: int) -> Page | None:
        """Fill in the page's form with user name and password."""
        if not page.has_form("identifier", "password"):
            return None
        return browser.submit(
            page, page.form("identifier", "password"), {"identifier": _PEOPLE[person][2], "password": PASSWORD}
        )

    def decide(self, browser: Browser, page: Page, *, agree: bool) -> Page | None:
        """Tick everything and agree, or refuse."""
        if not page.has_form("transaction", action=PATHS.consent):
            return None
        form = page.form("transaction", action=PATHS.consent)
        ticks = {"claims": form.choices["claims"]} if "claims" in form.choices and agree else {}
        return browser.submit(page, form, ticks, button="yes" if agree else "no")

    def confirm_logout(self, browser: Browser, page: Page) -> Page | None:
        """Press the button of the question."""
        if not page.has_form("transaction", action=PATHS.logout):
            return None
        return browser.submit(page, page.form("transaction", action=PATHS.logout), button="yes")

    def is_error_page(self, page: Page) -> bool:
        """Our stop pages are answered with a status of the 400s."""
        return page.location is None and 400 <= page.status < 500 and bool(page.document.heading)

    def is_after_logout(self, page: Page) -> bool:
        """The result of a sign-out has a page of its own."""
        return page.status == 200 and urlsplit(page.url).path == PATHS.logged_out

    def now(self) -> datetime:
        """The product's clock."""
        return self.town.clock()

    @contextmanager
    def later(self, by: timedelta) -> Iterator[None]:
        """Move the product's clock, and wait until it has heard its change feed there."""
        with self.town.clock.later(by):
            self._await_answers()
            yield
        self._await_answers()

    def register(self, metadata: Mapping[str, Any]) -> httpx2.Response:
        """Ask the registration endpoint with an invitation for the policy (RFC 7591 §3)."""
        sent = {name: value for name, value in metadata.items() if name not in OWN_MEMBERS}
        invitation = self.invitations[str(metadata.get("policy", "baseline"))]
        return self.http.client.post(
            f"{self.issuer}/oauth/register", json=sent, headers={"Authorization": f"Bearer {invitation}"}
        )

    def answer_decoupled(self, browser: Browser, auth_req_id: str, *, agree: bool) -> None:
        """The person opens the newest request on the page of what waits, ticks everything and answers."""
        page = browser.open(self.town.url(PATHS.confirmations))
        if page.location is not None:
            signed_in = self.sign_in(browser, self.town.settle(browser, page), 0)
            assert signed_in is not None
            page = browser.open(self.town.url(PATHS.confirmations))
        newest = next(link.href for link in page.document.links if link.href.startswith(f"{PATHS.confirmations}/"))
        asked = browser.open(self.town.url(newest))
        form = asked.form("decision")
        ticks = {"claims": form.choices["claims"]} if "claims" in form.choices and agree else {}
        browser.submit(asked, form, ticks, button="yes" if agree else "no")

    def publish(self, path: str, document: Any) -> str:
        """The product fetches from loopback, because the town lets it."""
        self.listener.publish(path, document)
        return self.listener.url + path

    def rotate_keys(self) -> None:
        """Replace the keys by the command line."""
        self.command("keys", "rotate", "--purpose", "oidc")

    def initiated_login(self, role: str) -> str:
        """Ask the command line for the address."""
        return str(self.command("client", "login-link", self.clients[role].client_id)["login_link"])

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run a command of the product and return its JSON."""
        environment = clean_environment(**{ENV_FILE: str(self.settings_file)})
        done = run_renzheng(*arguments, "--json", environment=environment)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _await_answers(self) -> None:
        """After a leap of the clock the product answers again as soon as it has heard from its database."""
        client, deadline = self.clients["basic"], time.monotonic() + KNOWN_WITHIN_S
        form = {"client_id": client.client_id, "client_secret": client.client_secret or "", "token": "unknown"}
        while self.http.post(f"{self.issuer}/oauth/token", form).status_code == 503:
            assert time.monotonic() < deadline, "the product does not answer"
            time.sleep(0.05)


@contextmanager
def running_renzheng(stack: Stack, folder: Path, listener: Listener) -> Iterator[RenzhengOp]:
    """Run the product with the clients and people of the port while the block lasts."""
    settings_file = folder / f"{stack.name}.env"
    with running_town(stack, folder, SETTINGS) as town, new_http() as client:
        clients, invitations = asyncio.run(_move_in(settings_file, f"{listener.url}/renzheng", town.clock()))
        op = RenzhengOp(
            "renzheng", town, BackChannel(client, _certificate_header), clients, listener, invitations, settings_file
        )
        _await_known(op, list(clients.values())[-1])
        yield op


def _certificate_header(certificate: ClientCertificate) -> Mapping[str, str]:
    """The port stands in for nginx, which ends TLS and passes on what it verified (RFC 8705 §6.5)."""
    return {"X-Client-Certificate": quote(certificate.certificate), "X-Client-Verify": "SUCCESS"}


async def _move_in(
    settings_file: Path, listener_url: str, now: datetime
) -> tuple[dict[str, RegisteredClient], dict[str, str]]:
    async with open_parts(load_settings(settings_file, environ={}), background=False) as parts:
        for number, (name, born, user_name) in enumerate(_PEOPLE):
            await enrol_person(
                name,
                synthetic_resident_id("370299", born, 7 + number),
                user_name=user_name,
                phone=f"139200000{number:02d}",
                password=PASSWORD,
                source="tests",
                visit=_VISIT,
                entrance=parts.entrance,
                now=now,
            )
        made = {}
        for role in ROLES:
            for name in (role, f"{role}-2"):
                made[name] = await _register(
                    parts, name, metadata_of(role, f"rp-{name}", listener_url, listener_url), now
                )
        return made, {policy: await _invite(parts, policy, now) for policy in ("baseline", "legacy", "high")}


async def _invite(parts: Parts, policy: str, now: datetime) -> str:
    department = await parts.directory.find_department_by_slug("housing")
    assert department is not None
    exceptions: tuple[LegacyException, ...] = ("implicit", "hybrid") if policy == "legacy" else ()
    terms = InvitationTerms(
        department_id=department.department_id,
        policy=policy,
        grant_types=("authorization_code", "refresh_token", *(("implicit",) if exceptions else ())),
        scopes=SCOPES.split(" "),
        legacy_exceptions=exceptions,
        legacy_until=now + LEGACY_LIFE if exceptions else None,
    )
    _, token = await invite_clients(
        terms,
        uses=MOST_USES,
        expires_at=now + LEGACY_LIFE,
        db=parts.db,
        ledger=parts.ledger,
        entropy=parts.entropy,
        actor="system:test",
        now=now,
    )
    return token


async def _register(parts: Parts, name: str, metadata: Mapping[str, Any], now: datetime) -> RegisteredClient:
    department = await parts.directory.find_department_by_slug("housing")
    assert department is not None
    key = new_signing_key(name)
    registration = registration_of(f"rp-{name}", {**metadata, "jwks": public_jwks(key)}, department.department_id, now)
    made = await register_client(
        registration, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor="system:test", now=now
    )
    return RegisteredClient(registration.client_id, made.secret, metadata, key, new_certificate(f"rp-{name}"))


def registration_of(
    client_id: str, metadata: Mapping[str, Any], department_id: str, now: datetime
) -> ClientRegistration:
    """Return the registration that says the same as RFC 7591 metadata."""
    exceptions = tuple(metadata.get("legacy_exceptions", ()))
    template = ClientRegistration(
        client_id=client_id,
        name_zh="检验应用",
        name_en=f"Conformance {client_id}",
        department_id=department_id,
        policy=metadata["policy"],
        metadata=ClientMetadata(legacy_exceptions=exceptions, legacy_until=now + LEGACY_LIFE if exceptions else None),
    )
    return apply_document(metadata, template)


def _await_known(op: RenzhengOp, client: RegisteredClient) -> None:
    """The product hears of its newest client from the change feed, a moment later."""
    deadline = time.monotonic() + KNOWN_WITHIN_S
    form = {"client_id": client.client_id, "client_secret": client.client_secret or "", "token": "unknown"}
    while op.http.post(f"{op.issuer}/oauth/revoke", form).json() == {"error": "invalid_client"}:
        assert time.monotonic() < deadline, "the product does not know its newest client"
        time.sleep(0.05)
