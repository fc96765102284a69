"""Passwords: the pace of guessing, bursts in parallel, unknown names, known devices."""

import asyncio
import statistics
import time

import pytest
from sqlalchemy import select

from foundation.entropy import SystemEntropy
from foundation.problems import ServiceUnavailable
from idp.people.account_events import list_account_events
from idp.people.accounts import find_account
from idp.people.tables import accounts
from idp.signin.account_status import disable_account
from idp.signin.attempt_store import forget_quiet_counters
from idp.signin.code_sign_in import send_sign_in_code, sign_in_with_code
from idp.signin.errors import HashingBusy
from idp.signin.limits import SignInLimits
from idp.signin.outcomes import CodeSent, Refused, SecondFactorNeeded, SignedIn
from idp.signin.password_sign_in import sign_in_with_password
from idp.signin.passwords import PasswordHasher
from idp.signin.tables import attempt_counters
from tests.idp.signin.acts import enrol_officer, register
from tests.idp.stage import CHEAP_HASHING, LI, PASSWORD, Stage, open_stage, visit
from tests.servers import Stack

pytestmark = pytest.mark.anyio
ELSEWHERE = visit("browser-of-an-attacker-1", "198.51.100.66")


@pytest.mark.parametrize("login", ["lixiaohe", " LiXiaoHe", "ｌｉｘｉａｏｈｅ", "+86 138 0000 0002", "13800000002", LI])
async def test_every_spelling_of_a_login_name_finds_its_account(stage: Stage, login: str) -> None:
    """Case, width, spaces and +86 are folded."""
    await register(stage)
    assert isinstance(await sign_in_with_password(login, PASSWORD, visit=ELSEWHERE, **stage.tools), SignedIn)


async def test_a_burst_of_wrong_passwords_evaluates_five(stage: Stage) -> None:
    """Attempts are counted before they are evaluated, over all spellings and doors (A08)."""
    await register(stage)
    spellings = ["lixiaohe", "LIXIAOHE", "13800000002", "+8613800000002", LI]
    outcomes = await asyncio.gather(
        *(sign_in_with_password(spellings[i % 5], f"wrong-{i}", visit=ELSEWHERE, **stage.tools) for i in range(50))
    )
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]
    assert (codes.count("22001"), codes.count("22002")) == (5, 45)
    assert await sign_in_with_password("lixiaohe", PASSWORD, visit=ELSEWHERE, **stage.tools) == Refused(
        "22002", retry_at=stage.now.replace(minute=1)
    )
    entries = [entry for entry in await stage.entries() if entry["kind"] == "signin.password"]
    assert len(entries) == 51


async def test_known_and_unknown_names_walk_the_same_road(stage: Stage) -> None:
    """Codes, waits and counters are alike for names nobody has (A01, A02)."""
    await register(stage)
    stage.later(minutes=1)
    for round_number in range(12):
        known = await sign_in_with_password("lixiaohe", "wrong-pass", visit=ELSEWHERE, **stage.tools)
        unknown = await sign_in_with_password("nobody-here", "wrong-pass", visit=ELSEWHERE, **stage.tools)
        assert known == unknown, f"round {round_number}"
        stage.later(seconds=7)
    for odd in ("", " ", "\ud800", "x" * 100_000, "'; drop table accounts; --", "\x00"):
        assert await sign_in_with_password(odd, "wrong", visit=visit(), **stage.tools) == Refused("22001")


async def test_hashing_takes_the_same_time_for_unknown_accounts() -> None:
    """An unknown account is checked against a dummy hash (A30)."""
    hasher = PasswordHasher(SignInLimits(**CHEAP_HASHING), entropy=SystemEntropy())
    async with hasher.turn() as turn:
        stored = await turn.hash(PASSWORD)
        times: dict[str | None, list[float]] = {stored: [], None: []}
        for _ in range(40):
            for known, seen in times.items():
                begin = time.perf_counter()
                assert not await turn.verify("wrong", known)
                seen.append(time.perf_counter() - begin)
    hasher.close()
    with_account, without = (statistics.median(seen) for seen in times.values())
    assert abs(with_account - without) <= max(0.005, 0.2 * with_account)


async def test_many_right_passwords_at_once_never_fail_otherwise_than_by_waiting(stage: Stage) -> None:
    """Successes forget the counters while others are about to count: no request falls between (V11, N13)."""
    await register(stage)
    for _ in range(4):
        outcomes = await asyncio.gather(
            *(sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **stage.tools) for _ in range(12))
        )
        stage.later(minutes=2)
        assert any(isinstance(outcome, SignedIn) for outcome in outcomes)
        assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} <= {"22002"}


async def test_somebody_guessing_elsewhere_does_not_lock_the_owner_out(stage: Stage) -> None:
    """Another network and a known device have counters of their own (A06)."""
    owner = await register(stage)
    for _ in range(8):
        await sign_in_with_password("lixiaohe", "guess", visit=ELSEWHERE, **stage.tools)
    assert isinstance(await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **stage.tools), SignedIn)
    for _ in range(8):
        await sign_in_with_password("lixiaohe", "guess", visit=ELSEWHERE, **stage.tools)
    same_network = visit("browser-of-li-123456789", ELSEWHERE.network, device=owner.device)
    done = await sign_in_with_password("lixiaohe", PASSWORD, visit=same_network, **stage.tools)
    assert isinstance(done, SignedIn)
    assert not done.new_device


async def test_guessing_from_everywhere_stops_the_password_until_another_way_succeeds(stack: Stack) -> None:
    """At most a hundred consecutive failures of one account (NIST SP 800-63B-4 §3.2.2); a code opens it again."""
    async with open_stage(stack, password_hard_stop=12) as stage:
        owner = await register(stage)
        stage.later(minutes=2)
        for number in range(12):
            there = visit("browser-of-an-attacker-1", f"198.51.100.{number}")
            assert await sign_in_with_password("lixiaohe", "guess", visit=there, **stage.tools) == Refused("22001")
        fresh = visit("browser-of-li-123456789", "192.0.2.1")
        assert await sign_in_with_password("lixiaohe", PASSWORD, visit=fresh, **stage.tools) == Refused("22014")
        known = visit("browser-of-li-123456789", "192.0.2.1", device=owner.device)
        sent = await send_sign_in_code("13800000002", visit=known, **stage.tools)
        assert isinstance(sent, CodeSent)
        code = stage.sms.latest_code("13800000002")[1]
        assert isinstance(await sign_in_with_code(sent.flow_id, code, visit=known, **stage.tools), SignedIn)
        assert isinstance(await sign_in_with_password("lixiaohe", PASSWORD, visit=fresh, **stage.tools), SignedIn)


async def test_counters_survive_the_loss_of_the_expiring_store(stage: Stage) -> None:
    """What throttles passwords is in SQL (V08)."""
    await register(stage)
    for _ in range(5):
        await sign_in_with_password("lixiaohe", "guess", visit=ELSEWHERE, **stage.tools)
    async with open_stage(_without_redis(stage)) as restarted:
        restarted.now = stage.now
        held = await sign_in_with_password("lixiaohe", PASSWORD, visit=ELSEWHERE, **restarted.tools)
    assert isinstance(held, Refused)
    assert held.code == "22002"


async def test_attempts_of_one_network_are_limited(stack: Stack) -> None:
    """Spraying one password over many names runs into the network's window (A04)."""
    async with open_stage(stack, network_attempts=10) as stage:
        outcomes = [
            await sign_in_with_password(f"somebody-{number}", PASSWORD, visit=ELSEWHERE, **stage.tools)
            for number in range(12)
        ]
        codes = [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]
        assert codes == ["22001"] * 10 + ["22010"] * 2


async def test_too_many_waiting_checks_are_turned_away_before_they_count() -> None:
    """A flood ends in 503 at once, with the queue bounded."""
    hasher = PasswordHasher(SignInLimits(**CHEAP_HASHING, hashing_threads=1, hashing_queue=2), entropy=SystemEntropy())

    async def check() -> bool:
        async with hasher.turn() as turn:
            return await turn.verify("wrong", None)

    results = await asyncio.gather(*(check() for _ in range(10)), return_exceptions=True)
    hasher.close()
    assert results.count(False) == 3
    assert sum(isinstance(result, HashingBusy) for result in results) == 7
    assert issubclass(HashingBusy, ServiceUnavailable)


async def test_a_hash_with_old_parameters_is_renewed_at_sign_in(stack: Stack) -> None:
    """Raising the cost reaches every account at its next sign-in."""
    async with open_stage(stack) as before:
        owner = await register(before)
    async with open_stage(stack, argon2_iterations=2) as after:
        after.now = before.later(hours=1)
        assert isinstance(await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **after.tools), SignedIn)
        async with after.entrance.db.read() as connection:
            account = await find_account(connection, owner.session.account_id)
        assert account is not None
        assert account.password_hash is not None
        assert "t=2" in account.password_hash
        assert isinstance(await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **after.tools), SignedIn)


async def test_an_account_that_is_disabled_answers_only_to_its_right_password(stage: Stage) -> None:
    """The state of an account is told to its owner alone."""
    owner = await register(stage)
    await disable_account(owner.session.account_id, actor="system:test", visit=visit(), **stage.tools)
    assert await sign_in_with_password("lixiaohe", "wrong", visit=visit(), **stage.tools) == Refused("22001")
    assert await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **stage.tools) == Refused("22009")


async def test_staff_need_a_post_and_a_second_factor(stage: Stage) -> None:
    """A citizen finds no way in through the staff door; an officer is asked for the one-time password."""
    await register(stage)
    citizen = await sign_in_with_password("lixiaohe", PASSWORD, kind="staff", visit=visit(), **stage.tools)
    assert citizen == Refused("22011")
    await enrol_officer(stage)
    officer = await sign_in_with_password("wangshouzheng", PASSWORD, kind="staff", visit=visit(), **stage.tools)
    assert isinstance(officer, SecondFactorNeeded)


async def test_the_owner_reads_what_happened_and_is_told_of_a_new_device(stage: Stage) -> None:
    """Failures and sign-ins stand in the account's events, with device and coarse network (A29)."""
    owner = await register(stage)
    stage.later(minutes=1)
    await sign_in_with_password("lixiaohe", "wrong", visit=ELSEWHERE, **stage.tools)
    stage.later(minutes=1)
    await sign_in_with_password("lixiaohe", PASSWORD, visit=ELSEWHERE, **stage.tools)
    events = await list_account_events(owner.session.account_id, db=stage.entrance.db)
    assert [(event.kind, event.outcome, event.code) for event in events[:2]] == [
        ("signin.completed", "done", None),
        ("signin.password", "refused", "22001"),
    ]
    assert {event.kind for event in events[2:]} == {"account.opened", "signin.completed"}
    assert events[1].details["device"] == "Windows · Chrome"
    assert events[1].details["network"] == "198.51.100.0/24"
    await stage.entrance.notices.settle()
    assert stage.sms.templates("13800000002")[-1] == "new-device"


async def test_quiet_counters_are_forgotten_but_a_stopped_password_is_not(stage: Stage) -> None:
    """Housekeeping gives nobody new tries."""
    await register(stage)
    await sign_in_with_password("lixiaohe", "wrong", visit=ELSEWHERE, **stage.tools)
    assert await forget_quiet_counters(stage.entrance.db, now=stage.now) == 0
    stage.later(days=31)
    assert await forget_quiet_counters(stage.entrance.db, now=stage.now) > 0
    async with stage.entrance.db.read() as connection:
        left = (await connection.execute(select(attempt_counters.c.scope))).scalars().all()
    assert set(left) == {"password.account"}
    assert await stage.count(accounts) == 1


def _without_redis(stage: Stage) -> Stack:
    url = stage.entrance.db.engine.url.render_as_string(hide_password=False)
    return Stack("restarted", url, None)
