"""What `renzheng keys reseal` does: count what lies under a former sealing key, or seal it under the newest one."""

from dataclasses import dataclass

from foundation.clock import system_clock
from foundation.ledger import Entry
from foundation.resealing import Progress, count_left, reseal_columns
from gateway.cli.console import progress
from gateway.cli.ledger_door import LedgerDoor, open_ledger_door
from gateway.sealed_columns import SEALED_COLUMNS

ACTOR = "system:cli"


@dataclass(frozen=True, slots=True)
class ColumnState:
    """One sealed column after the command: how many values it sealed again, how many are left, which do not open."""

    column: str
    done: int
    left: int
    broken: tuple[str, ...] = ()


async def count_all() -> tuple[ColumnState, ...]:
    """Count what is left in every sealed column and change nothing."""
    async with open_ledger_door() as door:
        return tuple([ColumnState(name, 0, left) for name, left in (await _left(door)).items()])


async def reseal_all() -> tuple[ColumnState, ...]:
    """Seal everything under the newest key, with an entry in the ledger at the beginning and one at the end.

    Raises ResealUnderWay while another process does so.
    """
    async with open_ledger_door() as door:
        before = await _left(door)
        if not any(before.values()):
            return tuple(ColumnState(name, 0, 0) for name in before)
        key_id = door.sealer.active_key_id
        # Its own personal parts are sealed under the newest key already, so the pass does not run after itself.
        await door.ledger.append(_entry("keys.reseal_begun", {"key": key_id, "left": dict(before)}))
        done = await reseal_columns(
            SEALED_COLUMNS,
            db=door.db,
            sealer=door.sealer,
            holder=f"cli-{door.entropy.identifier()}",
            clock=system_clock,
            tell=_tell,
        )
        after = await _left(door)
        sealed = {one.column: one.done for one in done}
        await door.ledger.append(_entry("keys.resealed", {"key": key_id, "done": sealed, "left": dict(after)}))
    return tuple(ColumnState(one.column, one.done, after[one.column], one.broken) for one in done)


async def _left(door: LedgerDoor) -> dict[str, int]:
    return {one.name: await count_left(one, db=door.db, sealer=door.sealer) for one in SEALED_COLUMNS}


def _tell(told: Progress) -> None:
    if told.total:
        progress(f"{told.column}  {told.done}/{told.total}")


def _entry(kind: str, details: dict[str, str | dict[str, int]]) -> Entry:
    return Entry(kind, system_clock(), "done", actor=ACTOR, details=details)
