"""Whole acts that several tests begin with."""

from datetime import UTC, datetime
from typing import Any

import pyotp

from foundation.identifiers.synthetic import synthetic_social_credit_code
from idp.people.accounts import Account
from idp.people.departments import add_department, add_officer
from idp.people.directory import Officer
from idp.signin.enrolment import enrol_person
from idp.signin.outcomes import CodeSent, IdentityProven, PhoneConfirmed, Refused, SignedIn
from idp.signin.registration import (
    confirm_phone,
    prove_identity,
    register_phone,
    set_password_and_open_account,
)
from idp.signin.second_factor import enrol_totp
from tests.idp.stage import LI, PASSWORD, WANG, Stage, visit

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


async def walk_to_password(
    stage: Stage,
    *,
    phone: str = "13800000002",
    name: str = "李晓禾",
    number: str = LI,
    browser: str = "browser-of-li-123456789",
    network: str = "203.0.113.8",
) -> IdentityProven | Refused:
    """Register up to the step that asks for a password."""
    here = visit(browser, network)
    sent = await register_phone(phone, visit=here, **stage.tools)
    assert isinstance(sent, CodeSent)
    _, digits = stage.sms.latest_code(phone)
    confirmed = await confirm_phone(sent.flow_id, digits, visit=here, **stage.tools)
    assert isinstance(confirmed, PhoneConfirmed)
    return await prove_identity(sent.flow_id, name, number, agreed=True, visit=here, **stage.tools)


async def register(stage: Stage, *, browser: str = "browser-of-li-123456789", **given: Any) -> SignedIn:
    """Register a person to the end."""
    user_name = given.pop("user_name", "lixiaohe")
    proven = await walk_to_password(stage, browser=browser, **given)
    assert isinstance(proven, IdentityProven)
    outcome = await set_password_and_open_account(
        proven.flow_id, PASSWORD, user_name=user_name, visit=visit(browser), **stage.tools
    )
    assert isinstance(outcome, SignedIn)
    return outcome


async def enrol_officer(stage: Stage) -> tuple[Account, Officer]:
    """Enter an officer of the housing department with password and one-time password."""
    account = await enrol_person(
        "王守正",
        WANG,
        user_name="wangshouzheng",
        phone="13800000003",
        password=PASSWORD,
        source="personnel",
        visit=visit(),
        **stage.tools,
    )
    department = await add_department(
        "housing",
        "青榆区住房和城乡建设局",
        "Qingyu Housing and Construction Bureau",
        synthetic_social_credit_code("370299", 15, registration="11"),
        actor="system:test",
        **stage.parts,
    )
    officer = await add_officer(
        account.person_id,
        department.department_id,
        "QY-0007",
        post_zh="窗口工作人员",
        post_en="Window clerk",
        roles=["clerk"],
        actor="system:test",
        **stage.parts,
    )
    await enrol_totp(account.account_id, session=None, secret=SECRET, visit=visit(), **stage.tools)
    return account, officer


def one_time_password(now: datetime, *, steps: int = 0) -> str:
    """The password an authenticator shows, some steps away from now."""
    return pyotp.HOTP(SECRET).at(int(now.astimezone(UTC).timestamp()) // 30 + steps)
