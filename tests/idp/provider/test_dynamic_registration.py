"""Registration by invited applications (RFC 7591)."""

import asyncio
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from idp.provider.registration.oversight import approve_client
from idp.provider.registration.tables import client_invitations
from idp.provider.tables import oauth_clients
from tests.idp.provider.invited_apps import APP, Registrar
from tests.idp.provider.world import ISSUER, Browser, World, answer, open_world
from tests.servers import Stack

JWKS = {"keys": [ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"}).as_dict(private=False)]}


@pytest.fixture
async def registrar(world: World) -> Registrar:
    """The registration endpoints of a test's own world."""
    return Registrar(world)


async def test_registered_application_signs_people_in(registrar: Registrar, browser: Browser) -> None:
    """RFC 7591 §3.2.1: identifier and secret are made here, and the application works at once."""
    response = await registrar.register(await registrar.invite())
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    registered = registrar.remember(response.json())
    assert registered["client_secret_expires_at"] == 0
    assert registered["client_name#en"] == "Real estate appointments"
    assert registered["registration_client_uri"] == f"{ISSUER}/oauth/register/{registered['client_id']}"
    tokens = await browser.tokens_for(registered["client_id"], redirect_uri="https://bdc.test/cb")
    assert (await registrar.world.userinfo(tokens["access_token"])).status_code == 200


async def test_endpoint_stands_in_the_metadata(world: World) -> None:
    """OpenID Connect Discovery §3."""
    async with world.http() as http:
        body = (await http.get("/.well-known/openid-configuration")).json()
    assert body["registration_endpoint"] == f"{ISSUER}/oauth/register"


async def test_of_parallel_registrations_an_invitation_lets_its_number_through(registrar: Registrar) -> None:
    """One conditional UPDATE decides: thirty at once, three uses, three applications."""
    token = await registrar.invite(uses=3)
    answers = await asyncio.gather(*(registrar.register(token) for _ in range(30)))
    assert sorted(response.status_code for response in answers) == [201] * 3 + [401] * 27
    rows = [row for row in await registrar.world.rows(oauth_clients) if row["client_id"].startswith("c-")]
    assert len(rows) == 3
    (invitation,) = await registrar.world.rows(client_invitations)
    assert invitation["remaining"] == 0


async def test_refused_registration_spends_nothing(registrar: Registrar) -> None:
    """Raise means that nothing happened: the mended request is accepted with the same invitation."""
    token = await registrar.invite()
    assert (await registrar.register(token, redirect_uris=["https://bdc.test/#x"])).status_code == 400
    assert (await registrar.register(token)).status_code == 201


@pytest.mark.parametrize("kind", ["missing", "unknown", "expired", "used", "empty", "basic"])
async def test_without_a_standing_invitation_nobody_registers(registrar: Registrar, kind: str) -> None:
    """RFC 7591 §3: 401 with a challenge, one entry in the ledger, nothing stored."""
    token: str | None = await registrar.invite(days=1)
    if kind == "used":
        assert (await registrar.register(token)).status_code == 201
    if kind == "expired":
        registrar.world.later(days=1)
    before = len(await registrar.world.entries())
    sent = {"missing": None, "unknown": "x" * 43, "empty": ""}.get(kind, token)
    if kind == "basic":
        async with registrar.world.http() as http:
            response = await http.post("/oauth/register", json=APP, headers={"Authorization": f"Basic {token}"})
    else:
        response = await registrar.register(sent)
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_token"
    assert response.headers["www-authenticate"].startswith("Bearer ")
    entries = (await registrar.world.entries())[before:]
    assert [(entry["kind"], entry["outcome"], entry["code"]) for entry in entries] == [
        ("oauth.registration", "refused", "21160")
    ]


async def test_address_that_asks_too_often_waits(stack: Stack) -> None:
    """A request may cost a fetch, so it is bounded like those to the token endpoint; nothing of it is done."""
    async with open_world(stack, token_requests_per_window=3) as world:
        registrar = Registrar(world)
        token = await registrar.invite(uses=9)
        answers = [await registrar.register(token) for _ in range(5)]
        assert [response.status_code for response in answers] == [201, 201, 201, 429, 429]
        assert answers[-1].headers["retry-after"] == "60"
        (invitation,) = await world.rows(client_invitations)
        assert invitation["remaining"] == 6


async def test_token_in_the_address_is_not_read(registrar: Registrar) -> None:
    """RFC 6750 §2.3: an address ends up in logs."""
    token = await registrar.invite()
    async with registrar.world.http() as http:
        response = await http.post(f"/oauth/register?access_token={token}", json=APP)
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"redirect_uris": ["https://*.bdc.test/cb"]}, "invalid_redirect_uri", id="R16 wildcard"),
        pytest.param({"redirect_uris": []}, "invalid_client_metadata", id="code without address"),
        pytest.param({"redirect_uris": "https://bdc.test/cb"}, "invalid_client_metadata", id="text for a list"),
        pytest.param({"redirect_uris": ["https://bdc.test/cb", 7]}, "invalid_client_metadata", id="number in a list"),
        pytest.param({"jwks": []}, "invalid_client_metadata", id="list for an object"),
        pytest.param({"require_auth_time": "true"}, "invalid_client_metadata", id="text for a flag"),
        pytest.param({"default_max_age": True}, "invalid_client_metadata", id="flag for a number"),
        pytest.param({"scope": "openid realname.id"}, "invalid_client_metadata", id="scope beyond the invitation"),
        pytest.param({"grant_types": ["client_credentials"]}, "invalid_client_metadata", id="grant beyond it"),
        pytest.param({"token_endpoint_auth_method": "none"}, "invalid_client_metadata", id="public web application"),
        pytest.param({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata", id="no keys"),
        pytest.param({"subject_type": "public"}, "invalid_client_metadata", id="public subject"),
        pytest.param({"id_token_signed_response_alg": "none"}, "invalid_client_metadata", id="unsigned ID token"),
        pytest.param({"id_token_signed_response_alg": "HS256"}, "invalid_client_metadata", id="symmetric signature"),
        pytest.param({"response_types": ["id_token"]}, "invalid_client_metadata", id="implicit under baseline"),
        pytest.param({"jwks": JWKS, "jwks_uri": "https://bdc.test/jwks"}, "invalid_client_metadata", id="keys twice"),
        pytest.param({"software_statement": "a.b.c"}, "unapproved_software_statement", id="Q13 software statement"),
        pytest.param({"redirect_uris": ["https://qyfw.test/x"]}, "invalid_client_metadata", id="sector of others"),
        pytest.param({"client_name": "a\x00b"}, "invalid_client_metadata", id="control character"),
        pytest.param({"client_name": ""}, "invalid_client_metadata", id="empty name"),
        pytest.param({"client_name#en": False}, "invalid_client_metadata", id="flag for a name"),
        pytest.param({"jwks": {"keys": [{"kty": []}]}}, "invalid_client_metadata", id="list for the type of a key"),
        pytest.param(
            {"redirect_uris": [f"https://{'a.' * 150}test/cb"]},
            "invalid_redirect_uri",
            id="host that no name server knows",
        ),
        pytest.param({"contacts": ["nobody"]}, "invalid_client_metadata", id="no e-mail address"),
        pytest.param(
            {"frontchannel_logout_uri": "https://other.test/out"}, "invalid_client_metadata", id="L10 other origin"
        ),
        pytest.param({"tls_client_auth_san_dns": "bdc.test"}, "invalid_client_metadata", id="subject without method"),
        pytest.param({"id_token_encrypted_response_enc": "A128GCM"}, "invalid_client_metadata", id="enc alone"),
        pytest.param({"id_token_encrypted_response_alg": "RSA1_5"}, "invalid_client_metadata", id="RSA1_5"),
        pytest.param(
            {"backchannel_logout_session_required": True}, "invalid_client_metadata", id="session, no address"
        ),
    ],
)
async def test_unfit_member_is_named(registrar: Registrar, changes: dict[str, Any], error: str) -> None:
    """RFC 7591 §3.2.2: the error of the specification, one entry, nothing stored, nothing spent."""
    token = await registrar.invite()
    before = len(await registrar.world.entries())
    response = await registrar.register(token, **changes)
    assert (response.status_code, response.json()["error"]) == (400, error), response.text
    assert "client_id" not in response.json()
    assert len(await registrar.world.entries()) == before + 1
    assert (await registrar.register(token)).status_code == 201


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"redirect_uris=https%3A%2F%2Fbdc.test%2Fcb", "application/x-www-form-urlencoded"),
        (b"{}", "text/plain"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"{", "application/json"),
        (b'{"scope":"openid","scope":"openid"}', "application/json"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json"),
        (b'{"client_name":"\\ud800"}', "application/json"),
        (b"\xff\xfe", "application/json"),
    ],
)
async def test_malformed_request_is_refused(registrar: Registrar, body: bytes, media_type: str) -> None:
    """Positive control beside it: the same headers with a sound document are accepted elsewhere in this file."""
    token = await registrar.invite()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
    async with registrar.world.http() as http:
        response = await http.post("/oauth/register", content=body, headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


async def test_identifier_is_the_servers_to_choose(registrar: Registrar) -> None:
    """P09, RFC 9700 §4.15: a wished identifier is ignored, and none can be taken for a subject."""
    registered = await registrar.registered(client_id="../gzf:\x00")
    assert registered["client_id"].startswith("c-")
    assert len(registered["client_id"]) == 34
    assert registered["client_id"] != (await registrar.registered())["client_id"]


async def test_unknown_members_are_ignored_and_placeholders_stay_text(registrar: Registrar) -> None:
    """RFC 7591 §2; Q12: nothing in a text is ever evaluated."""
    registered = await registrar.registered(x_unknown={"a": 1}, client_name="${SECRET} {{7*7}} %(x)s")
    assert "x_unknown" not in registered
    assert registered["client_name"] == "${SECRET} {{7*7}} %(x)s"


async def test_everything_registered_comes_back(registrar: Registrar) -> None:
    """RFC 7591 §3.2.1: the answer tells all that is registered, with what was left to the server."""
    rsa = RSAKey.generate_key(2048, {"kid": "e1", "use": "enc", "alg": "RSA-OAEP-256"}).as_dict(private=False)
    asked: dict[str, Any] = {
        "application_type": "web",
        "jwks": {"keys": [*JWKS["keys"], rsa]},
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "id_token_signed_response_alg": "PS256",
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "id_token_encrypted_response_enc": "A256GCM",
        "userinfo_signed_response_alg": "EdDSA",
        "post_logout_redirect_uris": ["https://bdc.test/bye"],
        "frontchannel_logout_uri": "https://bdc.test/front",
        "frontchannel_logout_session_required": True,
        "backchannel_logout_uri": "https://bdc.test/back",
        "backchannel_logout_session_required": True,
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        "default_max_age": 3600,
        "require_auth_time": True,
        "request_uris": ["https://bdc.test/request"],
        "initiate_login_uri": "https://bdc.test/login",
        "client_uri": "https://bdc.test/",
        "contacts": ["it@bdc.test"],
        "software_id": "bdc",
        "software_version": "1.2",
    }
    registered = await registrar.registered(**asked)
    assert {name: registered[name] for name in asked} == asked
    assert "client_secret" not in registered
    read = await registrar.manage("GET", registered)
    assert read.json() == registered


async def test_invited_exceptions_hold_until_their_end(registrar: Registrar) -> None:
    """Policy `legacy`: implicit needs the exception of the invitation, and its end stays the invitation's."""
    implicit = {"grant_types": ["implicit"], "response_types": ["token id_token"]}
    terms: dict[str, Any] = {"policy": "legacy", "grant_types": ("implicit",)}
    assert (await registrar.register(await registrar.invite(**terms), **implicit)).status_code == 400
    until = registrar.world.now.replace(year=2027)
    token = await registrar.invite(**terms, legacy_exceptions=("implicit",), legacy_until=until)
    response = await registrar.register(token, **implicit)
    assert response.status_code == 201, response.text
    assert response.json()["response_types"] == ["id_token token"]
    client = await registrar.client_of(response.json())
    assert client.metadata.legacy_until == until


async def test_no_token_and_no_secret_reaches_the_ledger(registrar: Registrar) -> None:
    """What is stored of them are digests."""
    token = await registrar.invite()
    registered = (await registrar.register(token)).json()
    secret = registered["client_secret"]
    updated = (await registrar.manage("PUT", registered, client_secret=secret)).json()
    secrets = [token]
    for one in (registered, updated):
        secrets += [one["client_secret"], one["registration_access_token"]]
    kept = str(await registrar.world.entries()) + str(await registrar.world.rows(oauth_clients))
    kept += str(await registrar.world.rows(client_invitations))
    assert not [secret for secret in secrets if secret in kept]


async def test_registration_of_the_first_sign_in_is_remembered_as_whose_it_is(registrar: Registrar) -> None:
    """The invitation decides department and policy, whatever the application says."""
    registered = await registrar.registered(policy="legacy", department_id="market", consent="exempt")
    client = await registrar.client_of(registered)
    assert (client.department_id, client.policy, client.consent) == ("housing", "baseline", "ask")


async def test_only_an_operator_makes_a_registration_reviewed_and_an_update_undoes_it(registrar: Registrar) -> None:
    """The sign-in page says whether somebody looked at the names and addresses; the application cannot say so itself."""
    registered = await registrar.registered(is_reviewed=True)
    assert not (await registrar.client_of(registered)).metadata.is_reviewed
    provider = registrar.world.provider
    await approve_client(
        registered["client_id"], db=provider.db, ledger=provider.ledger, actor="system:test", now=registrar.world.now
    )
    await provider.feed.catch_up()
    assert (await registrar.client_of(registered)).metadata.is_reviewed
    updated = await registrar.manage("PUT", registered, client_name="另一个名字")
    assert not (await registrar.client_of(updated.json())).metadata.is_reviewed


async def test_answers_of_the_flow_carry_the_issuer(registrar: Registrar, browser: Browser) -> None:
    """Positive control: the registered application gets its code like any other."""
    registered = await registrar.registered()
    response = await browser.authorize(registered["client_id"], redirect_uri="https://bdc.test/cb")
    agreed = await browser.agree(response) if "/consent" in response.headers["location"] else response
    assert answer(agreed)["code"]
