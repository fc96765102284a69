"""Puts the demo world into a database, through the product's own use cases. Repeating it changes nothing.

Whatever is there already stays as it is, also when somebody changed it by hand; only sample apps follow a demo that moved to
other ports, since their addresses are registered exactly.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from certs_catalog.grants.register import register_grant
from certs_catalog.licenses.register import register_license
from foundation.problems import RenzhengError
from foundation.sealing import parse_key_octets
from gateway.composition import Parts
from gateway.demo.clients import registration_of
from gateway.demo.departments import DEPARTMENTS
from gateway.demo.grants import GRANTS
from gateway.demo.invitations import DEPARTMENT as INVITED
from gateway.demo.invitations import LIFE, USES, invitation_terms, invitation_token
from gateway.demo.licenses import demo_licenses
from gateway.demo.people import CITIZENS, OFFICERS, DemoOfficer, DemoPerson
from gateway.demo.places import Places
from gateway.demo.world import world_at
from gateway.demo.world_file import render_world
from idp.people.accounts import Account
from idp.people.departments import add_department, add_officer
from idp.people.directory import Department
from idp.provider.registration.invitations import find_invitation, invite_clients
from idp.provider.registration.register import register_client
from idp.signin.enrolment import enrol_person
from idp.signin.outcomes import Refused
from idp.signin.second_factor import enrol_totp
from idp.signin.totp import has_totp
from idp.signin.visits import Visit

ACTOR = "system:seed"
_VISIT = Visit(browser="command-line-tool", network="127.0.0.1")
_TOTP_OCTETS = 20


async def seed_world(parts: Parts, *, places: Places) -> dict[str, Any]:
    """Make everything of the demo exist and return the content of world.json.

    On return this process knows all of it too, so that a test may go on at once.
    """
    now = parts.clock()
    await _hear_changes(parts)
    departments = {one.slug: await _department(parts, one, now) for one in DEPARTMENTS}
    for citizen in CITIZENS:
        await _account(parts, citizen, now)
    for officer in OFFICERS:
        await _officer(parts, officer, departments[officer.department], now)
    world = world_at(places)
    by_uscc = {department.uscc: department for department in departments.values()}
    for app in world.service_apps.values():
        await _client(parts, app, by_uscc[app.department_uscc].department_id, now)
    licenses = await _licenses(parts, now)
    grants = [await _grant(parts, departments[slug], now) for slug in GRANTS]
    invitations = await _invitations(parts, departments[INVITED].department_id, now)
    await _hear_changes(parts)
    return render_world(
        places=places,
        world=world,
        citizens=CITIZENS,
        officers=OFFICERS,
        totp_secrets={one.person.user_name: _totp_secret(parts, one.person) for one in OFFICERS},
        departments=[
            {"slug": one.slug, "name_zh": one.name_zh, "name_en": one.name_en, "uscc": one.uscc}
            for one in departments.values()
        ],
        licenses=licenses,
        grants=grants,
        invitations=invitations,
    )


async def _hear_changes(parts: Parts) -> None:
    await parts.feed.catch_up()
    await parts.provider.clients.refresh()


async def _department(parts: Parts, wanted: Any, now: datetime) -> Department:
    known = await parts.directory.find_department_by_slug(wanted.slug)
    if known is not None:
        return known
    return await add_department(
        wanted.slug,
        wanted.name_zh,
        wanted.name_en,
        wanted.uscc,
        actor=ACTOR,
        db=parts.db,
        ledger=parts.ledger,
        feed=parts.feed,
        entropy=parts.entropy,
        now=now,
    )


async def _account(parts: Parts, person: DemoPerson, now: datetime) -> Account:
    return await enrol_person(
        person.name,
        person.document_number,
        user_name=person.user_name,
        phone=person.phone,
        password=person.password,
        source="demo",
        visit=_VISIT,
        entrance=parts.entrance,
        now=now,
    )


async def _officer(parts: Parts, officer: DemoOfficer, department: Department, now: datetime) -> None:
    account = await _account(parts, officer.person, now)
    async with parts.db.read() as connection:
        enrolled = await has_totp(connection, account.account_id)
    if not enrolled:
        secret = _totp_secret(parts, officer.person)
        made = await enrol_totp(
            account.account_id, session=None, secret=secret, visit=_VISIT, entrance=parts.entrance, now=now
        )
        if isinstance(made, Refused):
            raise SeedRefused(f"the one-time password of {officer.person.user_name}: {made.code}")
    known = await parts.directory.find_officer_by_work_number(department.department_id, officer.work_number)
    if known is None:
        await add_officer(
            account.person_id,
            department.department_id,
            officer.work_number,
            post_zh=officer.post_zh,
            post_en=officer.post_en,
            roles=officer.roles,
            actor=ACTOR,
            db=parts.db,
            ledger=parts.ledger,
            feed=parts.feed,
            entropy=parts.entropy,
            now=now,
        )


async def _client(parts: Parts, app: Any, department_id: str, now: datetime) -> None:
    wanted = registration_of(app, department_id=department_id, issuer=parts.settings.issuer)
    known = parts.provider.clients.find(app.client_id)
    if known is None:
        await register_client(
            wanted,
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor=ACTOR,
            now=now,
            secret=app.client_secret,
        )
    elif tuple(known.redirect_uris) != tuple(wanted.redirect_uris):
        raise SeedRefused(
            f"client {app.client_id} is registered at {known.redirect_uris[0]}: use the same ports, or start afresh"
        )


async def _licenses(parts: Parts, now: datetime) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for record in demo_licenses():
        registered = await register_license(record, room=parts.licenses, actor=ACTOR, now=now)
        found.append(
            {
                "identifier": registered.identifier,
                "type": record.type_code,
                "number": record.number,
                "holders": [{"type": holder.type, "code": holder.code} for holder in record.holders],
                "library": None,
            }
        )
    return found


async def _grant(parts: Parts, department: Department, now: datetime) -> Mapping[str, Any]:
    content = GRANTS[department.slug](department.department_id, now)
    for version in await parts.licenses.grants.of_department(department.department_id):
        if version.content.title == content.title:
            return {"grant": version.ref, "department": department.slug, "title": content.title}
    # Grade full needs two people; in the demo they are the two administrators that nobody signs in as.
    version = await register_grant(
        content, validated_by=("officer:demo-data-1", "officer:demo-data-2"), room=parts.licenses, now=now
    )
    return {"grant": version.ref, "department": department.slug, "title": content.title}


def _totp_secret(parts: Parts, person: DemoPerson) -> str:
    """Return the officer's secret, the same for the life of this database, so that nothing has to be remembered elsewhere."""
    key = parse_key_octets(parts.settings.blind_index_key.get_secret_value())
    digest = hmac.digest(key, f"demo-totp:{person.user_name}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:_TOTP_OCTETS]).decode()


async def _invitations(parts: Parts, department_id: str, now: datetime) -> dict[str, str]:
    """Make today's invitations exist and return their tokens by policy."""
    key = parse_key_octets(parts.settings.blind_index_key.get_secret_value())
    tokens: dict[str, str] = {}
    for policy, terms in invitation_terms(department_id, issuer=parts.settings.issuer, now=now).items():
        tokens[policy] = invitation_token(key, policy, now=now)
        if await find_invitation(parts.db, tokens[policy], now=now) is None:
            await invite_clients(
                terms,
                uses=USES,
                expires_at=now + LIFE,
                db=parts.db,
                ledger=parts.ledger,
                entropy=parts.entropy,
                actor=ACTOR,
                now=now,
                token=tokens[policy],
            )
    return tokens


class SeedRefused(RenzhengError):
    """A part of the demo world cannot be made beside what the database holds; `detail` says which."""
