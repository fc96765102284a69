"""Registering an account: phone, code, identity, password; a small state machine on the server.

Each step demands the state that the step before it left, so none can be skipped or repeated out of order. A person who has an
account already gets the very answer of details that do not agree, and the owner is told; the proofing source is asked either way.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foundation.partial_display import show_document_number_in_part, show_name_in_part
from foundation.problems import ErrorCode
from idp.people.account_opening import NewAccount, UserNameTaken
from idp.people.accounts import Account
from idp.people.errors import (
    CHECK_NOT_AGREED,
    DETAILS_NOT_ACCEPTED,
    PROOFING_USED_UP,
    USER_NAME_TAKEN,
    USER_NAME_UNSUITABLE,
)
from idp.people.levels import NAME_AND_NUMBER, PHONE, Evidence
from idp.people.persons import RealName
from idp.people.user_names import canonical_user_name
from idp.ports import ProofingResult, ProofingUnavailable
from idp.signin.completion import Shown, complete_sign_in
from idp.signin.entrance import Entrance
from idp.signin.errors import FLOW_LOST
from idp.signin.flows import Flow
from idp.signin.opening import open_and_record
from idp.signin.outcomes import IdentityProven, PhoneConfirmed, Refused, SignedIn
from idp.signin.password_policy import judge_password, personal_words_of
from idp.signin.phone_step import PhoneStep
from idp.signin.proofing import FieldFault, find_unclosed_account, parse_real_name, reserve_proofing, warn_owner
from idp.signin.records import entry_of, refuse
from idp.signin.visits import Visit
from idp.vocabulary import RealNameLevel

KIND = "registration"
FLOW = "registration"
_PHONE_STEP = PhoneStep(FLOW, KIND, "register")
register_phone, resend_registration_code = _PHONE_STEP.begin, _PHONE_STEP.resend


async def confirm_phone(
    flow_id: str, code_text: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> PhoneConfirmed | Refused:
    """Step 2: spend the code; step 1, `register_phone`, has sent it."""
    flow = await _PHONE_STEP.confirm(flow_id, code_text, visit=visit, entrance=entrance, now=now)
    if isinstance(flow, Refused):
        return flow
    confirmed = {"step": "identity", "phone": flow.state["phone"], "phone_confirmed_at": now.isoformat()}
    await entrance.flows.keep(flow, confirmed)
    return PhoneConfirmed(flow.flow_id)


async def prove_identity(
    flow_id: str,
    name: str,
    document_number: str,
    *,
    agreed: bool,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> IdentityProven | Refused:
    """Step 3: have name and 公民身份号码 checked; `agreed` is the person's agreement to that check."""
    flow = await _at_step("identity", flow_id, visit, entrance)
    if flow is None:
        return await _refuse(FLOW_LOST, visit, entrance, now)
    if not agreed:
        return await _refuse(CHECK_NOT_AGREED, visit, entrance, now, field="agreed")
    real_name = parse_real_name(name, document_number, now=now)
    if isinstance(real_name, FieldFault):
        return await _refuse(real_name.reason, visit, entrance, now, field=real_name.field)
    if held := await reserve_proofing(real_name, visit, entrance, now):
        return await _refuse(PROOFING_USED_UP, visit, entrance, now, retry_at=held.until)
    try:
        result = await entrance.proofing.check_name_and_number(
            name=real_name.name,
            document_type=real_name.document_type,
            document_number=real_name.document_number,
        )
    except ProofingUnavailable as error:
        return await _refuse(error.error_code, visit, entrance, now, outcome="failed")
    owner = await find_unclosed_account(real_name, entrance)
    if not result.agreed or owner is not None:
        if result.agreed and owner is not None:
            warn_owner(owner, entrance, now)
        return await _refuse(DETAILS_NOT_ACCEPTED, visit, entrance, now, account=owner)
    # The entry first: a step that is not on record must not be open.
    entry = entry_of("people.proofing", "allowed", visit=visit, now=now, details={"source": result.source})
    await entrance.ledger.append(entry)
    await entrance.flows.keep(flow, _proven(flow, real_name, result))
    return IdentityProven(
        flow.flow_id, show_name_in_part(real_name.name), show_document_number_in_part(real_name.document_number)
    )


async def set_password_and_open_account(
    flow_id: str,
    password: str,
    *,
    user_name: str | None = None,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> SignedIn | Refused:
    """Step 4: open the account and sign in. Of parallel registrations of one number the database lets one through."""
    flow = await _at_step("password", flow_id, visit, entrance)
    if flow is None:
        return await _refuse(FLOW_LOST, visit, entrance, now)
    state = flow.state
    user_name = user_name.strip() if user_name else None
    if user_name and canonical_user_name(user_name) is None:
        return await _refuse(USER_NAME_UNSUITABLE, visit, entrance, now, field="user_name")
    words = personal_words_of(user_name=user_name, phone=state["phone"], document_number=state["document_number"])
    if fault := judge_password(password, entrance.limits, personal_words=words):
        return await _refuse(fault, visit, entrance, now, field="password")
    async with entrance.hasher.turn() as turn:
        password_hash = await turn.hash(password)
    if await entrance.flows.take(FLOW, flow_id, browser=visit.browser) is None:
        return await _refuse(FLOW_LOST, visit, entrance, now)
    new = _new_account(state, user_name, password_hash)
    try:
        account = await open_and_record(new, kind=KIND, visit=visit, entrance=entrance, now=now)
    except UserNameTaken:
        await entrance.flows.keep(flow, state)
        return await _refuse(USER_NAME_TAKEN, visit, entrance, now, field="user_name")
    if account is None:
        return await _refuse(DETAILS_NOT_ACCEPTED, visit, entrance, now)
    # The password was chosen, not shown; what was shown is the phone.
    shown = Shown(account=account, amr=("sms",), account_made=True)
    return await complete_sign_in(shown, visit=visit, entrance=entrance, now=now)


async def _at_step(step: str, flow_id: str, visit: Visit, entrance: Entrance) -> Flow | None:
    flow = await entrance.flows.find(FLOW, flow_id, browser=visit.browser)
    return flow if flow is not None and flow.state["step"] == step else None


async def _refuse(
    error_code: ErrorCode,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
    *,
    account: Account | None = None,
    retry_at: datetime | None = None,
    field: str | None = None,
    outcome: str = "refused",
) -> Refused:
    return await refuse(
        error_code,
        kind=KIND,
        visit=visit,
        entrance=entrance,
        now=now,
        account=account,
        retry_at=retry_at,
        field=field,
        outcome=outcome,
    )


def _proven(flow: Flow, real_name: RealName, result: ProofingResult) -> dict[str, Any]:
    return {
        "step": "password",
        "phone": flow.state["phone"],
        "phone_confirmed_at": flow.state["phone_confirmed_at"],
        "name": real_name.name,
        "document_type": real_name.document_type,
        "document_number": real_name.document_number,
        "source": result.source,
        "reference": result.reference,
        "checked_at": result.checked_at.isoformat(),
    }


def _new_account(state: Mapping[str, Any], user_name: str | None, password_hash: str) -> NewAccount:
    proofs = (
        Evidence(
            NAME_AND_NUMBER,
            state["source"],
            state["reference"],
            RealNameLevel.BASIC,
            datetime.fromisoformat(state["checked_at"]),
        ),
        Evidence(PHONE, "sms", "", RealNameLevel.NONE, datetime.fromisoformat(state["phone_confirmed_at"])),
    )
    return NewAccount(
        real_name=RealName(state["name"], state["document_type"], state["document_number"]),
        evidence=proofs,
        phone=state["phone"],
        phone_confirmed=True,
        user_name=user_name,
        password_hash=password_hash,
    )
