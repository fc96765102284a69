"""Request objects at an address (RFC 9101 §5.2; Q01, Q02, Q04), and those that were encrypted to the provider (§6.1)."""

import base64
import hashlib

import httpx2
import pytest
from joserfc import jwe
from joserfc.jwk import JWKRegistry, KeyFlexible

from foundation.signing import PurposePolicy, RotationPolicy, ensure_keys
from idp.provider.clients.metadata import Encryption
from tests.idp.provider.proving import HIGH
from tests.idp.provider.publishing import canary, document, publishing
from tests.idp.provider.signed_requests import claims_of, encoded, sign, signing
from tests.idp.provider.test_request_objects import bring, push, shown_code
from tests.idp.provider.world import START, Browser, World, answer, page_of

ADDRESS = "https://qyfw.test/cb"
JWT = "application/oauth-authz-req+jwt"
KEYS = RotationPolicy((PurposePolicy("oidc", ("ES256",)), PurposePolicy("encryption", ("RSA-OAEP-256", "ECDH-ES"))))


def digest_of(text: str) -> str:
    """Return the fragment that names this document."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


async def refer(world: World, request_uri: str, client_id: str = "signer", **beside: str) -> httpx2.Response:
    """Send a browser with the address of a request object."""
    return await Browser(world).get("/oauth/authorize", {"client_id": client_id, "request_uri": request_uri, **beside})


class TestByAddress:
    """The document that the client registered, fetched when the browser comes."""

    @pytest.mark.parametrize("media_type", [JWT, "application/jwt"])
    async def test_a_registered_address_is_fetched(self, world: World, media_type: str) -> None:
        """RFC 9101 §5.2.3: and what is inside counts alone."""
        async with publishing() as publisher:
            await world.add_client(signing(request_uris=(publisher.url,)))
            publisher.answer = document(sign(claims_of(world)) + "\n", media_type=media_type)
            response = await refer(world, publisher.url, redirect_uri="https://evil.test/cb")
            assert page_of(response) == "/login"
            assert len(publisher.requests) == 1
            assert "cookie" not in publisher.requests[0].lower()

    async def test_the_fragment_names_the_document(self, world: World) -> None:
        """OpenID Connect Core §6.2: it is not sent, and it has to be the digest of what comes."""
        async with publishing() as publisher:
            await world.add_client(signing(request_uris=(publisher.url,)))
            request = sign(claims_of(world))
            publisher.answer = document(request, media_type=JWT)
            assert page_of(await refer(world, f"{publisher.url}#{digest_of(request)}")) == "/login"
            assert shown_code(await refer(world, f"{publisher.url}#{'A' * 43}")) == "21033"
            assert "#" not in publisher.requests[0]

    async def test_a_registered_fragment_pins_the_document(self, world: World) -> None:
        """OpenID Connect Registration §2: no other document, no other fragment, and none left out, so that it cannot be changed there."""
        async with publishing() as publisher:
            request, other = sign(claims_of(world)), sign(claims_of(world, scope="openid profile"))
            pinned = f"{publisher.url}#{digest_of(request)}"
            await world.add_client(signing(request_uris=(pinned,)))
            publisher.answer = document(request, media_type=JWT)
            assert page_of(await refer(world, pinned)) == "/login"
            asked = len(publisher.requests)
            publisher.answer = document(other, media_type=JWT)
            assert shown_code(await refer(world, f"{publisher.url}#{digest_of(other)}")) == "21033"
            assert shown_code(await refer(world, publisher.url)) == "21033"
            assert len(publisher.requests) == asked
            assert shown_code(await refer(world, pinned)) == "21033"

    @pytest.mark.parametrize("how", ["longer", "other path", "query", "other port", "upper case"])
    async def test_another_address_is_never_fetched(self, world: World, how: str) -> None:
        """Q01, RFC 9101 §10.4: what is not registered, character by character, hears nothing."""
        async with publishing() as publisher, canary() as listener:
            await world.add_client(signing(request_uris=(publisher.url,)))
            asked = {
                "longer": publisher.url + "/",
                "other path": publisher.url.replace("published", "other"),
                "query": publisher.url + "?x=1",
                "other port": publisher.url.replace(str(publisher.port), str(listener.port)),
                "upper case": publisher.url.replace("http", "HTTP"),
            }[how]
            assert shown_code(await refer(world, asked)) == "21033"
            told = answer(await refer(world, asked, redirect_uri=ADDRESS, response_type="code"))
            assert told["error"] == "invalid_request_uri"
            assert (publisher.requests, listener.connections) == ([], 0)

    @pytest.mark.parametrize(
        "made",
        [
            document("nothing", media_type=JWT, status="404 Not Found"),
            document("", status="302 Found", more="Location: http://127.0.0.1:9/\r\n"),
            document("x", media_type="text/html"),
            document("x" * 70_000, media_type=JWT),
            b"garbage",
            b"",
        ],
        ids=["missing", "redirect", "other type", "too large", "not HTTP", "nothing"],
    )
    async def test_what_cannot_be_had_is_told(self, world: World, made: bytes) -> None:
        """Q04: one try, bounded, and no redirect is followed."""
        async with publishing() as publisher:
            await world.add_client(signing(request_uris=(publisher.url,)))
            publisher.answer = made
            assert shown_code(await refer(world, publisher.url)) == "21033"

    @pytest.mark.parametrize("body", ["", "x", "e30.e30.e30", "ä"])
    async def test_a_document_that_is_no_object_is_refused(self, world: World, body: str) -> None:
        """It is judged like one that the browser brought."""
        async with publishing() as publisher:
            await world.add_client(signing(request_uris=(publisher.url,)))
            publisher.answer = document(body, media_type=JWT)
            assert shown_code(await refer(world, publisher.url)) == "21034"

    async def test_clients_that_push_refer_to_nothing(self, world: World) -> None:
        """FAPI 2.0 Security Profile §5.3.2.2: for them a request_uri is one of ours, whatever they registered."""
        async with publishing() as publisher:
            push_only = signing(request_uris=(publisher.url,), require_pushed_authorization_requests=True)
            await world.add_client(push_only)
            await world.add_client(HIGH)
            assert shown_code(await refer(world, publisher.url)) == "21036"
            assert shown_code(await refer(world, publisher.url, "high")) == "21036"
            assert publisher.requests == []

    async def test_inner_addresses_hear_nothing(self, world: World) -> None:
        """Q02: a client that got such an address past its registration gains nothing by it."""
        async with canary() as listener:
            for host in ("localhost", "[::1]", "2130706433", "0x7f.1", "127.1"):
                refused = await refer(world, f"https://{host}:{listener.port}/request.jwt", "gzf")
                assert shown_code(refused) == "21033"
            assert listener.connections == 0


class TestEncrypted:
    """A signed request inside a JWE to the provider's published key (RFC 9101 §6.1)."""

    @pytest.fixture
    async def encrypting(self, world: World) -> dict[str, KeyFlexible]:
        """The world with encryption keys, by algorithm."""
        provider = world.provider
        await world.add_client(signing())
        await ensure_keys(provider.db, sealer=world.sealer, policy=KEYS, now=START)
        await provider.keys.refresh(provider.db)
        async with world.http() as http:
            published = (await http.get("/oauth/jwks")).json()["keys"]
        algs = {"RSA": "RSA-OAEP-256", "EC": "ECDH-ES"}
        return {algs[key["kty"]]: JWKRegistry.import_key(key) for key in published if key["use"] == "enc"}

    @pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES"])
    async def test_it_is_opened_and_judged(self, world: World, encrypting: dict[str, KeyFlexible], alg: str) -> None:
        """At both doors; what is inside is checked as if it had come bare."""
        request = encrypt(sign(claims_of(world)), encrypting[alg], alg)
        assert page_of(await bring(Browser(world), request)) == "/login"
        assert (await push(world, request)).status_code == 201

    @pytest.mark.parametrize("inside", ["expired", "unsigned", "no JWT", "nested again"])
    async def test_encryption_proves_nothing(
        self, world: World, encrypting: dict[str, KeyFlexible], inside: str
    ) -> None:
        """Anybody can encrypt to a published key."""
        key = encrypting["ECDH-ES"]
        signed = sign(claims_of(world, exp=1))
        request = encrypt(
            {
                "expired": signed,
                "unsigned": f"{encoded(b'{}')}.{signed.split('.')[1]}.",
                "no JWT": "x",
                "nested again": encrypt(sign(claims_of(world)), key, "ECDH-ES"),
            }[inside],
            key,
            "ECDH-ES",
        )
        assert shown_code(await bring(Browser(world), request)) == "21034"

    async def test_the_registered_algorithm_alone_is_opened(
        self, world: World, encrypting: dict[str, KeyFlexible]
    ) -> None:
        """J11: no other way into the key than the one that was agreed on."""
        wanted = {"request_object_encryption": Encryption("ECDH-ES", "A128CBC-HS256")}
        await world.add_client(signing("encrypts", algorithms=wanted))
        for alg, is_taken in (("ECDH-ES", True), ("RSA-OAEP-256", False)):
            request = encrypt(sign(claims_of(world, "encrypts")), encrypting[alg], alg)
            response = await bring(Browser(world), request, "encrypts")
            assert (response.status_code == 303) is is_taken


def encrypt(text: str, key: KeyFlexible, alg: str) -> str:
    """Return a JWE to the key."""
    header = {"alg": alg, "enc": "A128CBC-HS256", "cty": "oauth-authz-req+jwt"}
    return jwe.encrypt_compact(header, text, key, algorithms=[alg, "A128CBC-HS256"])
