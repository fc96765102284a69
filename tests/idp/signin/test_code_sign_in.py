"""Codes by text message: tries, reuse, reissued phones, limits of sending."""

import asyncio
import re
from datetime import timedelta

import pytest

from idp.signin.code_sign_in import (
    confirm_identity_for_phone,
    resend_sign_in_code,
    send_sign_in_code,
    sign_in_with_code,
)
from idp.signin.outcomes import CodeSent, IdentityCheckNeeded, Refused, SignedIn
from idp.signin.registration import confirm_phone, register_phone
from idp.signin.visits import Visit
from tests.idp.signin.acts import register
from tests.idp.stage import LI, START, ZHANG, Stage, open_stage, visit
from tests.servers import Stack

pytestmark = pytest.mark.anyio
PHONE = "13800000002"
HERE = visit("browser-of-li-123456789")


async def _send(stage: Stage, phone: str = PHONE, here: Visit = HERE) -> tuple[CodeSent, str]:
    sent = await send_sign_in_code(phone, visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    return sent, stage.sms.latest_code(phone)[1]


def _wrong(code: str, number: int = 1) -> str:
    return f"{(int(code) + number) % 1_000_000:06d}"


async def test_a_code_signs_in_and_is_shown_only_in_the_message(stage: Stage) -> None:
    """The page shows the prefix, the message prefix and code, nothing else either (A12)."""
    await register(stage)
    stage.later(minutes=2)
    sent, code = await _send(stage)
    assert sent.phone_masked == "138****0002"
    assert sent.expires_at - stage.now == timedelta(minutes=5)
    assert re.search(rf"{sent.prefix}-{code}", stage.sms.messages[-1][1])
    assert code not in repr(sent)
    typed = f"  {sent.prefix.lower()}-{code[:3]} {code[3:]} "
    done = await sign_in_with_code(sent.flow_id, typed, visit=HERE, **stage.tools)
    assert isinstance(done, SignedIn)
    assert done.session.amr == ("sms",)


async def test_asking_for_a_code_tells_nothing_about_accounts(stage: Stage) -> None:
    """Any phone gets a code; only its holder learns whether an account has it (A01)."""
    await register(stage)
    stage.later(minutes=2)
    known, _ = await _send(stage)
    unknown, code = await _send(stage, "13900000009")
    assert {type(known), type(unknown)} == {CodeSent}
    assert (known.resend_at, known.expires_at) == (unknown.resend_at, unknown.expires_at)
    refused = await sign_in_with_code(unknown.flow_id, code, visit=HERE, **stage.tools)
    assert refused == Refused("22015")


async def test_forty_nine_wrong_codes_and_a_right_one_evaluate_at_most_five(stage: Stage) -> None:
    """Tries are counted before they are compared, in SQL (N05, A09)."""
    await register(stage)
    stage.later(minutes=2)
    sent, code = await _send(stage)
    tries = [_wrong(code, number) for number in range(1, 50)]
    tries.insert(25, code)
    outcomes = await asyncio.gather(
        *(sign_in_with_code(sent.flow_id, text, visit=HERE, **stage.tools) for text in tries)
    )
    wrong = [outcome for outcome in outcomes if isinstance(outcome, Refused) and outcome.code == "22003"]
    right = [outcome for outcome in outcomes if isinstance(outcome, SignedIn)]
    assert len(wrong) + len(right) <= 5
    assert len(right) <= 1
    after = await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools)
    assert isinstance(after, Refused)


@pytest.mark.parametrize("round_number", range(3))
async def test_fifty_right_codes_at_once_sign_in_once(stage: Stage, round_number: int) -> None:
    """A code is spent by one conditional UPDATE (N05, A10)."""
    await register(stage)
    stage.later(minutes=2 + round_number)
    sent, code = await _send(stage)
    outcomes = await asyncio.gather(
        *(sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools) for _ in range(50))
    )
    assert sum(isinstance(outcome, SignedIn) for outcome in outcomes) == 1


async def test_wrong_and_expired_codes_are_told_apart(stage: Stage) -> None:
    """Tries left are shown; a code that is over asks for a new one (page A3)."""
    await register(stage)
    stage.later(minutes=2)
    sent, code = await _send(stage)
    for left in (4, 3, 2, 1, 0):
        outcome = await sign_in_with_code(sent.flow_id, _wrong(code), visit=HERE, **stage.tools)
        assert outcome == Refused("22003", tries_left=left, field="code")
    dead = await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools)
    assert dead == Refused("22004", tries_left=0, field="code")
    stage.later(minutes=11)
    sent, code = await _send(stage)
    stage.later(minutes=5)
    late = await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools)
    assert late == Refused("22004", tries_left=0, field="code")
    for odd in ("", "12345", "１２３４５６７", "abcdef", "\x00" * 6, "9" * 10_000):
        assert await sign_in_with_code(sent.flow_id, odd, visit=HERE, **stage.tools) == Refused("22003", field="code")


async def test_a_code_opens_no_other_flow_browser_purpose_or_phone(stage: Stage) -> None:
    """A code is bound to what it was sent for (A10, F08)."""
    await register(stage)
    stage.later(minutes=2)
    sent, code = await _send(stage)
    other_browser = visit("browser-of-somebody-else")
    other, _ = await _send(stage, "13900000009", other_browser)
    for outcome in (
        await sign_in_with_code(sent.flow_id, code, visit=other_browser, **stage.tools),
        await sign_in_with_code(other.flow_id, code, visit=HERE, **stage.tools),
        await confirm_phone(sent.flow_id, code, visit=HERE, **stage.tools),
    ):
        assert outcome == Refused("22007")
    stage.later(minutes=2)
    registering = await register_phone(PHONE, visit=HERE, **stage.tools)
    assert isinstance(registering, CodeSent)
    register_code = stage.sms.latest_code(PHONE)[1]
    crossed = await sign_in_with_code(sent.flow_id, register_code, visit=HERE, **stage.tools)
    assert isinstance(crossed, Refused) or register_code == code
    assert isinstance(await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools), SignedIn)


async def test_ten_tries_in_ten_minutes_over_all_codes_of_a_phone(stage: Stage) -> None:
    """New codes give no unlimited tries (A09)."""
    await register(stage)
    stage.later(minutes=2)
    tried: list[str] = []
    for _ in range(3):
        sent, code = await _send(stage)
        for number in range(1, 6):
            outcome = await sign_in_with_code(sent.flow_id, _wrong(code, number), visit=HERE, **stage.tools)
            assert isinstance(outcome, Refused)
            tried.append(outcome.code)
        stage.later(seconds=61)
    assert tried == ["22003"] * 10 + ["22002"] * 5


async def test_sends_to_one_phone_are_limited_by_minute_hour_and_day(stack: Stack) -> None:
    """60 s, five an hour, ten a day; kept in SQL (A13)."""
    async with open_stage(stack, sends_per_network=1_000) as stage:
        allowed = []
        for minute in range(60 * 24):
            outcome = await send_sign_in_code(PHONE, visit=HERE, **stage.tools) if minute % 7 == 0 else None
            if isinstance(outcome, CodeSent):
                allowed.append(minute)
            elif isinstance(outcome, Refused):
                assert outcome.code == "22005"
                assert outcome.retry_at is not None
                assert outcome.retry_at > stage.now
            if len(allowed) == 10:
                break
            stage.later(minutes=1)
        assert allowed[:5] == [0, 7, 14, 21, 28]
        assert allowed[5] >= 60
        assert len(allowed) == 10
        stage.now = START + timedelta(hours=23)
        assert isinstance(await send_sign_in_code(PHONE, visit=HERE, **stage.tools), Refused)
        stage.now = START + timedelta(hours=24, minutes=1)
        assert isinstance(await send_sign_in_code(PHONE, visit=HERE, **stage.tools), CodeSent)


async def test_parallel_sends_to_one_phone_send_one(stage: Stage) -> None:
    """The cooldown holds under a burst."""
    outcomes = await asyncio.gather(*(send_sign_in_code(PHONE, visit=HERE, **stage.tools) for _ in range(20)))
    assert sum(isinstance(outcome, CodeSent) for outcome in outcomes) == 1
    assert len(stage.sms.messages) == 1


@pytest.mark.parametrize(
    ("limits", "phones", "sent"),
    [
        ({"sends_per_network": 3}, [f"13{n}00000001" for n in range(3, 10)], 3),
        ({"sends_per_prefix": 4}, [f"1380000{n:04d}" for n in range(8)], 4),
        ({"sends_per_day_in_total": 5}, [f"13{n}00000001" for n in range(3, 10)], 5),
        ({"codes_enabled": False}, ["13800000001"], 0),
        ({"blocked_phone_prefixes": ("170", "171")}, ["17000000001", "17100000001", "13800000001"], 1),
    ],
    ids=["one network", "one prefix", "the budget", "the kill switch", "blocked prefixes"],
)
async def test_pumping_of_messages_is_limited(
    stack: Stack, limits: dict[str, object], phones: list[str], sent: int
) -> None:
    """Many numbers from one place, of one block or in total (A14)."""
    async with open_stage(stack, **limits) as stage:
        outcomes = [await send_sign_in_code(phone, visit=HERE, **stage.tools) for phone in phones]
        assert sum(isinstance(outcome, CodeSent) for outcome in outcomes) == sent
        assert len(stage.sms.messages) == sent


async def test_a_phone_silent_for_long_needs_the_document_number(stage: Stage) -> None:
    """Operators reissue numbers: the code alone does not open the old owner's account (A21)."""
    owner = await register(stage)
    stage.later(days=61)
    sent, code = await _send(stage)
    asked = await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools)
    assert asked == IdentityCheckNeeded(sent.flow_id)
    assert await resend_sign_in_code(sent.flow_id, visit=HERE, **stage.tools) == Refused("22007")
    for number in (ZHANG, "nonsense", ""):
        refused = await confirm_identity_for_phone(sent.flow_id, number, visit=HERE, **stage.tools)
        assert refused == Refused("22016", field="document_number")
    done = await confirm_identity_for_phone(sent.flow_id, LI.lower(), visit=HERE, **stage.tools)
    assert isinstance(done, SignedIn)
    assert done.session.account_id == owner.session.account_id
    stage.later(minutes=2)
    sent, code = await _send(stage)
    assert isinstance(await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools), SignedIn)


async def test_the_document_number_is_guessed_five_times_at_most(stage: Stage) -> None:
    """Whoever has a reissued number gets few tries at its old owner's identity (A22)."""
    await register(stage)
    stage.later(days=61)
    sent, code = await _send(stage)
    await sign_in_with_code(sent.flow_id, code, visit=HERE, **stage.tools)
    outcomes = await asyncio.gather(
        *(confirm_identity_for_phone(sent.flow_id, ZHANG, visit=HERE, **stage.tools) for _ in range(9))
    )
    codes = sorted(outcome.code for outcome in outcomes if isinstance(outcome, Refused))
    assert codes == ["22016"] * 5 + ["23002"] * 4
    held = await confirm_identity_for_phone(sent.flow_id, LI, visit=HERE, **stage.tools)
    assert isinstance(held, Refused)
    assert held.code == "23002"
