"""Telling people that something waits for their answer: a text message, sent once and apart from the request.

Apart, so that the time the app's request takes does not tell whether it named anybody; once, by one UPDATE that hands each request to one
worker. The message names the app and the department and carries no link and no code, as nothing may that a swindler could imitate. It goes
out under the official signature, so it repeats no name that an operator has not seen, and none that looks like more than a name.
"""

from datetime import datetime

from sqlalchemy import update

from idp.people.directory import Department, Directory
from idp.provider.clients.names import is_plain_name
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.decoupled.ports import NoticeSender
from idp.provider.decoupled.tables import decoupled_requests

TEMPLATE = "confirmation-waiting"


async def announce_requests(
    *, provider: Provider, directory: Directory, notices: NoticeSender, signature: str, now: datetime
) -> int:
    """Send a message for every request that was not announced yet, and return how many people were told."""
    column = decoupled_requests.c
    async with provider.db.read() as connection:
        rows = await connection.execute(
            update(decoupled_requests)
            .where(column.announced_at.is_(None), column.state == "pending", column.expires_at > now)
            .values(announced_at=now)
            .returning(column.person_id, column.client_id)
        )
        fresh = [(row.person_id, row.client_id) for row in rows]
    told = 0
    for person_id, client_id in fresh:
        client = provider.clients.find_active(client_id)
        facts = await provider.people.load(person_id)
        if client is None or facts is None or facts.phone is None or not facts.is_open:
            continue
        asking = _who_asks(client, await directory.find_department(client.department_id))
        notices.send_soon(
            phone=facts.phone,
            text=f"【{signature}】{asking}请您确认一项正在办理的业务。请自行打开本平台，在“等待确认”中核对后答复；"
            "不是您本人在办理，请选择拒绝。",
            template=TEMPLATE,
        )
        told += 1
    return told


def _who_asks(client: Client, department: Department | None) -> str:
    """Return who asks, in words for which an operator stands."""
    if not (client.metadata.is_reviewed and is_plain_name(client.name_zh)):
        return "有应用" if department is None else f"“{department.name_zh}”的应用"
    return f"“{client.name_zh}”" if department is None else f"“{department.name_zh}”的“{client.name_zh}”"
