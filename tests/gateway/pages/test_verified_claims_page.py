"""The consent page for verified claims: what is asked, masked, with the app's own words for it, and an answer told from real proofs."""

import asyncio
import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from foundation.clock import system_clock
from gateway.composition import open_parts
from gateway.settings import load_settings
from gateway.stories.browser import Browser, Page
from idp.provider.registration.register import ClientRegistration, register_client
from tests.gateway.pages.people import Newcomer, newcomer, register
from tests.gateway.town import Town

PURPOSE = '核对<b>申请人</b> & "家庭"成员'
VERIFIER = "v" * 43
SECRET = "notary-" + "s" * 40
CALLBACK = "https://notary.test/cb"
NOTARY = ClientRegistration(
    client_id="notary",
    name_zh="公证办理",
    name_en="Notary",
    department_id="housing",
    redirect_uris=(CALLBACK,),
    scopes=("openid", "realname", "realname.id"),
)


@pytest.fixture(scope="module", autouse=True)
def notary(town: Town) -> None:
    """An app that is entitled to names and numbers."""
    asyncio.run(_register(town))
    deadline = time.monotonic() + 10
    address = f"{town.issuer}/oauth/authorize?{urlencode({'client_id': 'notary', 'redirect_uri': CALLBACK})}"
    while httpx2.get(address, trust_env=False).status_code == 400:
        assert time.monotonic() < deadline, "the product did not hear of the app"
        time.sleep(0.05)


async def _register(town: Town) -> None:
    settings = load_settings(town.settings_file, environ={})
    async with open_parts(settings, clock=system_clock, background=False) as parts:
        await register_client(
            NOTARY,
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor="system:test",
            now=system_clock(),
            secret=SECRET,
        )


def _ask(town: Town, browser: Browser, **verified: object) -> Page:
    """Send the notary's request for verified claims, as a browser carries it."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    wish = {
        "verification": {"trust_framework": None, "assurance_level": None, "evidence": [
            {"type": {"value": "electronic_record"}, "record": {"type": None, "source": {"name": None}}}
        ]},
        "claims": verified,
    }  # fmt: skip
    asked = {
        "response_type": "code",
        "client_id": "notary",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "claims": json.dumps({"userinfo": {"verified_claims": wish}}, ensure_ascii=False),
    }
    page = browser.open(f"{town.issuer}/oauth/authorize?{urlencode(asked)}")
    while page.location is not None and page.location.startswith(town.issuer):
        page = browser.open(page.location)
    return page


def _somebody(town: Town, browser: Browser) -> Newcomer:
    person = newcomer(town)
    register(town, browser, person)
    return person


def test_page_shows_the_purpose_as_text_and_the_values_in_part(town: Town, browser: Browser) -> None:
    """Escaped, not cut; each claim with a tick of its own; the number never in full."""
    person = _somebody(town, browser)
    page = _ask(town, browser, name=None, document_number={"essential": True, "purpose": PURPOSE})
    assert page.status == 200
    assert page.says("经核验的姓名及核验情况", "经核验的证件号码及核验情况", "应用说明的用途：")
    assert "<b>申请人</b>" not in page.body
    assert "核对&lt;b&gt;申请人&lt;/b&gt; &amp; &#34;家庭&#34;成员" in page.body
    assert person.document_number not in page.body
    assert person.document_number[-4:] in page.body
    assert len(page.form("decision").choices["claims"]) == 2


def test_without_the_tick_nothing_is_given(town: Town, browser: Browser) -> None:
    """The page comes back and says what is missing."""
    _somebody(town, browser)
    page = _ask(town, browser, name=None, document_number={"essential": True})
    back = browser.submit(page, page.form("decision"), button="yes")
    assert back.status == 422
    assert back.location is None
    assert back.says("还有 1 处没有勾选", "经核验的证件号码及核验情况")


def test_what_the_app_can_do_without_is_offered_as_a_choice(town: Town, browser: Browser) -> None:
    """Unticked, said to be optional and sensitive, with its purpose; without a tick the person still gets in."""
    _somebody(town, browser)
    page = _ask(town, browser, name=None, document_number={"purpose": PURPOSE})
    assert page.says("您可以选择是否提供", "可选", "敏感个人信息：", "应用说明的用途：")
    assert not page.says("必需")
    left_out = browser.submit(page, page.form("decision"), button="yes")
    assert left_out.location is not None
    assert "code" in parse_qs(urlsplit(left_out.location).query)


def test_app_is_told_of_the_proofs_of_the_registration(town: Town, browser: Browser) -> None:
    """From the register's answer at the registration to the userinfo of the app: the same source."""
    person = _somebody(town, browser)
    page = _ask(town, browser, name=None, document_number={"purpose": PURPOSE})
    form = page.form("decision")
    agreed = browser.submit(page, form, {"claims": form.choices["claims"]}, button="yes")
    assert agreed.location is not None
    code = parse_qs(urlsplit(agreed.location).query)["code"][0]
    with httpx2.Client(trust_env=False) as http:
        answer = http.post(
            f"{town.issuer}/oauth/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
            },
            auth=("notary", SECRET),
        )
        token = answer.json()["access_token"]
        said = http.get(f"{town.issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json()
    verified = said["verified_claims"]
    assert verified["claims"] == {"name": person.name, "document_number": person.document_number}
    assert verified["verification"]["assurance_level"] == "medium"
    records = {record["record"]["type"]: record["record"] for record in verified["verification"]["evidence"]}
    assert set(records) == {"population_register", "mobile_number"}
    assert records["population_register"]["source"]["name"]
