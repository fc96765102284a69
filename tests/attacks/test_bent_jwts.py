"""Area G × every door that takes a JWT, over HTTP: bent by anybody, signed by a stranger, and signed by the right key over a lie.

The whole product of mutations and doors runs in the long run; every day a diagonal of it, in which each door and each mutation has its turn.
"""

import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.attacks.jwt_consumers import DOORS, OWN_TYPES, Door, Kind, Stage, open_stage, parts_of
from tests.faults import record
from tests.faults.nodes import Town
from tests.faults.visitor import open_doors
from tests.idp.provider.bent_jwts import MUTATIONS, PAYLOADS
from tests.idp.provider.signed_requests import sign

EVERY_DAY = 4
"""One cell of so many runs every day."""
STRANGER = ECKey.generate_key("P-256", private=True, auto_kid=True)
_TYPES = ("at+jwt", "dpop+jwt", "JWT", "logout+jwt", "oauth-authz-req+jwt", "token-introspection+jwt", "JOSE", "at+JWT")
_ABSENT: Any = object()


class Raw(str):
    """A member that is no JSON value of this world, as it stands in the text."""

    __slots__ = ()


Lie = Callable[[Stage, Kind, str], str]


def _header(**changes: Any) -> Lie:
    def make(stage: Stage, kind: Kind, sound: str) -> str:
        members = {name: value(stage.canary) if callable(value) else value for name, value in changes.items()}
        return _signed(stage, kind, sound, header=members)

    return make


def _claims(**changes: Any) -> Lie:
    def make(stage: Stage, kind: Kind, sound: str) -> str:
        at, issuer = stage.now(), stage.issuer
        told = {name: value(at, issuer) if callable(value) else value for name, value in changes.items()}
        return _signed(stage, kind, sound, claims=told)

    return make


def _stranger(**header: Any) -> Lie:
    def make(stage: Stage, kind: Kind, sound: str) -> str:
        return _signed(stage, kind, sound, header=header, key=STRANGER)

    return make


def _payload(octets: bytes) -> Lie:
    def make(stage: Stage, kind: Kind, sound: str) -> str:
        return _signed(stage, kind, sound, payload=octets)

    return make


def _signed(
    stage: Stage,
    kind: Kind,
    sound: str,
    *,
    header: Mapping[str, Any] | None = None,
    claims: Mapping[str, Any] | None = None,
    payload: bytes | None = None,
    key: ECKey | None = None,
) -> str:
    """Sign the sound token again with its rightful key, or another, after changing header or claims."""
    own_header, own_claims = parts_of(sound)
    merged = {**own_claims, **(claims or {})}
    text = "{" + ",".join(_member(name, value) for name, value in merged.items() if value is not _ABSENT) + "}"
    members = {"typ": None, "kid": None, **own_header, **(header or {}), "alg": "ES256"}
    return sign(payload or text.encode(), key=key or stage.key_of(kind), **members)


def _member(name: str, value: Any) -> str:
    return f"{json.dumps(name)}:{value if isinstance(value, Raw) else json.dumps(value)}"


HEADERS: dict[str, Lie] = {
    "J07 crit": _header(crit=["bork"]),
    "J07 crit of a registered name": _header(crit=["exp"], exp=9_999_999_999),
    "J07 empty crit": _header(crit=[]),
    "J08 b64": _header(b64=False),
    "J08 b64 and crit": _header(b64=False, crit=["b64"]),
    "J05 jku": _header(jku=lambda canary: f"{canary}/jwks"),
    "J05 x5u": _header(x5u=lambda canary: f"{canary}/x5u"),
    "J05 x5c": _header(x5c=["AA"]),
    "J13 zip": _header(zip="DEF"),
    "J12 p2c": _header(p2c=2**31),
    "J16 typ a number": _header(typ=7),
    "J16 kid a number": _header(kid=7),
    "J16 kid a list": _header(kid=["x"]),
    "a nested JWT": _header(cty="JWT"),
}
STRANGERS: dict[str, Lie] = {
    "J27 a stranger's key": _stranger(),
    "J27 a stranger's key under its own name": _stranger(kid=STRANGER.kid),
    "J04 a stranger's key brought along": _stranger(jwk=STRANGER.as_dict(private=False), kid=None),
}
TIMES: dict[str, Lie] = {
    "J17 no exp": _claims(exp=_ABSENT),
    "J17 exp a text": _claims(exp="9999999999"),
    "J17 exp true": _claims(exp=True),
    "J17 exp null": _claims(exp=None),
    "J17 exp negative": _claims(exp=-1),
    "J17 exp beyond numbers": _claims(exp=Raw("1e400")),
    "J17 exp NaN": _claims(exp=Raw("NaN")),
    "J17 exp beyond calendars": _claims(exp=10**30),
    "J17 exp a list": _claims(exp=[9_999_999_999]),
    "J16 exp twice": _claims(exp=Raw('1,"exp":9999999999')),
}
ISSUERS: dict[str, Lie] = {
    "J21 no iss": _claims(iss=_ABSENT),
    "J21 another": _claims(iss="https://id.other.test"),
    "J21 a list": _claims(iss=lambda _, issuer: [issuer]),
    "J21 a number": _claims(iss=7),
}
AUDIENCES: dict[str, Lie] = {
    "J20 no aud": _claims(aud=_ABSENT),
    "J20 another": _claims(aud="https://other.test"),
    "J20 a slash more": _claims(aud=lambda _, issuer: issuer + "/"),
    "J20 another case": _claims(aud=lambda _, issuer: issuer.upper()),
    "J20 a prefix": _claims(aud=lambda _, issuer: issuer + ".attacker.test"),
    "J20 a number beside": _claims(aud=lambda _, issuer: [issuer, 7]),
    "J20 an object": _claims(aud=lambda _, issuer: {issuer: True}),
    "J20 an empty list": _claims(aud=[]),
}
OF_KIND: dict[Kind, dict[str, Lie]] = {
    "assertion": {
        **TIMES,
        **ISSUERS,
        **AUDIENCES,
        "J20 a list": _claims(aud=lambda _, issuer: [issuer]),
        "J21 another client": _claims(iss="probe-app"),
        "J23 another client": _claims(sub="probe-app"),
        "J23 a number": _claims(sub=7),
        "J17 over": _claims(exp=lambda at, _: at - 1),
        "K10 ten minutes": _claims(exp=lambda at, _: at + 600),
        "K10 nbf ahead": _claims(nbf=lambda at, _: at + 90),
        "J19 iat ahead": _claims(iat=lambda at, _: at + 90),
        "K08 no jti": _claims(jti=_ABSENT),
        "K08 empty jti": _claims(jti=""),
    },
    "request": {
        **{name: lie for name, lie in TIMES.items() if name not in ("J17 no exp", "J17 exp null")},
        **ISSUERS,
        **AUDIENCES,
        "J21 another client": _claims(iss="probe-app"),
        "J17 exp null": _claims(exp=None),
        "J17 over": _claims(exp=lambda at, _: at - 1),
        "J19 iat ahead": _claims(iat=lambda at, _: at + 90),
        "J16 a number beyond 64 bits": _claims(claims={"userinfo": {"name": {"value": 10**30}}}),
        "J19 nbf long ago": _claims(nbf=lambda at, _: at - 7_200),
    },
    "hint token": {
        **{name: lie for name, lie in TIMES.items() if name not in ("J17 no exp", "J17 exp null")},
        **ISSUERS,
        **AUDIENCES,
        "J21 another client": _claims(iss="probe-app"),
        "J17 over": _claims(exp=lambda at, _: at - 1),
    },
    "id token hint": {
        **TIMES,
        **ISSUERS,
        "J21 a slash more": _claims(iss=lambda _, issuer: issuer + "/"),
        "J21 another case": _claims(iss=lambda _, issuer: issuer.upper()),
        "J17 over for a year": _claims(exp=lambda at, _: at - 366 * 86_400),
        "no sid": _claims(sid=_ABSENT),
    },
    "access token": {
        **TIMES,
        **ISSUERS,
        "J21 a slash more": _claims(iss=lambda _, issuer: issuer + "/"),
        "J21 another case": _claims(iss=lambda _, issuer: issuer.upper()),
        "J17 over": _claims(exp=lambda at, _: at - 1),
        "J17 over now": _claims(exp=lambda at, _: at),
        "J20 another": _claims(aud="https://other.test"),
        "J20 a prefix": _claims(aud=lambda _, issuer: issuer),
        "J19 iat ahead": _claims(iat=lambda at, _: at + 90),
    },
    "proof": {
        "M02 htm in small letters": _claims(htm="post"),
        "M02 htm another": _claims(htm="PUT"),
        "M02 htm a list": _claims(htm=["POST", "GET"]),
        "M02 no htm": _claims(htm=_ABSENT),
        "M02 no htu": _claims(htu=_ABSENT),
        "M02 htu another host": _claims(htu="https://evil.test/oauth/token"),
        "M02 htu the site": _claims(htu=lambda _, issuer: issuer),
        "M02 htu a path more": _claims(htu=lambda _, issuer: issuer + "/oauth/token/x"),
        "M02 htu a number": _claims(htu=7),
        "M02 htu with a user": _claims(htu=lambda _, issuer: issuer.replace("//", "//a@") + "/oauth/token"),
        "M02 old": _claims(iat=lambda at, _: at - 75),
        "M02 ahead": _claims(iat=lambda at, _: at + 75),
        "M02 no iat": _claims(iat=_ABSENT),
        "M02 iat a text": _claims(iat=lambda at, _: str(at)),
        "M02 iat true": _claims(iat=True),
        "M02 no jti": _claims(jti=_ABSENT),
        "M02 jti empty": _claims(jti=""),
        "M02 jti a number": _claims(jti=7),
        "M02 nonce a number": _claims(nonce=7),
        "M02 a private key": _header(jwk={**STRANGER.as_dict(private=True)}),
        "M02 a symmetric key": _header(jwk={"kty": "oct", "k": "AA"}),
        "M02 no key": _header(jwk=None),
    },
}
SPECIAL: dict[str, dict[str, Lie]] = {
    name: {
        "M02 no ath": _claims(ath=_ABSENT),
        "M02 ath of another token": _claims(ath="A" * 43),
        "ath a list": _claims(ath=[]),
    }
    for name in ("proof at userinfo", "proof at license API")
}


def _lies(name: str, door: Door) -> Iterator[tuple[str, Lie]]:
    for mutation, bend in MUTATIONS.items():
        yield mutation, lambda _stage, _kind, sound, bend=bend: bend(sound)  # type: ignore[misc]  # a default binds it
    yield from HEADERS.items()
    if door.kind == "proof":
        yield "J27 a stranger's signature", _stranger()
    else:
        yield from STRANGERS.items()
    for typ in _TYPES:
        if typ not in OWN_TYPES[door.kind]:
            yield f"typ {typ}", _header(typ=typ)
    for payload, octets in PAYLOADS.items():
        if not (door.kind == "proof" and octets == b""):
            yield f"signed {payload}", _payload(octets)
    yield from OF_KIND[door.kind].items()
    yield from SPECIAL.get(name, {}).items()


def test_every_door_is_tried_with_everything() -> None:
    """The axes: as many doors as the product has, and no door that was forgotten by a kind of lie."""
    assert len(DOORS) == 20
    assert {door.kind for door in DOORS.values()} == set(OWN_TYPES) == set(OF_KIND)
    assert min(len(dict(_lies(name, door))) for name, door in DOORS.items()) >= 75


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    """A listener to which headers point; whoever follows them connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
async def stage(town: Town, canary: socket.socket) -> AsyncIterator[Stage]:
    """One app and one person for all doors."""
    async with open_doors(town) as doors:
        yield await open_stage(town, doors, f"http://127.0.0.1:{canary.getsockname()[1]}")


@pytest.mark.parametrize("name", DOORS)
async def test_a_sound_one_is_taken(stage: Stage, name: str) -> None:
    """Positive control at every door, with the same means as the lies; the hint at the logout is proved by the last test."""
    door = DOORS[name]
    if name == "hint at logout":
        return
    sound = door.make(stage)
    assert door.outcome(await door.show(stage, sound)) == door.taken
    if door.kind in ("access token", "id token hint"):
        again = _signed(stage, door.kind, sound)
        assert again != sound
        assert door.outcome(await door.show(stage, again)) == door.taken


@pytest.mark.parametrize("name", DOORS)
async def test_a_diagonal_of_all_lies(stage: Stage, canary: socket.socket, name: str) -> None:
    """Every day: each mutation at one door of four, each door with one mutation of four."""
    await _try_lies(stage, canary, name, every=EVERY_DAY)


@pytest.mark.long
@pytest.mark.parametrize("name", DOORS)
async def test_every_lie_at_every_door(stage: Stage, canary: socket.socket, name: str) -> None:
    """The whole product."""
    await _try_lies(stage, canary, name, every=1)


async def _try_lies(stage: Stage, canary: socket.socket, name: str, *, every: int) -> None:
    door, column = DOORS[name], list(DOORS).index(name)
    size, asked, wrong = record.ledger_size(stage.town), set(), []
    for row, (mutation, lie) in enumerate(_lies(name, door)):
        if (row + column) % every:
            continue
        bent = lie(stage, door.kind, door.make(stage))
        answer = await door.show(stage, bent)
        asked.add(answer.headers["x-request-id"])
        if door.outcome(answer) not in door.refused:
            wrong.append(f"{mutation}: {answer.status_code} {door.outcome(answer)}")
        elif answer.headers.get("cache-control") != "no-store":
            wrong.append(f"{mutation}: may be kept")
    assert not wrong, "\n".join(wrong)
    with pytest.raises(BlockingIOError):
        canary.accept()
    if door.on_record:
        told = [entry for entry in record.entries_since(stage.town, size) if entry.body.get("request_id") in asked]
        ids = [entry.body["request_id"] for entry in told]
        assert len(ids) == len(set(ids))
        assert all(entry.outcome == "refused" and entry.code for entry in told)


async def test_after_all_that_the_sound_tokens_are_what_they_were(stage: Stage) -> None:
    """Last: bent tokens given to the revocation endpoint ended nothing, and the sound hint signs out whom it names."""
    for bend in MUTATIONS.values():
        await stage.ask("/oauth/revoke", token=bend(stage.tokens["own"]) or "x")
    assert (await stage.doors.look_up(stage.tokens["own"])).status_code == 200
    assert (await stage.doors.userinfo(stage.tokens["access"])).status_code == 200
    logout = DOORS["hint at logout"]
    assert logout.outcome(await logout.show(stage, stage.tokens["id"])) == logout.taken
    assert (await stage.doors.userinfo(stage.tokens["access"])).status_code == 401
