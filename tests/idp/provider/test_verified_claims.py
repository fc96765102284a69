"""OpenID Connect for Identity Assurance: what is told of a verification, to whom, for which purpose; P13 for verified claims."""

import json
from typing import Any

import httpx2
import pytest

from foundation.ledger.commit import PERSONAL_CONTEXT
from foundation.ledger.entries import SALT_OCTETS
from foundation.ledger.store import load_rows
from idp.people.levels import NAME_AND_NUMBER, PHONE, Evidence
from idp.people.persons import add_evidence, withdraw_evidence
from idp.provider.assurance.vocabulary import TRUST_FRAMEWORK
from idp.provider.authorization.authorize import resume_authorization
from idp.provider.authorization.outcomes import ConsentNeeded
from idp.provider.registration.register import ClientRegistration
from idp.signin.flows import FLOW_COOKIE
from tests.idp.provider.json_schema import faults
from tests.idp.provider.proofs import REGISTER, SCHEMA, SMS, wish
from tests.idp.provider.world import (
    ZHANG,
    Browser,
    Person,
    World,
    answer,
    claims_of_jwt,
    page_of,
    transaction_of,
)

FULL = {
    "trust_framework": None,
    "assurance_level": None,
    "assurance_process": None,
    "time": None,
    "evidence": [{"type": {"value": kind}, "check_details": None, "time": None, **deeper} for kind, deeper in (
        ("document", {"document_details": None}),
        ("electronic_record", {"record": None}),
        ("vouch", {"attestation": None}),
    )],
}  # fmt: skip


async def prove(world: World, person: Person, *proofs: Evidence) -> None:
    """Put proofs of somebody's identity on record, as registration, centers and counters do."""
    async with world.provider.db.transaction() as connection:
        for proof in proofs:
            await add_evidence(connection, person.person_id, proof, entropy=world.provider.entropy, now=world.now)


@pytest.fixture
async def proven(world: World, zhang: Person) -> Person:
    """The citizen, verified by name, number and phone."""
    await prove(world, zhang, REGISTER, SMS)
    return zhang


def parameter(*, id_token: Any = None, userinfo: Any = None) -> str:
    """Return the `claims` parameter for verified claims in one or both places."""
    places = {"id_token": id_token, "userinfo": userinfo}
    return json.dumps({place: {"verified_claims": asked} for place, asked in places.items() if asked is not None})


async def told(world: World, browser: Browser, client_id: str = "gzf", **places: Any) -> tuple[Any, Any]:
    """Return what ID token and userinfo say after everything was agreed to."""
    tokens = await browser.tokens_for(client_id, scope="openid", claims=parameter(**places))
    said = (await world.userinfo(tokens["access_token"])).json()
    return claims_of_jwt(tokens["id_token"]).get("verified_claims"), said.get("verified_claims")


async def test_both_places_tell_what_was_asked(world: World, browser: Browser, proven: Person) -> None:
    """Everything there is, in the form of the specification; the evidence is that of the real proofs."""
    asked = wish(FULL, name=None, document_number=None)
    in_token, in_userinfo = await told(world, browser, id_token=asked, userinfo=asked)
    assert in_token == in_userinfo
    assert faults(in_token, SCHEMA) == []
    assert in_token["claims"] == {"name": "张知明", "document_number": ZHANG}
    verification = in_token["verification"]
    assert verification["trust_framework"] == TRUST_FRAMEWORK
    assert verification["assurance_level"] == "medium"
    assert verification["time"] == "2026-04-09T01:00:00Z"
    record, phone = verification["evidence"]
    assert record["record"] == {"type": "population_register", "source": {"name": "人口信息核验"}}
    assert record["check_details"][0]["txn"] == "txn-7001"
    assert phone["record"]["type"] == "mobile_number"


async def test_one_place_tells_nothing_to_the_other(world: World, browser: Browser, proven: Person) -> None:
    """Asked for in the ID token, or at userinfo, and only there."""
    assert (await told(world, browser, id_token=wish()))[1] is None
    assert (await told(world, browser, userinfo=wish()))[0] is None


async def test_refreshed_tokens_tell_the_same(world: World, browser: Browser, proven: Person) -> None:
    """The grant keeps what was agreed to, for as long as it lives."""
    asked = parameter(id_token=wish(), userinfo=wish())
    tokens = await browser.tokens_for(scope="openid offline_access", claims=asked)
    renewed = await world.token("gzf", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    said = (await world.userinfo(renewed.json()["access_token"])).json()
    assert said["verified_claims"]["claims"] == {"name": "张知明"}


async def test_nothing_is_told_that_was_not_asked(world: World, browser: Browser, proven: Person) -> None:
    """§6: neither the level, nor the time, nor evidence, nor another claim."""
    in_token, _ = await told(world, browser, id_token=wish())
    assert in_token == {"verification": {"trust_framework": TRUST_FRAMEWORK}, "claims": {"name": "张知明"}}


async def test_who_was_never_proven_is_not_verified(world: World, browser: Browser) -> None:
    """A level on record without a standing proof vouches for nothing."""
    assert await told(world, browser, id_token=wish(), userinfo=wish()) == (None, None)


async def test_withdrawn_proof_no_longer_counts(world: World, browser: Browser, proven: Person) -> None:
    """Userinfo tells what is true now; the token was made before."""
    tokens = await browser.tokens_for(scope="openid", claims=parameter(userinfo=wish({"assurance_level": None})))
    async with world.provider.db.transaction() as connection:
        await withdraw_evidence(connection, proven.person_id, method=PHONE, now=world.now)
    said = (await world.userinfo(tokens["access_token"])).json()
    assert said["verified_claims"]["verification"]["assurance_level"] == "basic"
    async with world.provider.db.transaction() as connection:
        await withdraw_evidence(connection, proven.person_id, method=NAME_AND_NUMBER, now=world.now)
    assert "verified_claims" not in (await world.userinfo(tokens["access_token"])).json()


async def test_only_entitled_claims(world: World, browser: Browser, proven: Person) -> None:
    """P13: a client without the entitlement gets the rest, nothing when there is no rest, and no error; nobody is asked either."""
    in_token, _ = await told(world, browser, "qyfw", id_token=wish(name=None, document_number=None))
    assert in_token["claims"] == {"name": "张知明"}
    response = await browser.authorize("qyfw", scope="openid", claims=parameter(userinfo=wish(document_number=None)))
    assert "code" in answer(response)


async def test_disclosure_is_on_record(world: World, browser: Browser, proven: Person) -> None:
    """The entry says that verified claims were given, and repeats nothing of them."""
    await told(world, browser, userinfo=wish(name=None, document_number=None))
    newest = (await world.entries())[-1]
    assert newest["details"] == {"claims": ["verified_claims"]}
    assert ZHANG not in json.dumps(newest, ensure_ascii=False)
    await browser.tokens_for(scope="openid", claims=parameter(id_token=wish(name=None, document_number=None)))
    assert (await world.entries())[-1]["details"]["id_token_claims"] == ["verified_claims"]


async def test_several_wishes_are_judged_each_alone(world: World, browser: Browser, proven: Person) -> None:
    """§6.4: an array is answered by as many elements as can be fulfilled."""
    asked = [
        wish({"trust_framework": {"value": "de_aml"}}),
        wish({"assurance_level": {"values": ["medium", "high"]}}, document_type=None),
        wish({"time": {"max_age": 86_400}}),
        wish(),
    ]
    in_token, _ = await told(world, browser, id_token=asked)
    assert [sorted(element["claims"]) for element in in_token] == [["document_type"], ["name"]]
    assert faults(in_token, SCHEMA) == []


async def _page(world: World, browser: Browser, person: Person, response: httpx2.Response) -> ConsentNeeded:
    session = await world.sign_in(browser, person)
    shown = await resume_authorization(
        transaction_of(response),
        session=session,
        browser=browser.cookies[FLOW_COOKIE],
        provider=world.provider,
        now=world.now,
    )
    assert isinstance(shown, ConsentNeeded)
    return shown


async def test_consent_shows_masked_values_and_the_purpose(world: World, browser: Browser, proven: Person) -> None:
    """The app's own words stand beside what it asks for, raw: the page escapes them."""
    purpose = "核对 <b>申请人</b> & 配偶"
    asked = parameter(userinfo=wish(name=None, document_number={"essential": True, "purpose": purpose}))
    shown = await _page(world, browser, proven, await browser.authorize(scope="openid", claims=asked))
    items = {item.claims[0].name: item for item in shown.view.items}
    assert items["document_number"].purpose == purpose
    assert items["document_number"].claims[0].value == f"{ZHANG[:4]}**********{ZHANG[-4:]}"
    assert "核验" in items["document_number"].title_zh
    assert items["name"].purpose is None
    assert ZHANG not in str(shown)


async def test_scope_does_not_cover_the_verification(browser: Browser) -> None:
    """Who agreed to give the name did not agree to tell how it was verified."""
    await browser.tokens_for(scope="openid realname")
    response = await browser.authorize(scope="openid realname", claims=parameter(userinfo=wish()))
    assert page_of(response) == "/consent"


async def test_consent_is_remembered_for_its_purpose(browser: Browser) -> None:
    """PIPL Art. 14: the same purpose is not asked about again, another one is."""
    first = parameter(userinfo=wish(name={"purpose": "申请公共租赁住房"}))
    other = parameter(userinfo=wish(name={"purpose": "发送广告"}))
    await browser.tokens_for(scope="openid", claims=first)
    assert "code" in answer(await browser.authorize(scope="openid", claims=first))
    assert page_of(await browser.authorize(scope="openid", claims=other)) == "/consent"


async def test_purpose_is_kept_with_the_consent(world: World, browser: Browser) -> None:
    """What somebody agreed to includes what it was said to be for; sealed, since the app may have written anything."""
    purpose = f"核对 {ZHANG}"
    asked = parameter(userinfo=wish(name=None, document_number={"purpose": purpose}))
    await browser.agree(await browser.authorize(scope="openid", claims=asked))
    (entry,) = [one for one in await world.entries() if one["kind"] == "oauth.consent"]
    assert sorted(item.split(":")[1] for item in entry["details"]["items"]) == ["document_number", "name"]
    assert ZHANG not in json.dumps(entry, ensure_ascii=False)
    async with world.provider.db.read() as connection:
        rows = await load_rows(connection, start=0)
    (row,) = [one for one in rows if json.loads(one.body)["kind"] == "oauth.consent"]
    assert row.personal is not None
    opened = world.sealer.open(row.personal, context=PERSONAL_CONTEXT)[SALT_OCTETS:]
    assert list(json.loads(opened)["purposes"].values()) == [purpose]


async def test_refusing_an_essential_verified_claim_refuses(world: World, browser: Browser, proven: Person) -> None:
    """The app said that it cannot do without: then it gets access_denied, also when another element would do without it."""
    asked = [wish(), wish(name={"essential": True})]
    response = await browser.authorize(scope="openid profile", claims=parameter(id_token=wish(), userinfo=asked))
    assert answer(await browser.agree(response, "profile"))["error"] == "access_denied"


async def test_voluntary_verified_claims_may_be_left_out(world: World, browser: Browser, proven: Person) -> None:
    """OpenID Connect Core §5.5.1: not called essential, a claim is voluntary. The rest is given, in both places, and nobody is asked twice."""
    asked = wish(name=None, document_number={"purpose": "核对申请人"}, document_type={"essential": False})
    wanted = {"scope": "openid profile", "claims": parameter(id_token=asked, userinfo=asked)}
    shown = await _page(world, browser, proven, await browser.authorize(**wanted))
    items = {item.item.split(":")[1]: item for item in shown.view.items if item.item.startswith("verified:")}
    assert {name: item.optional for name, item in items.items()} == dict.fromkeys(asked["claims"], True)
    kept = f"profile {items['name'].item}"
    given = answer(await browser.post("/test/consent", {"transaction": shown.transaction_id, "agreed": kept}))
    for code in (given["code"], answer(await browser.authorize(**wanted))["code"]):
        tokens = (await browser.redeem(code)).json()
        said = (await world.userinfo(tokens["access_token"])).json()
        assert said["verified_claims"]["claims"] == {"name": "张知明"}
        assert claims_of_jwt(tokens["id_token"])["verified_claims"]["claims"] == {"name": "张知明"}


async def test_all_voluntary_verified_claims_may_be_left_out(world: World, browser: Browser, proven: Person) -> None:
    """Then there is no `verified_claims` at all: an element without claims would tell that the person is verified."""
    response = await browser.authorize(scope="openid profile", claims=parameter(id_token=wish(), userinfo=wish()))
    tokens = (await browser.redeem(answer(await browser.agree(response, "profile"))["code"])).json()
    assert "verified_claims" not in (await world.userinfo(tokens["access_token"])).json()
    assert "verified_claims" not in claims_of_jwt(tokens["id_token"])


async def test_left_out_while_voluntary_is_asked_for_once_it_is_essential(
    world: World, browser: Browser, proven: Person
) -> None:
    """The app wants it in earnest by now; a no before does not answer that."""
    voluntary, essential = parameter(userinfo=wish()), parameter(userinfo=wish(name={"essential": True}))
    await browser.agree(await browser.authorize(scope="openid profile", claims=voluntary), "profile")
    response = await browser.authorize(scope="openid profile", claims=essential)
    assert page_of(response) == "/consent"
    assert "code" in answer(await browser.agree(response))


async def test_exempt_app_is_told_without_a_page(world: World, browser: Browser, proven: Person) -> None:
    """Where the law is the basis nobody is asked, but entitlement and restrictions hold."""
    registration = ClientRegistration(
        client_id="hukou",
        name_zh="户籍业务",
        name_en="Household registration",
        department_id="police",
        redirect_uris=("https://hukou.test/cb",),
        scopes=("openid", "realname"),
        consent="exempt",
        consent_basis="《户口登记条例》",
    )
    await world.add_client(registration)
    response = await browser.authorize(
        "hukou",
        redirect_uri="https://hukou.test/cb",
        scope="openid",
        claims=parameter(id_token=wish(name=None, document_number=None)),
    )
    tokens = await browser.redeem(answer(response)["code"], "hukou", redirect_uri="https://hukou.test/cb")
    assert claims_of_jwt(tokens.json()["id_token"])["verified_claims"]["claims"] == {"name": "张知明"}


MALFORMED: dict[str, Any] = {
    "a text": "name",
    "a number": 1,
    "no verification": {"claims": {"name": None}},
    "verification null": {"verification": None, "claims": {"name": None}},
    "no trust framework": {"verification": {"time": None}, "claims": {"name": None}},
    "claims an array": {"verification": {"trust_framework": None}, "claims": ["name"]},
    "claim a flag": wish(name=True),
    "values empty": wish({"trust_framework": {"values": []}}),
    "values no list": wish({"trust_framework": {"values": "x"}}),
    "values too many": wish({"trust_framework": {"values": ["x"] * 21}}),
    "essential no flag": wish(name={"essential": "yes"}),
    "max_age negative": wish({"time": {"max_age": -1}}),
    "max_age a flag": wish({"time": {"max_age": True}}),
    "max_age a text": wish({"time": {"max_age": "60"}}),
    "max_age endless": wish({"time": {"max_age": 10**18}}),
    "purpose too short": wish(name={"purpose": "ab"}),
    "purpose too long": wish(name={"purpose": "长" * 301}),
    "purpose no text": wish(name={"purpose": 3}),
    "too many elements": [wish()] * 5,
    "an element that is none": [wish(), None],
    "deep": wish({"evidence": [{"type": {"value": {"a": [{"b": [{"c": [{"d": 1}]}]}]}}}]}),
}


@pytest.mark.parametrize("asked", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_wishes_are_told_to_the_app(shared_browser: Browser, asked: Any) -> None:
    """P13, and §6.1 for the purpose: invalid_request at the app's own address."""
    found = answer(await shared_browser.authorize(scope="openid", claims=parameter(userinfo=asked)))
    assert found["error"] == "invalid_request"


HARMLESS: dict[str, Any] = {
    "unknown claim": wish(favourite_colour=None),
    "unknown essential claim": wish(favourite_colour={"essential": True}),
    "special characters": wish(**{"名/<b>\u2028": None}),
    "a claim that is never verified": wish(phone_number=None, nickname=None),
    "claims null": {"verification": {"trust_framework": None}, "claims": None},
    "claims empty": {"verification": {"trust_framework": None}, "claims": {}},
    "empty array": [],
}


@pytest.mark.parametrize("asked", HARMLESS.values(), ids=HARMLESS.keys())
async def test_what_cannot_be_given_is_left_out(shared_world: World, shared_browser: Browser, asked: Any) -> None:
    """§6.5.1: no error, no page, no element."""
    response = await shared_browser.authorize(scope="openid", claims=parameter(id_token=asked, userinfo=asked))
    tokens = (await shared_browser.redeem(answer(response)["code"])).json()
    assert "verified_claims" not in claims_of_jwt(tokens["id_token"])
    assert "verified_claims" not in (await shared_world.userinfo(tokens["access_token"])).json()


async def test_metadata_say_what_there_is(shared_world: World) -> None:
    """§7: the required members, each with an entry at least, and the framework that the answers name."""
    async with shared_world.http() as http:
        metadata = (await http.get("/.well-known/openid-configuration")).json()
    assert metadata["verified_claims_supported"] is True
    assert metadata["trust_frameworks_supported"] == [TRUST_FRAMEWORK]
    assert set(metadata["evidence_supported"]) == {"document", "electronic_record", "vouch"}
    for member in ("claims_in_verified_claims_supported", "documents_supported", "electronic_records_supported"):
        assert metadata[member]
