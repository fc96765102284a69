"""The named scenarios: how each is prepared against the running product, and how one operation of it begins.

`prepare` runs just before the scenario is measured and outside the measurement: access tokens for licenses live five minutes,
so a pool made at the start of a long run would be dead in its middle.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from loadtests.calls import Conversation, hold
from loadtests.connection import Connection
from loadtests.conversations import (
    Browser,
    ask_for_bound_token,
    ask_for_token,
    introspect,
    look_up,
    rotate,
    sign_on,
    sign_on_by_high_policy,
)
from loadtests.measure import Operation, Target
from loadtests.sign_in import SESSION_COOKIE, agree, agree_to_signer, begin_family, log_in, sign_in_round
from loadtests.world import World

TOKENS = 256
FAMILIES = 64
_AT_ONCE = 16
# Spreads consecutive numbers over a pool without a random source; odd, so that it reaches every entry of an even-sized pool.
_STRIDE = 7_919


@dataclass(frozen=True, slots=True)
class Scenario:
    """One operation that is measured; with `light_hashing` on a server of its own that spends next to nothing on passwords."""

    name: str
    prepare: Callable[[World, Target], Awaitable[Operation]]
    connections: int = 32
    light_hashing: bool = False


async def _signed_in(world: World, target: Target) -> list[Browser]:
    """Return one browser for each citizen, signed in."""
    browsers = [Browser() for _ in world.citizens]
    await hold_all(
        (log_in(world, browser, citizen) for browser, citizen in zip(browsers, world.citizens, strict=True)), target
    )
    return browsers


async def _client_credentials(world: World, _target: Target) -> Operation:
    return lambda _slot, _number: ask_for_token(world)


async def _dpop_token(world: World, _target: Target) -> Operation:
    return lambda _slot, _number: ask_for_bound_token(world)


async def _introspection(world: World, target: Target) -> Operation:
    tokens: list[str] = []
    await hold_all((ask_for_token(world, tokens) for _ in range(TOKENS)), target)
    return lambda _slot, number: introspect(world, tokens[number * _STRIDE % TOKENS])


async def _lookup_masked(world: World, target: Target) -> Operation:
    tokens: list[str] = []
    await hold_all([ask_for_token(world, tokens)], target)
    people = world.applicants
    # Every case is asked about once, so that the case system's answer is known as it is for all but one lookup in 30 s of a case.
    await hold_all((look_up(world, tokens[0], one) for one in people), target)
    return lambda _slot, number: look_up(world, tokens[0], people[number * _STRIDE % len(people)])


async def _sso_round(world: World, target: Target) -> Operation:
    browsers = await _signed_in(world, target)
    await hold_all((agree(world, browser) for browser in browsers), target)
    return lambda _slot, number: sign_on(world, browsers[number * _STRIDE % len(browsers)])


async def _sign_in_round(world: World, target: Target) -> Operation:
    """Each connection is one browser of one citizen, as nobody signs in twice at the same moment."""
    browsers = await _signed_in(world, target)
    await hold_all((agree(world, browser) for browser in browsers), target)

    def begin(slot: int, _number: int) -> Conversation:
        place = slot % len(browsers)
        return sign_in_round(world, browsers[place], world.citizens[place])

    return begin


async def _refresh(world: World, target: Target) -> Operation:
    """Each connection has a family of its own, as each app has."""
    browsers = await _signed_in(world, target)
    families: list[str] = []
    await hold_all(
        (begin_family(world, browsers[number % len(browsers)], families) for number in range(FAMILIES)), target
    )
    return lambda slot, _number: rotate(world, families, slot % FAMILIES)


async def _par_round(world: World, target: Target) -> Operation:
    browsers = await _signed_in(world, target)
    await hold_all((agree_to_signer(world, browser) for browser in browsers), target)
    return lambda _slot, number: sign_on_by_high_policy(world, browsers[number * _STRIDE % len(browsers)])


async def _password_login(world: World, _target: Target) -> Operation:
    """Each connection is one browser that has its sign-in page open, belonging to one citizen; it forgets each session again."""
    browsers: dict[int, Browser] = {}

    def begin(slot: int, _number: int) -> Conversation:
        browser = browsers.setdefault(slot, Browser())
        browser.cookies.pop(SESSION_COOKIE, None)
        return log_in(world, browser, world.citizens[slot % len(world.citizens)])

    return begin


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("client_credentials", _client_credentials),
    Scenario("dpop_token", _dpop_token),
    Scenario("introspection", _introspection),
    Scenario("lookup_masked", _lookup_masked),
    Scenario("sso_round", _sso_round),
    Scenario("refresh", _refresh),
    Scenario("par_round", _par_round),
    Scenario("password_login", _password_login),
    Scenario("sign_in_round", _sign_in_round, light_hashing=True),
)
"""In the order in which they are measured."""


async def hold_all(conversations: Iterable[Conversation], target: Target) -> None:
    """Play conversations over a few connections, in order as connections become free; raises the first failure."""
    waiting = iter(conversations)
    lanes = [await Connection.open(target.port) for _ in range(_AT_ONCE)]

    async def work(connection: Connection) -> None:
        for conversation in waiting:
            await hold(conversation, connection, host=target.host)

    try:
        async with asyncio.TaskGroup() as tasks:
            for connection in lanes:
                tasks.create_task(work(connection))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    finally:
        for connection in lanes:
            connection.close()


def find_scenarios(names: Iterable[str]) -> list[Scenario]:
    """Return the scenarios with these names in their own order; all of them for no names."""
    wanted = set(names)
    return [one for one in SCENARIOS if not wanted or one.name in wanted]
