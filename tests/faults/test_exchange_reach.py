"""Token exchange on two nodes: what an officer's service was given opens the license API on both, and closes with the officer's session."""

import uuid
from functools import partial

import httpx2

from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.registration.register import ClientRegistration, register_client
from idp.provider.resources.audiences import license_audience
from idp.provider.scopes import LICENSE_LOOKUP
from tests.faults import record
from tests.faults.expectations import await_refused, await_status
from tests.faults.nodes import Town
from tests.faults.operator import ACTOR, third_process
from tests.faults.population import APP
from tests.faults.visitor import Doors, Visitor, remember

SERVICE = "probe-backend"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SAME_NODE_S, OTHER_NODE_S = 1.0, 5.0


async def _register_service(town: Town) -> None:
    """Register a service of the housing bureau that may exchange what it is shown for the license API."""
    async with third_process(town) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        licenses = license_audience(parts.settings.issuer)
        wanted = ClientRegistration(
            client_id=SERVICE,
            name_zh="检验服务",
            name_en="Probe service",
            department_id=housing.department_id,
            application_type="service",
            grant_types=(TOKEN_EXCHANGE,),
            scopes=(LICENSE_LOOKUP,),
            resources=(licenses,),
            introspects=(licenses,),
            consent="exempt",
            consent_basis="LB-TEST@1",
        )
        made = await register_client(
            wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=parts.clock()
        )
    town.population.client_secrets[SERVICE] = made.secret or ""


async def _exchange(doors: Doors, subject_token: str, *, node: int) -> httpx2.Response:
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token": subject_token, "subject_token_type": ACCESS_TOKEN}
    return remember(await doors.back_channel("/oauth/token", SERVICE, node=node, **form))


async def test_t11_an_exchanged_token_lives_and_dies_with_the_officers_session(town: Town, doors: Doors) -> None:
    """One node exchanges, both answer, the ledger names officer, service and app; signing out ends it everywhere, and gives no new one."""
    await _register_service(town)
    officer = Visitor(doors)
    await officer.sign_in_as_officer()
    licenses = license_audience(town.issuer)
    shown = (await officer.tokens(APP, scope=f"openid {LICENSE_LOOKUP}", resource=licenses))["access_token"]
    answer = await await_status(partial(_exchange, doors, shown, node=1), 200, within=OTHER_NODE_S)
    exchanged = answer.json()["access_token"]
    for node in (0, 1):
        size, request_id = record.ledger_size(town), str(uuid.uuid4())
        found = await doors.look_up(exchanged, node=node, request_id=request_id, officer=None)
        assert found.status_code == 200, found.text
        (entry,) = [e for e in record.entries_since(town, size) if e.body.get("request_id") == request_id]
        assert entry.body["actor"].startswith("officer:")
        assert (entry.body["client"], entry.body["details"]["via"]) == (SERVICE, [APP])
    await officer.get("/logout")
    assert (await officer.post("/logout", {"decision": "yes"})).status_code == 303
    for node, within in ((0, SAME_NODE_S), (1, OTHER_NODE_S)):
        await await_refused(partial(doors.look_up, exchanged, node=node, officer=None), within=within)
        refused = await _exchange(doors, shown, node=node)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
