"""Who lives in the town of the fault and attack tests: the demo world, and people and applications that only tests need."""

import asyncio
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from certs_catalog.grants.register import register_grant
from foundation.identifiers.synthetic import synthetic_resident_id
from gateway.composition import Parts, open_parts
from gateway.demo.grants import housing_grant
from gateway.demo.places import Places
from gateway.demo.seed import seed_world
from gateway.settings import load_settings
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import CIBA, DEVICE_CODE
from idp.provider.registration.register import ClientRegistration, register_client
from idp.provider.resources.audiences import license_audience, userinfo_audience
from idp.provider.scopes import LICENSE_LOOKUP
from idp.signin.enrolment import enrol_person
from idp.signin.visits import Visit

CITIZENS = 18
NEVER_REACHED = 1_000_000_000
RAISED_LIMITS: Mapping[str, str] = {
    "RENZHENG_PAGE_REQUESTS_PER_WINDOW": str(NEVER_REACHED),
    "RENZHENG_PROVIDER__TOKEN_REQUESTS_PER_WINDOW": str(NEVER_REACHED),
    "RENZHENG_SIGNIN__NETWORK_ATTEMPTS": str(NEVER_REACHED),
    "RENZHENG_SIGNIN__SENDS_PER_NETWORK": str(NEVER_REACHED),
    "RENZHENG_LOOKUP__OFFICER_PER_MINUTE": str(NEVER_REACHED),
    "RENZHENG_LOOKUP__OFFICER_PER_DAY": str(NEVER_REACHED),
    "RENZHENG_PROVIDER__USER_CODE_NETWORK_ATTEMPTS": str(NEVER_REACHED),
}
"""Everybody here comes from one address and works without pause; what is counted stays counted."""
APP, OTHER_APP, RESOURCE, ASKING_APP = "probe-app", "probe-other", "probe-resource", "probe-asking"
KIOSK, COUNTER = "probe-kiosk", "probe-counter"
CALLBACK = "https://probe.test/callback"
OTHER_CALLBACK = "https://other.test/callback"
SIGNED_OUT = "https://probe.test/signed-out"
ACTOR = "system:test"
_FIRST_DAY = date(1890, 1, 1)
_SURNAMES, _GIVEN_NAMES = "赵钱孙李周吴郑王", ("静", "明远", "知秋", "守拙", "若水", "怀瑾")
_VISIT = Visit(browser="tests", network="127.0.0.1")
_VALIDATED_BY = ("officer:test-1", "officer:test-2")


@dataclass(frozen=True)
class Citizen:
    """Somebody with an account and a password; the document number is synthetic."""

    name: str
    document_number: str
    phone: str
    user_name: str
    password: str


@dataclass(frozen=True)
class Population:
    """The demo world, the citizens of the tests, and the secrets of all clients by client_id."""

    world: Mapping[str, Any]
    citizens: tuple[Citizen, ...]
    client_secrets: dict[str, str]


def populate(settings_file: Path, places: Places) -> Population:
    """Let everybody move in; the database is migrated and empty."""
    return asyncio.run(_populate(settings_file, places))


async def _populate(settings_file: Path, places: Places) -> Population:
    async with open_parts(load_settings(settings_file, environ={}), background=False) as parts:
        now = parts.clock()
        world = await seed_world(parts, places=places)
        secrets = {client["client_id"]: client["client_secret"] for client in world["clients"]}
        await _widen_grant(parts, str(world["grants"][0]["grant"]), now)
        citizens = tuple(_citizen(number) for number in range(CITIZENS))
        for citizen in citizens:
            await _enrol(parts, citizen, now)
        for wanted in await _registrations(parts):
            made = await register_client(
                wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=now
            )
            secrets[wanted.client_id] = made.secret or ""
    return Population(world, citizens, secrets)


async def _widen_grant(parts: Parts, ref: str, now: datetime) -> None:
    """Raise the volumes of the housing bureau's grant, so that repetition alone never meets its quota."""
    department = await parts.directory.find_department_by_slug("housing")
    assert department is not None
    content = housing_grant(department.department_id, now)
    wide = dataclasses.replace(content, daily_volume=NEVER_REACHED, rate_per_minute=NEVER_REACHED)
    grant_id = ref.partition("@")[0]
    await register_grant(wide, grant_id=grant_id, validated_by=_VALIDATED_BY, room=parts.licenses, now=now)


def document_number_of(number: int) -> str:
    """Return the resident identity number of the n-th person; 0 to 1,000."""
    return synthetic_resident_id("370299", _FIRST_DAY + timedelta(days=number * 7), number % 1_000)


def name_of(number: int) -> str:
    """Return the name of the n-th person."""
    return _SURNAMES[number % len(_SURNAMES)] + _GIVEN_NAMES[number // len(_SURNAMES) % len(_GIVEN_NAMES)]


def _citizen(number: int) -> Citizen:
    return Citizen(
        name=name_of(number),
        document_number=document_number_of(number),
        phone=f"1391{number:07d}",
        user_name=f"resident{number:02d}",
        password=f"Harbour-{number:02d}-Lantern-Quiet",
    )


async def _enrol(parts: Parts, citizen: Citizen, now: datetime) -> None:
    await enrol_person(
        citizen.name,
        citizen.document_number,
        user_name=citizen.user_name,
        phone=citizen.phone,
        password=citizen.password,
        source="tests",
        visit=_VISIT,
        entrance=parts.entrance,
        now=now,
    )


async def _registrations(parts: Parts) -> list[ClientRegistration]:
    housing = await parts.directory.find_department_by_slug("housing")
    market = await parts.directory.find_department_by_slug("market")
    assert housing is not None
    assert market is not None
    issuer = parts.settings.issuer
    licenses, everything = license_audience(issuer), ("openid", "profile", "phone", "realname", "realname.id")
    app = ClientRegistration(
        client_id=APP,
        name_zh="检验应用",
        name_en="Probe",
        department_id=housing.department_id,
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(SIGNED_OUT,),
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        scopes=(*everything, "offline_access", LICENSE_LOOKUP),
        resources=(licenses,),
        consent="exempt",
        consent_basis="LB-TEST@1",
    )
    return [
        app,
        dataclasses.replace(
            app,
            client_id=OTHER_APP,
            name_zh="另一检验应用",
            name_en="Other probe",
            department_id=market.department_id,
            redirect_uris=(OTHER_CALLBACK,),
            post_logout_redirect_uris=(),
        ),
        dataclasses.replace(
            app, client_id=ASKING_APP, name_zh="征求同意的应用", name_en="Asking", consent="ask", consent_basis=None
        ),
        dataclasses.replace(
            app,
            client_id=KIOSK,
            name_zh="检验终端",
            name_en="Probe kiosk",
            redirect_uris=(),
            post_logout_redirect_uris=(),
            grant_types=(DEVICE_CODE, "refresh_token"),
        ),
        dataclasses.replace(
            app,
            client_id=COUNTER,
            name_zh="检验窗口",
            name_en="Probe counter",
            redirect_uris=(),
            post_logout_redirect_uris=(),
            grant_types=(CIBA, "refresh_token"),
            metadata=ClientMetadata(backchannel_token_delivery_mode="poll"),
        ),
        ClientRegistration(
            client_id=RESOURCE,
            name_zh="检验资源",
            name_en="Probe resource",
            department_id=housing.department_id,
            application_type="service",
            grant_types=("client_credentials",),
            scopes=(LICENSE_LOOKUP,),
            resources=(licenses,),
            introspects=(licenses, userinfo_audience(issuer)),
        ),
    ]
