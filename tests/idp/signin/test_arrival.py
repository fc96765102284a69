"""Arriving from an upper center: first time, again, linked by number, conflicts, faults, races."""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.people.facts import PersonFactsLoader
from idp.people.tables import accounts, persons, upstream_identities
from idp.ports import CenterIdentity, CenterMalformed, CenterRefused, CenterUnavailable
from idp.signin.account_status import disable_account
from idp.signin.arrival import arrive_from_center, begin_center_sign_in, confirm_arrival, finish_center_sign_in
from idp.signin.code_sign_in import send_sign_in_code, sign_in_with_code
from idp.signin.outcomes import (
    ArrivalToConfirm,
    Arrived,
    CodeSent,
    GoToCenter,
    IdentityCheckNeeded,
    Refused,
    SignedIn,
)
from idp.signin.password_change import confirm_recovery_code, recover_password, send_recovery_code
from idp.signin.password_sign_in import sign_in_with_password
from idp.vocabulary import RealNameLevel
from tests.idp.signin.acts import register
from tests.idp.stage import LI, PASSWORD, ZHANG, Stage, arriving, open_stage, visit
from tests.servers import Stack

pytestmark = pytest.mark.anyio
HERE = visit()
CALLBACK = "https://renzheng.example/sign-in/centers/province/callback"


async def _go(stage: Stage) -> str:
    begun = await begin_center_sign_in("province", CALLBACK, carry={"transaction": "t-1"}, visit=HERE, **stage.tools)
    assert isinstance(begun, GoToCenter)
    return parse_qs(urlsplit(begun.url).query)["state"][0]


async def _arrive(stage: Stage, identity: CenterIdentity) -> Arrived:
    stage.center.arriving = identity
    callback = {"state": await _go(stage), "code": "c"}
    return await finish_center_sign_in("province", callback, visit=HERE, **stage.tools)


async def _enter(stage: Stage, identity: CenterIdentity) -> SignedIn:
    arrived = await _arrive(stage, identity)
    assert isinstance(arrived.outcome, ArrivalToConfirm)
    done = await confirm_arrival(arrived.outcome.flow_id, visit=HERE, **stage.tools)
    assert isinstance(done, SignedIn)
    return done


async def test_the_first_arrival_asks_then_makes_an_account_at_the_centers_level(stage: Stage) -> None:
    """What was received is shown in part before anything is made."""
    arrived = await _arrive(stage, arriving())
    assert arrived.carry == {"transaction": "t-1"}
    asked = arrived.outcome
    assert isinstance(asked, ArrivalToConfirm)
    assert (asked.name_masked, asked.phone_masked) == ("张*明", "138****0001")
    assert asked.level is RealNameLevel.HIGH
    assert await stage.count(accounts) == 0
    done = await confirm_arrival(asked.flow_id, visit=HERE, **stage.tools)
    assert isinstance(done, SignedIn)
    assert done.account_made
    assert (done.session.level, done.session.amr) == (RealNameLevel.HIGH, ("fed",))
    facts = await PersonFactsLoader(stage.entrance.db, stage.entrance.sealer).load(done.session.person_id)
    assert facts is not None
    assert (facts.name, facts.document_number, facts.has_password) == ("张知明", ZHANG, False)
    replayed = await confirm_arrival(asked.flow_id, visit=HERE, **stage.tools)
    assert replayed == Refused("22007")


async def test_arriving_again_enters_at_once(stage: Stage) -> None:
    """The identity key is (center, subject)."""
    first = await _enter(stage, arriving())
    stage.later(hours=1)
    again = await _arrive(stage, arriving(phone=None))
    assert isinstance(again.outcome, SignedIn)
    assert again.outcome.session.account_id == first.session.account_id
    assert not again.outcome.account_made


async def test_an_equal_proved_number_links_to_the_local_account(stage: Stage) -> None:
    """Level and evidence rise with the center's; later arrivals enter by subject."""
    local = await register(stage)
    arrived = await _arrive(stage, arriving(subject="u-li", number=LI, name="李晓禾", phone=None))
    assert isinstance(arrived.outcome, SignedIn)
    assert arrived.outcome.session.account_id == local.session.account_id
    assert arrived.outcome.session.level is RealNameLevel.HIGH
    assert await stage.count(upstream_identities) == 1
    assert ("account.center_linked", None) in await stage.codes()


async def test_a_changed_level_at_the_center_is_on_record_once(stage: Stage) -> None:
    """New evidence of who somebody is has an entry in the same transaction; an unchanged level writes none."""
    first = await _enter(stage, arriving(level=RealNameLevel.MEDIUM))
    for level in (RealNameLevel.MEDIUM, RealNameLevel.HIGH, RealNameLevel.HIGH):
        stage.later(hours=1)
        again = await _arrive(stage, arriving(level=level))
        assert isinstance(again.outcome, SignedIn)
        assert again.outcome.session.account_id == first.session.account_id
        assert again.outcome.session.level is level
    changes = [entry for entry in await stage.codes() if entry[0] == "account.center_level_changed"]
    assert changes == [("account.center_level_changed", None)]


async def test_an_account_born_at_the_center_gets_its_first_password_by_recovery(stage: Stage) -> None:
    """Phone and document number prove the owner; afterwards the password opens the same account."""
    born = await _enter(stage, arriving())
    stage.later(minutes=2)
    sent = await send_recovery_code("13800000001", visit=HERE, **stage.tools)
    assert isinstance(sent, CodeSent)
    await confirm_recovery_code(sent.flow_id, stage.sms.latest_code("13800000001")[1], visit=HERE, **stage.tools)
    assert isinstance(await recover_password(sent.flow_id, ZHANG, PASSWORD, visit=HERE, **stage.tools), SignedIn)
    entered = await sign_in_with_password(ZHANG, PASSWORD, visit=HERE, **stage.tools)
    assert isinstance(entered, SignedIn)
    assert entered.session.account_id == born.session.account_id


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        (arriving(subject="u-li", number=LI, name="李晓禾", level=RealNameLevel.BASIC), "23004"),
        (arriving(subject="u-li", number=LI, name="李大禾"), "23003"),
        (arriving(subject="u-new", level=RealNameLevel.NONE), "23004"),
        (arriving(subject=" u-1"), "22018"),
        (arriving(subject="NULL"), "22018"),
        (arriving(subject="0"), "22018"),
        (arriving(subject=""), "22018"),
        (arriving(subject="u\x00"), "22018"),
        (arriving(subject="x" * 256), "22018"),
        (arriving(name=""), "22018"),
        (arriving(number="110105194912310021"), "22018"),
        (replace(arriving(), center="another"), "22018"),
    ],
    ids=[
        "a level too low to enter an account that exists",
        "the number of somebody with another name",
        "nobody verified",
        "a subject with a space before it",
        "a subject that means nothing",
        "a subject of zero",
        "an empty subject",
        "a subject with NUL",
        "an endless subject",
        "no name",
        "a number that does not check",
        "an identity of another center",
    ],
)
async def test_arrivals_that_are_turned_away(stage: Stage, identity: CenterIdentity, code: str) -> None:
    """Nothing is linked by guessing, and odd subjects name nobody (B01, B12, B13)."""
    await register(stage)
    arrived = await _arrive(stage, identity)
    assert arrived.outcome == Refused(code)
    assert await stage.count(upstream_identities) == 0
    assert [seen for seen in await stage.codes() if seen[0] == "signin.center"] == [("signin.center", code)]


async def test_a_subject_that_brings_another_number_is_a_conflict(stage: Stage) -> None:
    """A subject handed to somebody else at the center opens nothing here (B13)."""
    await _enter(stage, arriving())
    stage.later(minutes=2)
    await register(stage)
    for identity in (arriving(number=LI, name="李晓禾"), arriving(name="张智明")):
        arrived = await _arrive(stage, identity)
        assert arrived.outcome == Refused("23003")


async def test_the_center_is_trusted_up_to_its_ceiling(stage: Stage) -> None:
    """A level beyond the center's trust is capped (B13)."""
    stage.center.ceiling = RealNameLevel.MEDIUM
    done = await _enter(stage, arriving())
    assert done.session.level is RealNameLevel.MEDIUM


async def test_a_disabled_account_is_refused_through_the_center_too(stage: Stage) -> None:
    """Refused whole, not half signed in (B16)."""
    done = await _enter(stage, arriving())
    await disable_account(done.session.account_id, actor="system:test", visit=visit(), **stage.tools)
    arrived = await _arrive(stage, arriving())
    assert arrived.outcome == Refused("22009")


async def test_a_return_needs_the_state_of_this_browser_once(stage: Stage) -> None:
    """Missing, foreign, reused and other browsers' states are refused (F04, B09)."""
    stage.center.arriving = arriving()
    state = await _go(stage)
    elsewhere = visit("browser-of-somebody-else")
    lost = Arrived(Refused("22007"), {})
    for callback, here in (
        ({}, HERE),
        ({"state": ""}, HERE),
        ({"state": "x" * 5_000}, HERE),
        ({"state": state}, elsewhere),
    ):
        assert await finish_center_sign_in("province", callback, visit=here, **stage.tools) == lost
    arrivals = await asyncio.gather(
        *(finish_center_sign_in("province", {"state": state}, visit=HERE, **stage.tools) for _ in range(20))
    )
    assert sum(isinstance(arrived.outcome, ArrivalToConfirm) for arrived in arrivals) == 1
    assert await begin_center_sign_in("unknown", CALLBACK, visit=HERE, **stage.tools) == Refused("22017")
    other_center = await finish_center_sign_in("other", {"state": await _go(stage)}, visit=HERE, **stage.tools)
    assert other_center == lost


@pytest.mark.parametrize(
    ("failure", "code"),
    [(CenterUnavailable("x"), "22903"), (CenterRefused("x"), "22904"), (CenterMalformed("x"), "22905")],
)
async def test_failures_of_the_center_are_told_with_the_way_back(
    stage: Stage, failure: CenterUnavailable, code: str
) -> None:
    """The pending authorization is not lost when the center fails (V12)."""
    stage.center.failure = failure
    arrived = await _arrive(stage, arriving())
    assert arrived == Arrived(Refused(code), {"transaction": "t-1"})


async def test_many_confirmations_make_one_account(stack: Stack) -> None:
    """Parallel first arrivals of one person end in one account and one identity (N01, N08)."""
    async with open_stage(stack) as stage:
        flows = []
        for _ in range(12):
            arrived = await _arrive(stage, arriving())
            assert isinstance(arrived.outcome, ArrivalToConfirm)
            flows.append(arrived.outcome.flow_id)
        outcomes = await asyncio.gather(*(confirm_arrival(flow, visit=HERE, **stage.tools) for flow in flows))
        assert all(isinstance(outcome, SignedIn) for outcome in outcomes)
        accounts_seen = {outcome.session.account_id for outcome in outcomes if isinstance(outcome, SignedIn)}
        assert len(accounts_seen) == 1
        assert await stage.count(persons) == await stage.count(upstream_identities) == 1


async def test_one_subject_is_never_linked_to_two_accounts(stage: Stage) -> None:
    """Of two links in parallel one stands (N08, B05)."""
    await register(stage)
    identity = arriving(subject="u-li", number=LI, name="李晓禾", phone=None)
    outcomes = await asyncio.gather(*(arrive_from_center(identity, visit=HERE, **stage.tools) for _ in range(10)))
    assert all(isinstance(outcome, SignedIn) for outcome in outcomes)
    assert await stage.count(upstream_identities) == 1


async def test_a_phone_the_center_reported_opens_nothing_by_itself(stage: Stage) -> None:
    """It confirmed nothing here, so a code to it asks for the document number (B01, A21)."""
    done = await _enter(stage, arriving())
    sent = await send_sign_in_code("13800000001", visit=HERE, **stage.tools)
    assert isinstance(sent, CodeSent)
    code = stage.sms.latest_code("13800000001")[1]
    outcome = await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools)
    assert isinstance(outcome, IdentityCheckNeeded)
    assert done.session.account_id


async def test_a_reported_phone_takes_nothing_from_its_holder(stage: Stage) -> None:
    """Only a confirmed code moves a phone between accounts."""
    await register(stage)
    done = await _enter(stage, arriving(phone="13800000002"))
    facts = await PersonFactsLoader(stage.entrance.db, stage.entrance.sealer).load(done.session.person_id)
    assert facts is not None
    assert facts.phone is None
