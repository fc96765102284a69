"""Changing a registration as an operator: the whole of it is judged again, and what stays keeps its meaning.

The sector stays unless another sector document is named, so that people remain the same persons to an application that moves.
"""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update

from foundation.database import Database
from foundation.entropy import Entropy
from foundation.ledger import Change, Ledger
from idp.provider.clients.registry import SECRET_METHODS, TOPIC, Client, parse_secrets
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.register import client_entry, client_row, locked_row, make_secret, new_client
from idp.provider.registration.rules import ClientRegistration, check_registration
from idp.provider.registration.sectors import hold_sector
from idp.provider.tables import oauth_clients


def registration_of(client: Client) -> ClientRegistration:
    """Return what a client has registered, as the registration to change."""
    members: dict[str, Any] = {}
    for member in fields(ClientRegistration):
        value = getattr(client, member.name)
        members[member.name] = tuple(sorted(value)) if isinstance(value, frozenset) else value
    return ClientRegistration(**members)


async def change_client(
    wanted: ClientRegistration, *, db: Database, ledger: Ledger, entropy: Entropy, actor: str, now: datetime
) -> str | None:
    """Store the registration in place of the present one and record it; raises InvalidClientMetadata.

    Returns the secret of a client that signs in with one from now on and did not before; it is shown now and never again. Tokens already
    issued live on until they expire; refreshing and every other door ask the new registration.
    """
    check_registration(wanted, now=now)
    async with db.transaction() as connection:
        row = await locked_row(connection, wanted.client_id)
        if row["status"] == "removed":
            raise InvalidClientMetadata("client_id", "the application removed itself; register it anew")
        keeps_secrets = wanted.token_endpoint_auth_method in SECRET_METHODS and bool(row["secrets"])
        secret = None if keeps_secrets else make_secret(wanted, entropy)
        changed = replace(new_client(wanted, secret, now), status=row["status"], created_at=row["created_at"])
        if keeps_secrets:
            changed = replace(changed, secrets=parse_secrets(row["secrets"]))
        await hold_sector(connection, db, changed)
        values = client_row(replace(changed, registration_token_hash=row["registration_token_hash"]))
        await connection.execute(
            update(oauth_clients).where(oauth_clients.c.client_id == wanted.client_id).values(values)
        )
        entry = client_entry("oauth.client_updated", changed, actor=actor, request_id=None, now=now)
        await ledger.append_in(connection, entry, changes=[Change(TOPIC, wanted.client_id)])
    return secret
