"""Changing and recovering a password: either way every session ends, and the owner is told.

Recovery needs the phone and the document number; a second factor that is enrolled is still asked afterwards and never dropped.
"""

from datetime import datetime, timedelta

from idp.people.accounts import PHONE_CONTEXT, Account, find_account, find_account_by_login, set_password_hash
from idp.people.errors import UnknownRecord
from idp.people.persons import DOCUMENT_CONTEXT, load_document_sealed
from idp.people.user_names import LoginName
from idp.signin.attempt_store import reserve_attempts, within
from idp.signin.beijing import beijing_moment
from idp.signin.completion import Shown, go_on
from idp.signin.entrance import Entrance
from idp.signin.errors import FLOW_LOST, RECOVERY_REFUSED, TOO_MANY_ATTEMPTS
from idp.signin.outcomes import PhoneConfirmed, Refused, SecondFactorNeeded, SignedIn
from idp.signin.ownership import check_document_number
from idp.signin.password_policy import judge_password, personal_words_of
from idp.signin.password_sign_in import check_current_password, password_counters
from idp.signin.phone_step import PhoneStep
from idp.signin.records import entry_of, refuse, write_account_event
from idp.signin.session_endings import end_sessions_of_account
from idp.signin.sessions import Session
from idp.signin.throttling import Held, Window
from idp.signin.visits import Visit

CHANGED = "account.password_changed"
RECOVERY = "account.recovery"
FLOW = "recovery"
_PHONE_STEP = PhoneStep(FLOW, RECOVERY, "recover")
send_recovery_code, resend_recovery_code = _PHONE_STEP.begin, _PHONE_STEP.resend


async def change_password(
    session: Session, current: str, new: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | Refused:
    """Replace the password of somebody signed in who knows the old one, and sign this browser in anew.

    The new session claims what was shown now, the password alone; an enrolled second factor is asked before there is a session.
    """
    async with entrance.db.read() as connection:
        account = await find_account(connection, session.account_id)
    if account is None:
        raise UnknownRecord("account")
    if refused := await _judge(account, new, CHANGED, visit, entrance, now):
        return refused
    async with entrance.hasher.turn() as turn:
        if refused := await check_current_password(
            account, current, turn=turn, visit=visit, entrance=entrance, now=now
        ):
            return refused
        password_hash = await turn.hash(new)
    await _replace(account, password_hash, visit, entrance, now)
    officer = await entrance.directory.find_officer(session.officer_id) if session.officer_id else None
    shown = Shown(
        account=account,
        amr=("pwd",),
        kind=session.kind,
        officer=officer,
        clears=password_counters(account.account_id, entrance),
    )
    return await go_on(shown, visit=visit, entrance=entrance, now=now)


async def confirm_recovery_code(
    flow_id: str, code_text: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> PhoneConfirmed | Refused:
    """Spend the code; document number and new password are asked next, also when no account has the phone."""
    flow = await _PHONE_STEP.confirm(flow_id, code_text, visit=visit, entrance=entrance, now=now)
    if isinstance(flow, Refused):
        return flow
    await entrance.flows.keep(flow, {"step": "password", "phone": flow.state["phone"]})
    return PhoneConfirmed(flow.flow_id)


async def recover_password(
    flow_id: str, document_number: str, new: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | Refused:
    """Set a new password for the account of the confirmed phone when the document number is its owner's."""
    flow = await entrance.flows.find(FLOW, flow_id, browser=visit.browser)
    if flow is None or flow.state["step"] != "password":
        return await refuse(FLOW_LOST, kind=RECOVERY, visit=visit, entrance=entrance, now=now)
    phone = flow.state["phone"]
    login = LoginName("phone", phone)
    async with entrance.db.read() as connection:
        found = await find_account_by_login(connection, login, index=entrance.index)
    account = found if found is not None and found.is_open else None
    # Tries without an account are counted too, or the pause would tell who has one.
    counted_by = account.account_id if account else f"phone:{phone}"
    if refused := await _check_recovery(account, counted_by, document_number, visit, entrance, now):
        return refused
    if account is None:
        return await refuse(RECOVERY_REFUSED, kind=RECOVERY, visit=visit, entrance=entrance, now=now)
    if refused := await _judge(account, new, RECOVERY, visit, entrance, now):
        return refused
    async with entrance.hasher.turn() as turn:
        password_hash = await turn.hash(new)
    if await entrance.flows.take(FLOW, flow_id, browser=visit.browser) is None:
        return await refuse(FLOW_LOST, kind=RECOVERY, visit=visit, entrance=entrance, now=now)
    await _replace(account, password_hash, visit, entrance, now)
    shown = Shown(account=account, amr=("sms",), clears=password_counters(account.account_id, entrance))
    return await go_on(shown, visit=visit, entrance=entrance, now=now)


async def _check_recovery(
    account: Account | None,
    counted_by: str,
    document_number: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> Refused | None:
    limits = entrance.limits
    windows = (
        Window(limits.recovery_tries, timedelta(minutes=10)),
        Window(limits.recovery_tries_longer, timedelta(minutes=30)),
    )
    subject = entrance.index.index("signin.recovery", counted_by)
    async with entrance.db.transaction() as connection:
        held = await reserve_attempts(
            entrance.db, connection, [within("recovery", subject, *windows, now=now)], now=now
        )
    if isinstance(held, Held):
        return await refuse(
            TOO_MANY_ATTEMPTS,
            kind=RECOVERY,
            visit=visit,
            entrance=entrance,
            now=now,
            account=account,
            retry_at=held.until,
        )
    return await check_document_number(
        account,
        document_number,
        counted_by=counted_by,
        mismatch=RECOVERY_REFUSED,
        kind=RECOVERY,
        visit=visit,
        entrance=entrance,
        now=now,
    )


async def _judge(
    account: Account, new: str, kind: str, visit: Visit, entrance: Entrance, now: datetime
) -> Refused | None:
    async with entrance.db.read() as connection:
        sealed = await load_document_sealed(connection, account.person_id)
    sealer = entrance.sealer
    words = personal_words_of(
        user_name=account.user_name,
        phone=sealer.open_text(account.phone_sealed, context=PHONE_CONTEXT) if account.phone_sealed else None,
        document_number=sealer.open_text(sealed, context=DOCUMENT_CONTEXT) if sealed else None,
    )
    fault = judge_password(new, entrance.limits, personal_words=words)
    if fault is None:
        return None
    return await refuse(
        fault, kind=kind, visit=visit, entrance=entrance, now=now, account=account, field="new_password"
    )


async def _replace(account: Account, password_hash: str, visit: Visit, entrance: Entrance, now: datetime) -> None:
    """Set the hash and end every session, with the grants behind them, in one transaction; then tell the owner."""
    async with entrance.db.transaction() as connection:
        await set_password_hash(connection, account.account_id, password_hash, now=now)
        changes = await end_sessions_of_account(
            connection, account.account_id, reason=CHANGED, entrance=entrance, now=now
        )
        await write_account_event(connection, account, CHANGED, outcome="done", visit=visit, entrance=entrance, now=now)
        actor = f"person:{account.person_id}"
        entry = entry_of(CHANGED, "done", visit=visit, now=now, actor=actor, person_id=account.person_id)
        await entrance.ledger.append_in(connection, entry, changes=changes)
    entrance.feed.apply(changes)
    if account.phone_sealed is not None:
        entrance.notices.send_soon(
            phone=entrance.sealer.open_text(account.phone_sealed, context=PHONE_CONTEXT),
            text=f"【{entrance.limits.sms_signature}】您的账户密码已于{beijing_moment(now)}修改，所有设备均已退出。"
            "如非本人操作，请立即找回密码或致电服务热线。",
            template="password-changed",
        )
