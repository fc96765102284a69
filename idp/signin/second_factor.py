"""The second factor: confirming a one-time password, stepping a session up with it, and enrolling one."""

from datetime import datetime

from idp.people.accounts import Account, find_account
from idp.people.errors import UnknownRecord
from idp.signin.attempt_store import reserve_attempts, within
from idp.signin.completion import SECOND_FACTOR_FLOW, Shown, complete_sign_in
from idp.signin.entrance import Entrance
from idp.signin.errors import (
    ACCOUNT_NOT_OPEN,
    FLOW_LOST,
    FRESH_SIGN_IN_NEEDED,
    SECOND_FACTOR_MISSING,
    TOO_MANY_ATTEMPTS,
    WRONG_TOTP,
)
from idp.signin.flows import Flow
from idp.signin.outcomes import Refused, SecondFactorNeeded, SignedIn
from idp.signin.records import entry_of, note_allowed, refuse, write_account_event
from idp.signin.sessions import Session, is_freshly_authenticated
from idp.signin.throttling import Held, Window
from idp.signin.totp import TotpEnrolment, add_totp, canonical_one_time_password, has_totp, spend_totp
from idp.signin.visits import Visit

KIND = "signin.second_factor"
COUNTER = "totp"


async def confirm_totp(
    flow_id: str, code_text: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | Refused:
    """Check the one-time password of a sign-in that waits for it, and complete the sign-in."""
    flow = await entrance.flows.find(SECOND_FACTOR_FLOW, flow_id, browser=visit.browser)
    if flow is None:
        return await refuse(FLOW_LOST, kind=KIND, visit=visit, entrance=entrance, now=now)
    shown = await _load_shown(flow, entrance)
    account = shown.account
    if not account.is_open or (shown.kind == "staff" and not (shown.officer and shown.officer.is_active)):
        return await refuse(ACCOUNT_NOT_OPEN, kind=KIND, visit=visit, entrance=entrance, now=now, account=account)
    verdict = await _try(account, code_text, entrance, now)
    if isinstance(verdict, Held):
        return await refuse(
            TOO_MANY_ATTEMPTS,
            kind=KIND,
            visit=visit,
            entrance=entrance,
            now=now,
            account=account,
            retry_at=verdict.until,
        )
    if not verdict:
        return await refuse(
            WRONG_TOTP, kind=KIND, visit=visit, entrance=entrance, now=now, account=account, field="code"
        )
    if await entrance.flows.take(SECOND_FACTOR_FLOW, flow_id, browser=visit.browser) is None:
        return await refuse(FLOW_LOST, kind=KIND, visit=visit, entrance=entrance, now=now, account=account)
    return await complete_sign_in(shown, visit=visit, entrance=entrance, now=now)


async def begin_step_up(
    session: Session, *, visit: Visit, entrance: Entrance, now: datetime
) -> SecondFactorNeeded | Refused:
    """Ask a live session of one factor for its second one; refused when none is enrolled.

    The first factor must be fresh, because the renewed session says that both were shown now.
    """
    async with entrance.db.read() as connection:
        account = await find_account(connection, session.account_id)
        enrolled = await has_totp(connection, session.account_id)
    if account is None or not enrolled or not is_freshly_authenticated(session, entrance.limits, now=now):
        reason = SECOND_FACTOR_MISSING if not enrolled else FRESH_SIGN_IN_NEEDED
        return await refuse(reason, kind=KIND, visit=visit, entrance=entrance, now=now, account=account)
    state = {
        "account": session.account_id,
        "kind": session.kind,
        "officer": session.officer_id,
        "amr": [value for value in session.amr if value not in ("mfa", "otp")],
        "clears": [],
    }
    flow = await entrance.flows.begin(SECOND_FACTOR_FLOW, browser=visit.browser, state=state)
    await note_allowed("signin.step_up", account=account, visit=visit, entrance=entrance, now=now)
    return SecondFactorNeeded(flow.flow_id)


async def enrol_totp(
    account_id: str,
    *,
    session: Session | None,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    secret: str | None = None,
) -> TotpEnrolment | Refused:
    """Give an account its one-time password and return the secret to be shown once.

    With a session (the owner does it) the sign-in must be fresh, and replacing one that exists must have shown it; without one an
    operator does it from the command line. Raises UnknownRecord when the account does not exist.
    """
    async with entrance.db.read() as connection:
        account = await find_account(connection, account_id)
        enrolled = await has_totp(connection, account_id)
    if account is None:
        raise UnknownRecord("account")
    if session is not None and not _may_enrol(session, account, enrolled, entrance, now):
        return await refuse(
            FRESH_SIGN_IN_NEEDED,
            kind="account.totp_enrolled",
            visit=visit,
            entrance=entrance,
            now=now,
            account=account,
        )
    async with entrance.db.transaction() as connection:
        enrolment = await add_totp(
            entrance.db,
            connection,
            account_id,
            account_label=account.user_name or account.account_id[:8],
            issuer=entrance.limits.totp_issuer,
            sealer=entrance.sealer,
            entropy=entrance.entropy,
            now=now,
            secret=secret,
        )
        await write_account_event(
            connection,
            account,
            "account.totp_enrolled",
            outcome="done",
            visit=visit,
            entrance=entrance,
            now=now,
        )
        actor = f"person:{account.person_id}" if session else "system:operator"
        await entrance.ledger.append_in(
            connection,
            entry_of(
                "account.totp_enrolled",
                "done",
                visit=visit,
                now=now,
                actor=actor,
                person_id=account.person_id,
                details={"replaced": enrolled},
            ),
        )
    return enrolment


def _may_enrol(session: Session, account: Account, enrolled: bool, entrance: Entrance, now: datetime) -> bool:
    fresh = is_freshly_authenticated(session, entrance.limits, now=now)
    return session.account_id == account.account_id and fresh and (not enrolled or "otp" in session.amr)


async def _load_shown(flow: Flow, entrance: Entrance) -> Shown:
    state = flow.state
    async with entrance.db.read() as connection:
        account = await find_account(connection, state["account"])
    if account is None:
        raise UnknownRecord("account")
    officer = await entrance.directory.find_officer(state["officer"]) if state["officer"] else None
    return Shown(
        account=account,
        amr=(*state["amr"], "otp"),
        kind=state["kind"],
        officer=officer,
        clears=(
            *((scope, bytes.fromhex(subject)) for scope, subject in state["clears"]),
            (COUNTER, _subject(account, entrance)),
        ),
    )


async def _try(account: Account, code_text: str, entrance: Entrance, now: datetime) -> bool | Held:
    """Count the try and spend the code in one transaction; the counter's lock puts parallel tries in a row."""
    code = canonical_one_time_password(code_text)
    limits = entrance.limits
    window = Window(limits.totp_tries, limits.totp_window)
    attempt = within(COUNTER, _subject(account, entrance), window, now=now)
    async with entrance.db.transaction() as connection:
        held = await reserve_attempts(entrance.db, connection, [attempt], now=now)
        if held is not None:
            return held
        if code is None:
            return False
        return await spend_totp(connection, account.account_id, code, sealer=entrance.sealer, now=now)


def _subject(account: Account, entrance: Entrance) -> bytes:
    return entrance.index.index("signin.totp", account.account_id)
