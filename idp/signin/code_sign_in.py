"""Signing in with a code sent to the phone.

Whoever confirms the code holds the phone now, and may be told what belongs to it. A number that confirmed nothing here for long may
have been reissued by its operator: then the document number is asked too, so a recycled number never opens the old owner's account.
"""

from datetime import datetime

from idp.people.accounts import Account, confirm_phone_again, find_account, find_account_by_login
from idp.people.user_names import LoginName
from idp.signin.completion import Shown, go_on
from idp.signin.entrance import Entrance
from idp.signin.errors import ACCOUNT_NOT_OPEN, FLOW_LOST, IDENTITY_NOT_CONFIRMED, NO_ACCOUNT_FOR_PHONE
from idp.signin.outcomes import (
    IdentityCheckNeeded,
    Refused,
    SecondFactorNeeded,
    SignedIn,
    SignInOutcome,
)
from idp.signin.ownership import check_document_number
from idp.signin.password_sign_in import password_counters
from idp.signin.phone_step import PhoneStep
from idp.signin.records import note_allowed, refuse
from idp.signin.visits import Visit

KIND = "signin.code"
FLOW = "code-sign-in"
_PHONE_STEP = PhoneStep(FLOW, KIND, "sign_in")
send_sign_in_code, resend_sign_in_code = _PHONE_STEP.begin, _PHONE_STEP.resend


async def sign_in_with_code(
    flow_id: str, code_text: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignInOutcome:
    """Spend the code, then sign in, or ask for what else is needed."""
    flow = await _PHONE_STEP.confirm(flow_id, code_text, visit=visit, entrance=entrance, now=now)
    if isinstance(flow, Refused):
        return flow
    phone = flow.state["phone"]
    async with entrance.db.read() as connection:
        account = await find_account_by_login(connection, LoginName("phone", phone), index=entrance.index)
    if account is None or not account.is_open:
        reason = NO_ACCOUNT_FOR_PHONE if account is None else ACCOUNT_NOT_OPEN
        return await refuse(reason, kind=KIND, visit=visit, entrance=entrance, now=now, account=account)
    if _may_be_reissued(account, entrance, now):
        await entrance.flows.keep(flow, {"step": "identity", "account": account.account_id})
        await note_allowed("signin.identity_asked", account=account, visit=visit, entrance=entrance, now=now)
        return IdentityCheckNeeded(flow.flow_id)
    return await _enter(account, visit, entrance, now)


async def confirm_identity_for_phone(
    flow_id: str, document_number: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | Refused:
    """Check the document number after a code from a phone that was silent for long; five tries in six hours."""
    flow = await entrance.flows.find(FLOW, flow_id, browser=visit.browser)
    if flow is None or flow.state["step"] != "identity":
        return await refuse(FLOW_LOST, kind=KIND, visit=visit, entrance=entrance, now=now)
    async with entrance.db.read() as connection:
        account = await find_account(connection, flow.state["account"])
    refused = await check_document_number(
        account,
        document_number,
        counted_by=flow.state["account"],
        mismatch=IDENTITY_NOT_CONFIRMED,
        kind=KIND,
        visit=visit,
        entrance=entrance,
        now=now,
    )
    if refused is not None or account is None:
        return refused or await refuse(FLOW_LOST, kind=KIND, visit=visit, entrance=entrance, now=now)
    if await entrance.flows.take(FLOW, flow_id, browser=visit.browser) is None:
        return await refuse(FLOW_LOST, kind=KIND, visit=visit, entrance=entrance, now=now, account=account)
    return await _enter(account, visit, entrance, now)


async def _enter(
    account: Account, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | Refused:
    async with entrance.db.transaction() as connection:
        await confirm_phone_again(connection, account.account_id, now=now)
    shown = Shown(account=account, amr=("sms",), clears=password_counters(account.account_id, entrance))
    return await go_on(shown, visit=visit, entrance=entrance, now=now)


def _may_be_reissued(account: Account, entrance: Entrance, now: datetime) -> bool:
    confirmed_at = account.phone_confirmed_at
    return confirmed_at is None or now - confirmed_at > entrance.limits.phone_trusted_for
