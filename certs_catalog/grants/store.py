"""SQL on grants; functions take a connection and never commit."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from certs_catalog.grants.content import GrantContent
from certs_catalog.grants.version import GrantState, GrantVersion
from certs_catalog.tables import grant_versions, grants
from foundation.ledger.entries import canonical_json

_CONTENT = TypeAdapter(GrantContent)


def render_content(content: GrantContent) -> dict[str, Any]:
    """Return the content as JSON values: what is stored, shown and hashed."""
    rendered: dict[str, Any] = _CONTENT.dump_python(content, mode="json")
    return rendered


def digest_of_content(content: GrantContent) -> bytes:
    """SHA-256 over the canonical JSON of the content."""
    return hashlib.sha256(canonical_json(render_content(content))).digest()


async def add_version(
    connection: AsyncConnection,
    *,
    grant_id: str,
    version: int,
    content: GrantContent,
    validated_by: Sequence[str],
    now: datetime,
) -> None:
    """Write one validated version and make it the current one of its grant."""
    if version == 1:
        await connection.execute(
            insert(grants).values(
                grant_id=grant_id,
                department_id=content.department_id,
                state=GrantState.VALIDATED.value,
                current_version=1,
                changed_at=now,
            )
        )
    else:
        await connection.execute(
            update(grants)
            .where(grants.c.grant_id == grant_id, grants.c.current_version == version - 1)
            .values(current_version=version, state=GrantState.VALIDATED.value, changed_at=now)
        )
    await connection.execute(
        insert(grant_versions).values(
            grant_id=grant_id,
            version=version,
            content=render_content(content),
            content_digest=digest_of_content(content),
            validated_by=list(validated_by),
            validated_at=now,
        )
    )


async def set_state(connection: AsyncConnection, grant_id: str, state: GrantState, *, now: datetime) -> str | None:
    """Write the state of a grant and return its department.

    None when there is no such grant or it is revoked for good.
    """
    row = (
        await connection.execute(
            update(grants)
            .where(grants.c.grant_id == grant_id, grants.c.state != GrantState.REVOKED.value)
            .values(state=state.value, changed_at=now)
            .returning(grants.c.department_id)
        )
    ).one_or_none()
    return None if row is None else str(row.department_id)


async def find_grant(connection: AsyncConnection, grant_id: str) -> GrantVersion | None:
    """Return the current version of one grant."""
    rows = await connection.execute(_CURRENT.where(grants.c.grant_id == grant_id))
    row = rows.one_or_none()
    return None if row is None else _version_of(row)


async def list_grants(connection: AsyncConnection, department_id: str | None = None) -> list[GrantVersion]:
    """Return the current version of every grant, or of every grant of one department."""
    wanted = _CURRENT if department_id is None else _CURRENT.where(grants.c.department_id == department_id)
    return [_version_of(row) for row in await connection.execute(wanted.order_by(grants.c.grant_id))]


_CURRENT = select(grants, grant_versions.c.content, grant_versions.c.content_digest).join(
    grant_versions,
    and_(
        grant_versions.c.grant_id == grants.c.grant_id,
        grant_versions.c.version == grants.c.current_version,
    ),
)


def _version_of(row: Row[Any]) -> GrantVersion:
    return GrantVersion(
        grant_id=row.grant_id,
        version=row.current_version,
        state=GrantState(row.state),
        content=_CONTENT.validate_python(row.content),
        content_digest=bytes(row.content_digest).hex(),
    )
