"""What is on record: the ledger and the accesses of a town, read from its database, and the proof of a receipt."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.ledger.verification import Report, verify_ledger
from foundation.sealing import Sealer, parse_sealing_keys
from gateway.cli.checkpoint_keys import read_checkpoint_keys
from gateway.settings import load_settings
from tests.faults.nodes import DATABASE, Town


@dataclass(frozen=True)
class Entry:
    """One ledger entry with its parsed body."""

    position: int
    kind: str
    body: dict[str, Any]
    leaf_hash: bytes

    @property
    def outcome(self) -> str:
        """allowed, refused, done or failed."""
        return str(self.body["outcome"])

    @property
    def code(self) -> str | None:
        """The reason of a refusal."""
        return self.body.get("code")


@dataclass(frozen=True)
class Acknowledged:
    """What a receipt says about its place in the ledger."""

    position: int
    leaf_hash: bytes
    lookup: str


def acknowledged(receipt: str) -> Acknowledged:
    """Read a receipt; its signature is checked by the story."""
    payload = receipt.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    place = claims["ledger"]
    return Acknowledged(int(place["position"]), bytes.fromhex(place["leaf_sha256"]), str(claims["jti"]))


def ledger_size(town: Town) -> int:
    """Return how many entries there are."""
    return int(query(town, "SELECT size FROM ledger_head")[0][0])


def entries_since(town: Town, position: int) -> list[Entry]:
    """Return the entries from this position on."""
    rows = query(
        town,
        "SELECT position, kind, body, leaf_hash FROM ledger_entries WHERE position >= %s ORDER BY position",
        position,
    )
    return [Entry(row[0], row[1], json.loads(row[2]), bytes(row[3])) for row in rows]


def query(town: Town, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement as the operator of the database would."""
    with psycopg.connect(
        host="127.0.0.1", port=town.postgres.port, user="postgres", dbname=DATABASE, autocommit=True
    ) as connection:
        return connection.execute(statement, parameters).fetchall()


async def verify(town: Town) -> Report:
    """Verify the whole ledger as `renzheng ledger verify` does, with the sealed parts opened."""
    settings = load_settings(town.settings_file, environ={})
    sealer = Sealer(
        parse_sealing_keys([key.get_secret_value() for key in settings.sealing_keys]), entropy=SystemEntropy()
    )
    db = Database(settings.database_url)
    try:
        async with db.read() as connection:
            return await verify_ledger(
                connection,
                public_keys=await read_checkpoint_keys(connection),
                name=settings.ledger_name,
                sealer=sealer,
            )
    finally:
        await db.close()


def refusals(entries: Sequence[Entry]) -> list[tuple[str, str | None]]:
    """Return kind and reason of every refusal."""
    return [(entry.kind, entry.code) for entry in entries if entry.outcome == "refused"]
