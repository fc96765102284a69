"""Whose sector a host is: people have one subject in all applications of a sector (OpenID Connect Core §8.1).

The database decides, in the transaction that writes the client and after every lock on single rows: what another node wrote a moment ago, or
is writing, counts although this one has not heard of it.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from idp.provider.clients.registry import Client
from idp.provider.errors import InvalidClientMetadata
from idp.provider.tables import oauth_clients


async def hold_sector(connection: AsyncConnection, db: Database, client: Client) -> None:
    """Let nobody else write a client of this sector until the transaction ends; whoever comes then sees this one."""
    await db.hold_name(connection, f"sector:{client.sector}")


async def claim_sector(connection: AsyncConnection, db: Database, client: Client) -> None:
    """Hold the sector for an application that registers itself; raises InvalidClientMetadata when it is another department's.

    Two departments never share a sector by a registration of their own: one would learn the other's subjects. Operators may arrange it.
    """
    await hold_sector(connection, db, client)
    others = await connection.execute(
        select(oauth_clients.c.client_id)
        .where(oauth_clients.c.sector == client.sector, oauth_clients.c.department_id != client.department_id)
        .limit(1)
    )
    if others.first() is not None:
        raise InvalidClientMetadata("redirect_uris", "the host belongs to the sector of another department")
