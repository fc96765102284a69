"""Registering: the state machine, races, and answers that do not tell who has an account."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation.problems import RenzhengError
from idp.people.accounts import find_account
from idp.people.facts import PersonFactsLoader
from idp.people.tables import accounts, persons
from idp.signin.code_sign_in import send_sign_in_code, sign_in_with_code
from idp.signin.outcomes import CodeSent, IdentityProven, Refused, SignedIn
from idp.signin.password_sign_in import sign_in_with_password
from idp.signin.registration import (
    confirm_phone,
    prove_identity,
    register_phone,
    resend_registration_code,
    set_password_and_open_account,
)
from idp.signin.sessions import SessionFinder
from idp.vocabulary import RealNameLevel, SignInStrength
from tests.idp.signin.acts import register, walk_to_password
from tests.idp.stage import LI, PASSWORD, ZHANG, Stage, open_stage, visit
from tests.servers import Stack

pytestmark = pytest.mark.anyio


async def test_registration_opens_an_account_at_medium_level_and_signs_in(stage: Stage) -> None:
    """Name and number with a confirmed phone make 中级 (design: real-name levels)."""
    done = await register(stage)
    assert done.account_made
    assert done.session.level is RealNameLevel.MEDIUM
    assert done.session.strength is SignInStrength.ONE_FACTOR
    found = await SessionFinder(stage.entrance.db, stage.entrance.limits).find(done.token, now=stage.now)
    assert found == done.session
    facts = await PersonFactsLoader(stage.entrance.db, stage.entrance.sealer).load(done.session.person_id)
    assert facts is not None
    assert (facts.name, facts.document_number, facts.phone) == ("李晓禾", LI, "13800000002")
    assert (facts.name_masked, facts.phone_masked) == ("李*禾", "138****0002")
    assert str(facts.birth_date) == "1909-09-09"
    again = await sign_in_with_password("LIXIAOHE ", PASSWORD, visit=visit(), **stage.tools)
    assert isinstance(again, SignedIn)


async def test_nothing_secret_or_personal_reaches_ledger_or_tables(stage: Stage) -> None:
    """Names, numbers, phones, codes and passwords stand nowhere in clear (A12, goals)."""
    await register(stage)
    code = stage.sms.latest_code("13800000002")[1]
    bodies = str(await stage.entries())
    async with stage.entrance.db.read() as connection:
        stored = ""
        for table in accounts.metadata.sorted_tables:
            stored += str((await connection.execute(table.select())).all())
    for secret in ("李晓禾", LI, LI[6:14], "13800000002", PASSWORD):
        assert secret not in bodies
        assert secret not in stored
    assert f"'{code}'" not in stored


async def test_steps_cannot_be_skipped_or_done_in_another_browser(stage: Stage) -> None:
    """The state machine lives on the server and is bound to the browser's cookie (A16, F08)."""
    here, elsewhere = visit("browser-of-li-123456789"), visit("browser-of-somebody-else")
    sent = await register_phone("13800000002", visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    digits = stage.sms.latest_code("13800000002")[1]
    outcomes = [
        await prove_identity(sent.flow_id, "李晓禾", LI, agreed=True, visit=here, **stage.tools),
        await set_password_and_open_account(sent.flow_id, PASSWORD, visit=here, **stage.tools),
        await confirm_phone(sent.flow_id, digits, visit=elsewhere, **stage.tools),
        await confirm_phone("f" * 43, digits, visit=here, **stage.tools),
        await confirm_phone("../../etc", digits, visit=here, **stage.tools),
    ]
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refused)] == ["22007"] * 5
    assert stage.register.asked == 0


async def test_details_that_disagree_and_a_person_with_an_account_get_the_same_answer(stage: Stage) -> None:
    """Registering says nothing about who has an account; the owner is told (A01)."""
    await register(stage)
    stage.later(minutes=2)
    wrong = await walk_to_password(
        stage, phone="13800000004", name="张三", number=ZHANG, browser="browser-of-a-4-1234567"
    )
    taken = await walk_to_password(
        stage, phone="13800000005", name="李晓禾", number=LI, browser="browser-of-a-5-1234567"
    )
    assert wrong == taken == Refused("23001")
    await stage.entrance.notices.settle()
    assert "registration-tried" in stage.sms.templates("13800000002")
    assert stage.register.asked == 3


async def test_a_hundred_parallel_registrations_of_one_number_make_one_account(stack: Stack) -> None:
    """The database decides who is one person (N01, A24)."""
    async with open_stage(stack, proofing_tries=1_000, sends_per_network=1_000, sends_per_prefix=1_000) as stage:
        flows = []
        for number in range(40):
            browser = f"browser-number-{number:06d}"
            proven = await walk_to_password(stage, phone=f"138111{number:05d}", browser=browser)
            assert isinstance(proven, IdentityProven)
            flows.append((browser, proven.flow_id))
        outcomes = await asyncio.gather(
            *(
                set_password_and_open_account(flow_id, PASSWORD, visit=visit(browser), **stage.tools)
                for browser, flow_id in flows
            )
        )
        winners = [outcome for outcome in outcomes if isinstance(outcome, SignedIn)]
        assert len(winners) == 1
        assert {o.code for o in outcomes if isinstance(o, Refused)} == {"23001"}
        assert await stage.count(persons) == await stage.count(accounts) == 1


async def test_a_reissued_phone_moves_to_its_new_owner_and_opens_nothing_old(stage: Stage) -> None:
    """The old owner loses the credential, not the account (A21)."""
    old = await register(stage)
    stage.later(days=100)
    new = await register(
        stage, phone="13800000002", name="张知明", number=ZHANG, user_name=None, browser="browser-of-new-owner"
    )
    assert new.session.account_id != old.session.account_id
    async with stage.entrance.db.read() as connection:
        before = await find_account(connection, old.session.account_id)
    assert before is not None
    assert before.phone_sealed is None
    facts = await PersonFactsLoader(stage.entrance.db, stage.entrance.sealer).load(old.session.person_id)
    assert facts is not None
    assert facts.level is RealNameLevel.BASIC
    stage.later(minutes=5)
    here = visit("browser-of-new-owner")
    sent = await send_sign_in_code("13800000002", visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    done = await sign_in_with_code(sent.flow_id, stage.sms.latest_code("13800000002")[1], visit=here, **stage.tools)
    assert isinstance(done, SignedIn)
    assert done.session.account_id == new.session.account_id


async def test_proofing_is_limited_per_person_and_per_network(stage: Stage) -> None:
    """Five checks in six hours, counted before the source is asked (A22)."""
    here = visit("browser-of-li-123456789")
    sent = await register_phone("13800000002", visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    await confirm_phone(sent.flow_id, stage.sms.latest_code("13800000002")[1], visit=here, **stage.tools)
    answers = await asyncio.gather(
        *(
            prove_identity(sent.flow_id, f"李{name}", LI, agreed=True, visit=here, **stage.tools)
            for name in "一二三四五六七八"
        )
    )
    codes = sorted(answer.code for answer in answers if isinstance(answer, Refused))
    assert codes == ["23001"] * 5 + ["23002"] * 3
    assert stage.register.asked == 5
    stage.later(minutes=10)
    other_phone = await walk_to_password(stage, phone="13800000009", browser="browser-nine-123456")
    assert isinstance(other_phone, Refused)
    assert other_phone.code == "23002"
    assert other_phone.retry_at is not None
    stage.later(hours=6)
    assert isinstance(await walk_to_password(stage, phone="13800000009", browser="browser-nine-123456"), IdentityProven)


async def test_faults_of_the_outside_are_answered_and_harm_nothing(stage: Stage) -> None:
    """A source that is down refuses the step, not the flow (V12)."""
    stage.sms.down = True
    assert await register_phone("13800000002", visit=visit(), **stage.tools) == Refused("22901")
    stage.sms.down = False
    stage.later(minutes=2)
    stage.register.down = True
    refused = await walk_to_password(stage)
    assert refused == Refused("23901")
    assert await stage.count(accounts) == 0
    failed = [entry for entry in await stage.entries() if entry["outcome"] == "failed"]
    assert [entry["code"] for entry in failed] == ["22901", "23901"]


async def test_malformed_fields_are_named(stage: Stage) -> None:
    """Each wrong field is refused by its own code, and full-width digits are no number (I13)."""
    bad_phone = await register_phone("12345", visit=visit(), **stage.tools)
    assert bad_phone == Refused("41006", field="phone")
    here = visit("browser-of-li-123456789")
    sent = await register_phone("+86 138-0000-0002", visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    await confirm_phone(sent.flow_id, stage.sms.latest_code("13800000002")[1], visit=here, **stage.tools)
    wrong_check = LI[:-1] + ("0" if LI[-1] != "0" else "1")
    full_width = LI.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for name, number, code, field in (
        ("李晓禾", wrong_check, "41002", "document_number"),
        ("李晓禾", full_width, "41001", "document_number"),
        ("李\u202e晓禾", LI, "41007", "name"),
    ):
        answer = await prove_identity(sent.flow_id, name, number, agreed=True, visit=here, **stage.tools)
        assert answer == Refused(code, field=field)
    not_agreed = await prove_identity(sent.flow_id, "李晓禾", LI, agreed=False, visit=here, **stage.tools)
    assert not_agreed == Refused("23016", field="agreed")
    assert stage.register.asked == 0


async def test_a_taken_user_name_and_a_weak_password_can_be_corrected(stage: Stage) -> None:
    """The last step may be repeated until it succeeds, and then never again."""
    await register(stage, user_name="Li-Xiaohe")
    stage.later(minutes=2)
    browser = "browser-of-zhang-1234567890"
    proven = await walk_to_password(
        stage, phone="13800000001", name="张知明", number=ZHANG, browser=browser, network="198.51.100.1"
    )
    assert isinstance(proven, IdentityProven)

    async def finish(password: str, user_name: str | None) -> SignedIn | Refused:
        return await set_password_and_open_account(
            proven.flow_id, password, user_name=user_name, visit=visit(browser), **stage.tools
        )

    assert await finish("12345678", None) == Refused("23012", field="password")
    assert await finish(f"my{ZHANG[6:14]}!x", None) == Refused("23013", field="password")
    assert await finish(PASSWORD, "ｌｉ-XIAOHE") == Refused("23015", field="user_name")
    assert await finish(PASSWORD, "аdmin") == Refused("23014", field="user_name")
    assert isinstance(await finish(PASSWORD, "zhang"), SignedIn)
    assert await finish(PASSWORD, "zhang") == Refused("22007")


async def test_an_earlier_code_stays_valid_and_every_code_works_once(stage: Stage) -> None:
    """Late messages are told apart by their prefix; success spends all of the flow (A10)."""
    here = visit("browser-of-li-123456789")
    first = await register_phone("13800000002", visit=here, **stage.tools)
    assert isinstance(first, CodeSent)
    early = stage.sms.latest_code("13800000002")
    assert await resend_registration_code(first.flow_id, visit=here, **stage.tools) == Refused(
        "22005", retry_at=first.resend_at
    )
    stage.later(seconds=60)
    second = await resend_registration_code(first.flow_id, visit=here, **stage.tools)
    assert isinstance(second, CodeSent)
    late = stage.sms.latest_code("13800000002")
    confirmed = await confirm_phone(first.flow_id, f"{early[0]}-{early[1]}", visit=here, **stage.tools)
    assert not isinstance(confirmed, Refused)
    assert await confirm_phone(first.flow_id, late[1], visit=here, **stage.tools) == Refused("22007")


async def test_a_check_that_cannot_be_put_on_record_opens_no_step(stage: Stage) -> None:
    """Without the entry of the identity check there is no way on to the password."""
    here = visit("browser-of-li-123456789")
    sent = await register_phone("13800000002", visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    await confirm_phone(sent.flow_id, stage.sms.latest_code("13800000002")[1], visit=here, **stage.tools)
    async with stage.entrance.db.transaction() as connection:
        await connection.execute(text("ALTER TABLE ledger_entries RENAME TO ledger_entries_away"))
    with pytest.raises((RenzhengError, DBAPIError)):
        await prove_identity(sent.flow_id, "李晓禾", LI, agreed=True, visit=here, **stage.tools)
    async with stage.entrance.db.transaction() as connection:
        await connection.execute(text("ALTER TABLE ledger_entries_away RENAME TO ledger_entries"))
    assert stage.register.asked == 1
    skipped = await set_password_and_open_account(sent.flow_id, PASSWORD, visit=here, **stage.tools)
    assert skipped == Refused("22007")
