"""Mutual TLS (RFC 8705): clients proved by their certificate, tokens bound to it, and whose headers are believed (M14)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from idp.provider.clients.metadata import ClientMetadata, TlsSubjectKind
from idp.provider.clients.registry import AuthMethod
from idp.provider.composition import MutualTls
from idp.provider.metadata import provider_metadata
from idp.provider.proof.client_certificates import certificate_thumbprint
from tests.idp.provider.certificates import SUBJECT, Issued, authority, issue
from tests.idp.provider.proving import CREDENTIALS, PROVER, add_provers, asserted, assertion
from tests.idp.provider.world import HOUSING, ISSUER, START, VERIFIER, Browser, World, claims_of_jwt

CA = authority(at=START)
OURS = issue(at=START, by=CA)
SELF_SIGNED = issue(at=START)


def proved_by(client_id: str, method: AuthMethod, policy: str = "baseline", **metadata: Any) -> Any:
    """Return the registration of an app that is proved by its certificate."""
    return replace(
        HOUSING,
        client_id=client_id,
        sector=client_id,
        policy=policy,
        token_endpoint_auth_method=method,
        metadata=ClientMetadata(**metadata),
    )


DEPARTMENT = proved_by(
    "department", "tls_client_auth", tls_client_auth_kind="tls_client_auth_subject_dn", tls_client_auth_value=SUBJECT
)
OWN = proved_by("own", "self_signed_tls_client_auth", jwks={"keys": [SELF_SIGNED.jwk]})
HIGH_TLS = proved_by("high-tls", "self_signed_tls_client_auth", "high", jwks={"keys": [SELF_SIGNED.jwk]})
BOUND = replace(
    PROVER,
    client_id="bound",
    sector="bound",
    metadata=replace(PROVER.metadata, tls_client_certificate_bound_access_tokens=True),
)
PUBLIC = proved_by("public-tls", "none", tls_client_certificate_bound_access_tokens=True)


@pytest.fixture(scope="module")
async def apps(shared_world: World) -> World:
    """The shared world with the apps of this module."""
    public = replace(
        PUBLIC, application_type="native", grant_types=("authorization_code", "refresh_token"), scopes=("openid",)
    )
    await add_provers(shared_world, DEPARTMENT, OWN, HIGH_TLS, BOUND, replace(public, resources=()))
    return shared_world


def shown(certificate: Issued, verdict: str | None = "SUCCESS") -> dict[str, str]:
    """Return the headers that the proxy writes."""
    verdicts = {} if verdict is None else {"X-Client-Verify": verdict}
    return {"X-Client-Certificate": certificate.escaped, **verdicts}


async def ask(
    world: World,
    client_id: str,
    headers: Mapping[str, str] | list[tuple[str, str]],
    *,
    peer: str = "203.0.113.7",
    path: str = "/oauth/token",
    **form: str,
) -> httpx2.Response:
    """Ask as a client that shows nothing but its name, through a proxy at `peer`."""
    transport = httpx2.ASGITransport(app=world.app, client=(peer, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="https://id.qingyu.test") as http:
        return await http.post(path, data={**CREDENTIALS, "client_id": client_id, **form}, headers=headers)


async def test_a_trusted_chain_with_the_registered_subject_proves_the_client(apps: World) -> None:
    """RFC 8705 §2.1, positive control."""
    response = await ask(apps, "department", shown(OURS))
    assert response.status_code == 200, response.text
    assert response.json()["token_type"] == "Bearer"


NAMES: list[tuple[TlsSubjectKind, str, bool]] = [
    ("tls_client_auth_subject_dn", SUBJECT, True),
    ("tls_client_auth_subject_dn", "C=CN,O=Housing Bureau,CN=housing.qingyu.test", False),
    ("tls_client_auth_subject_dn", "CN=housing.qingyu.test", False),
    ("tls_client_auth_subject_dn", SUBJECT.replace("housing", "Housing"), False),
    ("tls_client_auth_san_dns", "gzf.qingyu.test", True),
    ("tls_client_auth_san_dns", "GZF.qingyu.test", True),
    ("tls_client_auth_san_dns", "qingyu.test", False),
    ("tls_client_auth_san_uri", "https://housing.qingyu.test/app", True),
    ("tls_client_auth_san_uri", "https://housing.qingyu.test/", False),
    ("tls_client_auth_san_ip", "192.0.2.7", True),
    ("tls_client_auth_san_ip", "192.0.2.8", False),
    ("tls_client_auth_san_email", "app@housing.qingyu.test", True),
    ("tls_client_auth_san_email", "other@housing.qingyu.test", False),
]


@pytest.mark.parametrize(("kind", "value", "fits"), NAMES)
async def test_exactly_the_registered_name_counts(world: World, kind: TlsSubjectKind, value: str, fits: bool) -> None:
    """RFC 8705 §2.1.2: one subject or one alternative name."""
    registered = proved_by("department", "tls_client_auth", tls_client_auth_kind=kind, tls_client_auth_value=value)
    await add_provers(world, registered)
    assert (await ask(world, "department", shown(OURS))).status_code == (200 if fits else 401)


STRANGE: dict[str, Any] = {
    "M14 untrusted chain": shown(OURS, "FAILED:unable to verify the first certificate"),
    "no verdict": shown(OURS, None),
    "no handshake": shown(OURS, "NONE"),
    "two verdicts": [*shown(OURS).items(), ("X-Client-Verify", "SUCCESS")],
    "M14 expired": shown(issue(at=START, by=CA, days=0)),
    "M14 another client's": shown(issue(at=START, by=CA, subject="CN=other.test")),
    "M14 self-signed": shown(SELF_SIGNED, "FAILED:self-signed certificate"),
    "no certificate": {"X-Client-Verify": "SUCCESS"},
    "two certificates": [*shown(OURS).items(), ("X-Client-Certificate", OURS.escaped)],
    "a chain in one header": {"X-Client-Certificate": OURS.escaped + CA.escaped, "X-Client-Verify": "SUCCESS"},
    "not a certificate": {"X-Client-Certificate": "certificate", "X-Client-Verify": "SUCCESS"},
    "PEM of nonsense": {
        "X-Client-Certificate": "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A",
        "X-Client-Verify": "SUCCESS",
    },
    "M08 another spelling": {"X_Client_Certificate": OURS.escaped, "X-Client-Verify": "SUCCESS"},
}


@pytest.mark.parametrize("headers", STRANGE.values(), ids=STRANGE.keys())
async def test_whatever_else_comes_proves_nothing(apps: World, headers: Any) -> None:
    """M14: refused as any failed client is, with one entry."""
    before = len(await apps.entries())
    response = await ask(apps, "department", headers)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert len(await apps.entries()) == before + 1


@pytest.mark.parametrize("client_id", ["department", "own"])
async def test_nobody_but_the_proxy_is_believed(apps: World, client_id: str) -> None:
    """RFC 8705 §6.5: the same headers from another address."""
    certificate = OURS if client_id == "department" else SELF_SIGNED
    assert (await ask(apps, client_id, shown(certificate))).status_code == 200
    response = await ask(apps, client_id, shown(certificate), peer="203.0.113.8")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_a_registered_self_signed_certificate_proves_the_client(apps: World) -> None:
    """RFC 8705 §2.2: whatever the proxy thinks of the chain."""
    response = await ask(apps, "own", shown(SELF_SIGNED, "FAILED:self-signed certificate"))
    assert response.status_code == 200, response.text


async def test_a_renewed_certificate_of_the_registered_key_proves_the_client(apps: World) -> None:
    """RFC 8705 §2.2.2: what is registered is the key."""
    renewed = issue(at=START, key=SELF_SIGNED.key, subject="CN=renewed")
    assert (await ask(apps, "own", shown(renewed))).status_code == 200


@pytest.mark.parametrize(
    "certificate",
    [OURS, issue(at=START), issue(at=START, key=SELF_SIGNED.key, days=0)],
    ids=["of an authority", "same subject, another key", "registered and over"],
)
async def test_an_unregistered_key_proves_nothing(apps: World, certificate: Issued) -> None:
    """M14."""
    assert (await ask(apps, "own", shown(certificate))).status_code == 401


async def test_the_method_is_the_registered_one(apps: World) -> None:
    """K02, K03: a certificate does not stand in for a secret, nor a secret for a certificate."""
    assert (await ask(apps, "gzf", shown(OURS))).status_code == 401
    assert (await ask(apps, "department", shown(OURS), client_secret="x")).status_code == 401
    both = await ask(apps, "department", shown(OURS), **asserted(assertion(apps, "department")))
    assert both.status_code == 401


async def test_policy_high_binds_to_the_certificate(apps: World) -> None:
    """RFC 8705 §3, FAPI 2.0 Security Profile §5.3.2.1."""
    response = await ask(apps, "high-tls", shown(SELF_SIGNED))
    assert response.status_code == 200, response.text
    assert response.json()["token_type"] == "Bearer"
    claims = claims_of_jwt(response.json()["access_token"])
    assert claims["cnf"] == {"x5t#S256": certificate_thumbprint(SELF_SIGNED.der)}
    body = (await apps.ask("/oauth/introspect", "license-api", token=response.json()["access_token"])).json()
    assert body["cnf"] == claims["cnf"]
    assert body["token_type"] == "Bearer"


async def test_registered_binding_needs_the_certificate(apps: World) -> None:
    """RFC 8705 §3.4, `tls_client_certificate_bound_access_tokens`: beside another method too."""
    proof = asserted(assertion(apps, "bound"))
    response = await ask(apps, "bound", {}, **proof)
    assert (response.status_code, response.json()["error_code"]) == (400, "21116")
    response = await ask(apps, "bound", shown(OURS, "FAILED:whatever"), **asserted(assertion(apps, "bound")))
    assert claims_of_jwt(response.json()["access_token"])["cnf"] == {"x5t#S256": certificate_thumbprint(OURS.der)}


async def test_a_bound_token_opens_userinfo_with_its_certificate_alone(world: World) -> None:
    """RFC 8705 §3: another certificate, none, or another scheme opens nothing; nor does the header of a stranger."""
    await add_provers(world, BOUND)
    browser = Browser(world)
    await world.sign_in(browser, await world.add_person())
    code = await browser.code_for(
        "bound", redirect_uri="https://gzf.test/cb", scope="openid offline_access", prompt="consent"
    )
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "https://gzf.test/cb",
        "code_verifier": VERIFIER,
        "scope": "",
        "resource": "",
    }
    response = await ask(world, "bound", shown(OURS), **{**form, **asserted(assertion(world, "bound"))})
    assert response.status_code == 200, response.text
    token = response.json()["access_token"]
    for scheme, headers, status in (
        ("Bearer", shown(OURS, None), 200),
        ("Bearer", shown(SELF_SIGNED), 401),
        ("Bearer", {}, 401),
        ("DPoP", shown(OURS), 401),
    ):
        async with world.http() as http:
            asked = {"Authorization": f"{scheme} {token}", **headers}
            assert (await http.get("/oauth/userinfo", headers=asked)).status_code == status
    # T05: the family keeps its binding.
    renewal = {**form, "grant_type": "refresh_token", "refresh_token": response.json()["refresh_token"]}
    without = await ask(world, "bound", {}, **{**renewal, **asserted(assertion(world, "bound"))})
    assert without.json()["error_code"] == "21116"
    renewed = await ask(world, "bound", shown(OURS), **{**renewal, **asserted(assertion(world, "bound"))})
    assert renewed.status_code == 200, renewed.text


async def test_mutual_tls_is_announced_where_it_is_on(apps: World) -> None:
    """RFC 8705 §3.3, §5: metadata say what is switched on, and the second origin when there is one."""
    async with apps.http() as http:
        off = (await http.get("/.well-known/openid-configuration")).json()
    core = apps.provider.core
    on = provider_metadata(ISSUER, core, mutual_tls=MutualTls(True))
    aside = provider_metadata(ISSUER, core, mutual_tls=MutualTls(True, "https://tls.qingyu.test"))
    methods = {"tls_client_auth", "self_signed_tls_client_auth"}
    for member in ("token", "introspection", "revocation"):
        name = f"{member}_endpoint_auth_methods_supported"
        assert not methods & set(off[name])
        assert methods <= set(on[name])
        assert "private_key_jwt" in off[name]
    assert (off["tls_client_certificate_bound_access_tokens"], on["tls_client_certificate_bound_access_tokens"]) == (
        False,
        True,
    )
    assert "mtls_endpoint_aliases" not in off
    assert "mtls_endpoint_aliases" not in on
    for name, address in aside["mtls_endpoint_aliases"].items():
        assert address == on[name].replace(ISSUER, "https://tls.qingyu.test")
