"""Mutual TLS through a real nginx in front of the real product (RFC 8705): handshakes, headers, bound tokens."""

import asyncio
import json
import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from foundation.clock import system_clock
from gateway.composition import open_parts
from gateway.settings import load_settings
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.proof.client_certificates import certificate_thumbprint
from idp.provider.registration.register import ClientRegistration, register_client
from loadtests.servers import CERTIFICATE_HEADER, VERDICT_HEADER, MutualTls, NginxServer, run_nginx
from tests.gateway.api.conftest import question
from tests.gateway.town import Town, running_town
from tests.idp.provider.certificates import SUBJECT, Issued, authority, issue
from tests.idp.provider.signed_requests import EC_KEY, sign
from tests.idp.provider.world import claims_of_jwt
from tests.servers import SQLiteDatabases, Stack

NOW = system_clock()
ALIAS = "https://tls.qingyu.test"
"""The origin that asks for certificates; browsers go to the issuer and are never asked."""
OUR_CA, OTHER_CA = authority(at=NOW), authority(at=NOW, name="Another CA")
SERVER = issue(at=NOW, by=OUR_CA, subject="CN=id.qingyu.test", for_server=True)
OURS = issue(at=NOW, by=OUR_CA)
SELF_SIGNED = issue(at=NOW)
STRANGERS = {
    "M14 of another authority": issue(at=NOW, by=OTHER_CA),
    "M14 self-signed with the same subject": issue(at=NOW),
    "M14 over": issue(at=NOW, by=OUR_CA, days=0),
    "M14 another client's": issue(at=NOW, by=OUR_CA, subject="CN=other.test"),
    "no certificate": None,
}


@dataclass(frozen=True)
class Front:
    """The town behind nginx, and files for client certificates."""

    town: Town
    nginx: NginxServer
    folder: Path
    made: dict[int, ssl.SSLContext] = field(default_factory=dict)

    def client(self, shown: Issued | None) -> httpx2.Client:
        """A connection that shows this certificate in its handshake."""
        context = ssl.create_default_context(cadata=OUR_CA.pem.decode())
        context.check_hostname = False
        if shown is not None:
            pair = self.folder / f"{id(shown)}.pem"
            pair.write_bytes(shown.pem + shown.key_pem)
            context.load_cert_chain(pair)
        return httpx2.Client(base_url=self.nginx.url, verify=context, trust_env=False, timeout=20)

    @property
    def audience(self) -> str:
        """The audience of the license API."""
        return f"{self.town.issuer}/api/v1/licenses"

    def ask(self, client_id: str, shown: Issued | None, headers: dict[str, str] | None = None) -> httpx2.Response:
        """Ask for a token with nothing but the handshake."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "resource": self.audience}
        with self.client(shown) as http:
            return http.post("/oauth/token", data=form, headers=headers)


@pytest.fixture(scope="module")
def front(
    sqlite_databases: SQLiteDatabases, nginx_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """A town that believes nginx, and two departments that are proved by certificates."""
    folder = tmp_path_factory.mktemp("mutual_tls")
    further = {
        "RENZHENG_TRUSTED_PROXIES": json.dumps(["127.0.0.1"]),
        "RENZHENG_CLIENT_CERTIFICATE_HEADER": CERTIFICATE_HEADER,
        "RENZHENG_CLIENT_CERTIFICATE_VERDICT_HEADER": VERDICT_HEADER,
        "RENZHENG_CLIENT_CERTIFICATE_ORIGIN": ALIAS,
        "RENZHENG_PROVIDER__TOKEN_REQUESTS_PER_WINDOW": "0",
    }
    with ExitStack() as stack:
        url = stack.enter_context(sqlite_databases.fresh())
        town = stack.enter_context(running_town(Stack("sqlite+memory", url, None), folder, further))
        tls = MutualTls(SERVER.pem, SERVER.key_pem, OUR_CA.pem, ALIAS.partition("//")[2])
        nginx = stack.enter_context(run_nginx([town.places.base_port], tls=tls))
        yield Front(town, nginx, folder)


@pytest.fixture(scope="module")
async def departments(front: Front) -> Front:
    """The town with the two departments registered."""
    settings = load_settings(front.town.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        by_subject = ClientMetadata(
            tls_client_auth_kind="tls_client_auth_subject_dn",
            tls_client_auth_value=SUBJECT,
            tls_client_certificate_bound_access_tokens=True,
        )
        first = ClientRegistration(
            client_id="by-authority",
            name_zh="不动产登记系统",
            name_en="Real estate registry",
            department_id=housing.department_id,
            application_type="service",
            grant_types=("client_credentials",),
            scopes=("license.lookup",),
            resources=(front.audience,),
            token_endpoint_auth_method="tls_client_auth",
            metadata=by_subject,
        )
        second = replace(
            first,
            client_id="by-key",
            token_endpoint_auth_method="self_signed_tls_client_auth",
            policy="high",
            metadata=ClientMetadata(jwks={"keys": [SELF_SIGNED.jwk]}),
        )
        for registration in (first, second):
            await register_client(
                registration,
                db=parts.db,
                ledger=parts.ledger,
                entropy=parts.entropy,
                actor="system:test",
                now=parts.clock(),
            )
    deadline = time.monotonic() + 10
    while front.ask("by-key", SELF_SIGNED).status_code != 200:
        assert time.monotonic() < deadline, "the town did not hear of the departments"
        await asyncio.sleep(0.1)
    return front


async def test_handshakes_prove_the_registered_clients(departments: Front) -> None:
    """RFC 8705 §2.1, §2.2, §3: each by its own method, and the token is bound to what was shown."""
    for client_id, shown in (("by-authority", OURS), ("by-key", SELF_SIGNED)):
        answer = departments.ask(client_id, shown)
        assert answer.status_code == 200, answer.text
        claims = claims_of_jwt(answer.json()["access_token"])
        assert claims["cnf"] == {"x5t#S256": certificate_thumbprint(shown.der)}


@pytest.mark.parametrize("shown", STRANGERS.values(), ids=STRANGERS.keys())
async def test_other_handshakes_prove_nobody(departments: Front, shown: Issued | None) -> None:
    """M14: refused by the product, or by nginx before it."""
    for client_id in ("by-authority", "by-key"):
        answer = departments.ask(client_id, shown)
        if "SSL certificate error" in answer.text:
            assert (answer.status_code, shown) == (400, STRANGERS["M14 over"])
            continue
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_headers_of_a_caller_do_not_come_through(departments: Front) -> None:
    """nginx writes both headers on every request; who goes around it is not believed unless it is the proxy's own address."""
    forged = {CERTIFICATE_HEADER: OURS.escaped, VERDICT_HEADER: "SUCCESS"}
    for shown in (None, SELF_SIGNED):
        assert departments.ask("by-authority", shown, forged).status_code == 401


async def test_a_bound_token_needs_the_same_handshake_at_the_license_api(departments: Front) -> None:
    """RFC 8705 §3: the certificate of the connection is compared with the token's."""
    token = departments.ask("by-authority", OURS).json()["access_token"]
    statuses: dict[str, Any] = {}
    for name, shown in (("same", OURS), ("another", SELF_SIGNED), ("none", None)):
        with departments.client(shown) as http:
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            answer = http.post("/api/v1/licenses/lookup", content=question(), headers=headers)
        statuses[name] = (answer.status_code, answer.json().get("code"))
    assert statuses["another"] == statuses["none"] == (401, "21201")
    assert statuses["same"][0] != 401, statuses


async def test_a_proof_is_for_the_address_it_is_sent_to(departments: Front) -> None:
    """RFC 9449 §4.3, RFC 8705 §5: the alias is an address of ours, another host is not."""
    for origin, status in ((ALIAS, 200), (departments.town.issuer, 200), ("https://other.test", 400)):
        at = int(time.time())
        claims = {"htm": "POST", "htu": f"{origin}/oauth/token", "iat": at, "jti": secrets.token_hex(8)}
        proof = sign(claims, key=EC_KEY, typ="dpop+jwt", kid=None, jwk=EC_KEY.as_dict(private=False))
        assert departments.ask("by-key", SELF_SIGNED, {"DPoP": proof}).status_code == status


async def test_the_metadata_announce_it(departments: Front) -> None:
    """RFC 8705 §3.3, RFC 9728 §2."""
    with departments.client(None) as http:
        found = http.get("/.well-known/openid-configuration").json()
        resource = http.get("/.well-known/oauth-protected-resource").json()
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(found["token_endpoint_auth_methods_supported"])
    assert found["tls_client_certificate_bound_access_tokens"] is True
    assert found["issuer"] == departments.town.issuer
    assert found["token_endpoint"] == f"{departments.town.issuer}/oauth/token"
    assert found["mtls_endpoint_aliases"]["token_endpoint"] == f"{ALIAS}/oauth/token"
    assert found["mtls_endpoint_aliases"]["userinfo_endpoint"] == f"{ALIAS}/oauth/userinfo"
    assert resource["tls_client_certificate_bound_access_tokens"] is True
