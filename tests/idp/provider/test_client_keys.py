"""The public keys of clients: which of them counts, when a published set is read again, and what is never taken (Q02, Q04)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from pydantic import ValidationError

from adapters.guarded_http import GuardedHttp, Networks
from adapters.url_fetching import HttpUrlFetcher
from idp.provider.clients.jwk_sets import UnusableJwkSet, check_jwk_set, parse_jwk_set
from idp.provider.clients.keys import SEARCH_WINDOW_S, ClientKeys, ClientKeysUnavailable
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.registry import Client
from idp.provider.limits import ProviderLimits
from idp.provider.registration.register import new_client
from idp.provider.registration.rules import ClientRegistration
from tests.idp.provider.publishing import canary, document, publishing
from tests.idp.provider.world import START

EC = ECKey.generate_key("P-256", {"kid": "ec"})
NEXT_EC = ECKey.generate_key("P-256", {"kid": "next"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def public(*keys: Key, **members: str) -> dict[str, Any]:
    """Return a JWK Set of the public halves, each with the members."""
    return {"keys": [{**key.as_dict(private=False), **members} for key in keys]}


def client_with(**metadata: Any) -> Client:
    """Return a client that registered these members."""
    wanted = ClientRegistration(
        client_id="bdc",
        name_zh="不动产",
        name_en="Real estate",
        department_id="housing",
        redirect_uris=("https://bdc.test/cb",),
        metadata=ClientMetadata(**metadata),
    )
    return new_client(wanted, None, START)


@dataclass
class HandTime:
    """A monotonic clock that moves by hand."""

    at: float = 1_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Opened:
    """Client keys over real HTTP, with their clock."""

    keys: ClientKeys
    time: HandTime

    async def find(self, client: Client, kid: str | None = None, alg: str = "ES256") -> list[str | None]:
        """Return the identifiers of the keys that count."""
        return [key.kid for key in await self.keys.verification_keys(client, kid=kid, alg=alg)]


@asynccontextmanager
async def open_keys(networks: Networks = "any", **limits: Any) -> AsyncIterator[Opened]:
    """Yield client keys that may reach plain HTTP on this machine unless the networks are public."""
    time = HandTime()
    async with GuardedHttp(networks=networks, allow_http=True) as http:
        yield Opened(ClientKeys(HttpUrlFetcher(http), ProviderLimits(**limits), monotonic=time), time)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Client keys of one test."""
    async with open_keys() as keys:
        yield keys


@pytest.mark.parametrize(
    ("kid", "alg", "expected"),
    [
        ("ec", "ES256", ["ec"]),
        (None, "ES256", ["ec"]),
        ("rsa", "PS256", ["rsa"]),
        ("rsa", "RS256", ["rsa"]),
        ("ed", "EdDSA", ["ed"]),
        ("ec", "PS256", []),
        ("rsa", "ES256", []),
        ("other", "ES256", []),
        ("ec", "HS256", []),
        ("ec", "none", []),
    ],
)
async def test_key_counts_by_identifier_and_algorithm(
    opened: Opened, kid: str | None, alg: str, expected: list[str]
) -> None:
    """RFC 7515 §4.1.4, RFC 8725 §3.1: the type of the key and the algorithm belong together."""
    assert await opened.find(client_with(jwks=public(EC, RSA, ED)), kid, alg) == expected


@pytest.mark.parametrize(
    "members", [{"use": "enc"}, {"alg": "ES384"}, {"alg": "ECDH-ES"}], ids=["for encryption", "other alg", "ECDH"]
)
async def test_key_for_something_else_verifies_nothing(opened: Opened, members: dict[str, str]) -> None:
    """RFC 7517 §4.2, §4.4."""
    assert await opened.find(client_with(jwks=public(EC, **members))) == []


async def test_key_operations_count_too(opened: Opened) -> None:
    """RFC 7517 §4.3: a key that only encrypts verifies nothing; one that verifies does."""
    encrypts = {"keys": [{**EC.as_dict(private=False), "key_ops": ["deriveKey"]}]}
    verifies = {"keys": [{**EC.as_dict(private=False), "key_ops": ["verify"]}]}
    assert await opened.find(client_with(jwks=encrypts)) == []
    assert await opened.find(client_with(jwks=verifies)) == ["ec"]


async def test_encryption_goes_to_the_key_marked_for_it(opened: Opened) -> None:
    """A key without `use` serves when none is marked."""
    marked = public(RSA, use="enc")
    both = {"keys": [*public(RSAKey.generate_key(2048, {"kid": "plain"}))["keys"], *marked["keys"]]}
    assert (await opened.keys.encryption_key(client_with(jwks=both), "RSA-OAEP-256")).kid == "rsa"
    assert (await opened.keys.encryption_key(client_with(jwks=public(EC)), "ECDH-ES")).kid == "ec"
    for unfit in (public(EC), public(RSA, use="sig")):
        with pytest.raises(ClientKeysUnavailable):
            await opened.keys.encryption_key(client_with(jwks=unfit), "RSA-OAEP-256")


async def test_client_without_keys_has_none(opened: Opened) -> None:
    """It is told apart from a client whose keys do not fit."""
    with pytest.raises(ClientKeysUnavailable):
        await opened.find(client_with())


async def test_published_set_is_read_once_and_again_for_a_new_key(opened: Opened) -> None:
    """OpenID Connect Core §10.1.1: the client rotates, the unknown identifier leads to one more fetch."""
    async with publishing(public(EC)) as app:
        client = client_with(jwks_uri=app.url)
        assert await opened.find(client, "ec") == ["ec"]
        assert await opened.find(client, "ec") == ["ec"]
        assert len(app.requests) == 1
        assert "accept: application/jwk-set+json, application/json" in app.requests[0].lower()
        app.answer = document(public(EC, NEXT_EC), media_type="application/jwk-set+json")
        assert await opened.find(client, "next") == ["next"]
        assert len(app.requests) == 2


async def test_strangers_cannot_cause_many_fetches(opened: Opened) -> None:
    """Anybody may send a token with an unknown identifier; the app is asked a few times a minute at most."""
    async with publishing(public(EC)) as app:
        client = client_with(jwks_uri=app.url)
        for number in range(50):
            assert await opened.find(client, f"unknown-{number}") == []
        assert len(app.requests) == 4
        opened.time.at += SEARCH_WINDOW_S
        assert await opened.find(client, "unknown") == []
        assert len(app.requests) == 5


async def test_parallel_requests_share_one_fetch(opened: Opened) -> None:
    """Fifty at once cost one request."""
    async with publishing(public(EC)) as app:
        app.pause = 0.05
        client = client_with(jwks_uri=app.url)
        found = await asyncio.gather(*(opened.find(client, "ec") for _ in range(50)))
        assert found == [["ec"]] * 50
        assert len(app.requests) == 1


async def test_old_set_is_read_again_and_a_removed_key_dies(opened: Opened) -> None:
    """A key that the client took back counts for ten minutes at most."""
    async with publishing(public(EC, NEXT_EC)) as app:
        client = client_with(jwks_uri=app.url)
        assert await opened.find(client, "ec") == ["ec"]
        app.answer = document(public(NEXT_EC))
        opened.time.at += 600
        assert await opened.find(client, "ec") == []


async def test_short_outage_of_the_app_locks_nobody_out(opened: Opened) -> None:
    """The last set serves for an hour, then no more."""
    async with publishing(public(EC)) as app:
        client = client_with(jwks_uri=app.url)
        assert await opened.find(client, "ec") == ["ec"]
        app.answer = document("", status="503 Service Unavailable")
        opened.time.at += 600
        assert await opened.find(client, "ec") == ["ec"]
        opened.time.at += 3_600
        with pytest.raises(ClientKeysUnavailable):
            await opened.find(client, "ec")


async def test_operators_set_how_long_a_set_is_believed() -> None:
    """Shorter lives than the everyday ones: asked again, left alone, and dead, each after its own."""
    lives: dict[str, Any] = {"client_keys_fresh": 60, "client_keys_stale": 90, "client_keys_retry": 5}
    async with publishing(public(EC)) as app, open_keys(**lives) as opened:
        client = client_with(jwks_uri=app.url)
        for _ in range(2):
            assert await opened.find(client, "ec") == ["ec"]
            opened.time.at += 60
        assert len(app.requests) == 2
        app.answer = document("", status="503 Service Unavailable")
        assert await opened.find(client, "ec") == ["ec"]
        opened.time.at += 4
        assert await opened.find(client, "ec") == ["ec"]
        assert len(app.requests) == 3
        opened.time.at += 30
        with pytest.raises(ClientKeysUnavailable):
            await opened.find(client, "ec")
        assert len(app.requests) == 4
    with pytest.raises(ValidationError):
        ProviderLimits(client_keys_fresh=timedelta(minutes=10), client_keys_stale=timedelta(minutes=9))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(document(b"x" * 65_537), id="too large"),
        pytest.param(document(public(EC), more="Content-Encoding: gzip\r\n"), id="coded"),
        pytest.param(document(public(EC), media_type="text/html"), id="another media type"),
        pytest.param(document({"keys": [{"kty": "EC"}] * 101}), id="too many keys"),
        pytest.param(document("[" * 60_000), id="deep"),
        pytest.param(document('{"keys":[],"keys":[]}'), id="double member"),
        pytest.param(document([]), id="no object"),
        pytest.param(document({"keys": {}}), id="no list"),
        pytest.param(document(""), id="empty"),
        pytest.param(document(public(EC), status="404 Not Found"), id="not found"),
        pytest.param(document(public(EC), status="302 Found", more="Location: /other\r\n"), id="redirect"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{", id="cut off"
        ),
        pytest.param(b"nothing of HTTP\r\n\r\n", id="no HTTP"),
    ],
)
async def test_bad_document_is_no_key_and_not_asked_for_again_at_once(opened: Opened, answer: bytes) -> None:
    """Q04: bounded, refused, and the refusal is remembered; afterwards a mended document serves."""
    async with publishing() as app:
        app.answer = answer
        client = client_with(jwks_uri=app.url)
        for _ in range(5):
            with pytest.raises(ClientKeysUnavailable):
                await opened.find(client, "ec")
        assert len(app.requests) == 1
        app.answer = document(public(EC))
        opened.time.at += 15
        assert await opened.find(client, "ec") == ["ec"]


async def test_unusable_keys_of_a_set_are_skipped(opened: Opened) -> None:
    """RFC 7517 §5: unknown types do no harm; private and symmetric keys never count."""
    mixed = {
        "keys": [
            {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
            ECKey.generate_key("P-256", {"kid": "leaked"}).as_dict(private=True),
            {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "bent"},
            *public(EC)["keys"],
        ]
    }
    async with publishing(mixed) as app:
        client = client_with(jwks_uri=app.url)
        assert await opened.find(client) == ["ec"]
        assert await opened.find(client, "leaked") == []


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}, id="private"),
        pytest.param({"keys": [OctKey.generate_key(256).as_dict(private=True)]}, id="symmetric"),
        pytest.param({"keys": [{"kty": "RSA", "n": "_" * 171, "e": "AQAB"}]}, id="short RSA key"),
        pytest.param({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}, id="no point"),
        pytest.param({"keys": [{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}]}, id="other curve"),
        pytest.param({"keys": []}, id="empty"),
        pytest.param({"keys": [*public(EC)["keys"], *public(EC)["keys"]]}, id="kid twice"),
        pytest.param({"keys": ["x"]}, id="no object"),
        pytest.param({}, id="no keys"),
        pytest.param([], id="list"),
    ],
)
def test_unusable_set_is_not_registered(members: object) -> None:
    """RFC 7591 §2: a registered set is judged whole."""
    with pytest.raises(UnusableJwkSet):
        check_jwk_set(members)


def test_members_that_bring_another_key_are_not_read() -> None:
    """RFC 8725 §3.10: `x5u`, `x5c` and `jku` in a key lead nowhere."""
    jwk = {**public(EC)["keys"][0], "x5u": "https://attacker.test/", "x5c": ["AAAA"], "jku": "https://attacker.test/"}
    (read,) = parse_jwk_set(f'{{"keys":[{json.dumps(jwk)}]}}')
    assert set(read.key.as_dict(private=False)) <= {"kty", "crv", "x", "y", "kid"}


INNER_HOSTS = [
    "127.0.0.1", "127.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "192.0.2.1", "224.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[fc00::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "localhost", "localhost.", "LOCALHOST", "a.localhost",
    "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1",
]  # fmt: skip


@pytest.mark.parametrize("host", INNER_HOSTS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_inner_addresses_are_never_connected_to(host: str, scheme: str) -> None:
    """Q02: every spelling of an inner address is refused by our own rule, and nobody is connected to (NOEGRESS)."""
    async with canary() as listener, open_keys("public") as opened:
        client = client_with(jwks_uri=f"{scheme}://{host}:{listener.port}/jwks")
        with pytest.raises(ClientKeysUnavailable, match="address not allowed"):
            await opened.find(client)
        assert listener.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://bdc.test:22/jwks", "https://bdc.test:6379/jwks", "https://bdc.test:5432/jwks", "file:///etc/passwd",
        "gopher://bdc.test/", "data:application/json,{}", "https://user@bdc.test/jwks", "https://bdc.test\\@1.1.1.1/",
        "https://bdc.test/\r\nX: y", "//bdc.test/jwks", "jwks", "https://", "https://[::1",
    ],
)  # fmt: skip
async def test_other_schemes_ports_and_spellings_are_refused(url: str) -> None:
    """Q02: ports of infrastructure, other schemes, user parts, and what parsers read differently."""
    async with open_keys("public") as opened:
        with pytest.raises(ClientKeysUnavailable, match="address not allowed"):
            await opened.find(client_with(jwks_uri=url))


async def test_listening_machine_is_reached_when_the_settings_allow_it() -> None:
    """Positive control: the same loopback address serves where private networks are allowed."""
    async with publishing(public(EC)) as app, open_keys("any") as opened:
        assert await opened.find(client_with(jwks_uri=app.url)) == ["ec"]
