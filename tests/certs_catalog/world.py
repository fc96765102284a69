"""A license room on a test stack, with synthetic people, licenses, a grant and cases.

Everybody is made up: document numbers have a valid check character and a birth year before 1915.
"""

import json
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from certs_catalog.grants.content import GrantContent, PurposeGrant, TypeGrant
from certs_catalog.grants.register import register_grant
from certs_catalog.holders import holder_ref
from certs_catalog.licenses.record import LicenseHolder, LicenseRecord
from certs_catalog.licenses.register import register_license
from certs_catalog.limits import LookupLimits
from certs_catalog.lookup.look_up import look_up_license
from certs_catalog.lookup.outcomes import Answer, Refusal
from certs_catalog.lookup.parse import parse_lookup
from certs_catalog.ports import CaseFacts, LibraryHolder, LibraryLicense
from certs_catalog.room import LicenseRoom, open_license_room
from certs_catalog.statuses import beijing_date
from certs_catalog.vocabulary import Caller, Grade, HolderRef, LicenseStatus
from foundation.changes import ChangeFeed
from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.expiring import ExpiringStore, MemoryExpiringStore, open_redis_store
from foundation.identifiers import compose_e_license_identifier
from foundation.identifiers.synthetic import synthetic_resident_id, synthetic_social_credit_code
from foundation.ledger import Ledger
from foundation.sealing import BlindIndex, Sealer, SealingKey
from foundation.signing import KeyRing, PurposePolicy, RotationPolicy, ensure_keys
from tests.certs_catalog.fakes import MemoryLibrary, MemoryMatters
from tests.servers import Stack

NOW = datetime(2026, 5, 18, 2, 32, tzinfo=UTC)
ISSUER = "https://rz.qingyu.example"
AREA = "370299"
HOUSING = synthetic_social_credit_code(AREA, 1, registration="11")
MARKET = synthetic_social_credit_code(AREA, 2, registration="11")
REAL_ESTATE_OFFICE = synthetic_social_credit_code(AREA, 3, registration="11")

ZHANG = synthetic_resident_id(AREA, date(1908, 5, 12), 1)
LI = synthetic_resident_id(AREA, date(1909, 9, 20), 2)
NOBODY = synthetic_resident_id(AREA, date(1907, 1, 3), 5)

TITLE = "11100000MB03271699001"
MORTGAGE = "11100000MB03271699022"
BUSINESS = "11100000MB0143028R001"
CONSTRUCTOR = "11100000000013338W001"
DRIVER = "11100000000019713D071"

OPEN_CASE = "QY-2026-000101"
CLOSED_CASE = "QY-2026-000102"
CASE_OF_MARKET = "QY-2026-000103"
CASE_OF_LI = "QY-2026-000104"
CASE_OF_OTHER_MATTER = "QY-2026-000105"
MATTER = "gzf-apply"

CLERK = Caller(
    channel="desk",
    department_id="d" * 32,
    department_uscc=HOUSING,
    department_name_zh="青榆区住房和城乡建设局",
    department_name_en="Qingyu Housing Bureau",
    officer_id="a" * 32,
    officer_label="A0107 窗口工作人员",
    client_id=None,
    acr="urn:renzheng:acr:l3:f2",
    strength=2,
    network="127.0.0.1",
)
APPLICATION = replace(CLERK, channel="api", client_id="gzf", acr="", strength=0)

GRANT = GrantContent(
    department_id=CLERK.department_id,
    title="公共租赁住房资格确认用证",
    types=(
        TypeGrant(
            TITLE,
            Grade.FULL,
            ("holder_name", "holder_number", "location", "usage", "license_number", "valid_to", "co_ownership"),
        ),
        TypeGrant(CONSTRUCTOR, Grade.MASKED, ("holder_name", "specialty", "valid_to")),
        TypeGrant(DRIVER, Grade.FULL, ("holder_name", "service_kind", "vehicle_class", "valid_to")),
    ),
    purposes=(
        PurposeGrant(
            MATTER, "公共租赁住房资格申请", "Application for public rental housing", "LB-77@3", "公共租赁住房管理办法"
        ),
        PurposeGrant("gzf-statistics", "住房统计", "Housing statistics", "LB-80@1", "统计法", needs_case=False),
    ),
    channels=("api", "desk"),
    networks=("127.0.0.0/8", "10.0.0.0/8"),
    daily_volume=4000,
    rate_per_minute=600,
    valid_from=NOW - timedelta(days=30),
    valid_to=NOW + timedelta(days=300),
    contacts=("住房保障科",),
    retention_days=180,
)

_KEYS = RotationPolicy(purposes=(PurposePolicy("receipt", ("EdDSA",), overlap=None),))


@dataclass
class World:
    """One node's license room with its surroundings; ``now`` is the instant everything happens at."""

    room: LicenseRoom
    library: MemoryLibrary
    matters: MemoryMatters
    now: datetime = NOW

    def ref(self, number: str, type_code: str = "111") -> HolderRef:
        """The blind reference of a holder."""
        return holder_ref(type_code, number, blind_index=self.room.blind_index, today=beijing_date(self.now))

    async def pass_time(self, seconds: float) -> None:
        """Let time go by; the change feed, which keeps the same clock, listens again."""
        self.now += timedelta(seconds=seconds)
        await self.room.feed.catch_up()

    async def look_up(
        self, caller: Caller = CLERK, *, request_id: str | None = None, **members: Any
    ) -> Answer | Refusal:
        """Look up with a wire body made of the ordinary question and the given members."""
        request = parse_lookup(body(**members), limits=self.room.limits, today=beijing_date(self.now))
        return await look_up_license(request, caller, room=self.room, request_id=request_id, now=self.now)

    async def answered(self, caller: Caller = CLERK, **members: Any) -> Answer:
        """Look up and insist on an answer."""
        outcome = await self.look_up(caller, **members)
        assert isinstance(outcome, Answer), outcome
        return outcome

    async def refused(self, caller: Caller = CLERK, **members: Any) -> Refusal:
        """Look up and insist on a refusal."""
        outcome = await self.look_up(caller, **members)
        assert isinstance(outcome, Refusal), outcome
        return outcome


def document(**members: Any) -> dict[str, Any]:
    """The ordinary question: 张知明's title, masked, for the open case; a member given as None is left out."""
    question: dict[str, Any] = {
        "by": {"holder": {"type": "111", "code": ZHANG}},
        "license_types": [TITLE],
        "grade": "masked",
        "fields": ["holder_name", "location"],
        "purpose": {"matter": MATTER, "case": OPEN_CASE},
    }
    return {name: value for name, value in (question | members).items() if value is not None}


def body(**members: Any) -> bytes:
    """The ordinary question as octets."""
    return json.dumps(document(**members), ensure_ascii=False).encode()


def title_of(number: str, name: str, /, serial: str = "37029900000001", **changes: Any) -> LicenseRecord:
    """A real estate title of one synthetic holder."""
    values: dict[str, Any] = {
        "type_code": TITLE,
        "issuer_code": REAL_ESTATE_OFFICE,
        "issuer_name": "青榆区自然资源局",
        "serial": serial,
        "version": 1,
        "number": f"鲁(2025)青榆区不动产权第{serial[-7:]}号",
        "holders": (LicenseHolder("111", number, name),),
        "issued_on": date(2025, 3, 7),
        "valid_from": date(2025, 3, 7),
        "valid_to": None,
        "status": LicenseStatus.VALID,
        "face": {"location": "青榆区松涛路18号3单元502室", "usage": "城镇住宅", "co_ownership": "单独所有"},
        "provenance": "issuer",
        "source_updated_at": NOW - timedelta(days=3),
    }
    return LicenseRecord(**(values | changes))


def driver_of(number: str, name: str, **changes: Any) -> LibraryLicense:
    """A road transport staff qualification as the library above answers it."""
    identifier = compose_e_license_identifier(type_code=DRIVER, issuer=HOUSING, serial="3702990001234", version=1)
    values: dict[str, Any] = {
        "identifier": str(identifier),
        "type_code": DRIVER,
        "number": "3702990001234",
        "status": LicenseStatus.VALID,
        "holders": (LibraryHolder("111", number, name),),
        "issuer_code": HOUSING,
        "issuer_name": "青榆市交通运输局",
        "face": {
            "certificate_validate_end": "20290101",
            "KZ_CYLB": "道路旅客运输驾驶员",
            "KZ_ZJCX": "A1",
        },
        "as_of": NOW - timedelta(seconds=2),
    }
    return LibraryLicense(**(values | changes))


def request_id() -> str:
    """A fresh X-Request-Id."""
    return str(uuid.uuid4())


@asynccontextmanager
async def open_world(
    stack: Stack, *, like: World | None = None, limits: Mapping[str, Any] | None = None, bare: bool = False
) -> AsyncIterator[World]:
    """Open a node on the stack; ``like`` makes it a further node of the same installation, ``bare`` leaves it empty."""
    db = Database(stack.database_url)
    entropy = SystemEntropy()
    sealer = like.room.sealer if like else Sealer([SealingKey("t1", "A256GCM", os.urandom(32))], entropy=entropy)
    matters = like.matters if like else MemoryMatters(cases())
    library = like.library if like else MemoryLibrary(licenses=[driver_of(ZHANG, "张知明")])
    world: World
    feed = ChangeFeed(db, lambda: world.now)
    ledger = Ledger(db, sealer=sealer, entropy=entropy, feed=feed)
    keys = KeyRing(sealer)
    store = await _open_store(stack)
    try:
        await ledger.open()
        await ensure_keys(db, sealer=sealer, policy=_KEYS, now=NOW)
        await keys.refresh(db)
        room = await open_license_room(
            issuer=ISSUER,
            limits=LookupLimits(**(limits or {})),
            db=db,
            ledger=ledger,
            feed=feed,
            keys=keys,
            sealer=sealer,
            blind_index=like.room.blind_index if like else BlindIndex(os.urandom(32)),
            store=store,
            entropy=entropy,
            libraries={library.name: library},
            matters=matters,
        )
        world = World(room, library, matters)
        await feed.start()
        if like is None and not bare:
            await _furnish(world)
        yield world
    finally:
        await feed.stop()
        await store.close()
        await db.close()


def cases() -> dict[str, CaseFacts]:
    """The cases the case system knows."""
    facts = [
        CaseFacts(OPEN_CASE, MATTER, "公共租赁住房资格申请", HOUSING, True, "111", ZHANG),
        CaseFacts(CLOSED_CASE, MATTER, "公共租赁住房资格申请", HOUSING, False, "111", ZHANG),
        CaseFacts(CASE_OF_MARKET, MATTER, "公共租赁住房资格申请", MARKET, True, "111", ZHANG),
        CaseFacts(CASE_OF_LI, MATTER, "公共租赁住房资格申请", HOUSING, True, "111", LI),
        CaseFacts(CASE_OF_OTHER_MATTER, "gzf-exit", "公共租赁住房退出", HOUSING, True, "111", ZHANG),
    ]
    return {case.number: case for case in facts}


async def _open_store(stack: Stack) -> ExpiringStore:
    if stack.redis_url is None:
        return MemoryExpiringStore()
    store = await open_redis_store(stack.redis_url, epoch="test")
    await store.acknowledge_flush("test")
    return store


async def _furnish(world: World) -> None:
    await register_license(title_of(ZHANG, "张知明"), room=world.room, actor="system:seed", now=NOW)
    await register_license(
        title_of(LI, "李晓禾", serial="37029900000002"), room=world.room, actor="system:seed", now=NOW
    )
    await register_grant(
        GRANT,
        validated_by=("officer:1", "officer:2"),
        room=world.room,
        now=NOW,
        grant_id="G-2026-0017",
    )
