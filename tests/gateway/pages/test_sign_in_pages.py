"""Signing in by every door: the goal is reached, and a stranger learns nothing."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from gateway.stories.browser import Browser, Page
from tests.gateway.pages.people import PASSWORD, newcomer, register, sign_in
from tests.gateway.town import Town

_CHANGING = re.compile(r'name="csrf_token" value="[^"]*"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|value="1[0-9]{10}"')


def try_password(town: Town, browser: Browser, identifier: str, password: str) -> Page:
    """Send the sign-in form once."""
    page = browser.open(town.url("/login"))
    return browser.submit(page, page.form("identifier"), {"identifier": identifier, "password": password})


def test_unknown_number_and_wrong_password_look_the_same(town: Town, browser: Browser, other_browser: Browser) -> None:
    """The page does not tell whether an account exists."""
    known, unknown = newcomer(town), newcomer(town, known=False)
    register(town, browser, known)
    pages = [try_password(town, other_browser, person.phone, "not-the-password") for person in (known, unknown)]
    assert [page.status for page in pages] == [422, 422]
    assert len({_CHANGING.sub("", page.body) for page in pages}) == 1
    assert all("not-the-password" not in page.body for page in pages)


def test_too_many_wrong_passwords_shut_the_button_and_say_how_long(
    town: Town, browser: Browser, other_browser: Browser
) -> None:
    """The wait is exact and in words, the status and Retry-After are for programs."""
    person = newcomer(town)
    register(town, browser, person)
    for _ in range(6):
        page = try_password(town, other_browser, person.phone, "not-the-password")
    assert page.status == 429
    assert page.says("尝试次数过多", "后再试")
    assert 0 < int(page.headers["retry-after"]) <= 3600


EVIL = ["//evil.example", "/\\evil.example", "https:evil.example", "/%09/evil.example", "/.//evil.example"]
EVIL += ["javascript:alert(1)", "@evil.example", "https://evil.example/", "/%5cevil.example"]


@pytest.mark.parametrize("target", EVIL)
def test_sign_in_leads_to_own_pages_alone(town: Town, browser: Browser, target: str) -> None:
    """RFC 9700 §4.11.1: whatever `next` says, the person stays here."""
    page = browser.open(town.url("/login?" + urlencode({"next": target})))
    person = town.person("zhoujingyan")
    form = page.form("identifier", "password")
    assert "next" not in form.names
    values = {"identifier": person["user_name"], "password": person["password"]}
    answer = browser.submit(page, form, values, altered={"next": target})
    assert answer.location == town.url("/")


def test_sign_in_leads_back_to_the_page_that_was_asked_for(town: Town, browser: Browser) -> None:
    """A bookmark of one's licenses survives the sign-in."""
    person = town.person("zhoujingyan")
    page = town.settle(browser, browser.open(town.url("/accesses?month=2026-05")))
    assert page.url.startswith(town.url("/login?"))
    values = {"identifier": person["user_name"], "password": person["password"]}
    answer = browser.submit(page, page.form("identifier", "password"), values)
    assert answer.location == town.url("/accesses?month=2026-05")


def test_form_without_its_token_changes_nothing(town: Town, browser: Browser) -> None:
    """Another site cannot sign anybody in (login CSRF)."""
    page = browser.open(town.url("/login"))
    person = town.person("zhoujingyan")
    values = {"identifier": person["user_name"], "password": person["password"]}
    answer = browser.submit(page, page.form("identifier"), values, altered={"csrf_token": "forged"})
    assert answer.status == 403
    assert answer.says("40002")
    assert browser.open(town.url("/account")).location is not None


def test_text_message_signs_in(town: Town, browser: Browser, other_browser: Browser) -> None:
    """The second way in; the page never says whether the number has an account."""
    person, nobody = newcomer(town), newcomer(town, known=False)
    register(town, browser, person)
    with town.clock.later(timedelta(seconds=70)):
        page = other_browser.open(town.url("/login/sms"))
        sent = other_browser.submit(page, page.form("phone"), {"phone": person.phone})
        page = other_browser.hop(sent, town.url("/login/sms/code"))
        assert page.says("****")
        code = town.sms_code(person.phone, number=2)
        home = town.settle(other_browser, other_browser.submit(page, page.form("code"), {"code": code}))
    assert (home.status, home.url) == (200, town.url("/"))
    first = browser.open(town.url("/login/sms?" + urlencode({"next": "/x"})))
    unknown = browser.submit(first, first.form("phone"), {"phone": nobody.phone})
    assert unknown.location is not None
    assert unknown.location.startswith(town.url("/login/sms/code?flow="))


def test_code_page_of_another_browser_is_closed(town: Town, browser: Browser, other_browser: Browser) -> None:
    """The address of a half-way sign-in opens nothing elsewhere."""
    person = newcomer(town, known=False)
    page = browser.open(town.url("/login/sms"))
    sent = browser.submit(page, page.form("phone"), {"phone": person.phone})
    assert sent.location is not None
    assert other_browser.open(sent.location).location == town.url("/login?notice=expired")
    assert browser.open(sent.location).status == 200


def test_idle_session_is_over_and_the_page_says_so(town: Town, browser: Browser) -> None:
    """Sixteen quiet minutes later the next click asks for a sign-in, tells why, and leads back."""
    person = town.person("zhoujingyan")
    sign_in(town, browser, person["user_name"], person["password"])
    assert browser.open(town.url("/licenses")).status == 200
    with town.clock.later(timedelta(minutes=16)):
        answer = browser.open(town.url("/licenses"))
        assert answer.location is not None
        page = town.settle(browser, answer)
    assert page.says("上一次登录已经结束")
    assert 'value="/licenses"' in page.body


def test_citizen_session_opens_no_desk_and_is_told_which_right_is_missing(town: Town, browser: Browser) -> None:
    """403 names the right and who grants it."""
    person = town.person("zhoujingyan")
    sign_in(town, browser, person["user_name"], person["password"])
    page = browser.open(town.url("/desk"))
    assert page.status == 403
    assert page.says("窗口查证", "系统管理员", "40301")


def test_password_alone_opens_no_desk(town: Town, browser: Browser) -> None:
    """Staff always need the second factor, and the page of the second factor tells nothing about the account."""
    officer = town.person("wangshouzheng")
    page = browser.open(town.url("/staff/login"))
    values = {"identifier": officer["user_name"], "password": officer["password"]}
    totp = browser.hop(browser.submit(page, page.form("identifier"), values), town.url("/login/totp"))
    assert officer["name"] not in totp.body
    assert browser.open(town.url("/desk")).location is not None
    wrong = browser.submit(totp, totp.form("code"), {"code": "000000"})
    assert wrong.status == 422
    assert browser.open(town.url("/desk")).location is not None


def test_citizen_without_a_post_cannot_use_the_staff_door(town: Town, browser: Browser) -> None:
    """A right password at the wrong door is no sign-in."""
    person = newcomer(town)
    register(town, browser, person)
    page = browser.open(town.url("/staff/login"))
    answer = browser.submit(page, page.form("identifier"), {"identifier": person.phone, "password": PASSWORD})
    assert answer.status == 422
    assert answer.location is None
