"""The pages of the device flow and of CIBA, as a person without JavaScript uses them."""

import re
import time

import httpx2
import pytest

from gateway.stories.browser import Browser, Page
from tests.gateway.pages.people import PASSWORD, newcomer, register
from tests.gateway.pages.waiting_apps import App, counter, kiosk, listening_bell
from tests.gateway.town import Town

_apps: dict[tuple[str, str], App] = {}


@pytest.fixture
def screen(town: Town) -> App:
    """The terminal in the hall."""
    if (town.issuer, "kiosk") not in _apps:
        _apps[town.issuer, "kiosk"] = kiosk(town)
    return _apps[town.issuer, "kiosk"]


@pytest.fixture
def desk(town: Town) -> App:
    """The reception counter."""
    if (town.issuer, "counter") not in _apps:
        _apps[town.issuer, "counter"] = counter(town)
    return _apps[town.issuer, "counter"]


def to_device_page(town: Town, browser: Browser, user_code: str) -> Page:
    """Type the code and go on to the page that says what is asked."""
    page = browser.open(town.url("/device"))
    return town.settle(browser, browser.submit(page, page.form("user_code"), {"user_code": user_code}))


def test_a_screen_is_signed_in_by_a_phone(town: Town, browser: Browser, screen: App) -> None:
    """The code in the address is filled in and decides nothing; the page names app, code, place and values; ticks are needed."""
    person = newcomer(town)
    register(town, browser, person)
    begun = screen.begin(scope="openid profile realname.id")
    page = browser.open(begun["verification_uri_complete"])
    form = page.form("user_code", action="/device")
    assert ("user_code", begun["user_code"]) in form.fields
    assert page.says("就是诈骗")
    asked = town.settle(browser, browser.submit(page, form))
    assert asked.url.startswith(town.url("/device/confirm?flow="))
    assert asked.says("大厅自助终端", "青榆区住房和城乡建设局", begun["user_code"], "127.0.0.0/24", "正站在那台设备前")
    assert person.document_number not in asked.text
    assert person.document_number[:4] in asked.text
    assert screen.poll(begun)["error"] == "authorization_pending"
    unticked = browser.submit(asked, asked.form("decision"), {"claims": None}, button="yes")
    assert unticked.status == 422
    assert unticked.says("请勾选")
    done = town.settle(
        browser, browser.submit(unticked, unticked.form("decision"), {"claims": "realname.id"}, button="yes")
    )
    assert done.says("已同意", "那台设备", "撤回")
    tokens = screen.poll(begun)
    userinfo = httpx2.get(
        town.url("/oauth/userinfo"), headers={"Authorization": f"Bearer {tokens['access_token']}"}, trust_env=False
    )
    assert userinfo.json()["document_number"] == person.document_number
    assert browser.open(town.url("/connected")).says("大厅自助终端")
    again = browser.open(asked.url)
    assert town.settle(browser, again).says("已经失效")


def test_the_address_of_a_screen_leads_through_the_sign_in(town: Town, browser: Browser, screen: App) -> None:
    """Nobody enters codes without a name; after the sign-in the code is still there."""
    person = newcomer(town)
    other = Browser()
    register(town, other, person)
    other.close()
    begun = screen.begin()
    login = town.settle(browser, browser.open(begun["verification_uri_complete"]))
    assert login.url.startswith(town.url("/login?"))
    values = {"identifier": person.phone, "password": PASSWORD}
    page = town.settle(browser, browser.submit(login, login.form("identifier", "password"), values))
    assert ("user_code", begun["user_code"]) in page.form("user_code").fields


def test_a_refusal_reaches_the_screen(town: Town, browser: Browser, screen: App) -> None:
    """RFC 8628 §3.5 access_denied; the page says that nothing was given."""
    register(town, browser, newcomer(town))
    begun = screen.begin()
    asked = to_device_page(town, browser, begun["user_code"].lower().replace("-", " "))
    done = town.settle(browser, browser.submit(asked, asked.form("decision"), button="no"))
    assert done.says("已拒绝", "什么也没有提供")
    assert screen.poll(begun)["error"] == "access_denied"


def test_d01_guesses_are_stopped_in_words(town: Town, browser: Browser, screen: App) -> None:
    """422 with what to do, then 429 with the wait; the right code waits too."""
    register(town, browser, newcomer(town))
    begun = screen.begin()
    for _ in range(5):
        page = browser.open(town.url("/device"))
        wrong = browser.submit(page, page.form("user_code"), {"user_code": "BCDF-GHJK"})
        assert wrong.status == 422
        assert wrong.says("没有正在等待的请求使用这个代码")
    page = browser.open(town.url("/device"))
    held = browser.submit(page, page.form("user_code"), {"user_code": begun["user_code"]})
    assert held.status == 429
    assert int(held.headers["retry-after"]) > 0
    assert held.says("输入的次数过多")


def test_another_browser_cannot_go_on(town: Town, browser: Browser, other_browser: Browser, screen: App) -> None:
    """The page of a code belongs to the browser in which the code was typed; a form without its token is refused."""
    register(town, browser, newcomer(town))
    register(town, other_browser, newcomer(town))
    begun = screen.begin()
    asked = to_device_page(town, browser, begun["user_code"])
    assert other_browser.open(asked.url).location == town.url("/device")
    forged = browser.submit(asked, asked.form("decision"), button="yes", altered={"csrf_token": "x"})
    assert forged.status in (400, 403)
    assert screen.poll(begun)["error"] == "authorization_pending"


def test_a_counter_rings_and_the_person_confirms(
    town: Town, browser: Browser, other_browser: Browser, desk: App
) -> None:
    """A text message without a link, the list under the account, the page with the binding message, and the tokens."""
    person = newcomer(town)
    register(town, browser, person)
    begun = desk.begin(login_hint=person.document_number, binding_message="3 号窗口 QY-0042", scope="openid realname")
    message = _message_about(town, person.phone, "综合受理窗口")
    assert "http" not in message
    assert browser.follow_link(browser.open(town.url("/account")), "/confirmations").says("等待您确认")
    home = browser.open(town.url("/"))
    assert home.says("有人请您确认")
    waiting = browser.follow_link(home, "/confirmations")
    assert waiting.says("综合受理窗口", "3 号窗口 QY-0042")
    (address,) = [link.href for link in waiting.document.links if re.search(r"/confirmations/[0-9a-f]{32}", link.href)]
    register(town, other_browser, newcomer(town))
    assert other_browser.open(town.url("/confirmations")).says("没有等待您确认的事")
    assert town.settle(other_browser, other_browser.open(town.url(address))).says("已经失效")
    asked = browser.open(town.url(address))
    assert asked.says("综合受理窗口", "3 号窗口 QY-0042", "正在这家单位办事")
    done = town.settle(browser, browser.submit(asked, asked.form("decision"), {"claims": "realname"}, button="yes"))
    assert done.says("已同意", "窗口")
    assert "id_token" in desk.poll(begun)
    assert browser.open(town.url("/confirmations")).says("没有等待您确认的事")


def test_an_app_in_ping_mode_is_told(town: Town, browser: Browser) -> None:
    """CIBA Core §10.2 over real HTTP: the client's own token as Bearer, the auth_req_id as JSON."""
    person = newcomer(town)
    register(town, browser, person)
    with listening_bell() as bell:
        ringing = counter(town, notify=bell.url)
        begun = ringing.begin(login_hint=person.phone, client_notification_token="n-0S6_WzA2Mj")
        waiting = browser.open(town.url("/confirmations"))
        (address,) = [link.href for link in waiting.document.links if "/confirmations/" in link.href]
        asked = browser.open(town.url(address))
        browser.submit(asked, asked.form("decision"), button="no")
        assert bell.wait() == ("Bearer n-0S6_WzA2Mj", {"auth_req_id": begun["auth_req_id"]})
    assert ringing.poll(begun)["error"] == "access_denied"


def test_a_stronger_sign_in_is_led_to_and_back(town: Town, browser: Browser, screen: App) -> None:
    """What the session is not, the person is asked for: the sign-in page comes although somebody is signed in."""
    register(town, browser, newcomer(town))
    begun = screen.begin(acr_values="urn:renzheng:acr:l3:f2")
    page = browser.open(town.url("/device"))
    login = town.settle(browser, browser.submit(page, page.form("user_code"), {"user_code": begun["user_code"]}))
    assert login.url.startswith(town.url("/login?"))
    assert login.says("该系统要求更高的实名等级")
    assert any(
        name == "next" and value.startswith("/device/confirm?flow=") for name, value in login.form("identifier").fields
    )


@pytest.mark.parametrize(
    "address", ["/confirmations/x", "/confirmations/%00", "/confirmations/" + "0" * 32, "/device/confirm?flow=%00"]
)
def test_odd_addresses_are_over(town: Town, browser: Browser, address: str) -> None:
    """Whatever is no request of this person's is over, like any that was answered."""
    register(town, browser, newcomer(town))
    page = town.settle(browser, browser.open(town.url(address)))
    assert page.status == 200
    assert page.says("已经失效") or page.url == town.url("/device")


def _message_about(town: Town, phone: str, words: str) -> str:
    deadline = time.monotonic() + 10.0
    while True:
        answer = httpx2.get(f"{town.app('sms')}/outbox", params={"phone": phone}, trust_env=False)
        found = [str(one["text"]) for one in answer.json()["messages"] if words in one["text"]]
        if found:
            return found[0]
        assert time.monotonic() < deadline, "no message arrived"
        time.sleep(0.1)
