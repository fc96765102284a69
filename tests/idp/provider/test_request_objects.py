"""Request objects (RFC 9101, FAPI 2.0 Message Signing §5.3; Q01, Q06, Q08, Q09 and the mutations of area G that fit them).

Every refusal is told at the address beside the object when that is the client's own, else on a page; nothing inside counts before the
signature does.
"""

import hmac
import itertools
import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from joserfc.jwk import ECKey

from foundation.identifiers.synthetic import synthetic_resident_id
from idp.provider.tables import oauth_grants
from tests.idp.provider.bent_jwts import MUTATIONS, PAYLOADS
from tests.idp.provider.signed_requests import (
    EC_KEY,
    JWKS,
    OTHER_EC_KEY,
    RSA_KEY,
    claims_of,
    encoded,
    sign,
    signing,
)
from tests.idp.provider.test_redirect_uris import FOREIGN
from tests.idp.provider.world import ISSUER, Browser, World, answer, page_of

_TURNS = itertools.count(1)
ADDRESS = "https://qyfw.test/cb"


@pytest.fixture(scope="module")
async def signing_world(shared_world: World) -> World:
    """The shared world with apps that sign."""
    await shared_world.add_client(signing())
    await shared_world.add_client(signing("signs-always", require_signed_request_object=True))
    await shared_world.add_client(signing("signs-es256", algorithms={"request_object_signing_alg": "ES256"}))
    return shared_world


@pytest.fixture
async def visitor(signing_world: World) -> Browser:
    """A browser in which somebody is signed in who has agreed to nothing yet."""
    opened = Browser(signing_world)
    turn = next(_TURNS)
    number = synthetic_resident_id("370299", date(1910, 1, 1), turn)
    await signing_world.sign_in(opened, await signing_world.add_person(number, phone=f"139000{turn:05d}"))
    return opened


async def bring(browser: Browser, request: str, client_id: str = "signer", **beside: str) -> httpx2.Response:
    """Bring a request object to the authorization endpoint."""
    return await browser.get("/oauth/authorize", {"client_id": client_id, "request": request, **beside})


async def push(world: World, request: str, client_id: str = "signer", **beside: str) -> httpx2.Response:
    """Push a request object."""
    async with world.http() as http:
        return await http.post("/oauth/par", **world.credentials(client_id, {"request": request, **beside}))


def shown_code(response: httpx2.Response) -> str:
    """Return the reason of the page that a browser was shown."""
    assert response.status_code == 400, response.text
    assert "location" not in response.headers
    return str(response.json()["code"])


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
async def test_a_signed_request_leads_to_a_code(signing_world: World, alg: str) -> None:
    """RFC 9101 §5: client_id and request are all that the browser carries."""
    browser = Browser(signing_world)
    response = await bring(browser, sign(claims_of(signing_world), alg=alg))
    assert page_of(response) == "/login"


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "application/oauth-authz-req+jwt"},
        {"kid": None},
    ],
    ids=["plain JWT", "no typ", "long typ", "no kid"],
)
async def test_usual_headers_are_taken(signing_world: World, changes: dict[str, Any]) -> None:
    """Positive controls: OpenID Connect Core §6.1 knows no explicit type, and a client with one key may leave kid out."""
    assert page_of(await bring(Browser(signing_world), sign(claims_of(signing_world), **changes))) == "/login"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [ISSUER, "https://other.test"]},
        {"nbf_after": 8},
        {"exp": None},
        {"nbf": None},
        {"jti": None, "iat": None},
        {"max_age": 600},
        {"claims": {"userinfo": {"name": None}}},
        {"resource": [f"{ISSUER}/oauth/userinfo"]},
        {"resource": f"{ISSUER}/oauth/userinfo"},
        {"client_id": None},
        {"unknown": ["x"]},
        {"state": None, "nonce": None},
        {"nonce": "n" * 64},
    ],
    ids=str,
)
async def test_sound_variants_are_taken(signing_world: World, changes: dict[str, Any]) -> None:
    """Positive controls, among them several audiences and nbf eight seconds ahead (FAPI 2.0 Message Signing)."""
    changes = dict(changes)
    if (after := changes.pop("nbf_after", None)) is not None:
        changes["nbf"] = int(signing_world.now.timestamp()) + after
    assert page_of(await bring(Browser(signing_world), sign(claims_of(signing_world, **changes)))) == "/login"


async def test_what_is_inside_counts_alone(signing_world: World, visitor: Browser) -> None:
    """Q08, RFC 9101 §6.3: state, nonce and scope beside it are ignored, also when they stand outside alone."""
    request = sign(claims_of(signing_world, state="inside", nonce=None, scope="openid"))
    response = await bring(
        visitor, request, state="outside", nonce="outside", scope="openid realname", redirect_uri="https://evil.test/cb"
    )
    agreed = await visitor.agree(response) if page_of(response) == "/consent" else response
    assert agreed.headers["location"].startswith(f"{ADDRESS}?")
    assert answer(agreed)["state"] == "inside"
    (grant,) = [row for row in await signing_world.rows(oauth_grants) if row["client_id"] == "signer"][-1:]
    assert (grant["request"]["nonce"], grant["request"]["scope"]) == (None, ["openid"])


async def test_state_outside_alone_is_not_used(signing_world: World, visitor: Browser) -> None:
    """OIDF state-only-outside: the answer carries none."""
    request = sign(claims_of(signing_world, state=None, prompt="none", scope="openid profile realname"))
    found = answer(await bring(visitor, request, state="outside"))
    assert (found["error"], "state" in found) == ("consent_required", False)


def _claims(**changes: Any) -> Callable[[World], str]:
    return lambda world: sign(claims_of(world, **changes))


def _times(**offsets: int | None) -> Callable[[World], str]:
    def made(world: World) -> str:
        at = int(world.now.timestamp())
        times: dict[str, Any] = {name: None if off is None else at + off for name, off in offsets.items()}
        return sign(claims_of(world, **times))

    return made


def _header(**changes: Any) -> Callable[[World], str]:
    return lambda world: sign(claims_of(world), **changes)


def _text(change: Callable[[str], str]) -> Callable[[World], str]:
    return lambda world: change(sign(claims_of(world)))


def _unsigned(alg: str) -> Callable[[World], str]:
    def made(world: World) -> str:
        header = encoded(json.dumps({"alg": alg, "typ": "oauth-authz-req+jwt"}).encode())
        return f"{header}.{encoded(json.dumps(claims_of(world)).encode())}."

    return made


def _hmac_with_the_public_key(world: World) -> str:
    header = encoded(json.dumps({"alg": "HS256", "kid": EC_KEY.kid, "typ": "oauth-authz-req+jwt"}).encode())
    signing_input = f"{header}.{encoded(json.dumps(claims_of(world)).encode())}"
    mac = hmac.digest(EC_KEY.as_pem(private=False), signing_input.encode(), "sha256")
    return f"{signing_input}.{encoded(mac)}"


def _own_key_in_the_header(world: World) -> str:
    return sign(claims_of(world), key=OTHER_EC_KEY, jwk=OTHER_EC_KEY.as_dict(private=False))


def _raw(payload: bytes) -> Callable[[World], str]:
    return lambda world: sign(payload)


BROKEN: dict[str, Callable[[World], str]] = {
    "Q06 J01 alg none": _unsigned("none"),
    "J01 alg nOnE": _unsigned("nOnE"),
    "J01 empty signature": _text(lambda text: text.rpartition(".")[0] + "."),
    "J01 two segments": _text(lambda text: text.rpartition(".")[0]),
    "J03 alg of another key": lambda world: sign(claims_of(world), alg="RS256", kid=EC_KEY.kid),
    "Q06 HMAC with the public key": _hmac_with_the_public_key,
    "J04 own key in the header": _own_key_in_the_header,
    "J04 another key under our kid": lambda world: sign(claims_of(world), key=OTHER_EC_KEY, kid=EC_KEY.kid),
    "J04 another key": lambda world: sign(claims_of(world), key=OTHER_EC_KEY),
    "J05 jku": _header(jku="https://attacker.test/jwks"),
    "J05 x5u": _header(x5u="https://attacker.test/x5u"),
    "J05 x5c": _header(x5c=["MIIB"]),
    "J07 crit": _header(crit=["bork"]),
    "J07 empty crit": _header(crit=[]),
    "J08 b64 false": _header(b64=False),
    "J13 zip": _header(zip="DEF"),
    "J08 JSON serialization": lambda world: json.dumps({"payload": encoded(b"{}"), "signatures": []}),
    "typ of a client assertion": _header(typ="client-authentication+jwt"),
    "typ of an access token": _header(typ="at+jwt"),
    "typ of a proof": _header(typ="dpop+jwt"),
    "typ not a string": _header(typ=1),
    "kid not a string": _header(kid=1),
    "J15 padding": _text(lambda text: text + "="),
    "J15 white space": _text(lambda text: text.replace(".", ". ", 1)),
    "J15 extra segment": _text(lambda text: text + ".x"),
    "J15 other alphabet": _text(lambda text: text[:-4] + "+/" + text[-2:]),
    "altered payload": _text(lambda text: text.replace(text.split(".")[1], encoded(b'{"iss":"signer"}'))),
    "J16 payload null": _raw(b"null"),
    "J16 payload array": _raw(b"[]"),
    "J16 payload text": _raw(b'"x"'),
    "J16 duplicate member": _raw(b'{"iss":"signer","iss":"signer"}'),
    "J16 byte order mark": _raw(b"\xef\xbb\xbf{}"),
    "J16 NaN": _raw(b'{"exp":NaN}'),
    "J16 deep": _raw(b'{"a":' * 60 + b"1" + b"}" * 60),
    "J16 not JSON": _raw(b"{"),
    "J17 exp text": _claims(exp="9999999999"),
    "J17 exp true": _claims(exp=True),
    "J17 exp negative": _claims(exp=-1),
    "J17 exp huge": _claims(exp=10**30),
    "J17 expired": _times(exp=-1),
    "J17 exp now": _times(exp=0),
    "exp over 60 minutes after nbf": _times(exp=3_700),
    "exp far away without nbf": _times(exp=3_700, nbf=None),
    "nbf over 60 minutes old": _times(nbf=-3_700, exp=60),
    "nbf ahead": _times(nbf=90),
    "J19 iat ahead": _times(iat=90),
    "J20 aud missing": _claims(aud=None),
    "J20 aud another": _claims(aud="https://other.test"),
    "J20 aud a prefix": _claims(aud=ISSUER + "/"),
    "J20 aud a case": _claims(aud=ISSUER.upper()),
    "J20 aud with a number": _claims(aud=[ISSUER, 1]),
    "J20 aud the endpoint": _claims(aud=f"{ISSUER}/oauth/authorize"),
    "J21 iss missing": _claims(iss=None),
    "J21 iss another": _claims(iss="gzf"),
    "J23 sub is the client": _claims(sub="signer"),
    "client_id another": _claims(client_id="gzf"),
    "Q09 request inside": _claims(request="e30.e30.e30"),
    "Q09 request_uri inside": _claims(request_uri="https://qyfw.test/request.jwt"),
    "a member true": _claims(prompt=True),
    "a member fractional": _claims(max_age=1.5),
    "resource a number": _claims(resource=[1]),
    "many members": _claims(**{f"m{number}": "x" for number in range(150)}),
    "not a token": lambda world: "x",
}


@pytest.mark.parametrize("made", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_object_is_refused_at_both_doors(signing_world: World, made: Callable[[World], str]) -> None:
    """Q06, area G: invalid_request_object, to the client's own address or on a page, once on record; never a 5xx, never a fetch."""
    request = made(signing_world)
    browser = Browser(signing_world)
    before = len(await signing_world.entries())
    told = answer(await bring(browser, request, redirect_uri=ADDRESS, response_type="code", state="s"))
    assert (told["error"], told["state"]) == ("invalid_request_object", "s")
    assert shown_code(await bring(browser, request)) == "21034"
    assert shown_code(await bring(browser, request, redirect_uri="https://evil.test/cb")) == "21034"
    pushed = await push(signing_world, request)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request_object")
    entries = await signing_world.entries()
    assert len(entries) == before + 4
    assert {entry["code"] for entry in entries[before:]} == {"21034"}


@pytest.mark.parametrize("bend", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_area_g_what_anybody_can_do_to_a_sound_object(signing_world: World, bend: Callable[[str], str]) -> None:
    """The mutations that every consumer of JWTs is tried with."""
    pushed = await push(signing_world, bend(sign(claims_of(signing_world))))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request_object")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
async def test_area_g_what_somebody_with_a_key_can_sign(signing_world: World, payload: bytes) -> None:
    """The client's own key makes no sense of nonsense."""
    pushed = await push(signing_world, sign(payload))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request_object")


@pytest.mark.parametrize("redirect_uri", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_foreign_redirect_uri_inside_is_never_followed(signing_world: World, redirect_uri: str) -> None:
    """Area A at this sink: a signature does not make an address the client's."""
    request = sign(claims_of(signing_world, redirect_uri=redirect_uri))
    assert shown_code(await bring(Browser(signing_world), request, redirect_uri=ADDRESS)) == "21003"
    pushed = await push(signing_world, request)
    assert (pushed.status_code, pushed.json()["error_code"]) == (400, "21003")


async def test_a_request_without_address_inside_is_shown(signing_world: World) -> None:
    """OIDF request object without redirect_uri: the one beside it does not count."""
    request = sign(claims_of(signing_world, redirect_uri=None))
    assert shown_code(await bring(Browser(signing_world), request, redirect_uri=ADDRESS)) == "21002"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": -1}, "invalid_request"),
        ({"claims": []}, "invalid_request"),
        ({"registration": {}}, "registration_not_supported"),
        ({"resource": "https://other.test"}, "invalid_target"),
    ],
    ids=str,
)
async def test_the_rules_hold_inside_too(signing_world: World, changes: dict[str, Any], error: str) -> None:
    """C07: nothing is let through because it was signed, and what was taken out inside is not found beside it."""
    response = await bring(Browser(signing_world), sign(claims_of(signing_world, **changes)), code_challenge="x" * 43)
    parts = urlsplit(response.headers["location"])
    assert f"error={error}" in (parts.query or parts.fragment)


async def test_the_registered_algorithm_alone_is_taken(signing_world: World) -> None:
    """Q06, RFC 9101 §10.1: another one that the policy would allow is refused."""
    browser = Browser(signing_world)
    claims = claims_of(signing_world, "signs-es256")
    assert page_of(await bring(browser, sign(claims), "signs-es256")) == "/login"
    assert shown_code(await bring(browser, sign(claims, alg="PS256"), "signs-es256")) == "21034"


async def test_a_client_without_keys_cannot_sign(signing_world: World) -> None:
    """Nobody's key is taken for it."""
    claims = claims_of(signing_world, "gzf", redirect_uri="https://gzf.test/cb")
    assert shown_code(await bring(Browser(signing_world), sign(claims), "gzf")) == "21034"


async def test_another_clients_object_is_refused(signing_world: World) -> None:
    """Signed soundly by one client and brought for another."""
    request = sign(claims_of(signing_world))
    assert shown_code(await bring(Browser(signing_world), request, "signs-always")) == "21034"


async def test_an_unknown_client_is_shown_before_anything_is_read(signing_world: World) -> None:
    """RFC 9101 §5: client_id stands outside, and is known."""
    browser = Browser(signing_world)
    request = sign(claims_of(signing_world))
    assert shown_code(await bring(browser, request, "nobody")) == "21001"
    assert shown_code(await browser.get("/oauth/authorize", {"request": request})) == "21001"


async def test_an_over_long_object_is_refused(signing_world: World) -> None:
    """Area U: a token is at most sixteen KiB, and a query eight."""
    request = sign(claims_of(signing_world, padding="x" * 20_000))
    pushed = await push(signing_world, request)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request_object")
    assert shown_code(await bring(Browser(signing_world), request)) == "21004"


class TestAClientThatAlwaysSigns:
    """RFC 9101 §10.5 `require_signed_request_object`: with the times of FAPI 2.0 Message Signing §5.3.1."""

    async def test_its_plain_requests_are_refused(self, signing_world: World) -> None:
        """At both doors."""
        browser = Browser(signing_world)
        plain = await browser.authorize("signs-always", redirect_uri=ADDRESS)
        assert answer(plain)["error"] == "invalid_request"
        assert (await signing_world.last_entry())[2] == "21031"
        form = {**claims_of(signing_world, "signs-always", **dict.fromkeys(("iss", "aud", "iat", "nbf", "exp", "jti")))}
        async with signing_world.http() as http:
            pushed = await http.post("/oauth/par", **signing_world.credentials("signs-always", form))
        assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize("missing", ["exp", "nbf"])
    async def test_times_are_required(self, signing_world: World, missing: str) -> None:
        """OIDF request object without exp, without nbf."""
        request = sign(
            {name: value for name, value in claims_of(signing_world, "signs-always").items() if name != missing}
        )
        assert shown_code(await bring(Browser(signing_world), request, "signs-always")) == "21034"

    async def test_pushed_and_signed_leads_to_a_code(self, signing_world: World, visitor: Browser) -> None:
        """Both ways at once, and what stands beside the object in the push does not count."""
        request = sign(claims_of(signing_world, "signs-always", state="inside"))
        pushed = await push(signing_world, request, "signs-always", state="outside", scope="openid realname")
        assert pushed.status_code == 201
        response = await visitor.get(
            "/oauth/authorize", {"client_id": "signs-always", "request_uri": pushed.json()["request_uri"]}
        )
        found = answer(await visitor.agree(response))
        assert found["state"] == "inside"
        assert (await visitor.redeem(found["code"], "signs-always", redirect_uri=ADDRESS)).status_code == 200


async def test_keys_of_small_or_odd_kinds_are_not_taken(signing_world: World) -> None:
    """J24: another curve under a known algorithm name."""
    odd = ECKey.generate_key("P-384", private=True, auto_kid=True)
    request = sign(claims_of(signing_world), alg="ES384", key=odd)
    assert shown_code(await bring(Browser(signing_world), request)) == "21034"


def test_the_registered_set_is_public() -> None:
    """Control of these tests: no private member was registered."""
    assert not any({"d", "p", "q"} & set(key) for key in JWKS["keys"])
    assert RSA_KEY.is_private
