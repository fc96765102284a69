"""Area L on every page there is, for everybody who can see it: what runs, loads, frames and is sent; and whose words are only words.

W02, W03, W04, W07, W10, W18, W19, W20; D03 and D07 as far as a page says them.
"""

import json
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
from starlette.routing import Route

from gateway.routes import all_routes
from gateway.security.surfaces import Surface, surface_of
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import CIBA, DEVICE_CODE
from idp.provider.registration.register import ClientRegistration, register_client
from idp.provider.resources.audiences import license_audience
from tests.attacks.page_reading import PageReader, read_page
from tests.faults import record
from tests.faults.expectations import await_status
from tests.faults.nodes import Town
from tests.faults.operator import ACTOR, third_process
from tests.faults.population import APP, ASKING_APP, CALLBACK
from tests.faults.visitor import CALLBACKS, ID_CARD, Doors, Visitor, open_doors

_PARAMETER = re.compile(r"\{[^}]+\}", re.ASCII)
_STRANGE = "<img src=x onerror=alert(1)>\"'&lt;"
"""As a name: markup, both quotes, and an entity that must not be read twice."""
_WORDS = 'Case <b onclick="x">7</b> \'&amp;'
_ORIGIN = "https://probe.test"


def _pages() -> list[str]:
    paths = {
        _PARAMETER.sub("province", route.path)
        for route in all_routes()
        if isinstance(route, Route) and "GET" in (route.methods or ()) and surface_of(route.path) is Surface.PAGE
    }
    return sorted(path for path in paths if not path.startswith("/static"))


def _routes() -> list[str]:
    found = {_PARAMETER.sub("x", route.path) for route in all_routes() if isinstance(route, Route)}
    return sorted(path for path in found if path)


@pytest.fixture(scope="module")
async def doors_of_module(town: Town) -> AsyncIterator[Doors]:
    """The nodes, for the people of the module."""
    async with open_doors(town) as doors:
        yield doors


@pytest.fixture(scope="module")
async def citizen(town: Town, doors_of_module: Doors) -> Visitor:
    """Somebody who is signed in and stays so."""
    visitor = Visitor(doors_of_module)
    await visitor.sign_in(town.population.citizens[17])
    return visitor


@pytest.mark.parametrize("path", _pages())
async def test_w02_no_page_runs_or_loads_anything_foreign(
    town: Town, doors: Doors, citizen: Visitor, path: str
) -> None:
    """For an anonymous visitor and for a citizen, in both languages: policy, headers and markup agree."""
    for visitor in (Visitor(doors), citizen):
        for accept_language in ("zh-CN", "en"):
            headers = {**visitor.headers(), "Accept-Language": accept_language}
            answer = await doors.send("GET", path, headers=headers)
            if answer.headers.get("content-type", "").startswith("text/html"):
                # The form that chooses a user center is answered with a redirect to it.
                read_page(answer, form_origins=(town.world["urls"]["province"],) if path == "/login" else ())
            else:
                assert answer.status_code in (302, 303, 404) or "attachment" in answer.headers["content-disposition"]


async def test_w02_the_pages_of_the_provider(town: Town, doors: Doors, citizen: Visitor) -> None:
    """Stop page, form post, consent, the question of the sign-out, its result; what is not there, and what is too much."""
    shown = await citizen.authorize(redirect_uri="https://evil.test/cb")
    assert shown.status_code == 400
    assert "evil.test" not in shown.headers["content-security-policy"]
    read_page(shown)
    posted = await citizen.authorize(response_mode="form_post")
    page = read_page(posted, form_origins=(_ORIGIN,))
    assert [form["action"] for form in page.forms if not form["action"].startswith("/")] == [CALLBACK]
    asked = await citizen.authorize(ASKING_APP, scope="openid profile realname")
    read_page(await citizen.get(asked.headers["location"]), form_origins=(_ORIGIN,))
    question = await citizen.get(
        "/oauth/logout", client_id=APP, post_logout_redirect_uri="https://probe.test/signed-out"
    )
    read_page(question, form_origins=(_ORIGIN,))
    for path in ("/no/such/page", "/login/nothing", "/%00"):
        read_page(await citizen.get(path))
    leaver = Visitor(doors)
    await leaver.sign_in(town.population.citizens[16])
    await leaver.tokens()
    await leaver.get("/logout")
    done = await leaver.post("/logout", {"decision": "yes"})
    read_page(await leaver.get(done.headers["location"]))


async def test_what_caches_may_share_names_nobody(doors: Doors) -> None:
    """A `Set-Cookie` beside `public` would give one browser's name, and with it its forms and sign-ins, to everybody behind a cache."""
    stranger = Visitor(doors)
    page = await stranger.get("/login")
    assert page.headers.get_list("set-cookie")
    loaded = sorted(set(re.findall(r"/static/[\w.-]+", page.text)))
    assert len(loaded) >= 3
    shared = 0
    for path in (*loaded, *_routes()):
        answer = await doors.send("GET", path)
        if "no-store" not in answer.headers["cache-control"]:
            shared += 1
            assert "set-cookie" not in answer.headers, path
    assert shared > len(loaded)


@pytest.mark.parametrize("path", _routes())
async def test_w03_no_route_lets_a_foreign_origin_read(town: Town, doors: Doors, citizen: Visitor, path: str) -> None:
    """Neither for a preflight nor for a request with cookies is there an `Access-Control-Allow-…` for anybody."""
    asked: tuple[tuple[str, dict[str, str]], ...] = (
        ("OPTIONS", {"Origin": town.issuer + ".evil.test", "Access-Control-Request-Method": "POST"}),
        ("GET", {"Origin": "null"}),
    )
    for method, headers in asked:
        answer = await doors.send(method, path, headers={**citizen.headers(), **headers})
        assert not [name for name in answer.headers if name.startswith("access-control-")], method


async def test_w10_a_look_changes_nothing(town: Town, doors: Doors) -> None:
    """GET and HEAD of every page, with whatever a form would carry in the address: no act is on record, and the session lives."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[15])
    form = {
        "decision": "yes",
        "action": "end_others",
        "app": APP,
        "claims": "profile",
        "csrf_token": visitor.csrf_token,
        "_method": "POST",
        "user_code": "BCDF-GHJK",
        "mode": "elder",
    }
    size = record.ledger_size(town)
    for path in _pages():
        for method in ("GET", "HEAD"):
            headers = {**visitor.headers(), "X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"}
            answer = await doors.send(method, f"{path}?{urlencode(form)}", headers=headers)
            assert answer.status_code < 500
            assert "__Host-rz_session=" not in str(answer.headers.get_list("set-cookie"))
    acts = [entry.kind for entry in record.entries_since(town, size) if entry.outcome == "done"]
    assert acts == []
    assert (await visitor.get("/account")).status_code == 200


@pytest.fixture(scope="module")
async def strange_app(town: Town) -> str:
    """An app whose every word of its own is markup."""
    client = f"probe-w07-{secrets.token_hex(3)}"
    async with third_process(town) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        wanted = ClientRegistration(
            client_id=client,
            name_zh=_STRANGE,
            name_en=_STRANGE,
            department_id=housing.department_id,
            redirect_uris=(CALLBACK,),
            post_logout_redirect_uris=("https://probe.test/signed-out",),
            grant_types=("authorization_code", DEVICE_CODE, CIBA),
            scopes=("openid", "profile", "realname"),
            resources=(license_audience(town.issuer),),
            home_uri="https://probe.test/?a=1&b='x'",
            metadata=ClientMetadata(
                backchannel_token_delivery_mode="poll",
                authorization_details_types=("electronic_license",),
                policy_uri="https://probe.test/policy?'&b",
                tos_uri="https://probe.test/tos",
                logo_uri="https://probe.test/logo.svg",
                client_uri="https://probe.test/?a=1&b='x'",
            ),
        )
        made = await register_client(
            wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=parts.clock()
        )
    town.population.client_secrets[client] = made.secret or ""
    CALLBACKS[client] = CALLBACK
    return client


def _says(page: PageReader, words: str) -> bool:
    return words in " ".join("".join(page.texts).split()) or any(words in given.values() for _, given in page.tags)


async def test_w07_an_apps_words_are_words(town: Town, doors: Doors, citizen: Visitor, strange_app: str) -> None:
    """Name, purposes and binding message on every page that shows them: read back exactly, and run or load nothing."""
    pages: dict[str, tuple[httpx2.Response, str]] = {}
    details = [
        {
            "type": "electronic_license",
            "actions": ["read"],
            "license_types": [ID_CARD],
            "grade": "masked",
            "fields": ["holder_name"],
            "purpose": _WORDS,
        }
    ]
    parameters: dict[str, Any] = {
        "scope": "openid profile realname",
        "claims": json.dumps({"userinfo": {"name": {"purpose": _WORDS}}}),
        "authorization_details": json.dumps(details),
        "resource": license_audience(town.issuer),
    }
    asked = await await_status(lambda: citizen.authorize(strange_app, **parameters), 303, within=10.0)
    assert urlsplit(asked.headers["location"]).path == "/consent", asked.headers["location"]
    pages["consent"] = (await citizen.get(asked.headers["location"]), _STRANGE)
    pages["purpose"] = (pages["consent"][0], _WORDS)
    begun = (await doors.back_channel("/oauth/device_authorization", strange_app, scope="openid profile")).json()
    await citizen.get("/device")
    typed = await citizen.post("/device", {"user_code": begun["user_code"]})
    assert typed.status_code == 303, typed.text[-500:]
    pages["device"] = (await citizen.get(typed.headers["location"]), _STRANGE)
    message = "A7 <b>x</b> &amp;"
    rung = await doors.back_channel(
        "/oauth/ciba",
        strange_app,
        scope="openid profile",
        login_hint=town.population.citizens[17].user_name,
        binding_message=message,
    )
    if rung.status_code != 200:
        # Narrower than a page needs: letters and digits alone.
        assert rung.json()["error"] == "invalid_binding_message"
        rung = await doors.back_channel(
            "/oauth/ciba", strange_app, scope="openid profile", login_hint=town.population.citizens[17].user_name
        )
        assert rung.status_code == 200, rung.text
    listed = await citizen.get("/confirmations")
    pages["waiting"] = (listed, _STRANGE)
    found = re.search(r"/confirmations/[0-9a-f]{32}", listed.text)
    assert found is not None
    pages["confirmation"] = (await citizen.get(found[0]), _STRANGE)
    question = await citizen.get("/oauth/logout", client_id=strange_app)
    pages["sign-out"] = (question, _STRANGE)
    for name, (answer, words) in pages.items():
        assert answer.status_code == 200, name
        page = read_page(answer, form_origins=(_ORIGIN,))
        assert _says(page, words), f"{name} does not say the words as they are"
        assert _says(page, "&lt;") or words != _STRANGE, f"{name} reads an entity twice"


async def test_w07_a_hint_is_only_filled_in(town: Town, doors: Doors) -> None:
    """F17: what an app suggests as the name stands in the field, exactly, and nowhere else."""
    visitor = Visitor(doors)
    asked = await visitor.authorize(login_hint=_STRANGE)
    origins = (_ORIGIN, town.world["urls"]["province"])
    page = read_page(await visitor.get(asked.headers["location"]), form_origins=origins)
    values = [given.get("value", "") for tag, given in page.tags if tag == "input"]
    assert [value for value in values if "onerror" in value] in ([], [_STRANGE])
