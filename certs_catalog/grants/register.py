"""Registering, suspending and revoking grants.

Each act shares its transaction with its ledger entry and with the change that every worker hears. Content
is validated here whoever calls, so no door can bring a grant into force that fails the checks.
"""

from collections.abc import Sequence
from datetime import datetime

from certs_catalog.errors import GrantInvalid
from certs_catalog.grants.book import TOPIC
from certs_catalog.grants.content import GrantContent, find_faults
from certs_catalog.grants.store import add_version, digest_of_content, find_grant, set_state
from certs_catalog.grants.version import GrantState, GrantVersion
from certs_catalog.room import LicenseRoom
from foundation.ledger import Change, Entry


async def register_grant(
    content: GrantContent,
    *,
    validated_by: Sequence[str],
    room: LicenseRoom,
    now: datetime,
    grant_id: str | None = None,
) -> GrantVersion:
    """Bring a validated version into force and return it; with the id of an existing grant it becomes its
    next version.

    The same content again changes nothing. Raises GrantInvalid listing every fault.
    """
    faults = find_faults(content, catalog=room.catalog, validated_by=validated_by, limits=room.limits)
    if faults:
        raise GrantInvalid("; ".join(faults))
    grant_id = grant_id or f"G-{now:%Y}-{room.entropy.digits(6)}"
    change = Change(TOPIC, content.department_id)
    async with room.db.transaction() as connection:
        present = await find_grant(connection, grant_id)
        if present and present.content.department_id != content.department_id:
            raise GrantInvalid("a grant does not move to another department")
        if present and present.state is GrantState.REVOKED:
            raise GrantInvalid("a revoked grant does not come back; register a new one")
        if present and present.state is GrantState.VALIDATED and present.content == content:
            return present
        version = present.version + 1 if present else 1
        await add_version(
            connection,
            grant_id=grant_id,
            version=version,
            content=content,
            validated_by=validated_by,
            now=now,
        )
        digest = digest_of_content(content).hex()
        await room.ledger.append_in(
            connection,
            Entry(
                kind="grant.validated",
                at=now,
                outcome="done",
                actor=validated_by[0],
                department=content.department_id,
                details={
                    "grant": f"{grant_id}@{version}",
                    "digest": digest,
                    "validated_by": list(validated_by),
                },
            ),
            changes=[change],
        )
    room.feed.apply([change])
    return GrantVersion(grant_id, version, GrantState.VALIDATED, content, digest)


async def suspend_grant(grant_id: str, *, room: LicenseRoom, actor: str, now: datetime) -> None:
    """Stop a grant until it is validated again; takes effect at once here and within a second elsewhere."""
    await _change_state(grant_id, GrantState.SUSPENDED, room=room, actor=actor, now=now)


async def revoke_grant(grant_id: str, *, room: LicenseRoom, actor: str, now: datetime) -> None:
    """End a grant for good."""
    await _change_state(grant_id, GrantState.REVOKED, room=room, actor=actor, now=now)


async def _change_state(grant_id: str, state: GrantState, *, room: LicenseRoom, actor: str, now: datetime) -> None:
    async with room.db.transaction() as connection:
        department_id = await set_state(connection, grant_id, state, now=now)
        if department_id is None:
            raise GrantInvalid("there is no such grant, or it is revoked")
        change = Change(TOPIC, department_id)
        entry = Entry(
            kind=f"grant.{state.value}",
            at=now,
            outcome="done",
            actor=actor,
            department=department_id,
            details={"grant": grant_id},
        )
        await room.ledger.append_in(connection, entry, changes=[change])
    room.feed.apply([change])
