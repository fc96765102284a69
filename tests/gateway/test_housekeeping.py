"""The leased job that keeps storage bounded, on a product that is put together as in service."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from foundation.entropy import SystemEntropy
from foundation.leases import leases
from gateway.composition import Parts, open_parts
from gateway.demo.environment import demo_environment, new_keys, write_environment
from gateway.demo.places import Places
from gateway.demo.world import adapters_at
from gateway.jobs import clean_up
from gateway.settings import Settings, load_settings
from idp.provider.tables import one_time_values, opaque_tokens
from idp.signin.tables import sms_codes
from tests.servers import Stack

DAYS = timedelta(days=2)


def _settings(stack: Stack, folder: Path) -> Settings:
    places = Places.at(8000)
    variables = demo_environment(
        new_keys(SystemEntropy()),
        places=places,
        adapters=adapters_at(places),
        database_url=stack.database_url,
        redis_url=stack.redis_url,
    )
    write_environment(folder / "renzheng.env", variables)
    return load_settings(folder / "renzheng.env", environ={})


async def _rows(parts: Parts, table: Table) -> list[Any]:
    async with parts.db.read() as connection:
        return list((await connection.execute(select(table))).all())


async def _litter(parts: Parts) -> None:
    """Leave finished rows of several kinds."""
    before, digest, name = parts.clock() - DAYS, bytes(32), "0" * 32
    code: dict[str, Any] = {
        "code_id": name,
        "phone_index": digest,
        "purpose": "sign-in",
        "flow_hash": digest,
        "prefix": "ABC",
    }
    code |= {"code_hash": digest, "tries": 0, "created_at": before, "expires_at": before}
    async with parts.db.transaction() as connection:
        await connection.execute(insert(one_time_values).values(digest=digest, expires_at=before))
        await connection.execute(insert(opaque_tokens).values(digest=digest, sealed=b"", expires_at=before))
        await connection.execute(insert(sms_codes).values(code))


async def test_one_worker_at_a_time_forgets(stack: Stack, tmp_path: Path) -> None:
    """V27: while another node holds the lease nothing is deleted; when its time is over, whoever comes next does it."""
    async with open_parts(_settings(stack, tmp_path), background=False) as parts:
        await _litter(parts)
        now = parts.clock()
        async with parts.db.transaction() as connection:
            held = {"name": "housekeeping", "holder": "another-node", "until": now + timedelta(minutes=1)}
            await connection.execute(insert(leases).values(held))
        assert not await clean_up(parts)
        assert len(await _rows(parts, one_time_values)) == 1
        async with parts.db.transaction() as connection:
            await connection.execute(leases.update().values(until=now - timedelta(seconds=1)))
        assert await clean_up(parts)
        for table in (one_time_values, opaque_tokens, sms_codes):
            assert await _rows(parts, table) == []
        assert await clean_up(parts), "the holder may go on"
