"""Rich authorization requests (RFC 9396; P18): the type `electronic_license`, from the request to the person's page and the grant."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from foundation.ledger.commit import PERSONAL_CONTEXT
from foundation.ledger.entries import SALT_OCTETS
from foundation.ledger.store import load_rows
from idp.provider.authorization.authorize import resume_authorization
from idp.provider.authorization.details import (
    UnusableDetails,
    details_items,
    is_lookup_within,
    narrowed_details,
    parse_authorization_details,
)
from idp.provider.authorization.outcomes import ConsentNeeded
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.registry import Client
from idp.provider.connected_apps import list_connected_apps
from idp.provider.tables import oauth_grants
from idp.signin.flows import FLOW_COOKIE
from tests.idp.provider.signed_requests import JWKS, claims_of, sign
from tests.idp.provider.world import (
    BUSINESS,
    HOUSING,
    ISSUER,
    LICENSES,
    Browser,
    Person,
    World,
    answer,
    claims_of_jwt,
    page_of,
    transaction_of,
)

IDENTITY_CARD, SAFETY = "11100000000013127D001", "11100000000013338W011"
SOUND: dict[str, Any] = {
    "type": "electronic_license",
    "actions": ["read"],
    "license_types": [IDENTITY_CARD],
    "grade": "masked",
    "fields": ["holder_name", "address"],
    "purpose": "公租房资格审核",
}
READER = replace(
    HOUSING,
    client_id="reader",
    sector="reader",
    grant_types=("authorization_code", "refresh_token"),
    metadata=ClientMetadata(jwks=JWKS, authorization_details_types=("electronic_license",)),
)


@pytest.fixture
async def reader(world: World) -> Client:
    """An app that may ask for licenses by authorization details."""
    return (await world.add_client(READER)).client


@pytest.fixture(scope="module")
async def reading_world(shared_world: World) -> World:
    """The shared world with that app."""
    await shared_world.add_client(READER)
    return shared_world


async def ask_for(browser: Browser, details: object, client_id: str = "reader", **changes: Any) -> httpx2.Response:
    """Send an authorization request of the housing app's address with these details."""
    text = details if isinstance(details, str) else json.dumps(details, ensure_ascii=False)
    return await browser.authorize(
        client_id, **{"redirect_uri": "https://gzf.test/cb", "authorization_details": text, **changes}
    )


def changed(**members: Any) -> list[dict[str, Any]]:
    """Return one entry with members changed; None leaves one out."""
    return [{name: value for name, value in {**SOUND, **members}.items() if value is not None}]


SOUND_VARIANTS: dict[str, object] = {
    "one entry": [SOUND],
    "verify without fields": changed(actions=["verify"], grade="verify", fields=None),
    "the original": changed(grade="original", fields=None),
    "full": changed(grade="full"),
    "both actions": changed(actions=["verify", "read"]),
    "two types": changed(license_types=[SAFETY, IDENTITY_CARD]),
    "with its location": changed(locations=[LICENSES]),
    "two entries": [SOUND, {**SOUND, "purpose": "另一个用途"}],
}

BROKEN: dict[str, object] = {
    "not JSON": "[",
    "an object": SOUND,
    "a text": '"x"',
    "empty": [],
    "an entry that is no object": [1],
    "an array inside": [[SOUND]],
    "deep": [{**SOUND, "fields": [[["x"]]]}],
    "too many entries": [{**SOUND, "purpose": f"用途{number}号"} for number in range(6)],
    "one twice": [SOUND, SOUND],
    "no type": changed(type=None),
    "unknown type": changed(type="payment_initiation"),
    "type a number": changed(type=1),
    "type in another case": changed(type="Electronic_License"),
    "unknown member": changed(amount="1"),
    "no actions": changed(actions=None),
    "actions empty": changed(actions=[]),
    "actions a text": changed(actions="read"),
    "unknown action": changed(actions=["write"]),
    "an action twice": changed(actions=["read", "read"]),
    "no license types": changed(license_types=[]),
    "unknown license type": changed(license_types=["11100000000013127D999"]),
    "license type of another form": changed(license_types=["１" * 21]),
    "too many license types": changed(license_types=[f"{number:021d}" for number in range(11)]),
    "no grade": changed(grade=None),
    "unknown grade": changed(grade="everything"),
    "grade without its action": changed(actions=["verify"]),
    "verify without its action": changed(grade="verify", fields=None),
    "masked without fields": changed(fields=None),
    "fields with verify": changed(actions=["verify"], grade="verify"),
    "unknown field": changed(fields=["password"]),
    "a field twice": changed(fields=["address", "address"]),
    "no purpose": changed(purpose=None),
    "purpose too short": changed(purpose="审"),
    "purpose too long": changed(purpose="审" * 201),
    "purpose with a control character": changed(purpose="审核\n用途"),
    "purpose that turns the line": changed(purpose="审核\u202e用途"),
    "another location": changed(locations=["https://other.test/api"]),
    "too long": json.dumps([SOUND]) + " " * 4_096,
    "repeated member": '[{"type":"electronic_license","type":"x"}]',
}


@pytest.mark.parametrize("details", SOUND_VARIANTS.values(), ids=SOUND_VARIANTS.keys())
async def test_sound_details_are_taken(reading_world: World, details: object) -> None:
    """Positive controls."""
    assert page_of(await ask_for(Browser(reading_world), details)) == "/login"


@pytest.mark.parametrize("details", BROKEN.values(), ids=BROKEN.keys())
async def test_broken_details_are_refused_at_every_door(reading_world: World, details: object) -> None:
    """P18, RFC 9396 §5: told to the app, by the browser, pushed and signed alike, and on record."""
    text = details if isinstance(details, str) else json.dumps(details, ensure_ascii=False)
    form = {"redirect_uri": "https://gzf.test/cb", "authorization_details": text}
    browser = Browser(reading_world)
    if len(text) < 8_000:
        assert answer(await ask_for(browser, details))["error"] == "invalid_authorization_details"
        assert (await reading_world.last_entry())[1:] == ("refused", "21039")
        inside = sign({**claims_of(reading_world, "reader"), **form})
        signed = await browser.get("/oauth/authorize", {"client_id": "reader", "request": inside})
        assert answer(signed)["error"] == "invalid_authorization_details"
    async with reading_world.http() as http:
        request = {**claims_of(reading_world, "reader"), **form}
        plain = {
            name: str(value)
            for name, value in request.items()
            if name not in ("iss", "aud", "exp", "nbf", "iat", "jti")
        }
        pushed = await http.post("/oauth/par", **reading_world.credentials("reader", plain))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_authorization_details")


async def test_an_app_asks_only_for_its_types(reading_world: World) -> None:
    """RFC 9396 §10: without a registered type there is none."""
    refused = await ask_for(Browser(reading_world), [SOUND], "gzf")
    assert answer(refused)["error"] == "invalid_authorization_details"


async def test_an_app_without_the_license_api_is_refused(reading_world: World) -> None:
    """The token would be for a resource that the app does not hold."""
    other = replace(BUSINESS, client_id="no-resource", sector="no-resource", metadata=READER.metadata)
    await reading_world.add_client(other)
    refused = await ask_for(Browser(reading_world), [SOUND], "no-resource", redirect_uri="https://qyfw.test/cb")
    assert answer(refused)["error"] == "invalid_target"


async def test_the_person_sees_what_is_asked(world: World, browser: Browser, zhang: Person, reader: Client) -> None:
    """Types by name, grade, fields by label, and the purpose in the app's words; no value is fetched for it."""
    outcome = await resume_authorization(
        transaction_of(await ask_for(browser, [SOUND])),
        session=await world.sign_in(browser, zhang),
        browser=browser.cookies[FLOW_COOKIE],
        provider=world.provider,
        now=world.now,
    )
    assert isinstance(outcome, ConsentNeeded)
    item = outcome.view.items[-1]
    assert (item.title_zh, item.title_en) == (
        "电子证照（部分隐去）：居民身份证",
        "E-licenses (masked): Resident identity card",
    )
    assert (item.purpose, item.optional, item.agreed_before) == ("公租房资格审核", False, False)
    assert [(claim.name, claim.value) for claim in item.claims] == [("address", ""), ("holder_name", "")]
    assert all(claim.label_zh != claim.name for claim in item.claims)


async def test_what_was_agreed_to_stands_in_the_grant(
    world: World, browser: Browser, zhang: Person, reader: Client
) -> None:
    """RFC 9396 §6: kept as it was shown; asked again the same, nothing is shown; asked for more, the difference is."""
    agreed = await browser.agree(await ask_for(browser, [SOUND]))
    assert "code" in answer(agreed)
    (grant,) = await world.rows(oauth_grants)
    (kept,) = grant["request"]["authorization_details"]
    assert kept == {**SOUND, "fields": ["address", "holder_name"]}
    assert grant["request"]["resources"] == [f"{ISSUER}/oauth/userinfo", LICENSES]
    assert "code" in answer(await ask_for(browser, [SOUND]))
    assert page_of(await ask_for(browser, changed(purpose="另一个用途"))) == "/consent"
    assert page_of(await ask_for(browser, changed(fields=["holder_name", "sex"]))) == "/consent"
    (app,) = await list_connected_apps(zhang.person_id, provider=world.provider)
    assert "电子证照（部分隐去）：居民身份证" in [item.title_zh for item in app.items]


async def test_the_purpose_is_kept_with_the_consent(world: World, browser: Browser, reader: Client) -> None:
    """Sealed beside the entry of the answer: it is the app's own text."""
    await browser.agree(await ask_for(browser, [SOUND]))
    async with world.provider.db.read() as connection:
        rows = await load_rows(connection, start=0)
    (kept,) = [row.personal for row in rows if row.kind == "oauth.consent"]
    assert kept is not None
    opened = json.loads(world.sealer.open(kept, context=PERSONAL_CONTEXT)[SALT_OCTETS:])
    assert list(opened["purposes"].values()) == [SOUND["purpose"]]


async def test_details_that_were_not_agreed_to_are_refused(world: World, browser: Browser, reader: Client) -> None:
    """They are not optional: leaving one out refuses the whole."""
    refused = await browser.agree(await ask_for(browser, [SOUND]), "profile")
    assert answer(refused)["error"] == "access_denied"
    assert await world.rows(oauth_grants) == []


async def redeem(browser: Browser, code: str, **form: Any) -> httpx2.Response:
    """Redeem a code of the app, with a part of the details when they are given."""
    return await browser.redeem(code, "reader", redirect_uri="https://gzf.test/cb", **form)


async def test_the_tokens_carry_what_was_agreed_to(world: World, browser: Browser, reader: Client) -> None:
    """RFC 9396 §7, §9: in the answer, in the access token, in introspection; never in the ledger with its purpose."""
    code = answer(await browser.agree(await ask_for(browser, [SOUND], scope="openid offline_access")))["code"]
    tokens = (await redeem(browser, code)).json()
    expected = [{**SOUND, "fields": ["address", "holder_name"]}]
    assert tokens["authorization_details"] == expected
    assert tokens["expires_in"] == 300
    assert claims_of_jwt(tokens["access_token"])["authorization_details"] == expected
    told = await world.ask("/oauth/introspect", "license-api", token=tokens["access_token"])
    assert told.json()["authorization_details"] == expected
    assert SOUND["purpose"] not in json.dumps(await world.entries(), ensure_ascii=False)
    assert (await world.userinfo(tokens["access_token"])).status_code == 200
    renewed = await world.token("reader", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert renewed.json()["authorization_details"] == expected


async def test_a_token_request_may_ask_for_less(world: World, browser: Browser, reader: Client) -> None:
    """RFC 9396 §6: at redemption and at refresh, where too much costs the client nothing but the answer."""
    less, more = json.dumps(changed(fields=["address"])), json.dumps(changed(grade="full"))
    code = answer(await browser.agree(await ask_for(browser, [SOUND], scope="openid offline_access")))["code"]
    tokens = (await redeem(browser, code, authorization_details=less)).json()
    assert [entry["fields"] for entry in tokens["authorization_details"]] == [["address"]]
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refused = await world.token("reader", **form, authorization_details=more)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")
    renewed = await world.token("reader", **form, authorization_details=less)
    assert [entry["fields"] for entry in renewed.json()["authorization_details"]] == [["address"]]
    again = answer(await ask_for(browser, [SOUND], scope="openid offline_access"))["code"]
    refused = await redeem(browser, again, authorization_details=more)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")


async def test_the_metadata_name_the_type(reading_world: World) -> None:
    """RFC 9396 §10."""
    async with reading_world.http() as http:
        found = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert found["authorization_details_types_supported"] == ["electronic_license"]


def checked(world: World, client: Client, details: object) -> tuple[Mapping[str, Any], ...]:
    """Return the details as a request is judged."""
    return parse_authorization_details(
        json.dumps(details), client, license_types=world.provider.license_types, issuer=ISSUER
    )


NARROWER: dict[str, object] = {
    "the same": [SOUND],
    "fewer fields": changed(fields=["address"]),
    "one type": changed(license_types=[IDENTITY_CARD]),
    "a lower grade": changed(actions=["verify"], grade="verify", fields=None),
}
WIDER: dict[str, object] = {
    "another field": changed(fields=["address", "sex"]),
    "another type": changed(license_types=[IDENTITY_CARD, "11100000000019713D008"]),
    "a higher grade": changed(grade="full"),
    "the original": changed(grade="original", fields=None),
    "another purpose": changed(purpose="另一个用途"),
    "one of two wider": [SOUND, *changed(grade="full")],
    "broken": changed(grade="everything"),
}


class TestNarrowing:
    """RFC 9396 §6: a token request may ask for less, never for more."""

    @pytest.fixture
    async def granted(self, world: World, reader: Client) -> tuple[Mapping[str, Any], ...]:
        """What the person agreed to: two types, two actions."""
        return checked(world, reader, changed(license_types=[IDENTITY_CARD, SAFETY], actions=["read", "verify"]))

    @pytest.mark.parametrize("details", NARROWER.values(), ids=NARROWER.keys())
    async def test_less_is_given(self, world: World, reader: Client, granted: Any, details: object) -> None:
        """Each of the four members may shrink."""
        narrowed = narrowed_details(
            json.dumps(details), granted, reader, license_types=world.provider.license_types, issuer=ISSUER
        )
        assert narrowed == checked(world, reader, details)

    @pytest.mark.parametrize("details", WIDER.values(), ids=WIDER.keys())
    async def test_more_is_refused(self, world: World, reader: Client, granted: Any, details: object) -> None:
        """Nothing grows."""
        with pytest.raises(UnusableDetails):
            narrowed_details(
                json.dumps(details), granted, reader, license_types=world.provider.license_types, issuer=ISSUER
            )

    async def test_a_lost_type_loses_the_whole(self, world: World, reader: Client, granted: Any) -> None:
        """Without its entries a token would reach further, so there is none."""
        types = world.provider.license_types
        assert narrowed_details(None, granted, reader, license_types=types, issuer=ISSUER) == granted
        without = replace(reader, metadata=ClientMetadata())
        with pytest.raises(UnusableDetails):
            narrowed_details(None, granted, without, license_types=types, issuer=ISSUER)

    @pytest.mark.parametrize(
        ("license_types", "grade", "fields", "expected"),
        [
            ([IDENTITY_CARD], "masked", ["address"], True),
            ([IDENTITY_CARD, SAFETY], "masked", ["address", "holder_name"], True),
            ([IDENTITY_CARD], "verify", [], True),
            ([IDENTITY_CARD], "verify", ["address"], True),
            ([IDENTITY_CARD], "verify", ["sex"], False),
            ([], "verify", [], False),
            ([IDENTITY_CARD], "masked", ["sex"], False),
            ([IDENTITY_CARD], "full", ["address"], False),
            ([IDENTITY_CARD], "original", [], False),
            (["11100000000019713D008"], "verify", [], False),
        ],
    )
    async def test_a_lookup_keeps_within(
        self, granted: Any, license_types: list[str], grade: str, fields: list[str], expected: bool
    ) -> None:
        """What the license API asks about a token with details."""
        assert is_lookup_within(granted, license_types=license_types, grade=grade, fields=fields) is expected


async def test_equal_entries_are_one_item(world: World, reader: Client) -> None:
    """The order of lists means nothing, so it must not make a second consent."""
    one = checked(world, reader, changed(fields=["address", "holder_name"]))
    other = checked(world, reader, changed(fields=["holder_name", "address"]))
    assert details_items(one) == details_items(other)
