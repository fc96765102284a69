"""Sessions: limits, endings, tokens, listing, and no rising from the dead."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from foundation.changes import Change
from idp.people.account_events import list_account_events
from idp.people.facts import PersonFactsLoader
from idp.signin.account_status import close_account, disable_account, enable_account
from idp.signin.code_sign_in import send_sign_in_code, sign_in_with_code
from idp.signin.outcomes import CodeSent, Refused, SignedIn
from idp.signin.password_change import (
    change_password,
    confirm_recovery_code,
    recover_password,
    send_recovery_code,
)
from idp.signin.password_sign_in import sign_in_with_password
from idp.signin.session_endings import end_all_other_sessions, end_other_session, end_own_session
from idp.signin.sessions import SessionFinder, is_freshly_authenticated, list_sessions
from tests.idp.signin.acts import register
from tests.idp.stage import LI, PASSWORD, ZHANG, Stage, visit

pytestmark = pytest.mark.anyio
NEW_PASSWORD = "明月松间照 清泉石上流"


def _finder(stage: Stage) -> SessionFinder:
    return SessionFinder(stage.entrance.db, stage.entrance.limits)


def _revocations(stage: Stage) -> list[str]:
    heard: list[str] = []

    def hear(change: Change) -> None:
        heard.append(change.key)

    stage.entrance.feed.subscribe("revoked", hear)
    return heard


async def _sign_in(stage: Stage, browser: str = "browser-of-li-second-one", **given: Any) -> SignedIn:
    done = await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(browser, **given), **stage.tools)
    assert isinstance(done, SignedIn)
    return done


async def test_a_session_ends_after_fifteen_idle_minutes(stage: Stage) -> None:
    """Use moves the idle limit, written once a minute at most."""
    done = await register(stage)
    finder = _finder(stage)
    for _ in range(5):
        assert await finder.find(done.token, now=stage.later(minutes=14)) is not None
    assert await finder.find(done.token, now=stage.later(minutes=15)) is None
    assert await finder.find(done.token, now=stage.now) is None


async def test_a_session_ends_after_twelve_hours_of_use(stage: Stage) -> None:
    """The absolute limit does not move."""
    done = await register(stage)
    finder, minutes = _finder(stage), 0
    while await finder.find(done.token, now=stage.later(minutes=10)) is not None:
        minutes += 10
    assert minutes == 12 * 60 - 10


@pytest.mark.parametrize(
    "token", [None, "", "x", "a" * 42, "a" * 44, "a" * 43, "é" * 43, "a" * 100_000, "' or 1=1 --" + "a" * 32]
)
async def test_odd_cookies_are_nobody(stage: Stage, token: str | None) -> None:
    """Malformed, oversized and unknown cookies mean anonymous, never an error (F21)."""
    await register(stage)
    assert await _finder(stage).find(token, now=stage.now) is None


async def test_concurrent_requests_share_round_trips_and_never_sessions(stage: Stage) -> None:
    """Two hundred requests of two people read in few statements, and each gets their own (N13)."""
    one = await register(stage)
    stage.later(minutes=2)
    two = await register(
        stage, phone="13800000001", name="张知明", number=ZHANG, user_name=None, browser="browser-of-zhang-12"
    )
    finder, statements = _finder(stage), []
    engine = stage.entrance.db.engine.sync_engine
    listener = lambda *args: statements.append(args[2])  # noqa: E731 — a named function would say no more
    event.listen(engine, "before_cursor_execute", listener)
    found = await asyncio.gather(*(finder.find((one, two)[n % 2].token, now=stage.now) for n in range(200)))
    event.remove(engine, "before_cursor_execute", listener)
    assert len([text for text in statements if "FROM sessions" in text]) <= 2
    assert all(
        session is not None and session.session_id == (one, two)[n % 2].session.session_id
        for n, session in enumerate(found)
    )


async def test_signing_in_again_replaces_the_token_and_keeps_the_session(stage: Stage) -> None:
    """A token from before sign-in is dead after it; apps of the same person stay signed in (F07, F11)."""
    first = await register(stage)
    stage.later(seconds=90)
    second = await _sign_in(stage, session_token=first.token)
    assert second.session.session_id == first.session.session_id
    assert second.session.auth_time == stage.now
    assert second.token != first.token
    assert await _finder(stage).find(first.token, now=stage.now) is None
    assert stage.ended == []


async def test_somebody_else_signing_in_ends_the_session_before(stage: Stage) -> None:
    """Two people at one browser share no session id (F09)."""
    first = await register(stage)
    stage.later(minutes=2)
    heard = _revocations(stage)
    browser = "browser-of-both-people-1"
    second = await register(
        stage, phone="13800000001", name="张知明", number=ZHANG, user_name="zhang", browser="browser-of-zhang-12"
    )
    third = await sign_in_with_password(
        "zhang", PASSWORD, visit=visit(browser, session_token=first.token), **stage.tools
    )
    assert isinstance(third, SignedIn)
    assert third.session.session_id not in (first.session.session_id, second.session.session_id)
    assert [ended.session_id for ended in stage.ended] == [first.session.session_id]
    assert heard == [f"session:{first.session.session_id}"]
    assert await _finder(stage).find(first.token, now=stage.now) is None


async def test_an_idle_session_is_not_revived_by_signing_in(stage: Stage) -> None:
    """What is over is over: a new session id, and the old one ended with its apps told."""
    first = await register(stage)
    stage.later(minutes=16)
    second = await _sign_in(stage, session_token=first.token)
    assert second.session.session_id != first.session.session_id
    assert [ended.session_id for ended in stage.ended] == [first.session.session_id]


async def test_sessions_are_listed_and_ended_one_by_one_or_all(stage: Stage) -> None:
    """Devices of the account with their labels; ending one tells its apps in the same transaction (A16)."""
    here = await register(stage)
    others = [await _sign_in(stage, f"browser-of-li-number-{n}") for n in range(3)]
    limits, db = stage.entrance.limits, stage.entrance.db
    listed = await list_sessions(here.session.account_id, db=db, limits=limits, now=stage.now)
    assert len(listed) == 4
    assert {session.user_agent_label for session in listed} == {"Windows · Chrome"}
    assert {session.network for session in listed} == {"203.0.113.0/24"}
    heard = _revocations(stage)
    gone = others[0].session.session_id
    assert len(await end_other_session(here.session, gone, visit=visit(), **stage.tools)) == 1
    assert await end_other_session(here.session, gone, visit=visit(), **stage.tools) == ()
    assert heard == [f"session:{gone}"]
    assert await _finder(stage).find(others[0].token, now=stage.now) is None
    assert len(await end_all_other_sessions(here.session, visit=visit(), **stage.tools)) == 2
    listed = await list_sessions(here.session.account_id, db=db, limits=limits, now=stage.now)
    assert [session.session_id for session in listed] == [here.session.session_id]
    await end_own_session(here.session, visit=visit(), **stage.tools)
    assert await _finder(stage).find(here.token, now=stage.now) is None
    assert len(stage.ended) == 4


async def test_nobody_ends_sessions_of_another_account(stage: Stage) -> None:
    """Naming a foreign, unknown or odd session id changes nothing (E01)."""
    mine = await register(stage)
    stage.later(minutes=2)
    theirs = await register(
        stage, phone="13800000001", name="张知明", number=ZHANG, user_name=None, browser="browser-of-zhang-12"
    )
    for session_id in (theirs.session.session_id, "0" * 32, "", "\x00", "x" * 10_000):
        assert await end_other_session(mine.session, session_id, visit=visit(), **stage.tools) == ()
    assert await _finder(stage).find(theirs.token, now=stage.now) is not None


async def test_requests_in_parallel_with_sign_out_revive_nothing(stage: Stage) -> None:
    """Writing the last use never brings an ended session back (N12)."""
    done = await register(stage)
    finder = _finder(stage)
    stage.later(minutes=2)
    finds = [finder.find(done.token, now=stage.now) for _ in range(40)]
    await asyncio.gather(*finds[:20], end_own_session(done.session, visit=visit(), **stage.tools), *finds[20:])
    assert await finder.find(done.token, now=stage.now) is None
    again = await _sign_in(stage, session_token=done.token)
    assert again.session.session_id != done.session.session_id


async def test_disabling_ends_everything_at_once_and_enabling_revives_nothing(stage: Stage) -> None:
    """A disabled account has no session, also on a worker that heard nothing (Lifecycle × SSO cookie)."""
    done = await register(stage)
    heard = _revocations(stage)
    account_id = done.session.account_id
    assert await disable_account(account_id, actor="officer:1", visit=visit(), **stage.tools)
    assert await _finder(stage).find(done.token, now=stage.now) is None
    assert heard == [f"session:{done.session.session_id}", f"person:{done.session.person_id}"]
    assert not await disable_account(account_id, actor="officer:1", visit=visit(), **stage.tools)
    assert await enable_account(account_id, actor="officer:1", visit=visit(), **stage.tools)
    assert await _finder(stage).find(done.token, now=stage.now) is None
    await _sign_in(stage)


async def test_a_closed_account_keeps_its_person_and_nothing_else(stage: Stage) -> None:
    """Only the blind index stays; registering again gives the same person (design: closing)."""
    done = await register(stage)
    account_id, person_id = done.session.account_id, done.session.person_id
    assert await close_account(account_id, actor=f"person:{person_id}", visit=visit(), **stage.tools)
    facts = PersonFactsLoader(stage.entrance.db, stage.entrance.sealer)
    assert await facts.load(person_id) is None
    assert await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **stage.tools) == Refused("22001")
    assert not await enable_account(account_id, actor="officer:1", visit=visit(), **stage.tools)
    stage.later(hours=1)
    again = await register(stage)
    assert again.session.person_id == person_id
    assert (await facts.load(person_id)) is not None


async def test_changing_the_password_ends_every_session_and_tells_the_owner(stage: Stage) -> None:
    """The browser that changed it gets a new session; whoever knew the old one is out (A17, A20)."""
    here = await register(stage)
    other = await _sign_in(stage)
    wrong = await change_password(here.session, "wrong-one", NEW_PASSWORD, visit=visit(), **stage.tools)
    assert wrong == Refused("22001", field="current_password")
    weak = await change_password(here.session, PASSWORD, "12345678", visit=visit(), **stage.tools)
    assert weak == Refused("23012", field="new_password")
    changed = await change_password(
        here.session, PASSWORD, NEW_PASSWORD, visit=visit(session_token=here.token), **stage.tools
    )
    assert isinstance(changed, SignedIn)
    finder = _finder(stage)
    assert await finder.find(here.token, now=stage.now) is None
    assert await finder.find(other.token, now=stage.now) is None
    assert await finder.find(changed.token, now=stage.now) == changed.session
    assert len(stage.ended) == 2
    assert await sign_in_with_password("lixiaohe", PASSWORD, visit=visit(), **stage.tools) == Refused("22001")
    await stage.entrance.notices.settle()
    assert "password-changed" in stage.sms.templates("13800000002")
    events = await list_account_events(here.session.account_id, db=stage.entrance.db)
    assert "account.password_changed" in {event.kind for event in events}


async def test_recovery_takes_phone_and_document_number(stage: Stage) -> None:
    """Each step needs the one before; a phone without account answers like a wrong number (A01, A16, A17)."""
    owner = await register(stage)
    stage.later(minutes=2)
    here = visit("browser-of-li-123456789")
    flow_id = ""
    for phone, number in (("13900000009", LI), ("13800000002", ZHANG)):
        sent = await send_recovery_code(phone, visit=here, **stage.tools)
        assert isinstance(sent, CodeSent)
        flow_id = sent.flow_id
        skipped = await recover_password(flow_id, LI, NEW_PASSWORD, visit=here, **stage.tools)
        assert skipped == Refused("22007")
        await confirm_recovery_code(flow_id, stage.sms.latest_code(phone)[1], visit=here, **stage.tools)
        refused = await recover_password(flow_id, number, NEW_PASSWORD, visit=here, **stage.tools)
        assert refused == Refused("22019", field="document_number")
    done = await recover_password(flow_id, LI, NEW_PASSWORD, visit=here, **stage.tools)
    assert isinstance(done, SignedIn)
    assert [ended.session_id for ended in stage.ended] == [owner.session.session_id]
    replayed = await recover_password(flow_id, LI, PASSWORD, visit=here, **stage.tools)
    assert replayed == Refused("22007")
    signed_in = await sign_in_with_password("lixiaohe", NEW_PASSWORD, visit=here, **stage.tools)
    assert isinstance(signed_in, SignedIn)


async def test_freshness_lasts_two_minutes(stage: Stage) -> None:
    """Sensitive actions need a sign-in made just before (A20)."""
    done = await register(stage)
    limits = stage.entrance.limits
    assert is_freshly_authenticated(done.session, limits, now=stage.now + timedelta(seconds=120))
    assert not is_freshly_authenticated(done.session, limits, now=stage.now + timedelta(seconds=121))


async def test_every_outcome_is_one_entry_of_the_ledger(stage: Stage) -> None:
    """A sign-in by code writes sent, tried and completed; a refusal exactly one."""
    await register(stage)
    stage.later(minutes=2)
    before = len(await stage.codes())
    here = visit("browser-of-li-123456789")
    sent = await send_sign_in_code("13800000002", visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    code = stage.sms.latest_code("13800000002")[1]
    await sign_in_with_code(sent.flow_id, "000000" if code != "000000" else "111111", visit=here, **stage.tools)
    await sign_in_with_code(sent.flow_id, code, visit=here, **stage.tools)
    assert (await stage.codes())[before:] == [
        ("code.sent.sign_in", None),
        ("code.tried.sign_in", "22003"),
        ("code.tried.sign_in", None),
        ("signin.completed", None),
    ]
