"""Recovering a password: phone and document number, never one alone, and nothing is told about who has an account."""

from datetime import timedelta

from gateway.stories.browser import Browser, Page
from tests.gateway.pages.people import PASSWORD, Newcomer, newcomer, register, sign_in
from tests.gateway.town import Town

NEW_PASSWORD = "Nine-Quiet-Lanterns-By-The-Lake"


def to_new_password(town: Town, browser: Browser, person: Newcomer, *, number: int) -> Page:
    """Walk from the sign-in page to the page of the new password; `number` counts the messages that the phone got."""
    login = browser.open(town.url("/login"))
    assert 'href="/recover"' in login.body
    page = browser.open(town.url("/recover"))
    sent = browser.submit(page, page.form("phone"), {"phone": person.phone})
    page = browser.hop(sent, town.url("/recover/code"))
    confirmed = browser.submit(page, page.form("code"), {"code": town.sms_code(person.phone, number=number)})
    return browser.hop(confirmed, town.url("/recover/password"))


def test_forgotten_password_is_replaced_and_the_old_one_opens_nothing(
    town: Town, browser: Browser, other_browser: Browser
) -> None:
    """The whole way; the device that was signed in is signed out, and the new password works."""
    person = newcomer(town)
    register(town, browser, person)
    with town.clock.later(timedelta(seconds=70)):
        page = to_new_password(town, other_browser, person, number=2)
        words = {"document_number": person.document_number, "password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
        for altered, message in (
            ({"password_again": PASSWORD}, "两次输入的密码不一样"),
            ({"password": "short", "password_again": "short"}, "至少8个字符"),
        ):
            back = other_browser.submit(page, page.form("password"), words | altered)
            assert back.status == 422
            assert back.says(message)
            assert NEW_PASSWORD not in back.body
        done = other_browser.submit(page, page.form("password"), words)
        account = other_browser.hop(done, town.url("/account"))
        assert account.says("密码已修改")
        assert browser.open(town.url("/account")).location is not None
        home = sign_in(town, browser, person.phone, NEW_PASSWORD)
        assert (home.status, home.url) == (200, town.url("/"))


def test_wrong_number_and_unknown_phone_get_the_same_answer(
    town: Town, browser: Browser, other_browser: Browser
) -> None:
    """Whoever holds a phone learns neither whose account it opens nor whether there is one."""
    person, nobody = newcomer(town), newcomer(town, known=False)
    register(town, browser, person)
    told = []
    with town.clock.later(timedelta(seconds=70)):
        for somebody, number in ((person, 2), (nobody, 1)):
            page = to_new_password(town, other_browser, somebody, number=number)
            words = {"document_number": newcomer(town, known=False).document_number}
            words |= {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
            back = other_browser.submit(page, page.form("password"), words)
            assert back.status == 422
            told.append([line for line in back.text.split() if "证件号码" in line])
            assert other_browser.open(town.url("/account")).location is not None
    assert told[0] == told[1] != []


def test_steps_cannot_be_skipped_or_continued_in_another_browser(
    town: Town, browser: Browser, other_browser: Browser
) -> None:
    """The address of a half-way recovery opens nothing elsewhere, and the code comes before the password."""
    person = newcomer(town, known=False)
    page = browser.open(town.url("/recover"))
    sent = browser.submit(page, page.form("phone"), {"phone": person.phone})
    assert sent.location is not None
    expired = town.url("/login?notice=expired")
    assert other_browser.open(sent.location).location == expired
    assert browser.open(sent.location.replace("/recover/code", "/recover/password")).location == expired
    assert browser.open(sent.location).status == 200
