"""Checking that somebody knows the document number of an account: for reissued phones and for recovery.

It supports another proof and never stands alone. Tries are few and counted in SQL, and an account that does not exist answers alike.
"""

import hmac
from datetime import datetime

from foundation.identifiers import InvalidIdentifier, canonical_document_number
from foundation.problems import ErrorCode
from idp.people.accounts import Account
from idp.people.errors import PROOFING_USED_UP
from idp.people.persons import document_index, find_document_of
from idp.signin.attempt_store import reserve_attempts, within
from idp.signin.beijing import beijing_date
from idp.signin.entrance import Entrance
from idp.signin.outcomes import Refused
from idp.signin.records import refuse
from idp.signin.throttling import Window
from idp.signin.visits import Visit

COUNTER = "ownership"


async def check_document_number(
    account: Account | None,
    document_number: str,
    *,
    counted_by: str,
    mismatch: ErrorCode,
    kind: str,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> Refused | None:
    """Compare a typed number with the account's person; returns the recorded refusal, or None when it agrees.

    `counted_by` names whose tries are counted, also where there is no account: its answers must not differ by their number.
    """
    limits = entrance.limits
    window = Window(limits.proofing_tries, limits.proofing_window)
    attempt = within(COUNTER, entrance.index.index("signin.ownership", counted_by), window, now=now)
    async with entrance.db.transaction() as connection:
        held = await reserve_attempts(entrance.db, connection, [attempt], now=now)
        document = await find_document_of(connection, account.person_id) if account else None
    if held is not None:
        return await refuse(
            PROOFING_USED_UP,
            kind=kind,
            visit=visit,
            entrance=entrance,
            now=now,
            account=account,
            retry_at=held.until,
        )
    if document is not None and _agrees(document_number, *document, entrance, now):
        return None
    return await refuse(
        mismatch, kind=kind, visit=visit, entrance=entrance, now=now, account=account, field="document_number"
    )


def _agrees(typed: str, document_type: str, document: bytes, entrance: Entrance, now: datetime) -> bool:
    try:
        number = canonical_document_number(document_type, typed, today=beijing_date(now))
    except InvalidIdentifier:
        return False
    return hmac.compare_digest(document, document_index(entrance.index, document_type, number))
