"""Point 8: the ledger is sound; one altered byte in one row, and the verification names that row.

The alteration happens in the demo's own database, inside a transaction that is always rolled back.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from sqlalchemy import select, update

from foundation.database import Database
from foundation.ledger.store import ledger_entries
from foundation.ledger.verification import Fault, verify_ledger
from gateway.cli.checkpoint_keys import read_checkpoint_keys
from gateway.settings import ENV_FILE, Settings, load_settings
from gateway.stories.main.cast import Cast
from gateway.stories.story import NotAsTold, expect, wait_until

_VERIFY_S = 60
_COVERED_WITHIN_S = 5.0
LOOKUP_KIND = "license.lookup"


def verify_the_ledger(cast: Cast) -> str:
    """`renzheng ledger verify` reports a sound ledger, and the checkpoint is the published one."""

    def look() -> dict[str, object] | None:
        report = _run_verify(cast)
        return report if report["sound"] and not report["uncovered"] else None

    report = wait_until(look, seconds=_COVERED_WITHIN_S, otherwise="the ledger is not sound and covered")
    checkpoint = report["checkpoint"]
    if not isinstance(checkpoint, dict):
        raise NotAsTold("the report names no checkpoint")
    published = cast.program.get(cast.world.urls["checkpoint"])
    expect(published.status_code == 200, f"the published checkpoint answered {published.status_code}")
    size = int(published.text.splitlines()[1])
    expect(size >= checkpoint["size"], f"the published checkpoint has {size} entries, the verified one more")
    return f"sound: {report['entries']} entries, checkpoint of {checkpoint['size']}, root {checkpoint['root']}"


def name_an_altered_row(cast: Cast) -> str:
    """With one byte of one row changed, the verification names that row and no other."""
    altered = asyncio.run(_alter_and_verify(load_settings(cast.environment_file, environ={})))
    named = {fault.position for fault in altered.faults if fault.position is not None}
    expect(named == {altered.position}, f"entry {altered.position} was altered, named were {sorted(named)}")
    report = _run_verify(cast)
    expect(bool(report["sound"]), "the alteration was not rolled back")
    return f"entry {altered.position} altered by one byte and named: {altered.faults[0].reason}; rolled back"


@dataclass(frozen=True, slots=True)
class _Altered:
    position: int
    faults: list[Fault]


async def _alter_and_verify(settings: Settings) -> _Altered:
    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.rehearsal() as connection:
            row = (
                await connection.execute(
                    select(ledger_entries.c.position, ledger_entries.c.body)
                    .where(ledger_entries.c.kind == LOOKUP_KIND)
                    .order_by(ledger_entries.c.position.desc())
                    .limit(1)
                )
            ).one()
            body = row.body.replace("allowed", "allowee", 1).replace("refused", "refusee", 1)
            await connection.execute(
                update(ledger_entries).where(ledger_entries.c.position == row.position).values(body=body)
            )
            keys = await read_checkpoint_keys(connection)
            report = await verify_ledger(connection, public_keys=keys, name=settings.ledger_name, sealer=None)
            return _Altered(row.position, report.faults)
    finally:
        await db.close()


def _run_verify(cast: Cast) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "ledger", "verify", "--json"],
        env={**os.environ, ENV_FILE: str(cast.environment_file)},
        capture_output=True,
        text=True,
        timeout=_VERIFY_S,
        check=False,
    )
    if not done.stdout.strip():
        raise NotAsTold(f"renzheng ledger verify ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    report: dict[str, object] = json.loads(done.stdout)
    return report
