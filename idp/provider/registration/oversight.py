"""What an operator does about applications that registered themselves: look at them, and help them to a new registration access token."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import update

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Change, Entry, Ledger
from idp.provider.clients.metadata import parse_metadata, render_metadata
from idp.provider.clients.registry import TOPIC
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.invitations import digest_of
from idp.provider.registration.register import locked_row
from idp.provider.tables import oauth_clients


async def approve_client(client_id: str, *, db: Database, ledger: Ledger, actor: str, now: datetime) -> None:
    """Record that an operator looked at what an application says of itself; its next update makes it unreviewed again."""
    async with db.transaction() as connection:
        row = await locked_row(connection, client_id)
        reviewed = replace(parse_metadata(row["metadata"] or {}), is_reviewed=True)
        await connection.execute(
            update(oauth_clients)
            .where(oauth_clients.c.client_id == client_id)
            .values(metadata=render_metadata(reviewed), updated_at=now)
        )
        entry = Entry(kind="oauth.client_approved", at=now, outcome="done", actor=actor, client=client_id)
        await ledger.append_in(connection, entry, changes=[Change(TOPIC, client_id)])


async def renew_registration_token(
    client_id: str, *, db: Database, ledger: Ledger, entropy: Entropy, actor: str, now: datetime
) -> str:
    """Give an application that registered itself a new registration access token and return it; the old one ends now."""
    token = entropy.token()
    async with db.transaction() as connection:
        row = await locked_row(connection, client_id)
        if row["registration_token_hash"] is None:
            raise InvalidClientMetadata("client_id", "the application did not register itself, or removed itself")
        await connection.execute(
            update(oauth_clients)
            .where(oauth_clients.c.client_id == client_id)
            .values(registration_token_hash=digest_of(token), updated_at=now)
        )
        entry = Entry(kind="oauth.registration_token_renewed", at=now, outcome="done", actor=actor, client=client_id)
        await ledger.append_in(connection, entry, changes=[Change(TOPIC, client_id)])
    return token
