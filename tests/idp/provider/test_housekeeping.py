"""What is forgotten, and what is not: rows of every kind live as long as docs/storage.md says, however many there are."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, select

import idp.provider.decoupled.tables as decoupled
import idp.provider.registration.tables as registration
import idp.provider.tables as tables
from idp.provider.housekeeping import PERMANENT, finished_rows, forget_finished
from idp.provider.limits import ProviderLimits
from idp.provider.tables import (
    consents,
    logout_messages,
    oauth_grants,
    one_time_values,
    opaque_tokens,
    refresh_families,
)
from idp.signin.housekeeping import forget_finished_sign_ins
from idp.signin.tables import sessions, sms_codes
from tests.idp.provider.world import START, Browser, Person, World

DAY = timedelta(days=1)


async def test_only_finished_things_are_forgotten(world: World, browser: Browser) -> None:
    """A family that still lives keeps its grant; a month and a day later both are gone."""
    tokens = await browser.tokens_for(scope="openid offline_access")
    world.later(days=6)
    await world.provider.feed.catch_up()
    assert await forget_finished(provider=world.provider, now=world.now) == 0
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await world.token("gzf", **form)).status_code == 200
    world.later(days=26)
    await world.provider.feed.catch_up()
    assert await forget_finished(provider=world.provider, now=world.now) == 2
    assert await world.rows(oauth_grants) == []
    assert await world.rows(refresh_families) == []


async def test_session_goes_a_day_after_it_could_last_and_its_refresh_tokens_live_on(
    world: World, browser: Browser
) -> None:
    """A session that only ran out ends nothing; its row is not kept for the month that a refresh token lives."""
    tokens = await browser.tokens_for(scope="openid offline_access")
    world.later(hours=35)
    await world.provider.feed.catch_up()
    assert await forget_finished_sign_ins(db=world.provider.db, now=world.now) == 0
    world.later(hours=1)
    await world.provider.feed.catch_up()
    assert await forget_finished_sign_ins(db=world.provider.db, now=world.now) == 1
    assert await world.rows(sessions) == []
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await world.token("gzf", **form)).status_code == 200


def test_every_table_that_grows_is_named() -> None:
    """A table that is added to this room says how long its rows live."""
    of_this_room = {
        value.name
        for module in (tables, registration, decoupled)
        for value in vars(module).values()
        if isinstance(value, Table)
    }
    named = {table.name for table, _ in finished_rows(ProviderLimits(), START)}
    assert named | set(PERMANENT) == of_this_room


def test_every_table_that_grows_has_its_size_in_the_documents() -> None:
    """docs/storage.md names each with how long its rows are kept."""
    page = (Path(__file__).parents[3] / "docs" / "storage.md").read_text(encoding="utf-8")
    growing = {table.name for table, _ in finished_rows(ProviderLimits(), START)} | {sessions.name, sms_codes.name}
    assert [name for name in sorted(growing) if f"\n| `{name}` |" not in page] == []


def _row(table: Table, number: int, at: Any, person: Person) -> dict[str, Any]:
    """A row of a steady stream, made `at` this instant, with the ends that the product gives it."""
    name, digest = f"{number:032x}", number.to_bytes(32, "big")
    client: dict[str, Any] = {"client_id": "gzf", "created_at": at}
    rows: dict[str, dict[str, Any]] = {
        "oauth_grants": client
        | {"grant_id": name, "code_hash": digest, "code_expires_at": at, "person_id": person.person_id}
        | {"account_id": person.account_id, "session_id": name, "sid": name, "request": {}, "authentication": {}},
        "refresh_families": client
        | {"family_id": name, "grant_id": name, "generation": 1, "token_hash": digest}
        | {"idle_expires_at": at + 7 * DAY, "absolute_expires_at": at + 30 * DAY},
        "one_time_values": {"digest": digest, "expires_at": at + timedelta(minutes=5)},
        "opaque_tokens": {"digest": digest, "sealed": b"", "expires_at": at + timedelta(minutes=10)},
        "consents": {"person_id": name, "client_id": "gzf", "items": [], "declined": [], "agreed_at": at}
        | {"withdrawn_at": at},
        "logout_messages": client
        | {"message_id": name, "session_id": name, "person_id": person.person_id, "sid": name, "state": "delivered"}
        | {"attempts": 1, "next_attempt_at": at, "settled_at": at},
    }
    return rows[table.name]


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        (oauth_grants, timedelta(days=31)),
        (refresh_families, timedelta(days=31)),
        (one_time_values, timedelta(minutes=5)),
        (opaque_tokens, timedelta(minutes=10)),
        (consents, timedelta(days=180)),
        (logout_messages, timedelta(days=7)),
    ],
)
async def test_a_steady_stream_never_holds_more_than_its_rate_times_its_life(
    world: World, zhang: Person, table: Table, kept: timedelta
) -> None:
    """docs/storage.md: rows = made in a day × days kept; a stream of 240 days leaves exactly the rows of its last `kept`."""
    step = min(kept / 4, DAY)
    rows = [_row(table, number, START + number * step, zhang) for number in range(1, 240)]
    async with world.provider.db.transaction() as connection:
        await connection.execute(insert(table), rows)
    now = START + 239 * step
    await forget_finished(provider=world.provider, now=now)
    async with world.provider.db.read() as connection:
        left = len((await connection.execute(select(table))).all())
    # A row whose time ends at this very moment may go.
    assert left == len([number for number in range(1, 240) if START + number * step + kept > now])
    assert 0 < left <= kept / step
