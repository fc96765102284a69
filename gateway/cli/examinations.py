"""The examinations of `renzheng doctor`; each looks at one thing, changes nothing and always returns a finding."""

import asyncio
import shutil
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel
from redis import asyncio as redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from foundation.clock import system_clock
from foundation.database import Database
from foundation.problems import RenzhengError
from foundation.sealing import BlindIndex, parse_key_octets
from foundation.signing.store import list_signing_keys
from gateway.cli.certificate_examination import examine_certificates
from gateway.cli.findings import Finding, State
from gateway.cli.stores import make_sealer, open_database
from gateway.migrations import current_revision, head_revision
from gateway.settings import Settings, is_loopback
from idp.provider.clients.legacy_exceptions import standing_exceptions
from idp.provider.clients.registry import load_clients

SKEW_WARNING = timedelta(seconds=2)
SKEW_FAULT = timedelta(seconds=10)
LEAST_FREE = 1 << 30
REACH_S = 2.0
SLOW_DATABASE_MS = 50


async def examine(settings: Settings) -> list[Finding]:
    """Run every examination and return the findings in the order of dependence."""
    findings = [_transport(settings), _key_material(settings)]
    database = await _database(settings)
    findings.append(database)
    if database.state != "fault":
        schema = await _guarded("schema", _schema, settings)
        findings.append(schema)
        findings.append(await _guarded("database clock", _database_clock, settings))
        if schema.state == "ok":
            findings.append(await _guarded("signing keys", _signing_keys, settings))
            findings.append(await _guarded("legacy exceptions", _legacy_exceptions, settings))
            findings.append(await _guarded("client certificates", _client_certificates, settings))
    findings.append(await _redis(settings))
    findings.append(_disk(settings))
    findings += await asyncio.gather(*(_reach(name, url) for name, url in _outside(settings.adapters)))
    findings.append(await _product(settings))
    return findings


async def _guarded(name: str, examination: Callable[[Settings], Awaitable[Finding]], settings: Settings) -> Finding:
    try:
        return await examination(settings)
    except (RenzhengError, SQLAlchemyError) as failure:
        return Finding(name, "fault", type(failure).__name__, "renzheng migrate; then renzheng doctor again")


def _transport(settings: Settings) -> Finding:
    if settings.issuer.startswith("https://"):
        return Finding("issuer", "ok", settings.issuer)
    return Finding("issuer", "warning", f"{settings.issuer}: for one machine only", "set RENZHENG_ISSUER to https://…")


def _key_material(settings: Settings) -> Finding:
    try:
        make_sealer(settings)
        BlindIndex(parse_key_octets(settings.blind_index_key.get_secret_value()))
    except RenzhengError as failure:
        remedy = "set RENZHENG_SEALING_KEYS, RENZHENG_BLIND_INDEX_KEY and RENZHENG_SUBJECT_KEYS (docs/settings.md)"
        return Finding("key material", "fault", failure.description_en, remedy)
    return Finding("key material", "ok", f"{len(settings.sealing_keys)} sealing key(s), blind index")


async def _database(settings: Settings) -> Finding:
    kind = make_url(settings.database_url).get_backend_name()
    started = time.monotonic()
    try:
        async with open_database(settings) as db:
            await db.ping()
            started = time.monotonic()
            await db.ping()
    except (RenzhengError, SQLAlchemyError) as failure:
        remedy = "check RENZHENG_DATABASE_URL and that the server runs and lets this machine in"
        return Finding("database", "fault", f"{kind} does not answer: {type(failure).__name__}", remedy)
    taken = (time.monotonic() - started) * 1000
    if taken > SLOW_DATABASE_MS:
        return Finding(
            "database", "warning", f"{kind} answers in {taken:.0f} ms", "bring it nearer, or look at its load"
        )
    return Finding("database", "ok", f"{kind} answers in {taken:.1f} ms")


async def _schema(settings: Settings) -> Finding:
    expected = head_revision()
    current = await asyncio.to_thread(current_revision, settings.database_url)
    if current == expected:
        return Finding("schema", "ok", f"at {expected}")
    return Finding("schema", "fault", f"at {current or 'nothing'}, this version needs {expected}", "renzheng migrate")


async def _database_clock(settings: Settings) -> Finding:
    async with open_database(settings) as db:
        if db.dialect == "sqlite":
            return Finding("database clock", "ok", "this machine's own")
        theirs = await _now_of(db)
    return _skew("database clock", abs(theirs - system_clock()))


async def _now_of(db: Database) -> datetime:
    async with db.read() as connection:
        value: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    return value.astimezone(UTC)


async def _signing_keys(settings: Settings) -> Finding:
    now = system_clock()
    async with open_database(settings) as db, db.read() as connection:
        keys = [key for key, _ in await list_signing_keys(connection)]
    lines = {(key.purpose, key.alg) for key in keys}
    idle = [f"{purpose}/{alg}" for purpose, alg in sorted(lines) if not _is_covered(keys, purpose, alg, now)]
    if not keys:
        return Finding("signing keys", "warning", "none yet: the first start makes them", "renzheng serve")
    if idle:
        return Finding("signing keys", "fault", f"nothing signs for {', '.join(idle)}", "renzheng keys rotate")
    return Finding("signing keys", "ok", f"{len(lines)} lines, each with a key that signs")


async def _legacy_exceptions(settings: Settings) -> Finding:
    async with open_database(settings) as db:
        granted = standing_exceptions(await load_clients(db), now=system_clock())
    soon = [one for one in granted if one.state != "standing"]
    if not soon:
        return Finding("legacy exceptions", "ok", f"{len(granted)} client(s) with exceptions, none ends soon")
    named = ", ".join(f"{one.client_id} {one.until:%Y-%m-%d}" for one in soon)
    remedy = "see to it that these applications change, or grant the exceptions anew (renzheng client change)"
    return Finding("legacy exceptions", "warning", f"ended or ending soon: {named}", remedy)


async def _client_certificates(settings: Settings) -> Finding:
    async with open_database(settings) as db:
        return examine_certificates(settings, await load_clients(db))


def _is_covered(keys: list[Any], purpose: str, alg: str, now: datetime) -> bool:
    return any(key.may_sign(now) for key in keys if (key.purpose, key.alg) == (purpose, alg))


async def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("redis", "ok", "not used: expiring keys live in memory, for one worker")
    client = redis.Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=REACH_S)
    try:
        # redis-py types this command for both its clients; the asynchronous one is awaited.
        seconds, microseconds = await client.time()
    except (RedisError, OSError) as failure:
        remedy = "check RENZHENG_REDIS_URL and that Redis runs"
        return Finding("redis", "fault", f"does not answer: {type(failure).__name__}", remedy)
    finally:
        await client.aclose()
    theirs = datetime.fromtimestamp(seconds + microseconds / 1_000_000, UTC)
    return _skew("redis", abs(theirs - system_clock()))


def _skew(name: str, skew: timedelta) -> Finding:
    observed = f"answers, clock differs by {skew.total_seconds():.2f} s"
    if skew > SKEW_WARNING:
        state: State = "fault" if skew > SKEW_FAULT else "warning"
        return Finding(name, state, observed, "let both machines follow one time server (chrony, systemd-timesyncd)")
    return Finding(name, "ok", observed)


def _disk(settings: Settings) -> Finding:
    url = make_url(settings.database_url)
    on_file = url.get_backend_name() == "sqlite" and url.database
    folder = Path(url.database).absolute().parent if on_file and url.database else Path.cwd()
    free = shutil.disk_usage(folder).free
    observed = f"{free / (1 << 30):.1f} GiB free at {folder}"
    if free < LEAST_FREE:
        return Finding("disk", "fault", observed, "make room: a ledger that cannot be written refuses every lookup")
    return Finding("disk", "ok", observed)


def _outside(section: BaseModel, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, address) of every outside system in the adapters' settings, wherever they stand."""
    for key in type(section).model_fields:
        value = getattr(section, key)
        label = str(getattr(section, "name", "") or name or key)
        if isinstance(value, BaseModel):
            yield from _outside(value, label if name else key)
        elif isinstance(value, tuple):
            for part in value:
                if isinstance(part, BaseModel):
                    yield from _outside(part, f"{key}")
        elif key in ("base_url", "issuer", "url") and isinstance(value, str):
            yield label, value


async def _reach(name: str, url: str) -> Finding:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    place = f"{parts.hostname}:{port}"
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
        writer.close()
    except (OSError, TimeoutError, socket.gaierror):
        remedy = f"check the address in RENZHENG_ADAPTERS and the way out to {place}; other sign-ins are not harmed"
        return Finding(name, "warning", f"{place} cannot be reached", remedy)
    return Finding(name, "ok", f"{place} can be reached")


async def _product(settings: Settings) -> Finding:
    if not is_loopback(settings.issuer):
        own = f"http://{settings.host}:{settings.port}"
    else:
        own = settings.issuer
    try:
        async with httpx2.AsyncClient(timeout=REACH_S, trust_env=False) as client:
            answer = await client.get(f"{own}/readyz", headers={"Host": urlsplit(settings.issuer).netloc})
    except httpx2.HTTPError:
        return Finding("product", "warning", f"not serving at {own}", "renzheng serve")
    if answer.status_code == 200:
        return Finding("product", "ok", f"ready at {own}")
    return Finding("product", "fault", f"not ready at {own}: {answer.status_code}", "look at the log of renzheng serve")
