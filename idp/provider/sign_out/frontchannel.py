"""Front-channel logout (OpenID Connect Front-Channel Logout 1.0): apps that can only be told by way of the person's own browser.

The sign-out page frames an address of each such app, with our `iss` and the app's own `sid`. Nobody answers us, and a browser may keep the
app's cookies from the frame: that an app was *asked* is all that may be said, and it is on record as no more than that.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select, update

from foundation.ledger import Entry
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.tables import logout_messages

ASKED = "asked"
_UNTOLD = ("waiting", "no_channel")


async def begin_front_channel(session_id: str, *, provider: Provider, now: datetime) -> tuple[str, ...]:
    """Return the addresses to be framed for an ended session, ordered by client, and put on record that these apps are being asked.

    The receipt of an app that has a back channel as well stays that of the back channel, which is answered.
    """
    await provider.clients.refresh()
    message = logout_messages.c
    async with provider.db.read() as connection:
        found = await connection.execute(
            select(message.message_id, message.client_id, message.person_id, message.sid, message.state)
            .where(message.session_id == session_id)
            .order_by(message.client_id)
        )
        rows = found.all()
    concerned = [(row, client) for row in rows if (client := provider.clients.find(row.client_id)) is not None]
    by_browser = [
        row for row, client in concerned if client.backchannel_logout_uri is None and has_front_channel(client)
    ]
    await _record(session_id, [row for row in by_browser if row.state in _UNTOLD], provider, now)
    return tuple(
        frame_address(client, issuer=provider.issuer, sid=row.sid)
        for row, client in concerned
        if has_front_channel(client)
    )


def has_front_channel(client: Client) -> bool:
    """Tell whether the app takes sign-outs in a frame."""
    return client.metadata.frontchannel_logout_uri is not None


def frame_address(client: Client, *, issuer: str, sid: str) -> str:
    """Return the registered address with `iss` and `sid` (§2), which say whose session it was without a cookie of ours."""
    uri = client.metadata.frontchannel_logout_uri or ""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'iss': issuer, 'sid': sid})}"


async def _record(session_id: str, rows: Sequence[Any], provider: Provider, now: datetime) -> None:
    if not rows:
        return
    async with provider.db.transaction() as connection:
        changed = await connection.execute(
            update(logout_messages)
            .where(
                logout_messages.c.message_id.in_([row.message_id for row in rows]),
                logout_messages.c.state.in_(_UNTOLD),
            )
            # Without a lease: a worker that holds one just now settles nothing any more.
            .values(state=ASKED, settled_at=now, leased_by=None, last_problem=None)
            .returning(logout_messages.c.message_id)
        )
        asked = {row.message_id for row in changed}
        for row in rows:
            if row.message_id in asked:
                await provider.ledger.append_in(connection, _entry(row, session_id, now))


def _entry(row: Any, session_id: str, now: datetime) -> Entry:
    return Entry(
        kind="oauth.logout_message",
        at=now,
        outcome="done",
        client=row.client_id,
        actor="system:logout",
        details={"state": ASKED},
        personal={"person": row.person_id, "session": session_id},
    )
