"""The content of world.json: everything that a program needs to use a demo, and nothing that a page would have to be read for."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.simulators.world import LI_XIAOHE, ZHANG_ZHIMING
from adapters.simulators.world_entries import ServiceApp, World
from gateway.demo.people import DemoOfficer, DemoPerson
from gateway.demo.places import Places

LI_PHONE = "13800000002"


def render_world(
    *,
    places: Places,
    world: World,
    citizens: Sequence[DemoPerson],
    officers: Sequence[DemoOfficer],
    totp_secrets: Mapping[str, str],
    departments: Sequence[Mapping[str, Any]],
    licenses: Sequence[Mapping[str, Any]],
    grants: Sequence[Mapping[str, Any]],
    invitations: Mapping[str, str],
) -> dict[str, Any]:
    """Return the content; `totp_secrets` go by user name, `licenses` and `grants` are ready to be written,
    `invitations` are initial access tokens by policy."""
    upstream = [
        {"identifier": record.identifier, "type": record.type_code, "number": record.number, "library": "certshare"}
        for record in world.licenses.values()
    ]
    return {
        "issuer": places.issuer,
        "urls": _urls(places),
        "people": [
            _person(ZHANG_ZHIMING.name, ZHANG_ZHIMING.document_number, ZHANG_ZHIMING.phone or "")
            | {"user_name": ZHANG_ZHIMING.user_name, "arrives_through": "province"},
            _person(LI_XIAOHE.name, LI_XIAOHE.document_number, LI_PHONE),
            *(_enrolled(person) for person in citizens),
            *(
                _enrolled(officer.person)
                | {
                    "officer": True,
                    "totp_secret": totp_secrets[officer.person.user_name],
                    "department": officer.department,
                    "work_number": officer.work_number,
                }
                for officer in officers
            ),
        ],
        "clients": [_client(app) for app in world.service_apps.values()],
        "departments": list(departments),
        "cases": [case.model_dump(mode="json") for case in world.cases.values()],
        "licenses": [*licenses, *upstream],
        "grants": list(grants),
        "invitations": dict(invitations),
    }


def _urls(places: Places) -> dict[str, str]:
    issuer = places.issuer
    return {
        "issuer": issuer,
        "login": f"{issuer}/login",
        "register": f"{issuer}/register",
        "staff_login": f"{issuer}/staff/login",
        "desk": f"{issuer}/desk",
        "accesses": f"{issuer}/accesses",
        "lookup": f"{issuer}/api/v1/licenses/lookup",
        "receipt_keys": f"{issuer}/ledger/keys",
        "checkpoint": f"{issuer}/ledger/checkpoint",
        "housing": places.url_of("housing-app"),
        "business": places.url_of("business-app"),
        "province": places.url_of("province-center"),
        "certshare": places.url_of("certshare"),
        "sms": places.url_of("sms"),
        "proofing": places.url_of("proofing"),
        "matters": places.url_of("matters"),
    }


def _person(name: str, document_number: str, phone: str) -> dict[str, Any]:
    return {
        "name": name,
        "document_type": "111",
        "document_number": document_number,
        "phone": phone,
        "user_name": None,
        "password": None,
        "officer": False,
        "arrives_through": None,
    }


def _enrolled(person: DemoPerson) -> dict[str, Any]:
    return _person(person.name, person.document_number, person.phone) | {
        "user_name": person.user_name,
        "password": person.password,
    }


def _client(app: ServiceApp) -> dict[str, Any]:
    return {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uris": [f"{app.base_url}/callback"],
        "policy": "baseline",
        "url": app.base_url,
        "scopes": list(app.scopes),
    }
