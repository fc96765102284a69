"""Identifiers of proofs and assertions count once, whichever nodes are asked, and whatever Redis forgets (K08, V08)."""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from foundation.database import Database
from gateway.composition import open_parts
from gateway.settings import load_settings
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.proof.client_assertions import ASSERTION_TYPE
from idp.provider.registration.register import ClientRegistration, register_client
from tests.faults.nodes import Town
from tests.faults.population import APP
from tests.faults.race import PARALLEL, expect_most_decided, race
from tests.faults.redis_mark import empty_redis
from tests.faults.visitor import Doors
from tests.idp.provider.signed_requests import JWKS, sign

ROUNDS = 5
LONG_ROUNDS = 200
KEY = ECKey.generate_key("P-256")
SIGNER = "signing-backend"
FORM = {"grant_type": "client_credentials", "scope": "license.lookup"}

Ask = Callable[[int], Coroutine[Any, Any, httpx2.Response]]


@pytest.fixture(scope="module")
async def signer(town: Town) -> str:
    """A department's system that signs its assertions, known to both nodes."""
    async with open_parts(load_settings(town.settings_file, environ={}), background=False) as parts:
        if parts.provider.clients.find(SIGNER) is None:
            await register_client(_registration(town), **_tools(parts.db, parts, parts.clock()))
    async with httpx2.AsyncClient(trust_env=False) as http:
        doors = Doors(town, http)
        for node in (0, 1):
            for _ in range(100):
                if (await by_assertion(doors, town)(node)).status_code == 200:
                    break
                await asyncio.sleep(0.1)
    return SIGNER


def _tools(db: Database, parts: Any, now: datetime) -> dict[str, Any]:
    return {"db": db, "ledger": parts.ledger, "entropy": parts.entropy, "actor": "system:test", "now": now}


def _registration(town: Town) -> ClientRegistration:
    return ClientRegistration(
        client_id=SIGNER,
        name_zh="不动产登记系统",
        name_en="Real estate registry",
        department_id="housing",
        application_type="service",
        grant_types=("client_credentials",),
        scopes=("license.lookup",),
        resources=(f"{town.issuer}/api/v1/licenses",),
        token_endpoint_auth_method="private_key_jwt",
        metadata=ClientMetadata(jwks=JWKS),
    )


def by_proof(doors: Doors, town: Town) -> Ask:
    """Return a way to ask any node with one and the same DPoP proof."""
    claims = {
        "htm": "POST",
        "htu": f"{town.issuer}/oauth/token",
        "iat": int(time.time()),
        "jti": secrets.token_hex(8),
    }
    proof = sign(claims, key=KEY, typ="dpop+jwt", kid=None, jwk=KEY.as_dict(private=False))

    async def ask(node: int) -> httpx2.Response:
        headers = {**doors.basic(APP), "DPoP": proof}
        return await doors.send("POST", "/oauth/token", node=node, headers=headers, form=FORM)

    return ask


def by_assertion(doors: Doors, town: Town) -> Ask:
    """Return a way to ask any node with one and the same client assertion."""
    at = int(time.time())
    claims = {"iss": SIGNER, "sub": SIGNER, "aud": town.issuer, "exp": at + 120, "jti": secrets.token_hex(8)}
    form = {**FORM, "client_assertion": sign(claims, typ="JWT"), "client_assertion_type": ASSERTION_TYPE}

    async def ask(node: int) -> httpx2.Response:
        return await doors.send("POST", "/oauth/token", node=node, form=form)

    return ask


KINDS: dict[str, tuple[Callable[[Doors, Town], Ask], int, str]] = {
    "proof": (by_proof, 400, "invalid_dpop_proof"),
    "assertion": (by_assertion, 401, "invalid_client"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_k08_one_value_and_fifty_uses(town: Town, doors: Doors, signer: str, kind: str) -> None:
    """Exactly one wins; every other use is refused as a replay."""
    await _race(town, doors, kind, rounds=ROUNDS)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
async def test_k08_two_hundred_rounds_of_fifty_uses(town: Town, doors: Doors, signer: str, kind: str) -> None:
    """The same over and over."""
    await _race(town, doors, kind, rounds=LONG_ROUNDS)


@pytest.mark.parametrize("kind", KINDS)
async def test_v08_a_flush_brings_no_used_value_back(town: Town, doors: Doors, signer: str, kind: str) -> None:
    """An emptied Redis in the middle lets nobody in twice, and afterwards the value stays used."""
    await _race_across_a_flush(town, doors, kind, rounds=1)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
async def test_v08_two_hundred_flushes_among_uses(town: Town, doors: Doors, signer: str, kind: str) -> None:
    """The same over and over."""
    await _race_across_a_flush(town, doors, kind, rounds=LONG_ROUNDS)


async def _race_across_a_flush(town: Town, doors: Doors, kind: str, *, rounds: int) -> None:
    make, status, error = KINDS[kind]
    for _ in range(rounds):
        ask = make(doors, town)
        with empty_redis(town.redis) as emptied:
            async with asyncio.TaskGroup() as group:
                racing = [group.create_task(ask(number % 2)) for number in range(PARALLEL)]
                group.create_task(asyncio.to_thread(emptied))
            answers = [task.result() for task in racing]
        # The flush may have come first, and then nobody was let in so far.
        answers += [await ask(node) for node in (0, 1, 0)]
        assert sum(answer.status_code == 200 for answer in answers) == 1
        assert {answer.status_code for answer in answers} <= {200, status, 503}
        assert (answers[-1].status_code, answers[-1].json()["error"]) == (status, error)


async def _race(town: Town, doors: Doors, kind: str, *, rounds: int) -> None:
    make, status, error = KINDS[kind]
    races = []
    for _ in range(rounds):
        races.append(await race(make(doors, town)))
        races[-1].expect_one((status, error))
    expect_most_decided(races)
