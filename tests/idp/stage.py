"""A stage for people and sign-in: a real database and store, a clock that the test moves, and outside systems that remember.

The outside systems are small honest implementations of the ports: a phone network, a register of citizens and an upper center.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import ChangeFeed
from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.expiring import ExpiringStore, MemoryExpiringStore, open_redis_store
from foundation.identifiers.synthetic import synthetic_resident_id
from foundation.ledger import Ledger
from foundation.ledger.store import load_rows
from foundation.sealing import BlindIndex, Sealer, SealingKey
from idp.people.directory import Directory
from idp.ports import (
    CenterEvidence,
    CenterFailure,
    CenterHealth,
    CenterIdentity,
    CenterRedirect,
    EndedSession,
    ProofingResult,
    ProofingUnavailable,
    SmsUnavailable,
)
from idp.signin.entrance import Entrance, open_entrance
from idp.signin.limits import SignInLimits
from idp.signin.visits import Visit
from idp.vocabulary import RealNameLevel
from tests.servers import Stack

START = datetime(2026, 5, 18, 1, 0, tzinfo=UTC)
ZHANG = synthetic_resident_id("370299", date(1908, 5, 12), 1)
LI = synthetic_resident_id("370299", date(1909, 9, 9), 20)
WANG = synthetic_resident_id("370299", date(1910, 3, 8), 3)
PASSWORD = "春风又绿江南岸 2026"
CHEAP_HASHING = {"argon2_memory_kib": 8_192, "argon2_iterations": 1}


@dataclass
class PhoneNetwork:
    """Text messages that were sent, newest last; `down` makes it refuse."""

    messages: list[tuple[str, str, str]] = field(default_factory=list)
    down: bool = False

    async def send(self, *, phone: str, text: str, template: str) -> None:
        if self.down:
            raise SmsUnavailable("down")
        self.messages.append((phone, text, template))

    def latest_code(self, phone: str) -> tuple[str, str]:
        """Prefix and digits of the latest code sent to a phone."""
        for number, text, template in reversed(self.messages):
            if number == phone and template.startswith("code-"):
                match = re.search(r"([A-Z]{3})-([0-9]{6})", text, re.ASCII)
                assert match is not None
                return match[1], match[2]
        raise AssertionError("no code was sent")

    def templates(self, phone: str) -> list[str]:
        return [template for number, _, template in self.messages if number == phone]


@dataclass
class CitizenRegister:
    """Names by document number; asks are counted."""

    names: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    down: bool = False

    async def check_name_and_number(self, *, name: str, document_type: str, document_number: str) -> ProofingResult:
        if self.down:
            raise ProofingUnavailable("down")
        self.asked += 1
        agreed = self.names.get(document_number) == name
        return ProofingResult(agreed, "name_number", "citizen-register", f"ref-{self.asked}", START)


@dataclass
class UpperCenter:
    """An upper center at which `arriving` is signed in."""

    name: str = "province"
    display_name_zh: str = "省统一身份认证平台"
    display_name_en: str = "Provincial identity platform"
    ceiling: RealNameLevel = RealNameLevel.HIGH
    arriving: CenterIdentity | None = None
    failure: CenterFailure | None = None
    nonces: list[str] = field(default_factory=list)

    async def begin(self, *, state: str, nonce: str, redirect_uri: str) -> CenterRedirect:
        self.nonces.append(nonce)
        return CenterRedirect(f"https://center.example/authorize?state={state}", {"code_verifier": "v" * 43})

    async def finish(
        self, *, callback: Mapping[str, str], remembered: Mapping[str, str], nonce: str, redirect_uri: str
    ) -> CenterIdentity:
        assert remembered == {"code_verifier": "v" * 43}
        assert nonce in self.nonces
        if self.failure is not None:
            raise self.failure
        assert self.arriving is not None
        return self.arriving

    def health(self) -> CenterHealth:
        return CenterHealth(True, None)


@dataclass
class Stage:
    """Everything a test of this room needs."""

    entrance: Entrance
    sms: PhoneNetwork
    register: CitizenRegister
    center: UpperCenter
    ended: list[EndedSession]
    now: datetime = START

    def later(self, **span: float) -> datetime:
        """Move the clock and return the new instant."""
        self.now += timedelta(**span)
        return self.now

    @property
    def tools(self) -> dict[str, Any]:
        """The keywords of every use case except `visit`."""
        return {"entrance": self.entrance, "now": self.now}

    @property
    def parts(self) -> dict[str, Any]:
        """The keywords of the use cases that need no sign-in."""
        entrance = self.entrance
        return {
            "db": entrance.db,
            "ledger": entrance.ledger,
            "feed": entrance.feed,
            "entropy": entrance.entropy,
            "now": self.now,
        }

    async def entries(self) -> list[dict[str, Any]]:
        """Bodies of every ledger entry, oldest first."""
        async with self.entrance.db.read() as connection:
            rows = await load_rows(connection, start=0)
        return [json.loads(row.body) for row in rows]

    async def codes(self) -> list[tuple[str, str | None]]:
        """Kind and reason code of every ledger entry, oldest first."""
        return [(entry["kind"], entry.get("code")) for entry in await self.entries()]

    async def count(self, table: Table) -> int:
        async with self.entrance.db.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@asynccontextmanager
async def open_stage(stack: Stack, **limits: Any) -> AsyncIterator[Stage]:
    """Open a stage on one of the two stacks; `limits` override sign-in limits."""
    entropy = SystemEntropy()
    db = Database(stack.database_url)
    stage: Stage | None = None

    def clock() -> datetime:
        return stage.now if stage else START

    store = await _open_store(stack, clock)
    feed = ChangeFeed(db, clock)
    sealer = Sealer([SealingKey("k1", "A256GCM", bytes(range(32)))], entropy=entropy)
    ledger = Ledger(db, sealer=sealer, entropy=entropy, feed=feed)
    await ledger.open()
    sms, register, center = PhoneNetwork(), CitizenRegister({ZHANG: "张知明", LI: "李晓禾"}), UpperCenter()
    all_ended: list[EndedSession] = []

    async def note_endings(connection: AsyncConnection, ended: Sequence[EndedSession], *, now: datetime) -> None:
        all_ended.extend(ended)

    entrance = open_entrance(
        db=db,
        ledger=ledger,
        feed=feed,
        sealer=sealer,
        index=BlindIndex(bytes(range(100, 132))),
        store=store,
        entropy=entropy,
        limits=SignInLimits(**(CHEAP_HASHING | limits)),
        sms=sms,
        proofing=register,
        centers={"province": center},
        directory=Directory.open(db, feed),
        end_with_sessions=note_endings,
    )
    stage = Stage(entrance, sms, register, center, all_ended)
    try:
        yield stage
    finally:
        await entrance.close()
        await store.close()
        await db.close()


def visit(
    browser: str = "browser-of-zhang-1234567890",
    network: str = "203.0.113.7",
    *,
    device: str | None = None,
    session_token: str | None = None,
) -> Visit:
    """A request from a browser."""
    agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36"
    return Visit(
        browser=browser,
        network=network,
        user_agent=agent,
        device=device,
        session_token=session_token,
        request_id="r-1",
    )


def arriving(
    *,
    subject: str = "u-1001",
    number: str = ZHANG,
    name: str = "张知明",
    level: RealNameLevel = RealNameLevel.HIGH,
    phone: str | None = "13800000001",
) -> CenterIdentity:
    """Somebody signed in at the upper center."""
    evidence = CenterEvidence("face", "province", START - timedelta(days=30))
    return CenterIdentity("province", subject, level, name, "111", number, phone, evidence)


async def _open_store(stack: Stack, clock: Any) -> ExpiringStore:
    if stack.redis_url is None:
        return MemoryExpiringStore(monotonic=lambda: clock().timestamp())
    store = await open_redis_store(stack.redis_url, epoch="test", answer_timeout=timedelta(seconds=2))
    await store.acknowledge_flush("test")
    return store
