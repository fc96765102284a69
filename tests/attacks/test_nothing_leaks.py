"""A12, T15, X11: after attacks of every kind no log, ledger body, access or metric holds a secret or a number, and each refusal is on record once."""

import re
import uuid
from collections.abc import Iterable
from typing import Any

import pytest
import redis

from tests.faults import record
from tests.faults.nodes import Town
from tests.faults.population import APP, COUNTER, KIOSK, OTHER_APP, Citizen
from tests.faults.visitor import SEEN_SECRETS, Doors, Grip, Visitor, authorization

LONG_ENOUGH = 12
WRONG_PASSWORD = "Wrong-Password-Of-The-Attack-91"


async def test_every_refusal_is_recorded_once(town: Town, doors: Doors) -> None:
    """A sample of attacks, found again by their request ids: one entry each, refused, with a reason."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[0])
    grip = await visitor.grip()
    tokens = await visitor.tokens()
    size = record.ledger_size(town)
    person = town.population.citizens[1]
    attacks = {
        "R01": await visitor.authorize(redirect_uri="https://evil.test/cb"),
        "C02": await visitor.authorize(code_challenge_method="plain"),
        "C12": await doors.redeem(grip, client=OTHER_APP),
        "C14": await doors.redeem(Grip(grip.code[:-1], grip.verifier, APP, grip.redirect_uri)),
        "K04": await doors.send("POST", "/oauth/token", form={"grant_type": "client_credentials", "client_id": APP}),
        "K07": await doors.send(
            "POST",
            "/oauth/token",
            form={"grant_type": "client_credentials", "client_id": APP, "client_secret": "w" * 43},
        ),
        "P06": await doors.back_channel("/oauth/token", grant_type="password", username="a", password=WRONG_PASSWORD),
        "T05": await doors.refresh(tokens["refresh_token"], OTHER_APP),
        "T06": await doors.refresh(tokens["refresh_token"], scope="openid phone"),
        "T17": await doors.userinfo(tokens["id_token"]),
        "E02": await doors.look_up(await doors.own_token(), grade="full"),
        "A01": await visitor.post("/login", {"identifier": person.user_name, "password": WRONG_PASSWORD}),
    }
    entries = record.entries_since(town, size)
    for name, answer in attacks.items():
        assert answer.status_code in (303, 400, 401, 403, 422, 429), name
        mine = [entry for entry in entries if entry.body.get("request_id") == answer.headers["x-request-id"]]
        told = [(entry.kind, entry.outcome, entry.code) for entry in mine]
        assert len(told) == 1, f"{name}: {told}"
        assert told[0][1:] == ("refused", told[0][2]), f"{name}: {told}"
        assert told[0][2], f"{name}: {told}"


async def test_logs_hold_no_foreign_lines(town: Town, doors: Doors) -> None:
    """X11: CR, LF, escape sequences and a huge user agent begin no line of their own."""
    marker = uuid.uuid4().hex
    visitor = Visitor(doors)
    await visitor.get("/login")
    hostile = f"x\u202e{marker}\x7f" + "u" * 4_000
    for path in (f"/no/such/%0d%0a{marker}", f"/login?next=%0a{marker}", f"/oauth/authorize?client_id=%0d%0a{marker}"):
        await doors.send("GET", path, headers={"User-Agent": hostile})
    await visitor.post("/login", {"identifier": f"\r\n{marker}", "password": "x", "next": f"\r\n{marker}"})
    for line in town.logs().splitlines():
        assert not line.startswith(marker)
        assert len(line) < 20_000


async def test_t15_no_secret_and_no_number_anywhere(town: Town, doors: Doors) -> None:
    """Everything that this worker's tests have seen so far, looked for in what the nodes keep in clear."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[2])
    tokens = await visitor.tokens()
    await doors.redeem(await visitor.grip())
    await doors.look_up(await doors.own_token())
    await doors.userinfo(tokens["access_token"])
    await visitor.post("/login", {"identifier": "nobody", "password": WRONG_PASSWORD})
    kept = {
        "logs": town.logs(),
        "metrics": "".join([(await doors.send("GET", "/metrics", node=node)).text for node in (0, 1)]),
        "ledger": _column(town, "SELECT body FROM ledger_entries"),
        "accesses": _column(town, "SELECT to_jsonb(a)::text FROM accesses a"),
        "changes": _column(town, "SELECT topic || key FROM changes"),
        "grants": _column(town, "SELECT to_jsonb(g)::text FROM oauth_grants g"),
        "sessions": _column(town, "SELECT to_jsonb(s)::text FROM sessions s"),
        "codes": _column(town, "SELECT to_jsonb(c)::text FROM sms_codes c"),
    }
    secrets = {secret for secret in (*SEEN_SECRETS, *_known(town)) if len(secret) >= LONG_ENOUGH}
    assert len(secrets) > 20
    for place, text in kept.items():
        assert text or place in ("codes", "logs"), place
        leaked = [secret[:6] + "…" for secret in secrets if secret in text]
        assert not leaked, f"{place} holds {leaked}"
    numbers = re.compile(r"(?<![0-9a-f])(?:370299(?:18|19)[0-9]{9}[0-9X]|1[3-9][0-9]{9})(?![0-9a-f])")
    for place in ("logs", "metrics", "ledger", "changes"):
        # Instants in microseconds are as long as a phone number is; they are not one.
        found = {number for number in numbers.findall(kept[place]) if number in _numbers_of(town)}
        assert not found, f"{place} holds {len(found)} numbers"


async def test_t15_no_table_and_no_store_holds_a_number_or_a_secret(town: Town, doors: Doors) -> None:
    """T19 as well: every table, every key of Redis, after each way in which an app or a person can hand over a number or gets a secret."""
    person, secrets = town.population.citizens[3], await _handed_over(town, doors, town.population.citizens[3])
    names = record.query(
        town,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
    )
    assert len(names) > 30
    kept = {name: _column(town, f"SELECT to_jsonb(x)::text FROM {name} x") for (name,) in names}  # noqa: S608 - from the catalogue itself
    kept |= {"logs": town.logs(), "redis": _all_of_redis(town)}
    assert "transaction" in kept["redis"]
    assert kept["pushed_requests"]
    for place, text in kept.items():
        leaked = [secret[:6] + "…" for secret in secrets if secret in text or secret.encode().hex() in text]
        assert not leaked, f"{place} holds {leaked}"
        for number in (person.document_number, person.phone):
            assert number not in text, place
            assert number.encode().hex() not in text, place


async def _handed_over(town: Town, doors: Doors, person: Citizen) -> set[str]:
    """Let apps name the person by every number they may know, and return every secret that anybody was given for it."""
    secrets: set[str] = set()
    for number in (person.document_number, person.phone):
        told = {
            **authorization(APP),
            "login_hint": number,
            "claims": f'{{"userinfo":{{"phone_number":{{"value":"{number}"}}}}}}',
        }
        form = {name: value for name, value in told.items() if value is not None}
        pushed = await doors.send("POST", "/oauth/par", headers=doors.basic(APP), form=form)
        assert pushed.status_code == 201, pushed.text
        waiting = await Visitor(doors).authorize(login_hint=number)
        rung = await doors.back_channel("/oauth/ciba", COUNTER, scope="openid", login_hint=number)
        assert rung.status_code == 200, rung.text
        transaction = waiting.headers["location"].partition("transaction=")[2]
        secrets |= {pushed.json()["request_uri"], rung.json()["auth_req_id"], transaction}
        visitor = Visitor(doors)
        await visitor.get("/login")
        await visitor.post("/login", {"identifier": number, "password": WRONG_PASSWORD})
    begun = (await doors.back_channel("/oauth/device_authorization", KIOSK, scope="openid")).json()
    invitation = town.world["invitations"]["baseline"]
    registered = await doors.send(
        "POST",
        "/oauth/register",
        headers={"Authorization": f"Bearer {invitation}", "Content-Type": "application/json"},
        content=b'{"redirect_uris":["https://dynamic.test/cb"],"client_name":"Dynamic"}',
    )
    assert registered.status_code == 201, registered.text
    given = registered.json()
    return secrets | {
        begun["device_code"],
        begun["user_code"],
        begun["user_code"].replace("-", ""),
        invitation,
        given["client_secret"],
        given["registration_access_token"],
    }


def _all_of_redis(town: Town) -> str:
    client: Any = redis.Redis.from_url(town.redis.url())
    readers = {
        "string": client.get,
        "hash": client.hgetall,
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "list": lambda key: client.lrange(key, 0, -1),
    }
    with client:
        found = [(key, client.type(key).decode()) for key in client.scan_iter("*", count=1_000)]
        values = [key + b" " + repr(readers[kind](key)).encode() for key, kind in found if kind in readers]
        assert len(values) == len(found)
    return b"\n".join(values).decode()


@pytest.mark.parametrize("place", ["persons", "accounts", "licenses"])
def test_no_number_lies_in_clear(town: Town, place: str) -> None:
    """Names, numbers and faces are sealed where they are kept."""
    text = _column(town, f"SELECT to_jsonb(x)::text FROM {place} x")  # noqa: S608 - one of three names above
    assert text
    for number in _numbers_of(town):
        assert number not in text
        assert number.encode().hex() not in text
    for citizen in town.population.citizens:
        assert citizen.name not in text


def _known(town: Town) -> Iterable[str]:
    yield from town.population.client_secrets.values()
    for person in town.world["people"]:
        yield from (person["password"] or "", person.get("totp_secret") or "")
    for citizen in town.population.citizens:
        yield citizen.password
    yield WRONG_PASSWORD
    yield from _numbers_of(town) - {citizen.phone for citizen in town.population.citizens}


def _numbers_of(town: Town) -> set[str]:
    people = {person[name] for person in town.world["people"] for name in ("document_number", "phone")}
    return people | {
        value for citizen in town.population.citizens for value in (citizen.document_number, citizen.phone)
    }


def _column(town: Town, statement: str) -> str:
    return "\n".join(str(row[0]) for row in record.query(town, statement))
