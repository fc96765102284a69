"""Entering people at a counter or from the command line, and ending posts: acts of an operator, not of the person."""

from datetime import datetime

from sqlalchemy import update

from foundation.changes import Change
from foundation.identifiers import canonical_document_number, canonical_mobile_number, parse_person_name
from idp.people.account_opening import NewAccount, UserNameTaken
from idp.people.accounts import Account, find_account_of
from idp.people.directory import ACTIVE, LEFT
from idp.people.errors import RecordConflict, UnknownRecord
from idp.people.levels import IN_PERSON, PHONE, Evidence
from idp.people.persons import RealName, document_index, find_person_by_document
from idp.people.tables import officers
from idp.people.user_names import RESIDENT_ID, canonical_user_name
from idp.signin.beijing import beijing_date
from idp.signin.entrance import Entrance
from idp.signin.opening import open_and_record
from idp.signin.password_policy import judge_password, personal_words_of
from idp.signin.records import entry_of
from idp.signin.session_endings import end_sessions_of_officer
from idp.signin.visits import Visit
from idp.vocabulary import RealNameLevel

KIND = "account.enrolled"


class UnsuitableEnrolment(ValueError):
    """The user name or password given by the operator breaks the policy; the text says which."""


async def enrol_person(
    name: str,
    document_number: str,
    *,
    document_type: str = RESIDENT_ID,
    user_name: str | None = None,
    phone: str | None = None,
    password: str | None = None,
    level: RealNameLevel = RealNameLevel.HIGH,
    source: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> Account:
    """Open an account for somebody whose document was seen; returns the existing one when the person has it.

    Raises InvalidIdentifier, UnsuitableEnrolment or RecordConflict (user name taken).
    """
    real_name = RealName(
        parse_person_name(name),
        document_type,
        canonical_document_number(document_type, document_number, today=beijing_date(now)),
    )
    number = canonical_mobile_number(phone) if phone else None
    _check(user_name, password, number, real_name, entrance)
    if existing := await _find(real_name, entrance):
        return existing
    password_hash = None
    if password is not None:
        async with entrance.hasher.turn() as turn:
            password_hash = await turn.hash(password)
    proofs = [Evidence(IN_PERSON, source, "", level, now)]
    if number:
        proofs.append(Evidence(PHONE, source, "", RealNameLevel.NONE, now))
    new = NewAccount(
        real_name=real_name,
        evidence=tuple(proofs),
        phone=number,
        phone_confirmed=number is not None,
        user_name=user_name,
        password_hash=password_hash,
    )
    try:
        account = await open_and_record(new, kind=KIND, visit=visit, entrance=entrance, now=now)
    except UserNameTaken as error:
        raise RecordConflict("user name") from error
    account = account or await _find(real_name, entrance)
    if account is None:
        raise RecordConflict("account")
    return account


async def end_officer(officer_id: str, *, actor: str, visit: Visit, entrance: Entrance, now: datetime) -> bool:
    """End a post with its sessions and tokens; False when it had ended. Raises UnknownRecord."""
    if await entrance.directory.find_officer(officer_id) is None:
        raise UnknownRecord("officer")
    async with entrance.db.transaction() as connection:
        done = await connection.execute(
            update(officers)
            .where(officers.c.officer_id == officer_id, officers.c.status == ACTIVE)
            .values(status=LEFT, left_at=now)
        )
        if not done.rowcount:
            return False
        changes = await end_sessions_of_officer(
            connection, officer_id, reason="officer.left", entrance=entrance, now=now
        )
        changes.append(Change("officer", officer_id))
        entry = entry_of("officer.left", "done", visit=visit, now=now, actor=actor, details={"officer": officer_id})
        await entrance.ledger.append_in(connection, entry, changes=changes)
    entrance.feed.apply(changes)
    return True


def _check(
    user_name: str | None, password: str | None, phone: str | None, real_name: RealName, entrance: Entrance
) -> None:
    if user_name is not None and canonical_user_name(user_name) is None:
        raise UnsuitableEnrolment("user name")
    if password is None:
        return
    words = personal_words_of(user_name=user_name, phone=phone, document_number=real_name.document_number)
    if fault := judge_password(password, entrance.limits, personal_words=words):
        raise UnsuitableEnrolment(fault.title_en)


async def _find(real_name: RealName, entrance: Entrance) -> Account | None:
    document = document_index(entrance.index, real_name.document_type, real_name.document_number)
    async with entrance.db.read() as connection:
        person = await find_person_by_document(connection, document_type=real_name.document_type, document=document)
        account = await find_account_of(connection, person.person_id) if person else None
    return account if account is not None and account.status != "closed" else None
