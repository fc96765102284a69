"""A configured installation for the operator's commands: a database with the demo world in it."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from sqlalchemy import select
from typer.testing import CliRunner

from foundation.entropy import SystemEntropy
from foundation.ledger.sequencer import sequence
from foundation.ledger.store import ledger_entries
from gateway.cli.main import app
from gateway.composition import Parts, open_parts
from gateway.demo.environment import demo_environment, new_keys, write_environment
from gateway.demo.places import Places
from gateway.demo.seed import seed_world
from gateway.demo.world import adapters_at
from gateway.settings import ENV_FILE, PREFIX, load_settings
from tests.servers import Stack

Work = Callable[[Parts], Any]


@dataclass(frozen=True)
class Finished:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The JSON object that the command printed."""
        return json.loads(self.out)


class Installation:
    """One installation, used as an operator uses it: by commands."""

    def __init__(self, environment_file: Path) -> None:
        self.environment_file = environment_file

    def run(self, *arguments: str, typed: str | None = None) -> Finished:
        """Run a command in this process, as the product is imported already; `typed` answers what it asks."""
        done = CliRunner().invoke(app, list(arguments), input=typed, env={ENV_FILE: str(self.environment_file)})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Finished(done.exit_code, done.stdout, done.stderr)

    def variables(self) -> dict[str, str]:
        """The settings file, by name."""
        return {name: value or "" for name, value in dotenv_values(self.environment_file).items()}

    def set(self, name: str, value: str) -> None:
        """Change one line of the settings file."""
        write_environment(self.environment_file, {**self.variables(), name: value})

    def kinds(self) -> list[str]:
        """What is on record, in order."""

        async def work(parts: Parts) -> list[str]:
            async with parts.db.read() as connection:
                rows = await connection.execute(select(ledger_entries.c.kind).order_by(ledger_entries.c.position))
                return list(rows.scalars())

        kinds: list[str] = self.with_parts(work)
        return kinds

    def with_parts(self, work: Work) -> Any:
        """Do something with the parts of the product that no command offers."""

        async def play() -> Any:
            settings = load_settings(self.environment_file, environ={})
            async with open_parts(settings, background=False) as parts:
                return await work(parts)

        return asyncio.run(play())

    def cover(self) -> None:
        """Bring every ledger entry under a signed checkpoint, as a serving worker does each second."""

        async def work(parts: Parts) -> None:
            await sequence(parts.db, signer=parts.signer, clock=parts.clock)

        self.with_parts(work)


@pytest.fixture
def installation(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation on each stack, seeded with the demo world."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    places = Places.at(18_600)
    file = tmp_path / "renzheng.env"
    variables = demo_environment(
        new_keys(SystemEntropy()),
        places=places,
        adapters=adapters_at(places),
        database_url=stack.database_url,
        redis_url=stack.redis_url,
    )
    write_environment(file, variables)
    made = Installation(file)

    async def work(parts: Parts) -> None:
        await seed_world(parts, places=places)

    made.with_parts(work)
    return made
