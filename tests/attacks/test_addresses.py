"""Area A on the running nodes: wherever a request names an address, nobody is led to one that is not the application's own.

The whole product stands in the way here, the guard and the pages included; the same addresses are tried in process in
tests/idp/provider/test_redirect_uris.py (authorize), test_pushed_requests.py, test_request_objects.py, test_logout_hints.py and
test_registered_addresses.py (every member of a registration).
"""

import dataclasses
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from idp.provider.clients.metadata import ClientMetadata
from idp.provider.registration.oversight import approve_client
from idp.provider.registration.register import ClientRegistration, register_client
from tests.attacks.raw_http import RawRequest, send
from tests.faults.expectations import await_status
from tests.faults.nodes import Town
from tests.faults.operator import ACTOR, third_process
from tests.faults.population import APP, CALLBACK, OTHER_CALLBACK, SIGNED_OUT
from tests.faults.record import entries_since, ledger_size
from tests.faults.visitor import CALLBACKS, Doors, Visitor, answered, authorization
from tests.idp.provider.test_redirect_uris import FOREIGN

BENT = {name: uri.replace("gzf.test", "probe.test").replace("/cb", "/callback") for name, uri in FOREIGN.items()}
LINK = re.compile(r'href="(https://trial\.test[^"]*)"')
TRIAL = "https://trial.test/callback"


@pytest.fixture(scope="module")
def kept_cookies() -> dict[str, str]:
    """The cookies of the one session that these tests share, since none of them ends it."""
    return {}


@pytest.fixture
async def visitor(town: Town, doors: Doors, kept_cookies: dict[str, str]) -> Visitor:
    """Somebody who is signed in and would get a code at once."""
    visitor = Visitor(doors, cookies=dict(kept_cookies))
    if not kept_cookies:
        await visitor.sign_in(town.population.citizens[12])
        kept_cookies.update(visitor.cookies)
    return visitor


def wish(**changes: str) -> dict[str, Any]:
    """A sound request of the probe application with these parameters changed."""
    return {name: value for name, value in {**authorization(APP), **changes}.items() if value is not None}


def expect_page(answer: httpx2.Response, told: str = "") -> None:
    """E400: a page, no Location, no code, nothing of the address as markup."""
    assert answer.status_code == 400, answer.text[-500:]
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert "code=" not in answer.text
    if told:
        assert told not in answer.text


@pytest.mark.parametrize("address", BENT.values(), ids=BENT.keys())
async def test_no_door_of_an_authorization_follows_it(town: Town, doors: Doors, visitor: Visitor, address: str) -> None:
    """R01 to R15: by GET, by POST and pushed, on either node; one entry for each refusal."""
    before = ledger_size(town)
    wished = wish(redirect_uri=address)
    expect_page(await visitor.get("/oauth/authorize", **wished), address)
    expect_page(await visitor.post("/oauth/authorize", wished, node=1), address)
    pushed = await doors.back_channel("/oauth/par", APP, node=1, **wished)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")
    written = [entry for entry in entries_since(town, before) if entry.kind in ("oauth.authorize", "oauth.par")]
    assert [entry.outcome for entry in written] == ["refused"] * 3


async def test_its_own_address_is_followed_through_every_door(doors: Doors, visitor: Visitor) -> None:
    """Positive control beside them."""
    wished = wish()
    pushed = await doors.back_channel("/oauth/par", APP, **wished)
    by_name: dict[str, Any] = {"client_id": APP, "request_uri": pushed.json()["request_uri"]}
    for answer in (
        await visitor.get("/oauth/authorize", **wished),
        await visitor.post("/oauth/authorize", wished, node=1),
        await visitor.get("/oauth/authorize", **by_name),
    ):
        assert answer.headers["location"].startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize("octets", [b"\t", b" ", b"\x00", b"\x7f", b"\xff", b"\\", b"\xe2\x80\xae"])
@pytest.mark.parametrize("place", [b"%s" + CALLBACK.encode(), CALLBACK.encode() + b"%s"])
async def test_r15_raw_octets_are_no_address(town: Town, visitor: Visitor, octets: bytes, place: bytes) -> None:
    """Unescaped, as no browser sends them: whichever parser meets them first, nobody is led anywhere."""
    wished = wish()
    del wished["redirect_uri"]
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items()).encode()
    target = b"/oauth/authorize?" + urlencode(wished).encode() + b"&redirect_uri=" + place % octets + b"&x=1"
    answer = await send(town, RawRequest("GET", target, ((b"Cookie", cookie),)))
    assert answer.status == 400
    assert not answer.all("location")


@pytest.mark.parametrize("address", BENT.values(), ids=BENT.keys())
async def test_r21_a_code_is_redeemed_at_its_own_address_alone(doors: Doors, visitor: Visitor, address: str) -> None:
    """Any other spelling refuses, and burns the code."""
    grip = await visitor.grip()
    bent = await doors.redeem(dataclasses.replace(grip, redirect_uri=address))
    assert (bent.status_code, bent.json()["error"]) == (400, "invalid_grant")
    sound = await doors.redeem(grip, node=1)
    assert (sound.status_code, sound.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "address", [*BENT.values(), CALLBACK, OTHER_CALLBACK], ids=[*BENT, "callback", "another app's"]
)
async def test_l02_signing_out_leads_to_none_of_them(doors: Doors, visitor: Visitor, address: str) -> None:
    """With the application's genuine hint: a page, and the session lives."""
    hint = (await visitor.tokens())["id_token"]
    wish = {
        "id_token_hint": hint,
        "post_logout_redirect_uri": address.replace("/callback", "/signed-out"),
        "state": "s",
    }
    if address == CALLBACK:
        wish["post_logout_redirect_uri"] = CALLBACK
    expect_page(await visitor.get("/oauth/logout", **wish))
    expect_page(await visitor.post("/oauth/logout", wish, node=1))
    assert (await visitor.get("/account")).status_code == 200


async def test_l02_signing_out_leads_to_the_registered_one(town: Town, doors: Doors) -> None:
    """Positive control beside them."""
    visitor = Visitor(doors)
    await visitor.sign_in(town.population.citizens[12])
    hint = (await visitor.tokens())["id_token"]
    answer = await visitor.get("/oauth/logout", id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT, state="s")
    assert answer.headers["location"] == f"{SIGNED_OUT}?state=s"


@dataclass(frozen=True)
class Trial:
    """An application as one that registered itself is: nobody has looked at it."""

    town: Town
    client_id: str

    async def approve(self) -> None:
        """An operator looks at it."""
        async with third_process(self.town) as parts:
            await approve_client(self.client_id, db=parts.db, ledger=parts.ledger, actor=ACTOR, now=parts.clock())


@pytest.fixture
async def trial(town: Town, doors: Doors) -> AsyncIterator[Trial]:
    """Known on both nodes."""
    client_id = f"trial-{secrets.token_hex(4)}"
    async with third_process(town) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        wanted = ClientRegistration(
            client_id=client_id,
            name_zh="试验应用",
            name_en="Trial",
            department_id=housing.department_id,
            redirect_uris=(TRIAL,),
            scopes=("openid", "profile"),
            metadata=ClientMetadata(is_reviewed=False),
        )
        await register_client(
            wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=parts.clock()
        )
    CALLBACKS[client_id] = TRIAL
    yield Trial(town, client_id)
    del CALLBACKS[client_id]


REFUSED: dict[str, dict[str, Any]] = {
    "unknown scope": {"scope": "openid no.such.scope"},
    "silent, nobody signed in": {"scope": "openid profile", "prompt": "none"},
    "no PKCE": {"scope": "openid", "code_challenge": None, "code_challenge_method": None},
    "in the fragment": {"scope": "openid", "response_mode": "fragment", "response_type": "id_token"},
    "signed": {"scope": "openid no.such.scope", "response_mode": "jwt"},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("is_signed_in", [False, True])
async def test_r24_an_app_nobody_looked_at_sends_no_browser_anywhere_unasked(
    doors: Doors, trial: Trial, visitor: Visitor, is_signed_in: bool, changes: dict[str, Any]
) -> None:
    """RFC 9700 §4.11.2: who asks is shown, and the refusal waits behind a link, complete with state and issuer."""
    who = visitor if is_signed_in else Visitor(doors)
    shown = await await_status(partial(who.authorize, trial.client_id, **changes), 200, within=5.0)
    assert "location" not in shown.headers
    assert "http-equiv" not in shown.text
    (link,) = {unescape(found) for found in LINK.findall(shown.text)}
    assert "trial.test" in shown.text
    assert "未审核" in shown.text
    if changes.get("response_mode") == "jwt":
        assert link.startswith(f"{TRIAL}?response=")
    else:
        assert "error=" in link
        assert "state=state-of-the-test" in link
        assert "iss=" in link


async def test_r24_a_reviewed_app_is_answered_at_once(doors: Doors, trial: Trial) -> None:
    """Positive control: the same app once an operator has looked at it, and the others of the town."""
    stranger = Visitor(doors)
    other = await stranger.authorize(APP, prompt="none")
    assert (other.status_code, answered(other)["error"]) == (303, "login_required")
    await await_status(partial(stranger.authorize, trial.client_id, scope="openid", prompt="none"), 200, within=5.0)
    await trial.approve()
    answer = await await_status(
        partial(stranger.authorize, trial.client_id, scope="openid", prompt="none"), 303, within=5.0
    )
    assert answered(answer)["error"] == "login_required"


async def test_r24_what_the_person_said_is_told_at_once(trial: Trial, visitor: Visitor) -> None:
    """Positive control: whoever says no on our own page is not asked again, and a yes leads back with a code."""
    for decision, member in (("no", "error"), ("yes", "code")):
        asked = await await_status(partial(visitor.authorize, trial.client_id, scope="openid profile"), 303, within=5.0)
        waiting = asked.headers["location"]
        assert (await visitor.get(waiting)).status_code == 200
        transaction = waiting.partition("transaction=")[2]
        answer = await visitor.post("/consent", {"transaction": transaction, "decision": decision})
        assert answer.headers["location"].startswith(f"{TRIAL}?")
        assert answered(answer)[member]
