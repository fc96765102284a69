"""Point 3: a citizen registers with a text message and a real-name check, and signs in with the password."""

import re
from dataclasses import replace
from datetime import date, timedelta

from foundation.identifiers.synthetic import synthetic_resident_id
from gateway.stories.browser import Browser, Page, without_query
from gateway.stories.main.cast import Cast
from gateway.stories.story import NotAsTold, expect, wait_until
from gateway.stories.world import StoryPerson

_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])", re.ASCII)
_FIRST_BIRTHDAY = date(1900, 1, 1)
_BIRTHDAYS = 5_000
_SURNAMES = "赵钱孙李周吴郑王冯陈"
_GIVEN_NAMES = ("清和", "望舒", "怀瑾", "听雨", "若水", "知秋", "映雪", "临川", "疏影", "云起")
_SMS_S = 5.0


class _KnownAlready(Exception):
    """The person registered in an earlier play of the story."""


def register(cast: Cast) -> str:
    """Register 李晓禾, or a new synthetic person where she did so before."""
    person, who = cast.world.newcomer, "as in the world file"
    cast.password = f"Reed-{cast.entropy.token(9)}"
    try:
        _register(cast, person)
    except _KnownAlready:
        person, who = _somebody_new(cast), "a new synthetic person, as the first one has an account"
        try:
            _register(cast, person)
        except _KnownAlready as failure:
            raise NotAsTold(f"a new person cannot register: {failure}") from failure
    cast.registered = person
    return f"registered by text message code and real-name check ({who})"


def sign_in_with_the_password(cast: Cast) -> str:
    """Sign in with phone number and password in a browser that knows nothing yet."""
    person = cast.registered
    if person is None:
        raise NotAsTold("nobody is registered")
    browser = Browser()
    try:
        login = browser.open(cast.world.urls["login"])
        form = login.form("identifier", "password")
        wrong = browser.submit(login, form, {"identifier": person.phone, "password": "not-the-password"})
        expect(wrong.location is None and 400 <= wrong.status < 500, f"a wrong password led to {wrong.describe()}")
        values = {"identifier": person.phone, "password": cast.password}
        page = browser.settle(
            browser.submit(wrong, wrong.form("identifier", "password"), values), within=[cast.world.issuer]
        )
        expect(page.status == 200 and not page.has_form("password"), f"the password led to {page.describe()}")
        account = browser.open(f"{cast.world.issuer}/account")
        expect(account.status == 200, f"her account page answered {account.describe()}")
        expect(person.document_number not in account.body, "the account page shows the document number in full")
    finally:
        browser.close()
    return f"a wrong password is refused with {wrong.status}; the right one leads to {page.describe()}"


def _register(cast: Cast, person: StoryPerson) -> None:
    browser, issuer = cast.newcomer, cast.world.issuer
    first = browser.open(cast.world.urls["register"])
    last_message = _last_message(cast, person.phone)
    sent = browser.submit(first, first.form("phone"), {"phone": person.phone, "agreed": "yes"})
    if sent.location is None:
        raise _KnownAlready(sent.describe())
    code = _await_code(cast, person.phone, after=last_message)
    page = browser.hop(sent, f"{issuer}/register/code")
    page = browser.settle(browser.submit(page, page.form("code"), {"code": code}), within=[issuer])
    _expect_at(page, f"{issuer}/register/identity")
    proof = {"name": person.name, "document_number": person.document_number, "agreed": "yes"}
    page = browser.settle(browser.submit(page, page.form("document_number"), proof), within=[issuer])
    _expect_at(page, f"{issuer}/register/password")
    passwords = {"password": cast.password, "password_again": cast.password}
    page = browser.settle(browser.submit(page, page.form("password_again"), passwords), within=[issuer])
    _expect_at(page, f"{issuer}/register/done")
    expect(person.document_number not in page.body and person.phone not in page.body, "a number is shown in full")


def _expect_at(page: Page, address: str) -> None:
    if without_query(page.url) != address or page.status != 200:
        raise _KnownAlready(page.describe())


def _last_message(cast: Cast, phone: str) -> int:
    return max((int(message["number"]) for message in _messages(cast, phone)), default=0)


def _await_code(cast: Cast, phone: str, *, after: int) -> str:
    """Return the code of the next text message; a message without one says that the phone is known."""

    def look() -> str | None:
        for message in _messages(cast, phone):
            if int(message["number"]) > after:
                return str(message["text"])
        return None

    text = wait_until(look, seconds=_SMS_S, otherwise="no text message came")
    found = _CODE.search(text)
    if found is None:
        raise _KnownAlready("the text message has no code")
    return found[0]


def _messages(cast: Cast, phone: str) -> list[dict[str, str]]:
    answer = cast.program.get(f"{cast.world.urls['sms']}/outbox", params={"phone": phone})
    messages: list[dict[str, str]] = answer.json()["messages"]
    return messages


def _somebody_new(cast: Cast) -> StoryPerson:
    """Make up a person and enter them into the population register of the proofing simulator."""
    draw = cast.entropy.digits
    birthday = _FIRST_BIRTHDAY + timedelta(days=int(draw(6)) % _BIRTHDAYS)
    name = _SURNAMES[int(draw(1))] + _GIVEN_NAMES[int(draw(1))]
    number = synthetic_resident_id("370299", birthday, int(draw(3)))
    person = replace(cast.world.newcomer, name=name, document_number=number, phone=f"13800{draw(6)}")
    answer = cast.program.put(
        f"{cast.world.urls['proofing']}/_world/citizens/{number}", json={"document_number": number, "name": name}
    )
    expect(answer.status_code == 200, f"the population register refused the new person: {answer.status_code}")
    return person
