"""Registering by hand: every step, every way it can go wrong, and nothing that can be skipped."""

from datetime import timedelta

import httpx2
import pytest

from gateway.stories.browser import Browser
from tests.gateway.pages.people import (
    PASSWORD,
    newcomer,
    register,
    sign_in,
    to_code_page,
    to_identity_page,
    to_password_page,
)
from tests.gateway.town import Town


def test_person_registers_and_signs_in_with_the_password(town: Town, browser: Browser, other_browser: Browser) -> None:
    """The whole way, then the password in a browser that knows nothing."""
    person = newcomer(town)
    done = register(town, browser, person)
    assert done.status == 200
    assert done.says("您的账户已开立", f"{person.phone[:3]}****{person.phone[-4:]}")
    assert person.document_number not in done.body
    home = sign_in(town, other_browser, person.document_number, PASSWORD)
    assert (home.status, home.url) == (200, town.url("/"))
    account = other_browser.open(town.url("/account"))
    assert account.says("何*舒", "实名等级")
    assert person.document_number not in account.body
    assert person.phone not in account.body


def test_consent_to_use_the_phone_is_asked_before_a_message_is_sent(town: Town, browser: Browser) -> None:
    """No tick, no message (PIPL Art. 13)."""
    person = newcomer(town, known=False)
    page = browser.open(town.url("/register"))
    back = browser.submit(page, page.form("phone"), {"phone": person.phone, "agreed": None})
    assert back.status == 422
    assert back.document.title.startswith("错误：")
    assert back.says("请先同意")
    messages = httpx2.get(f"{town.app('sms')}/outbox", params={"phone": person.phone}, trust_env=False).json()
    assert messages["messages"] == []


@pytest.mark.parametrize("phone", ["", "12345", "+1 415 555 0100", "138000'; --"])
def test_unusable_phone_comes_back_with_its_error(town: Town, browser: Browser, phone: str) -> None:
    """The form comes back with the error beside the field and in the summary, and with what was typed."""
    page = browser.open(town.url("/register"))
    back = browser.submit(page, page.form("phone"), {"phone": phone, "agreed": "yes"})
    assert back.status == 422
    assert 'aria-invalid="true"' in back.body
    assert "<script" not in back.body.replace('<script type="module"', "")


def test_wrong_code_is_told_and_counted(town: Town, browser: Browser) -> None:
    """A wrong code costs a try; after the last one the code is spent, and the page offers a new one only."""
    person = newcomer(town, known=False)
    page = to_code_page(town, browser, person)
    right = town.sms_code(person.phone)
    wrong = "000000" if right != "000000" else "000001"
    for left in (4, 3, 2, 1):
        form = page.form("code")
        page = browser.submit(page, form, {"code": wrong})
        assert page.status == 422
        assert page.says(f"还可以试 {left} 次") or page.says(f"还可以试{left}次")
    spent = browser.submit(page, page.form("code"), {"code": wrong})
    assert spent.status == 422
    assert spent.says("这个验证码已经作废", "重新发送")
    assert not spent.has_form("code")
    assert browser.submit(page, form, {"code": right}).location is None


def test_code_can_be_sent_again_after_the_pause_and_the_first_stays_valid(town: Town, browser: Browser) -> None:
    """A late message is not worthless: the earlier code opens even after another one was sent."""
    person = newcomer(town, known=False)
    page = to_code_page(town, browser, person)
    first = town.sms_code(person.phone)
    early = browser.submit(page, page.form("resend"), altered={"resend": "yes"})
    assert early.status == 429
    assert early.says("请在")
    assert int(early.headers["retry-after"]) <= 60
    with town.clock.later(timedelta(seconds=61)):
        again = browser.submit(page, page.form("resend"), altered={"resend": "yes"})
        page = browser.hop(again, town.url("/register/code"))
        confirmed = browser.submit(page, page.form("code"), {"code": first})
    assert confirmed.location is not None
    assert confirmed.location.startswith(town.url("/register/identity?"))


def test_identity_that_differs_is_refused_without_saying_what_differs(town: Town, browser: Browser) -> None:
    """Nobody can find out whose number it is, or whether a name belongs to it."""
    person, stranger = newcomer(town), newcomer(town, known=False)
    page = to_identity_page(town, browser, person)
    texts = []
    for number in (person.document_number, stranger.document_number):
        facts = {"name": "别的姓名", "document_number": number, "agreed": "yes"}
        back = browser.submit(page, page.form("document_number"), facts)
        assert back.status == 422
        texts.append([line for line in back.text.split() if "信息" in line or "核验" in line])
    assert texts[0] == texts[1]


def test_steps_cannot_be_skipped_or_continued_in_another_browser(
    town: Town, browser: Browser, other_browser: Browser
) -> None:
    """The flow in the address opens nothing without the browser that began it (Keycloak CVE-2026-7508 class)."""
    person = newcomer(town)
    page = to_identity_page(town, browser, person)
    stolen = other_browser.open(page.url)
    assert stolen.location == town.url("/register?notice=expired")
    skipped = browser.open(page.url.replace("/register/identity", "/register/password"))
    assert skipped.location == town.url("/register?notice=expired")
    assert browser.open(town.url("/register/code?flow=nonsense")).location == town.url("/register?notice=expired")


def test_page_of_a_code_that_was_right_begins_again(town: Town, browser: Browser) -> None:
    """Back and reload after the right code: the page asks for nothing any more, and fails for nobody."""
    page = to_identity_page(town, browser, newcomer(town))
    earlier = browser.open(page.url.replace("/register/identity", "/register/code"))
    assert earlier.location == town.url("/register?notice=expired")


def test_passwords_have_to_agree_and_be_good(town: Town, browser: Browser) -> None:
    """Both are told at the field, and no password ever comes back in a page."""
    page = to_password_page(town, browser, newcomer(town))
    for words, message in (
        ({"password": PASSWORD, "password_again": PASSWORD + "x"}, "两次输入的密码不一样"),
        ({"password": "short", "password_again": "short"}, "至少8个字符"),
        ({"password": "password123", "password_again": "password123"}, "常用密码"),
    ):
        back = browser.submit(page, page.form("password"), words)
        assert back.status == 422
        assert back.says(message)
        assert words["password"] not in back.body
