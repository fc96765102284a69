"""Arriving from an upper user center: out with a one-time state, back with an identity, in through one decision.

The state is the id of a flow bound to the browser, so a return with a foreign, guessed or used state opens nothing. The center is
never awaited inside a transaction. What the center says is capped, checked for form and then decided in `idp.people.arrivals`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.partial_display import (
    show_document_number_in_part,
    show_name_in_part,
    show_phone_number_in_part,
)
from idp.people.account_opening import NewAccount
from idp.people.accounts import Account, find_account_of
from idp.people.arrivals import Enter, KnownPerson, Link, MakeAccount, TurnAway, decide_arrival
from idp.people.errors import IDENTITY_CONFLICT
from idp.people.persons import NAME_CONTEXT, RealName, add_evidence, document_index
from idp.people.tables import persons, upstream_identities
from idp.ports import CenterFailure, CenterIdentity
from idp.signin.center_identities import (
    canonical_identity,
    evidence_of,
    identity_from_state,
    identity_to_state,
)
from idp.signin.completion import Shown, go_on
from idp.signin.entrance import Entrance
from idp.signin.errors import CENTER_IDENTITY_UNUSABLE, CENTER_UNKNOWN, FLOW_LOST
from idp.signin.opening import link_identity, open_and_record
from idp.signin.outcomes import ArrivalToConfirm, Arrived, GoToCenter, Refused, SecondFactorNeeded, SignedIn
from idp.signin.password_sign_in import password_counters
from idp.signin.records import record_change, refuse
from idp.signin.visits import Visit
from idp.vocabulary import RealNameLevel

KIND = "signin.center"
FLOW = "center"
ARRIVAL_FLOW = "arrival"


async def begin_center_sign_in(
    center_name: str,
    redirect_uri: str,
    *,
    carry: Mapping[str, str] | None = None,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> GoToCenter | Refused:
    """Prepare the way to a center; `carry` comes back with the person (the pending authorization, for example)."""
    center = entrance.centers.get(center_name)
    if center is None:
        return await refuse(CENTER_UNKNOWN, kind=KIND, visit=visit, entrance=entrance, now=now)
    state, nonce = entrance.flows.fresh_id(), entrance.entropy.token()
    try:
        redirect = await center.begin(state=state, nonce=nonce, redirect_uri=redirect_uri)
    except CenterFailure as error:
        return await _refuse_center(error, center_name, visit, entrance, now)
    remembered = {
        "center": center_name,
        "nonce": nonce,
        "redirect_uri": redirect_uri,
        "remember": dict(redirect.remember),
        "carry": dict(carry or {}),
    }
    await entrance.flows.begin(FLOW, browser=visit.browser, state=remembered, flow_id=state)
    return GoToCenter(redirect.url)


async def finish_center_sign_in(
    center_name: str, callback: Mapping[str, str], *, visit: Visit, entrance: Entrance, now: datetime
) -> Arrived:
    """Take the browser back: spend the state, let the center's adapter check the return, and decide."""
    flow = await entrance.flows.take(FLOW, callback.get("state", ""), browser=visit.browser)
    if flow is None or flow.state["center"] != center_name or center_name not in entrance.centers:
        lost = await refuse(FLOW_LOST, kind=KIND, visit=visit, entrance=entrance, now=now)
        return Arrived(lost, {})
    carry = flow.state["carry"]
    center = entrance.centers[center_name]
    try:
        identity = await center.finish(
            callback=callback,
            remembered=flow.state["remember"],
            nonce=flow.state["nonce"],
            redirect_uri=flow.state["redirect_uri"],
        )
    except CenterFailure as error:
        return Arrived(await _refuse_center(error, center_name, visit, entrance, now), carry)
    level = RealNameLevel(min(identity.level, center.ceiling))
    sound = canonical_identity(identity, center_name, level, now)
    if sound is None:
        refused = await refuse(
            CENTER_IDENTITY_UNUSABLE,
            kind=KIND,
            visit=visit,
            entrance=entrance,
            now=now,
            details={"center": center_name},
        )
        return Arrived(refused, carry)
    return Arrived(await arrive_from_center(sound, visit=visit, entrance=entrance, now=now), carry)


async def arrive_from_center(
    identity: CenterIdentity, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | ArrivalToConfirm | Refused:
    """Enter, link, ask before an account is made, or turn away. `identity` is canonical and capped already."""
    decision = await _decide(identity, entrance)
    if isinstance(decision, TurnAway):
        return await refuse(
            decision.reason,
            kind=KIND,
            visit=visit,
            entrance=entrance,
            now=now,
            details={"center": identity.center},
        )
    if isinstance(decision, Enter | Link):
        account = decision.account
        if account.is_open and isinstance(decision, Enter):
            await _see_again(identity, account, visit, entrance, now)
        elif account.is_open and not await _link(identity, account, visit, entrance, now):
            return await refuse(IDENTITY_CONFLICT, kind=KIND, visit=visit, entrance=entrance, now=now)
        # An account that is not open is refused inside, after everything else agreed.
        return await _enter(account, visit, entrance, now)
    flow = await entrance.flows.begin(ARRIVAL_FLOW, browser=visit.browser, state=identity_to_state(identity))
    return ArrivalToConfirm(
        flow.flow_id,
        identity.center,
        show_name_in_part(identity.name),
        show_document_number_in_part(identity.document_number),
        show_phone_number_in_part(identity.phone) if identity.phone else None,
        identity.level,
    )


async def confirm_arrival(
    flow_id: str, *, visit: Visit, entrance: Entrance, now: datetime
) -> SignedIn | SecondFactorNeeded | ArrivalToConfirm | Refused:
    """Make the account the person has just agreed to, and sign in; a race with another door ends in the same account."""
    flow = await entrance.flows.take(ARRIVAL_FLOW, flow_id, browser=visit.browser)
    if flow is None:
        return await refuse(FLOW_LOST, kind=KIND, visit=visit, entrance=entrance, now=now)
    identity = identity_from_state(flow.state)
    new = NewAccount(
        real_name=RealName(identity.name, identity.document_type, identity.document_number),
        evidence=(evidence_of(identity),),
        phone=identity.phone,
    )
    account = await open_and_record(new, kind=KIND, visit=visit, entrance=entrance, now=now, identity=identity)
    if account is None:
        # Somebody made the account between question and answer; what holds now is decided anew.
        return await arrive_from_center(identity, visit=visit, entrance=entrance, now=now)
    return await _enter(account, visit, entrance, now, account_made=True)


async def _enter(
    account: Account, visit: Visit, entrance: Entrance, now: datetime, *, account_made: bool = False
) -> SignedIn | SecondFactorNeeded | Refused:
    clears = password_counters(account.account_id, entrance)
    shown = Shown(account=account, amr=("fed",), clears=clears, account_made=account_made)
    return await go_on(shown, visit=visit, entrance=entrance, now=now)


async def _decide(identity: CenterIdentity, entrance: Entrance) -> Enter | Link | MakeAccount | TurnAway:
    document = document_index(entrance.index, identity.document_type, identity.document_number)
    is_subject = (upstream_identities.c.center == identity.center) & (upstream_identities.c.subject == identity.subject)
    subject_query = select(persons.c.person_id, persons.c.name_sealed).join(
        upstream_identities, upstream_identities.c.person_id == persons.c.person_id
    )
    number_query = select(persons.c.person_id, persons.c.name_sealed).where(
        persons.c.document_type == identity.document_type, persons.c.document_index == document
    )
    async with entrance.db.read() as connection:
        linked = await _find_known(connection, subject_query.where(is_subject), entrance)
        same_number = await _find_known(connection, number_query, entrance)
    return decide_arrival(
        linked=linked,
        same_number=same_number,
        name=identity.name,
        level=identity.level,
        link_level=RealNameLevel(entrance.limits.center_link_level),
    )


async def _find_known(connection: AsyncConnection, query: Select[Any], entrance: Entrance) -> KnownPerson | None:
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    name = row.name_sealed and entrance.sealer.open_text(row.name_sealed, context=NAME_CONTEXT)
    return KnownPerson(row.person_id, name, await find_account_of(connection, row.person_id))


async def _see_again(
    identity: CenterIdentity, account: Account, visit: Visit, entrance: Entrance, now: datetime
) -> None:
    """Note the return; when the center's level changed, keep the new evidence and put it on record."""
    mine = (upstream_identities.c.center == identity.center) & (upstream_identities.c.subject == identity.subject)
    async with entrance.db.transaction() as connection:
        before = (await connection.execute(select(upstream_identities.c.level).where(mine))).scalar_one()
        await connection.execute(
            update(upstream_identities).where(mine).values(last_seen_at=now, level=int(identity.level))
        )
        if before == int(identity.level):
            return
        await add_evidence(connection, account.person_id, evidence_of(identity), entropy=entrance.entropy, now=now)
        details = {"center": identity.center, "level": int(identity.level), "level_before": before}
        await record_change(
            connection,
            "account.center_level_changed",
            account=account,
            details=details,
            visit=visit,
            entrance=entrance,
            now=now,
        )


async def _link(identity: CenterIdentity, account: Account, visit: Visit, entrance: Entrance, now: datetime) -> bool:
    """Link the subject once; False when it was linked to somebody in the same instant."""
    try:
        async with entrance.db.transaction() as connection:
            await link_identity(connection, account, identity, entrance=entrance, now=now)
            await add_evidence(connection, account.person_id, evidence_of(identity), entropy=entrance.entropy, now=now)
            details = {"center": identity.center, "level": int(identity.level)}
            await record_change(
                connection,
                "account.center_linked",
                account=account,
                details=details,
                visit=visit,
                entrance=entrance,
                now=now,
            )
    except IntegrityError:
        again = await _decide(identity, entrance)
        return isinstance(again, Enter) and again.account.account_id == account.account_id
    return True


async def _refuse_center(
    error: CenterFailure, center_name: str, visit: Visit, entrance: Entrance, now: datetime
) -> Refused:
    return await refuse(
        error.error_code,
        kind=KIND,
        visit=visit,
        entrance=entrance,
        now=now,
        details={"center": center_name},
        outcome="failed",
    )
