"""G08, E20, L06, T07: what was ended is refused at once on the node that ended it and within five seconds everywhere.

Acts of an operator are done by a third process of the installation, so that both nodes hear of them from the change feed alone.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial

import httpx2

from certs_catalog.grants.register import register_grant, suspend_grant
from gateway.composition import Parts
from gateway.demo.grants import housing_grant
from idp.people.departments import add_officer
from idp.people.directory import Officer
from idp.provider.registration.register import ClientRegistration, register_client, set_client_status
from idp.signin.account_status import disable_account, enable_account
from idp.signin.enrolment import end_officer, enrol_person
from tests.faults.expectations import await_refused, await_status
from tests.faults.nodes import Town
from tests.faults.operator import ACTOR, VISIT, enrol, third_process
from tests.faults.population import ASKING_APP, CALLBACK, NEVER_REACHED, document_number_of
from tests.faults.visitor import CALLBACKS, Doors, Visitor

SAME_NODE_S, OTHER_NODE_S = 1.0, 5.0
Question = Callable[[], Awaitable[httpx2.Response]]


async def test_l06_signing_out_ends_session_and_tokens_everywhere(town: Town, doors: Doors) -> None:
    """Cookie, access token and refresh token of the session are dead; another session of the same person is not."""
    person = town.population.citizens[7]
    visitor, elsewhere = Visitor(doors), Visitor(doors)
    await visitor.sign_in(person)
    await elsewhere.sign_in(person, node=1)
    tokens, others = await visitor.tokens(), await elsewhere.tokens()
    cookies = dict(visitor.cookies)
    await visitor.get("/logout")
    done = await visitor.post("/logout", {"decision": "yes"})
    assert done.status_code == 303
    thief = Visitor(doors, cookies)
    for node, within in ((0, SAME_NODE_S), (1, OTHER_NODE_S)):
        await await_refused(partial(doors.userinfo, tokens["access_token"], node=node), within=within)
        assert await doors.introspect(tokens["access_token"], node=node) == {"active": False}
        replayed = await thief.get("/licenses", node=node)
        assert (replayed.status_code, replayed.headers["location"].partition("?")[0]) == (303, "/login")
    assert (await doors.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    # Positive control.
    assert (await doors.userinfo(others["access_token"])).status_code == 200
    assert (await elsewhere.get("/licenses")).status_code == 200


async def test_t07_withdrawn_consent_ends_the_apps_tokens(town: Town, doors: Doors) -> None:
    """The person withdraws on one node; the other refuses too, and the app is asked for consent again."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[8])
    asked = await visitor.authorize(ASKING_APP)
    transaction = asked.headers["location"].partition("transaction=")[2]
    await visitor.get(f"/consent?transaction={transaction}")
    agreed = [("transaction", transaction), ("decision", "yes")]
    ticks = [("claims", scope) for scope in ("profile", "realname", "offline_access")]
    assert (await visitor.post("/consent", [*agreed, *ticks])).headers["location"].startswith(CALLBACK)
    tokens = await visitor.tokens(ASKING_APP)
    await visitor.get("/connected", node=1)
    assert (await visitor.post("/connected", {"action": "revoke", "app": ASKING_APP}, node=1)).status_code == 303
    for node, within in ((1, SAME_NODE_S), (0, OTHER_NODE_S)):
        await await_refused(partial(doors.userinfo, tokens["access_token"], node=node), within=within)
    assert (await doors.refresh(tokens["refresh_token"], ASKING_APP)).json()["error"] == "invalid_grant"
    again = await visitor.authorize(ASKING_APP)
    assert again.headers["location"].startswith("/consent?")


async def test_g08_a_disabled_account_is_out_everywhere(town: Town, doors: Doors) -> None:
    """Session, access token and refresh token of a disabled account end, and its password opens nothing."""
    async with third_process(town) as parts:
        person = dataclasses.replace(
            town.population.citizens[9],
            user_name="disabledone",
            phone="13910000999",
            document_number=document_number_of(901),
        )
        account_id = await enrol(parts, person)
        visitor = Visitor(doors)
        await visitor.sign_in(person)
        tokens = await visitor.tokens()
        assert await disable_account(account_id, actor=ACTOR, visit=VISIT, entrance=parts.entrance, now=parts.clock())
    await _refused_everywhere(lambda node: doors.userinfo(tokens["access_token"], node=node))
    page = await visitor.get("/licenses", node=1)
    assert page.status_code == 303
    assert (await doors.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    await visitor.get("/login")
    refused = await visitor.post("/login", {"identifier": person.user_name, "password": person.password})
    assert refused.status_code in (401, 403, 422)


async def test_g08_an_ended_officer_looks_nothing_up(town: Town, doors: Doors) -> None:
    """The app that names an officer who left is refused on both nodes."""
    work_number = "ZJ-7701"
    async with third_process(town) as parts:
        _, officer = await _employ(parts, town, work_number, "leavingone", "13910000998", serial=902)
        token = await doors.own_token()
        for node in (0, 1):
            await await_status(partial(doors.look_up, token, node=node, officer=work_number), 200, within=OTHER_NODE_S)
        assert await end_officer(
            officer.officer_id, actor=ACTOR, visit=VISIT, entrance=parts.entrance, now=parts.clock()
        )
    await _refused_everywhere(lambda node: doors.look_up(token, node=node, officer=work_number))
    assert (await doors.look_up(token)).status_code == 200


async def test_g08_an_officer_whose_account_is_disabled_is_not_acted_for(town: Town, doors: Doors) -> None:
    """An application may not name such an officer either; with the account open again it may."""
    work_number = "ZJ-7702"
    async with third_process(town) as parts:
        account_id, _ = await _employ(parts, town, work_number, "pausedone", "13910000997", serial=903)
        token = await doors.own_token()
        for node in (0, 1):
            await await_status(partial(doors.look_up, token, node=node, officer=work_number), 200, within=OTHER_NODE_S)
        assert await disable_account(account_id, actor=ACTOR, visit=VISIT, entrance=parts.entrance, now=parts.clock())
        await _refused_everywhere(lambda node: doors.look_up(token, node=node, officer=work_number))
        assert await enable_account(account_id, actor=ACTOR, visit=VISIT, entrance=parts.entrance, now=parts.clock())
        for node in (0, 1):
            await await_status(partial(doors.look_up, token, node=node, officer=work_number), 200, within=OTHER_NODE_S)


async def test_g08_a_disabled_client_is_out_everywhere(town: Town, doors: Doors) -> None:
    """Its tokens are dead, it gets no new ones, and its address is nobody's (R23)."""
    client = "probe-doomed"
    async with third_process(town) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        wanted = ClientRegistration(
            client_id=client,
            name_zh="将停用的应用",
            name_en="Doomed",
            department_id=housing.department_id,
            redirect_uris=(CALLBACK,),
            grant_types=("authorization_code", "client_credentials"),
            scopes=("openid", "profile", "license.lookup"),
            resources=(f"{town.issuer}/api/v1/licenses",),
            consent="exempt",
            consent_basis="LB-TEST@1",
        )
        made = await register_client(
            wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=parts.clock()
        )
        town.population.client_secrets[client] = made.secret or ""
        CALLBACKS[client] = CALLBACK
        visitor = Visitor(doors)
        await visitor.sign_in(town.population.citizens[10])
        await await_status(partial(visitor.authorize, client, scope="openid"), 303, within=OTHER_NODE_S)
        person_token = (await visitor.tokens(client, scope="openid profile"))["access_token"]
        own_token = await doors.own_token(client)
        await await_status(partial(doors.look_up, own_token, node=1), 200, within=OTHER_NODE_S)
        await set_client_status(
            client,
            "disabled",
            token_lifetime=parts.settings.provider.access_token_lifetime,
            db=parts.db,
            ledger=parts.ledger,
            actor=ACTOR,
            now=parts.clock(),
        )
    await _refused_everywhere(lambda node: doors.userinfo(person_token, node=node))
    await _refused_everywhere(lambda node: doors.look_up(own_token, node=node))
    for node in (0, 1):
        form = {"grant_type": "client_credentials", "scope": "license.lookup"}
        assert (await doors.back_channel("/oauth/token", client, node=node, **form)).status_code == 401
        shown = await visitor.authorize(client, node=node, scope="openid")
        assert (shown.status_code, "location" in shown.headers) == (400, False)


async def test_e20_a_suspended_grant_serves_nobody(town: Town, doors: Doors) -> None:
    """Suspended: refused on both nodes. Validated again: served again."""
    token = await doors.own_token()
    grant_id = str(town.world["grants"][0]["grant"]).partition("@")[0]
    async with third_process(town) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        await suspend_grant(grant_id, room=parts.licenses, actor=ACTOR, now=parts.clock())
        try:
            await _refused_everywhere(lambda node: doors.look_up(token, node=node))
        finally:
            content = housing_grant(housing.department_id, parts.clock())
            await register_grant(
                dataclasses.replace(content, daily_volume=NEVER_REACHED, rate_per_minute=NEVER_REACHED),
                grant_id=grant_id,
                validated_by=("officer:test-1", "officer:test-2"),
                room=parts.licenses,
                now=parts.clock(),
            )
    for node in (0, 1):
        await await_status(partial(doors.look_up, token, node=node), 200, within=OTHER_NODE_S)


async def _employ(
    parts: Parts, town: Town, work_number: str, user_name: str, phone: str, *, serial: int
) -> tuple[str, Officer]:
    """Give somebody an account and a post at the housing desk; returns the account's id and the officer."""
    person = dataclasses.replace(
        town.population.citizens[9], user_name=user_name, phone=phone, document_number=document_number_of(serial)
    )
    account_id = await enrol(parts, person)
    account = await enrol_person(
        person.name, person.document_number, source="tests", visit=VISIT, entrance=parts.entrance, now=parts.clock()
    )
    housing = await parts.directory.find_department_by_slug("housing")
    assert housing is not None
    officer = await add_officer(
        account.person_id,
        housing.department_id,
        work_number,
        post_zh="窗口受理员",
        post_en="counter clerk",
        roles=("desk",),
        actor=ACTOR,
        db=parts.db,
        ledger=parts.ledger,
        feed=parts.feed,
        entropy=parts.entropy,
        now=parts.clock(),
    )
    return account_id, officer


async def _refused_everywhere(ask: Callable[[int], Awaitable[httpx2.Response]]) -> None:
    """Neither node did it, so both have what the change feed promises."""
    await asyncio.gather(*(await_refused(partial(ask, node), within=OTHER_NODE_S) for node in (0, 1)))
