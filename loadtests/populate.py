"""Making the world that is measured, through the product's own use cases, in a database that is freshly migrated.

Limits on how often somebody may ask are raised so far that they are counted but never reached; everything else is as in
production: consent is asked for, the case system is asked, the ledger is written, receipts are signed.
"""

import asyncio
import dataclasses
import json
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from adapters.simulators.world import HOUSING_MATTER, HOUSING_USCC
from certs_catalog.grants.register import register_grant
from certs_catalog.licenses.record import LicenseHolder, LicenseRecord
from certs_catalog.licenses.register import register_license
from certs_catalog.vocabulary import LicenseStatus
from foundation.identifiers.synthetic import synthetic_resident_id
from gateway.composition import Parts, open_parts
from gateway.demo.grants import housing_grant
from gateway.demo.licenses import (
    NATURAL_RESOURCES_USCC,
    PUBLIC_SECURITY_USCC,
    REAL_ESTATE_TITLE,
    RESIDENT_ID_CARD,
)
from gateway.settings import Settings
from idp.people.departments import add_department, add_officer
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.registration.register import ClientRegistration, register_client
from idp.provider.scopes import LICENSE_LOOKUP, OFFLINE_ACCESS
from idp.signin.enrolment import enrol_person
from idp.signin.visits import Visit
from loadtests.calls import Call, Conversation, expect
from loadtests.signing import SigningClient
from loadtests.world import Applicant, Citizen, Secret, World

APPLICANTS = 500
CITIZENS = 64
NEVER_REACHED = 1_000_000_000
RAISED_LIMITS: Mapping[str, str] = {
    # Big relying parties are configured without it; the quotas of lookups stay on and are counted.
    "RENZHENG_PROVIDER__TOKEN_REQUESTS_PER_WINDOW": "0",
    "RENZHENG_PAGE_REQUESTS_PER_WINDOW": str(NEVER_REACHED),
    "RENZHENG_SIGNIN__NETWORK_ATTEMPTS": str(NEVER_REACHED),
    "RENZHENG_LOOKUP__OFFICER_PER_MINUTE": str(NEVER_REACHED),
    "RENZHENG_LOOKUP__OFFICER_PER_DAY": str(NEVER_REACHED),
}

WORK_NUMBER = "ZJ-0001"
REDIRECT_URI = "http://127.0.0.1:9/callback"
FIELDS = ("holder_name", "location", "floor_area")

_AREA = "370299"
_FIRST_DAY = date(1890, 1, 1)
_ACTOR = "system:benchmark"
_PASSWORD = "Measure-{:03d}-Willow-Bridge"
_VISIT = Visit(browser="benchmark", network="127.0.0.1")
_VALIDATED_BY = ("officer:benchmark-1", "officer:benchmark-2")
_REPORTED_AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
_AT_ONCE = 8
# Surnames and given names are combined so that names differ in length and characters as real ones do.
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = ("静", "明远", "知秋", "守拙", "若水", "怀瑾", "安", "思齐")


async def populate(settings: Settings) -> World:
    """Fill the database of the settings and return the world; run it once for a database."""
    async with open_parts(settings, background=False) as parts:
        now = parts.clock()
        department = await _add_department(parts, now)
        await _add_officer(parts, department, now)
        await _add_grant(parts, department, now)
        people = [(name_of(number), document_number_of(number)) for number in range(APPLICANTS)]
        await _in_lanes([_licenses(parts, number, *person, now) for number, person in enumerate(people)])
        citizens = await _add_citizens(parts, people[:CITIZENS], now)
        clients = [await _add_client(parts, one, now) for one in _registrations(department, settings.issuer)]
        backend, resource, app = clients
        signer = await _add_signer(parts, department, now)
    return World(
        issuer=settings.issuer,
        backend=backend,
        resource=resource,
        app=app,
        signer=signer,
        redirect_uri=REDIRECT_URI,
        work_number=WORK_NUMBER,
        matter=HOUSING_MATTER,
        license_type=REAL_ESTATE_TITLE,
        fields=FIELDS,
        applicants=tuple(Applicant(number, case_of(index)) for index, (_, number) in enumerate(people)),
        citizens=citizens,
    )


def open_cases(world: World) -> list[Conversation]:
    """Return the conversations that open every applicant's case at the simulator of the case system."""
    return [_open_case(applicant) for applicant in world.applicants]


def document_number_of(number: int) -> str:
    """Return the resident identity number of the n-th person; every birthday has one."""
    return synthetic_resident_id(_AREA, _FIRST_DAY + timedelta(days=number * 7), number % 1000)


def name_of(number: int) -> str:
    """Return the name of the n-th person."""
    return _SURNAMES[number % len(_SURNAMES)] + _GIVEN[number // len(_SURNAMES) % len(_GIVEN)]


def case_of(number: int) -> str:
    """Return the number of the n-th person's case."""
    return f"QY-2026-{900_000 + number}"


def _open_case(applicant: Applicant) -> Conversation:
    case = {
        "number": applicant.case,
        "open": True,
        "matter_code": HOUSING_MATTER,
        "matter_name": "公共租赁住房资格申请",
        "matter_name_en": "Public rental housing application",
        "department_uscc": HOUSING_USCC,
        "holder_number": applicant.document_number,
    }
    octets = json.dumps(case, ensure_ascii=False).encode()
    reply = yield Call("PUT", f"/_world/cases/{applicant.case}", {"content-type": "application/json"}, octets)
    expect(reply, 200, "case")


async def _add_department(parts: Parts, now: datetime) -> str:
    department = await add_department(
        "housing",
        "青榆区住房和城乡建设局",
        "Qingyu District Housing and Construction Bureau",
        HOUSING_USCC,
        actor=_ACTOR,
        db=parts.db,
        ledger=parts.ledger,
        feed=parts.feed,
        entropy=parts.entropy,
        now=now,
    )
    return department.department_id


async def _add_officer(parts: Parts, department_id: str, now: datetime) -> None:
    person_id = await _enrol(parts, name_of(APPLICANTS), document_number_of(APPLICANTS), _PASSWORD.format(999), now)
    await add_officer(
        person_id,
        department_id,
        WORK_NUMBER,
        post_zh="窗口受理员",
        post_en="counter clerk",
        roles=("desk",),
        actor=_ACTOR,
        db=parts.db,
        ledger=parts.ledger,
        feed=parts.feed,
        entropy=parts.entropy,
        now=now,
    )


async def _add_grant(parts: Parts, department_id: str, now: datetime) -> None:
    content = dataclasses.replace(
        housing_grant(department_id, now), daily_volume=NEVER_REACHED, rate_per_minute=NEVER_REACHED
    )
    await register_grant(content, validated_by=_VALIDATED_BY, room=parts.licenses, now=now)


async def _add_citizens(parts: Parts, people: list[tuple[str, str]], now: datetime) -> tuple[Citizen, ...]:
    citizens = tuple(Citizen(document, _PASSWORD.format(index)) for index, (_, document) in enumerate(people))
    for (name, document), citizen in zip(people, citizens, strict=True):
        await _enrol(parts, name, document, citizen.password, now)
    return citizens


async def _enrol(parts: Parts, name: str, document: str, password: str, now: datetime) -> str:
    account = await enrol_person(
        name,
        document,
        user_name=f"bench{document[6:17]}",
        phone=f"1390{document[7:14]}",
        password=password,
        source="benchmark",
        visit=_VISIT,
        entrance=parts.entrance,
        now=now,
    )
    return account.person_id


def _registrations(department_id: str, issuer: str) -> list[ClientRegistration]:
    licenses = f"{issuer}/api/v1/licenses"
    return [
        ClientRegistration(
            client_id="bench-backend",
            name_zh="压测后台",
            name_en="Benchmark backend",
            department_id=department_id,
            application_type="service",
            grant_types=("client_credentials",),
            scopes=(LICENSE_LOOKUP,),
            resources=(licenses,),
        ),
        ClientRegistration(
            client_id="bench-resource",
            name_zh="压测资源",
            name_en="Benchmark resource",
            department_id=department_id,
            application_type="service",
            grant_types=("client_credentials",),
            scopes=(LICENSE_LOOKUP,),
            resources=(licenses,),
            introspects=(licenses,),
        ),
        ClientRegistration(
            client_id="bench-app",
            name_zh="压测应用",
            name_en="Benchmark app",
            department_id=department_id,
            redirect_uris=(REDIRECT_URI,),
            grant_types=("authorization_code", "refresh_token"),
            scopes=("openid", "profile", "realname", OFFLINE_ACCESS),
        ),
    ]


async def _add_client(parts: Parts, wanted: ClientRegistration, now: datetime) -> Secret:
    made = await register_client(wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=_ACTOR, now=now)
    if made.secret is None:
        raise AssertionError("a confidential client has a secret")
    return Secret(made.client.client_id, made.secret)


async def _add_signer(parts: Parts, department_id: str, now: datetime) -> SigningClient:
    signer = SigningClient("bench-signer", parts.entropy.octets(31).hex(), "https://127.0.0.1:9/callback")
    wanted = ClientRegistration(
        client_id=signer.client_id,
        name_zh="压测签名应用",
        name_en="Benchmark signer",
        department_id=department_id,
        policy="high",
        token_endpoint_auth_method="private_key_jwt",
        redirect_uris=(signer.redirect_uri,),
        scopes=("openid", "profile", "realname"),
        metadata=ClientMetadata(jwks={"keys": [signer.jwk]}),
    )
    await register_client(wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=_ACTOR, now=now)
    return signer


async def _licenses(parts: Parts, number: int, name: str, document: str, now: datetime) -> None:
    holder = LicenseHolder("111", document, name)
    born = _FIRST_DAY + timedelta(days=number * 7)
    for record in (_id_card(holder, number, born), _title(holder, number)):
        await register_license(record, room=parts.licenses, actor=_ACTOR, now=now)


def _id_card(holder: LicenseHolder, number: int, born: date) -> LicenseRecord:
    face = {"sex": "男" if number % 2 else "女", "ethnicity": "汉", "birth_date": born.isoformat()}
    return LicenseRecord(
        type_code=RESIDENT_ID_CARD,
        issuer_code=PUBLIC_SECURITY_USCC,
        issuer_name="青榆区公安局",
        serial=f"QYB{number:07d}",
        version=1,
        number=holder.code,
        holders=(holder,),
        issued_on=date(2018, 5, 10),
        valid_from=date(2018, 5, 10),
        valid_to=date(2038, 5, 10),
        status=LicenseStatus.VALID,
        face=face | {"address": f"青榆区榆钱路{number + 1}号"},
        provenance="benchmark",
        source_updated_at=_REPORTED_AT,
    )


def _title(holder: LicenseHolder, number: int) -> LicenseRecord:
    return LicenseRecord(
        type_code=REAL_ESTATE_TITLE,
        issuer_code=NATURAL_RESOURCES_USCC,
        issuer_name="青榆区自然资源局",
        serial=f"2019{number:07d}",
        version=1,
        number=f"鲁（2019）青榆区不动产权第{number:07d}号",
        holders=(holder,),
        issued_on=date(2019, 6, 18),
        valid_from=date(2019, 6, 18),
        valid_to=None,
        status=LicenseStatus.VALID,
        face={
            "co_ownership": "单独所有",
            "location": f"青榆区榆钱路{number + 1}号2单元301室",
            "unit_number": f"370299001001GB{number:05d}F00010301",
            "right_kind": "国有建设用地使用权/房屋所有权",
            "right_nature": "出让/市场化商品房",
            "usage": "城镇住宅用地/住宅",
            "floor_area": f"房屋建筑面积{60 + number % 80}.64平方米",
        },
        provenance="benchmark",
        source_updated_at=_REPORTED_AT,
    )


async def _in_lanes(works: Sequence[Coroutine[None, None, None]]) -> None:
    """Await all of them, a few at a time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def work(one: Coroutine[None, None, None]) -> None:
        async with free:
            await one

    await asyncio.gather(*(work(one) for one in works))
