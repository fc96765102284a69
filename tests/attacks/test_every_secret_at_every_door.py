"""Whatever somebody was given opens its own door and no other: every kind of token, code and secret × every door that takes one.

C18, T10, T17, T18, M01, D09, and the tokens of registrations (K14). Each secret is tried at all foreign doors first, by the client that
rightly holds it, and only then at its own: what was refused elsewhere was not spent there.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from idp.provider.clients.policies import CIBA, DEVICE_CODE
from tests.attacks.jwt_consumers import Stage, open_stage, parts_of
from tests.faults.nodes import Town
from tests.faults.population import APP, CALLBACK, COUNTER, KIOSK, OTHER_APP, RESOURCE
from tests.faults.visitor import LOOKUP, Visitor, authorization, challenge, lookup_body, open_doors, remember

VERIFIER = "a-verifier-of-sixty-four-characters-a-verifier-of-sixty-four-cha"
_REQUEST = re.compile(r"/confirmations/[0-9a-f]{32}")

Opens = Callable[[Stage, str], Awaitable[bool]]


async def _userinfo(stage: Stage, held: str) -> bool:
    return (await stage.doors.userinfo(held)).status_code == 200


async def _licenses(stage: Stage, held: str) -> bool:
    return (await stage.doors.look_up(held)).status_code == 200


async def _introspection(stage: Stage, held: str) -> bool:
    return bool((await stage.doors.introspect(held))["active"])


async def _registration(stage: Stage, held: str) -> bool:
    headers = {"Authorization": f"Bearer {held}", "Content-Type": "application/json"}
    body = {"redirect_uris": ["https://door.test/cb"], "client_name": "Door"}
    answer = await stage.doors.send("POST", "/oauth/register", headers=headers, content=json.dumps(body).encode())
    return answer.status_code == 201


async def _management(stage: Stage, held: str) -> bool:
    headers = {"Authorization": f"Bearer {held}"}
    answer = await stage.doors.send("GET", f"/oauth/register/{stage.tokens['registered']}", headers=headers)
    return answer.status_code == 200


def _grant(grant_type: str, name: str, **more: str) -> Opens:
    async def ask(stage: Stage, held: str) -> bool:
        taken = []
        for client in (APP, KIOSK, COUNTER):
            form = {"grant_type": grant_type, name: held, **more}
            answer = await stage.doors.send("POST", "/oauth/token", headers=stage.doors.basic(client), form=form)
            if answer.status_code == 200:
                remember(answer)
                taken.append(client)
        return bool(taken)

    return ask


async def _authorization(stage: Stage, held: str) -> bool:
    answer = await stage.person.get("/oauth/authorize", client_id=APP, request_uri=held)
    return answer.status_code == 303


async def _id_token_hint(stage: Stage, held: str) -> bool:
    answer = await stage.person.authorize(id_token_hint=held, prompt="none")
    return answer.status_code == 303 and "code=" in answer.headers["location"]


async def _client_secret(stage: Stage, held: str) -> bool:
    client = stage.tokens["registered"]
    form = {"token": "x", "client_id": client, "client_secret": held}
    answer = await stage.doors.send("POST", "/oauth/revoke", form=form)
    return answer.status_code == 200


DOORS: dict[str, Opens] = {
    "userinfo": _userinfo,
    "license API": _licenses,
    "introspection": _introspection,
    "registration": _registration,
    "management": _management,
    "code": _grant("authorization_code", "code", redirect_uri=CALLBACK, code_verifier=VERIFIER),
    "refresh": _grant("refresh_token", "refresh_token"),
    "device": _grant(DEVICE_CODE, "device_code"),
    "CIBA": _grant(CIBA, "auth_req_id"),
    "authorization": _authorization,
    "id_token_hint": _id_token_hint,
    "client secret": _client_secret,
}
OPENS: dict[str, tuple[str, ...]] = {
    "access token": ("userinfo", "introspection"),
    "own token": ("license API", "introspection"),
    "ID token": ("id_token_hint",),
    "refresh token": ("refresh",),
    "code": ("code",),
    "device code": ("device",),
    "user code": (),
    "auth_req_id": ("CIBA",),
    "request_uri": ("authorization",),
    "secret of the registered": ("client secret",),
    "registration access token": ("management",),
    "initial access token": ("registration",),
    "session": (),
}
"""Which doors each secret opens; there is no other."""


@pytest.fixture(scope="module")
async def stage(town: Town) -> AsyncIterator[Stage]:
    """Somebody signed in, with one of everything there is to hold."""
    async with open_doors(town) as doors:
        stage = await open_stage(town, doors, "http://127.0.0.1:9")
        stage.tokens |= await _one_of_everything(stage)
        yield stage


async def _one_of_everything(stage: Stage) -> dict[str, str]:
    doors, person, citizen = stage.doors, stage.person, stage.town.population.citizens[2]
    tokens = await person.tokens()
    held = {name: tokens[member] for name, member in (("access token", "access_token"), ("ID token", "id_token"))}
    held |= {"refresh token": tokens["refresh_token"], "own token": await doors.own_token()}
    held |= await _short_lived(stage)
    begun = (await doors.back_channel("/oauth/device_authorization", KIOSK, scope="openid")).json()
    await person.get("/device")
    typed = await person.post("/device", {"user_code": begun["user_code"]})
    confirm, _, flow = typed.headers["location"].partition("?flow=")
    await person.get(typed.headers["location"])
    assert (await person.post(confirm, {"flow": flow, "decision": "yes"})).status_code == 303
    held |= {"device code": begun["device_code"], "user code": begun["user_code"]}
    rung = await doors.back_channel("/oauth/ciba", COUNTER, scope="openid", login_hint=citizen.user_name)
    assert rung.status_code == 200, rung.text
    for found in _REQUEST.findall((await person.get("/confirmations")).text):
        await person.get(found)
        await person.post(found, {"decision": "yes"})
    held["auth_req_id"] = rung.json()["auth_req_id"]
    invitation = stage.town.world["invitations"]["baseline"]
    registered = await doors.send(
        "POST",
        "/oauth/register",
        headers={"Authorization": f"Bearer {invitation}", "Content-Type": "application/json"},
        content=json.dumps(
            {
                "redirect_uris": ["https://held.test/cb"],
                "client_name": "Held",
                "token_endpoint_auth_method": "client_secret_post",
            }
        ).encode(),
    )
    assert registered.status_code == 201, registered.text
    given = registered.json()
    held |= {"registered": given["client_id"], "secret of the registered": given["client_secret"]}
    held |= {"registration access token": given["registration_access_token"], "initial access token": invitation}
    return held | {"session": person.cookies["__Host-rz_session"]}


async def _short_lived(stage: Stage) -> dict[str, str]:
    """Return what is over in a minute: a code and the name of a pushed request."""
    coded = await stage.person.authorize(code_challenge=challenge(VERIFIER))
    pushed = await stage.doors.back_channel("/oauth/par", APP, **_plain(authorization(APP)))
    code = coded.headers["location"].partition("code=")[2].partition("&")[0]
    return {"code": code, "request_uri": pushed.json()["request_uri"]}


def _plain(parameters: dict[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


@pytest.mark.parametrize("door", DOORS)
async def test_nothing_opens_a_door_that_is_not_its_own(stage: Stage, door: str) -> None:
    """Every secret that belongs elsewhere, at this door."""
    foreign = [name for name, doors in OPENS.items() if door not in doors]
    opened = [name for name in foreign if await DOORS[door](stage, stage.tokens[name])]
    assert opened == []


async def test_m01_a_token_is_shown_in_its_own_scheme(stage: Stage) -> None:
    """Bound and bearer tokens × schemes × resources: one combination opens each; a challenge answers the others."""
    tokens = {"/oauth/userinfo": ("access", "bound"), LOOKUP: ("own", "own bound")}
    body = json.dumps(lookup_body(stage.town)).encode()
    opened = []
    for path, names in tokens.items():
        method, content = ("GET", None) if path == "/oauth/userinfo" else ("POST", body)
        for name in names:
            for scheme in ("Bearer", "bearer", "DPoP", "dpop", "Basic", "Token", ""):
                for with_proof in (False, True):
                    token = stage.tokens[name]
                    headers = {"Authorization": f"{scheme} {token}".strip(), "Content-Type": "application/json"}
                    if with_proof:
                        headers["DPoP"] = stage.proof(method, path, token)
                    answer = await stage.doors.send(method, path, headers=headers, content=content)
                    if answer.status_code == 200:
                        opened.append((name, scheme.lower(), with_proof))
                    else:
                        assert answer.status_code == 401, answer.text
                        assert answer.headers["www-authenticate"].partition(" ")[0] in ("Bearer", "DPoP")
    bearer = {("bearer", False), ("bearer", True)}
    wanted = {(name, *how) for name in ("access", "own") for how in bearer}
    wanted |= {(name, "dpop", True) for name in ("bound", "own bound")}
    assert set(opened) == wanted


@pytest.mark.parametrize("accept", ["application/json", "application/token-introspection+jwt"])
async def test_t10_introspection_tells_nobody_else(stage: Stage, accept: str) -> None:
    """A client that serves no resource of the token learns that it is not active, and nothing else, in either form."""
    for client, token in ((APP, "own token"), (OTHER_APP, "access token"), (KIOSK, "own token")):
        headers = {**stage.doors.basic(client), "Accept": accept}
        answer = await stage.doors.send(
            "POST", "/oauth/introspect", headers=headers, form={"token": stage.tokens[token]}
        )
        assert answer.status_code == 200
        told = parts_of(answer.text)[1]["token_introspection"] if accept.endswith("jwt") else answer.json()
        assert told == {"active": False}
    assert (await stage.doors.back_channel("/oauth/introspect", RESOURCE, token=stage.tokens["own token"])).json()[
        "active"
    ]


async def test_d07_a_counter_does_not_learn_who_exists(stage: Stage) -> None:
    """A known and an unknown number, user name and phone: the same members, the same answer to a poll."""
    citizen = stage.town.population.citizens[14]
    shapes = set()
    for hint in (citizen.user_name, "nobody-of-this-name", citizen.phone, "13999999998"):
        rung = await stage.ask("/oauth/ciba", scope="openid", login_hint=hint)
        body = rung.json()
        polled = await stage.ask("/oauth/token", grant_type=CIBA, auth_req_id=body["auth_req_id"])
        told = {name: len(str(value)) for name, value in body.items()}
        shapes.add((rung.status_code, json.dumps(told), polled.status_code, polled.text))
    assert len(shapes) == 1


async def test_d01_guessed_user_codes_are_stopped(town: Town, stage: Stage) -> None:
    """On the page, across both nodes: after five codes the sixth is not even looked at, although it is right."""
    visitor = Visitor(stage.doors)
    await visitor.sign_in(town.population.citizens[15])
    begun = (await stage.doors.back_channel("/oauth/device_authorization", KIOSK, scope="openid")).json()
    await visitor.get("/device")
    for number in range(5):
        guessed = await visitor.post("/device", {"user_code": f"BCDF-GHJ{'KLMNP'[number]}"}, node=number % 2)
        assert guessed.status_code == 422
    right = await visitor.post("/device", {"user_code": begun["user_code"]})
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) > 0
    polled = await stage.doors.back_channel(
        "/oauth/token", KIOSK, grant_type=DEVICE_CODE, device_code=begun["device_code"]
    )
    assert polled.json()["error"] == "authorization_pending"


async def test_every_secret_opens_its_own_door(stage: Stage) -> None:
    """Positive control, and last, since some are spent by it; what is over in a minute is got anew."""
    stage.tokens |= await _short_lived(stage)
    for name, doors in OPENS.items():
        for door in doors:
            assert await DOORS[door](stage, stage.tokens[name]), f"{name} does not open {door}"
