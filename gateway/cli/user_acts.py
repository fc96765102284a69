"""What `renzheng user` does, with the product's own use cases."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode
from gateway.cli.surroundings import read_settings
from gateway.composition import Parts, open_parts
from idp.people.accounts import CLOSED, DISABLED, OPEN, Account, find_account_by_login
from idp.people.departments import add_officer
from idp.people.tables import accounts
from idp.people.user_names import parse_login_name
from idp.signin.account_status import close_account, disable_account, enable_account
from idp.signin.enrolment import UnsuitableEnrolment, end_officer, enrol_person
from idp.signin.outcomes import Refused
from idp.signin.second_factor import enrol_totp
from idp.signin.totp import TotpEnrolment
from idp.signin.visits import Visit

ACTOR = "system:cli"
_VISIT = Visit(browser="command-line-tool", network="127.0.0.1")


@dataclass(frozen=True, slots=True)
class NewPost:
    """The post of an officer; the department is named by its slug."""

    department: str
    work_number: str
    post_zh: str
    post_en: str


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What the operator typed about a person whose document was seen."""

    name: str = field(repr=False)
    user_name: str
    document_number: str = field(repr=False)
    password: str = field(repr=False)
    phone: str | None = field(repr=False)
    post: NewPost | None


async def list_all() -> list[dict[str, Any]]:
    """Return every account with masked names and numbers, by user name."""
    async with open_parts(read_settings(), background=False) as parts:
        async with parts.db.read() as connection:
            rows = list(await connection.execute(select(accounts.c.person_id).order_by(accounts.c.user_name)))
        found = [await _describe(parts, row.person_id) for row in rows]
        return [one for one in found if one is not None]


async def add_one(person: NewPerson) -> str:
    """Enter the person, and as an officer where a post is given; returns the account's id."""
    async with open_parts(read_settings(), background=False) as parts:
        department = None
        if person.post is not None:
            department = await parts.directory.find_department_by_slug(person.post.department)
            if department is None:
                stop(f"没有这个部门 · there is no department {person.post.department}", ExitCode.NOT_FOUND)
        try:
            account = await enrol_person(
                person.name,
                person.document_number,
                user_name=person.user_name,
                phone=person.phone,
                password=person.password,
                source="counter",
                visit=_VISIT,
                entrance=parts.entrance,
                now=parts.clock(),
            )
        except UnsuitableEnrolment as failure:
            stop(f"不符合规则 · not accepted: {failure}", ExitCode.USAGE)
        if person.post is not None and department is not None:
            await add_officer(
                account.person_id,
                department.department_id,
                person.post.work_number,
                post_zh=person.post.post_zh,
                post_en=person.post.post_en,
                roles=("desk",),
                actor=ACTOR,
                db=parts.db,
                ledger=parts.ledger,
                feed=parts.feed,
                entropy=parts.entropy,
                now=parts.clock(),
            )
        return account.account_id


async def enrol_one(user_name: str) -> TotpEnrolment | None:
    """Give the account a new one-time password; None when there is no such account."""
    async with open_parts(read_settings(), background=False) as parts:
        account = await account_of(parts, user_name)
        if account is None:
            return None
        made = await enrol_totp(
            account.account_id, session=None, visit=_VISIT, entrance=parts.entrance, now=parts.clock()
        )
        if isinstance(made, Refused):
            stop(f"未能登记 · refused: {made.code}", ExitCode.NOT_SOUND)
        return made


async def set_status(user_name: str, status: str) -> bool | None:
    """Disable, enable or close the account; whether that changed anything, or None when there is none."""
    act = {DISABLED: disable_account, OPEN: enable_account, CLOSED: close_account}[status]
    async with open_parts(read_settings(), background=False) as parts:
        account = await account_of(parts, user_name)
        if account is None:
            return None
        return await act(account.account_id, actor=ACTOR, visit=_VISIT, entrance=parts.entrance, now=parts.clock())


async def end_post(department_slug: str, work_number: str) -> bool | None:
    """End an officer's post; whether it had not ended before, or None when there is no such post."""
    async with open_parts(read_settings(), background=False) as parts:
        department = await parts.directory.find_department_by_slug(department_slug)
        if department is None:
            return None
        officer = await parts.directory.find_officer_by_work_number(department.department_id, work_number)
        if officer is None:
            return None
        return await end_officer(
            officer.officer_id, actor=ACTOR, visit=_VISIT, entrance=parts.entrance, now=parts.clock()
        )


async def account_of(parts: Parts, user_name: str) -> Account | None:
    """Return the account that somebody may sign in to with this name."""
    login = parse_login_name(user_name, today=parts.clock().date())
    async with parts.db.read() as connection:
        return await find_account_by_login(connection, login, index=parts.blind_index)


async def _describe(parts: Parts, person_id: str) -> dict[str, Any] | None:
    facts = await parts.people.load(person_id)
    if facts is None:
        return None
    posts = []
    for officer in await parts.directory.officers_of(person_id):
        department = await parts.directory.find_department(officer.department_id)
        posts.append(f"{department.slug if department else officer.department_id} {officer.work_number}")
    return {
        "user_name": facts.user_name,
        "name": facts.name_masked,
        "document_number": facts.document_number_masked,
        "phone": facts.phone_masked,
        "level": int(facts.level),
        "status": facts.account_status,
        "post": ", ".join(posts) or None,
    }
