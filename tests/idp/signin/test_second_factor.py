"""One-time passwords: once per step, counted tries, staff sessions, step-up, enrolment."""

import asyncio

import pytest

from idp.signin.enrolment import end_officer
from idp.signin.outcomes import Refused, SecondFactorNeeded, SignedIn
from idp.signin.password_change import change_password
from idp.signin.password_sign_in import sign_in_with_password
from idp.signin.second_factor import begin_step_up, confirm_totp, enrol_totp
from idp.signin.sessions import SessionFinder
from idp.signin.totp import TotpEnrolment
from idp.vocabulary import SignInStrength
from tests.idp.signin.acts import SECRET, enrol_officer, one_time_password, register
from tests.idp.stage import PASSWORD, Stage, visit

pytestmark = pytest.mark.anyio
HERE = visit("browser-of-wang-1234567")


async def _ask(stage: Stage) -> str:
    needed = await sign_in_with_password("wangshouzheng", PASSWORD, kind="staff", visit=HERE, **stage.tools)
    assert isinstance(needed, SecondFactorNeeded)
    return needed.flow_id


async def test_an_officer_signs_in_with_two_factors_into_a_staff_session(stage: Stage) -> None:
    """Staff sign-in always has two factors; the session carries post and department."""
    _, officer = await enrol_officer(stage)
    done = await confirm_totp(await _ask(stage), one_time_password(stage.now), visit=HERE, **stage.tools)
    assert isinstance(done, SignedIn)
    session = done.session
    assert (session.kind, session.officer_id, session.department_id) == (
        "staff",
        officer.officer_id,
        officer.department_id,
    )
    assert session.amr == ("pwd", "otp", "mfa")
    assert session.strength is SignInStrength.TWO_FACTOR
    assert session.acr == "urn:renzheng:acr:l3:f2"
    assert (session.expires_at - stage.now).total_seconds() == 8 * 3600


async def test_a_step_is_accepted_once_by_any_of_fifty(stage: Stage) -> None:
    """RFC 6238 §5.2: the verifier accepts no second use, decided in SQL."""
    await enrol_officer(stage)
    flows = [await _ask(stage) for _ in range(4)]
    code = one_time_password(stage.now)
    outcomes = await asyncio.gather(*(confirm_totp(flows[n % 4], code, visit=HERE, **stage.tools) for n in range(8)))
    assert sum(isinstance(outcome, SignedIn) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} <= {"22008", "22007"}


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_clocks_may_differ_by_one_step(stage: Stage, steps: int, accepted: bool) -> None:
    """One step either side and no more."""
    await enrol_officer(stage)
    flow = await _ask(stage)
    outcome = await confirm_totp(flow, one_time_password(stage.now, steps=steps), visit=HERE, **stage.tools)
    assert isinstance(outcome, SignedIn) is accepted


async def test_an_earlier_step_is_not_accepted_after_a_later_one(stage: Stage) -> None:
    """Steps only move forward."""
    await enrol_officer(stage)
    first = await confirm_totp(await _ask(stage), one_time_password(stage.now, steps=1), visit=HERE, **stage.tools)
    assert isinstance(first, SignedIn)
    second = await confirm_totp(await _ask(stage), one_time_password(stage.now), visit=HERE, **stage.tools)
    assert second == Refused("22008", field="code")


async def test_guessing_is_held_after_ten_tries(stage: Stage) -> None:
    """Ten tries in ten minutes per account, over all flows; malformed input counts too."""
    await enrol_officer(stage)
    flow = await _ask(stage)
    codes = []
    for text in ["000000", "abc", "", "１２３４５", "9" * 5_000] * 2 + ["111111"] * 2:
        outcome = await confirm_totp(flow, text, visit=HERE, **stage.tools)
        assert isinstance(outcome, Refused)
        codes.append(outcome.code)
    assert codes == ["22008"] * 10 + ["22002"] * 2
    stage.later(minutes=10)
    again = await confirm_totp(flow, one_time_password(stage.now), visit=HERE, **stage.tools)
    assert isinstance(again, (SignedIn, Refused))


async def test_the_second_step_belongs_to_the_browser_of_the_first(stage: Stage) -> None:
    """A flow id seen elsewhere opens nothing (F08)."""
    await enrol_officer(stage)
    flow = await _ask(stage)
    elsewhere = visit("browser-of-somebody-else")
    code = one_time_password(stage.now)
    assert await confirm_totp(flow, code, visit=elsewhere, **stage.tools) == Refused("22007")


async def test_leaving_a_post_ends_its_sessions_and_the_way_in(stage: Stage) -> None:
    """Sessions and tokens end in the transaction of the leaving (G08)."""
    _, officer = await enrol_officer(stage)
    waiting = await _ask(stage)
    done = await confirm_totp(await _ask(stage), one_time_password(stage.now), visit=HERE, **stage.tools)
    assert isinstance(done, SignedIn)
    finder = SessionFinder(stage.entrance.db, stage.entrance.limits)
    assert await finder.find(done.token, now=stage.now) is not None
    assert await end_officer(officer.officer_id, actor="system:test", visit=visit(), **stage.tools)
    assert await finder.find(done.token, now=stage.now) is None
    assert [ended.session_id for ended in stage.ended] == [done.session.session_id]
    stage.later(seconds=30)
    late = await confirm_totp(waiting, one_time_password(stage.now), visit=HERE, **stage.tools)
    assert late == Refused("22009")
    staff = await sign_in_with_password("wangshouzheng", PASSWORD, kind="staff", visit=HERE, **stage.tools)
    assert staff == Refused("22011")
    assert not await end_officer(officer.officer_id, actor="system:test", visit=visit(), **stage.tools)


async def test_a_citizen_enrols_and_steps_up_in_the_same_session(stage: Stage) -> None:
    """Stepping up keeps the sid and changes the token; from then on the second factor is asked always (F07, F15)."""
    done = await register(stage)
    here = visit("browser-of-li-123456789", session_token=done.token)
    enrolment = await enrol_totp(
        done.session.account_id, session=done.session, secret=SECRET, visit=here, **stage.tools
    )
    assert isinstance(enrolment, TotpEnrolment)
    assert enrolment.uri.startswith("otpauth://totp/")
    needed = await begin_step_up(done.session, visit=here, **stage.tools)
    assert isinstance(needed, SecondFactorNeeded)
    stepped = await confirm_totp(needed.flow_id, one_time_password(stage.now), visit=here, **stage.tools)
    assert isinstance(stepped, SignedIn)
    assert stepped.session.session_id == done.session.session_id
    assert stepped.session.amr == ("sms", "otp", "mfa")
    finder = SessionFinder(stage.entrance.db, stage.entrance.limits)
    assert await finder.find(done.token, now=stage.now) is None
    assert await finder.find(stepped.token, now=stage.now) == stepped.session
    stage.later(minutes=1)
    needed_now = await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **stage.tools)
    assert isinstance(needed_now, SecondFactorNeeded)


async def test_a_second_factor_is_replaced_only_by_who_has_just_shown_it(stage: Stage) -> None:
    """Neither an old sign-in nor one factor alone replaces the other (A20, F15)."""
    done = await register(stage)
    account_id = done.session.account_id
    await enrol_totp(account_id, session=done.session, secret=SECRET, visit=visit(), **stage.tools)
    again = await enrol_totp(account_id, session=done.session, visit=visit(), **stage.tools)
    assert again == Refused("22013")
    stage.later(minutes=3)
    assert await begin_step_up(done.session, visit=visit(), **stage.tools) == Refused("22013")


async def test_changing_the_password_claims_the_password_alone_and_asks_the_second_factor(stage: Stage) -> None:
    """What the old session had shown is not shown again by knowing the password (F07, A20)."""
    done = await register(stage)
    here = visit("browser-of-li-123456789", session_token=done.token)
    renewed = "Nine-Quiet-Lanterns-By-The-Lake"
    alone = await change_password(done.session, PASSWORD, renewed, visit=here, **stage.tools)
    assert isinstance(alone, SignedIn)
    assert (alone.session.amr, alone.session.strength) == (("pwd",), SignInStrength.ONE_FACTOR)
    here = visit("browser-of-li-123456789", session_token=alone.token)
    await enrol_totp(alone.session.account_id, session=alone.session, secret=SECRET, visit=here, **stage.tools)
    needed = await begin_step_up(alone.session, visit=here, **stage.tools)
    assert isinstance(needed, SecondFactorNeeded)
    stepped = await confirm_totp(needed.flow_id, one_time_password(stage.now), visit=here, **stage.tools)
    assert isinstance(stepped, SignedIn)
    stage.later(minutes=1)
    here = visit("browser-of-li-123456789", session_token=stepped.token)
    changed = await change_password(stepped.session, renewed, PASSWORD, visit=here, **stage.tools)
    assert isinstance(changed, SecondFactorNeeded)
    finder = SessionFinder(stage.entrance.db, stage.entrance.limits)
    assert await finder.find(stepped.token, now=stage.now) is None
    both = await confirm_totp(changed.flow_id, one_time_password(stage.now), visit=here, **stage.tools)
    assert isinstance(both, SignedIn)
    assert both.session.amr == ("pwd", "otp", "mfa")
