"""Having a person's name and number checked by the authoritative source, few times and only before anything is decided.

The source is asked whether or not the person has an account, so that neither answer nor time tells; the owner of an account that
somebody tried to register again is told.
"""

from dataclasses import dataclass
from datetime import datetime

from foundation.identifiers import InvalidIdentifier, canonical_document_number, parse_person_name
from foundation.problems import ErrorCode
from idp.people.accounts import CLOSED, PHONE_CONTEXT, Account, find_account_of
from idp.people.persons import RealName, document_index, find_person_by_document
from idp.people.user_names import RESIDENT_ID
from idp.signin.attempt_store import reserve_attempts, within
from idp.signin.beijing import beijing_date, beijing_moment
from idp.signin.entrance import Entrance
from idp.signin.throttling import Held, Window
from idp.signin.visits import Visit, counted_network

PERSON = "proofing.person"
NETWORK = "proofing.network"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A form field that holds no such thing, and why."""

    reason: ErrorCode
    field: str


def parse_real_name(name: str, document_number: str, *, now: datetime) -> RealName | FieldFault:
    """Return name and 公民身份号码 in canonical form, or the first field at fault."""
    try:
        parsed = parse_person_name(name)
    except InvalidIdentifier as error:
        return FieldFault(error.error_code, "name")
    try:
        number = canonical_document_number(RESIDENT_ID, document_number, today=beijing_date(now))
    except InvalidIdentifier as error:
        return FieldFault(error.error_code, "document_number")
    return RealName(parsed, RESIDENT_ID, number)


async def reserve_proofing(real_name: RealName, visit: Visit, entrance: Entrance, now: datetime) -> Held | None:
    """Count a check against the person named and the network, before the source is asked."""
    limits, index = entrance.limits, entrance.index
    window = Window(limits.proofing_tries, limits.proofing_window)
    person = document_index(index, real_name.document_type, real_name.document_number)
    network = index.index("signin.network", counted_network(visit.network))
    attempts = [
        within(PERSON, person, window, now=now),
        within(NETWORK, network, window, now=now),
    ]
    async with entrance.db.transaction() as connection:
        return await reserve_attempts(entrance.db, connection, attempts, now=now)


async def find_unclosed_account(real_name: RealName, entrance: Entrance) -> Account | None:
    """Return the person's account unless it is closed; a closed one may be opened again by its person."""
    document = document_index(entrance.index, real_name.document_type, real_name.document_number)
    async with entrance.db.read() as connection:
        person = await find_person_by_document(connection, document_type=real_name.document_type, document=document)
        account = await find_account_of(connection, person.person_id) if person else None
    return None if account is None or account.status == CLOSED else account


def warn_owner(owner: Account, entrance: Entrance, now: datetime) -> None:
    """Tell the owner of an account that somebody tried to register their identity again."""
    if owner.phone_sealed is None:
        return
    entrance.notices.send_soon(
        phone=entrance.sealer.open_text(owner.phone_sealed, context=PHONE_CONTEXT),
        text=f"【{entrance.limits.sms_signature}】{beijing_moment(now)}有人用您的身份信息注册账户，我们没有办理。"
        "您已有账户，如是本人请直接登录；如非本人，请留意个人信息安全。",
        template="registration-tried",
    )
