"""The apps a person has let in: what each may know, since when, how to sign out of one, and how to take it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import Change
from foundation.ledger import Entry
from idp.provider.authorization.consent_view import describe_item
from idp.provider.authorization.consents import list_consents, withdraw_consent_in
from idp.provider.authorization.response_types import FRONT_CHANNEL
from idp.provider.clients.registry import ClientView, view_of
from idp.provider.composition import Provider
from idp.provider.ports import LicenseTypes
from idp.provider.sign_out.session_endings import write_logout_messages
from idp.provider.tables import oauth_grants
from idp.provider.tokens.granting import Grant, end_grants
from idp.provider.tokens.revocations import consent_key, lapse, revocation


@dataclass(frozen=True, slots=True)
class AgreedItem:
    """One thing agreed to, with its titles."""

    item: str
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """One app the person agreed to.

    `last_used_at` is its last authorization, None when that is no longer kept.
    """

    client: ClientView
    items: tuple[AgreedItem, ...]
    agreed_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndedApp:
    """What ended of one app: how many grants, and the sessions for which the app is told of it."""

    grants: int
    session_ids: tuple[str, ...]


async def list_connected_apps(person_id: str, *, provider: Provider) -> tuple[ConnectedApp, ...]:
    """Return the person's standing consents, newest first."""
    await provider.clients.refresh()
    async with provider.db.read() as connection:
        consents = await list_consents(connection, person_id)
        rows = await connection.execute(
            select(oauth_grants.c.client_id, func.max(oauth_grants.c.created_at).label("last"))
            .where(oauth_grants.c.person_id == person_id)
            .group_by(oauth_grants.c.client_id)
        )
        last_used = {row.client_id: row.last for row in rows}
    apps = []
    for consent in consents:
        client = provider.clients.find(consent.client_id)
        if client is not None:
            items = _agreed(sorted(consent.items), provider.license_types)
            apps.append(ConnectedApp(view_of(client), items, consent.agreed_at, last_used.get(consent.client_id)))
    return tuple(apps)


async def list_session_apps(session_id: str, *, provider: Provider) -> tuple[ClientView, ...]:
    """Return the apps that a live session has signed in to and not left, ordered by client."""
    await provider.clients.refresh()
    async with provider.db.read() as connection:
        rows = await connection.execute(
            select(oauth_grants.c.client_id)
            .where(
                oauth_grants.c.session_id == session_id,
                or_(
                    oauth_grants.c.redeemed_at.is_not(None),
                    # Tokens beside the code have told the app who it is, whether or not it redeems the code.
                    oauth_grants.c.request["response_type"].as_string().in_(FRONT_CHANNEL),
                ),
                oauth_grants.c.ended_at.is_(None),
            )
            .distinct()
            .order_by(oauth_grants.c.client_id)
        )
        client_ids = [row.client_id for row in rows]
    found = (provider.clients.find(client_id) for client_id in client_ids)
    return tuple(view_of(client) for client in found if client is not None)


async def withdraw_consent(
    person_id: str, client_id: str, *, provider: Provider, now: datetime, request_id: str | None = None
) -> EndedApp:
    """Take consent back: ends every grant of that app, its refresh tokens at once and its access tokens
    within a second, and tells the app that the person is signed out.

    The person's session and other apps go on.
    """
    async with provider.db.transaction() as connection:
        withdrawn = await withdraw_consent_in(connection, (person_id, client_id), now)
        ended = await end_grants(connection, person_id=person_id, client_id=client_id, now=now)
        told = await _tell(connection, ended, provider, now)
        # What the app got by token exchange hangs on the grant of another app.
        lapsed = lapse(consent_key(person_id, client_id), lifetime=provider.limits.access_token_lifetime, now=now)
        changes = [*_revocations(ended, provider, now), *lapsed]
        entry = Entry(
            kind="oauth.consent_withdrawn",
            at=now,
            outcome="done",
            actor=f"person:{person_id}",
            client=client_id,
            request_id=request_id,
            details={"grants": len(ended), "stood": withdrawn},
        )
        await provider.ledger.append_in(connection, entry, changes=changes)
    provider.feed.apply(changes)
    return EndedApp(len(ended), told)


async def leave_app(
    person_id: str,
    client_id: str,
    *,
    session_ids: Sequence[str],
    provider: Provider,
    now: datetime,
    request_id: str | None = None,
) -> EndedApp:
    """Sign the person out of one app: ends its grants in these sessions, with all their tokens, and tells the app.

    The sessions, the consent and other apps go on; where there was nothing to end nothing is put on record. `session_ids` are sessions of
    this person.
    """
    if not session_ids:
        return EndedApp(0, ())
    async with provider.db.transaction() as connection:
        ended = await end_grants(connection, person_id=person_id, client_id=client_id, session_ids=session_ids, now=now)
        if not ended:
            return EndedApp(0, ())
        told = await _tell(connection, ended, provider, now)
        changes = _revocations(ended, provider, now)
        entry = Entry(
            kind="oauth.app_left",
            at=now,
            outcome="done",
            actor=f"person:{person_id}",
            client=client_id,
            request_id=request_id,
            details={"grants": len(ended), "sessions": len({grant.session_id for grant in ended})},
        )
        await provider.ledger.append_in(connection, entry, changes=changes)
    provider.feed.apply(changes)
    return EndedApp(len(ended), told)


async def _tell(
    connection: AsyncConnection, ended: Sequence[Grant], provider: Provider, now: datetime
) -> tuple[str, ...]:
    return await write_logout_messages(connection, ended, db=provider.db, entropy=provider.entropy, now=now)


def _revocations(ended: Sequence[Grant], provider: Provider, now: datetime) -> list[Change]:
    lifetime, oldest = provider.limits.access_token_lifetime, now - provider.limits.refresh_absolute
    return [
        revocation(f"grant:{grant.grant_id}", lifetime=lifetime, now=now)
        for grant in ended
        if grant.created_at > oldest
    ]


def _agreed(items: Sequence[str], license_types: LicenseTypes) -> tuple[AgreedItem, ...]:
    return tuple(AgreedItem(item, *describe_item(item, license_types=license_types)) for item in items)
