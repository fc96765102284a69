"""People who live in the town of one test: made where they are needed, so that tests do not meet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

import httpx2

from foundation.identifiers.synthetic import synthetic_resident_id
from gateway.stories.browser import Browser, Page
from tests.gateway.town import Town

_numbers: Iterator[int] = count(1)
PASSWORD = "Slow-Rain-On-The-Roof-41"


@dataclass(frozen=True)
class Newcomer:
    """A synthetic person whom the population register of the town knows."""

    name: str
    document_number: str
    phone: str


def newcomer(town: Town, *, known: bool = True) -> Newcomer:
    """Return somebody new, born before 1915, and put them into the population register unless not `known`."""
    number = next(_numbers)
    born = date(1903, 1, 1) + timedelta(days=number)
    person = Newcomer("何望舒", synthetic_resident_id("370299", born, number % 1000), f"1391000{number:04d}")
    if known:
        record = {"document_number": person.document_number, "name": person.name}
        address = f"{town.app('proofing')}/_world/citizens/{person.document_number}"
        answer = httpx2.put(address, json=record, trust_env=False)
        assert answer.status_code < 300, answer.text
    return person


def to_code_page(town: Town, browser: Browser, person: Newcomer) -> Page:
    """Begin a registration: phone typed in, code on its way."""
    page = browser.open(town.url("/register"))
    sent = browser.submit(page, page.form("phone"), {"phone": person.phone, "agreed": "yes"})
    return browser.hop(sent, town.url("/register/code"))


def to_identity_page(town: Town, browser: Browser, person: Newcomer) -> Page:
    """Go on to the page that asks for name and document number."""
    page = to_code_page(town, browser, person)
    confirmed = browser.submit(page, page.form("code"), {"code": town.sms_code(person.phone)})
    return browser.hop(confirmed, town.url("/register/identity"))


def to_password_page(town: Town, browser: Browser, person: Newcomer) -> Page:
    """Go on to the page that asks for a password."""
    page = to_identity_page(town, browser, person)
    facts = {"name": person.name, "document_number": person.document_number, "agreed": "yes"}
    proven = browser.submit(page, page.form("document_number"), facts)
    return browser.hop(proven, town.url("/register/password"))


def register(town: Town, browser: Browser, person: Newcomer, *, password: str = PASSWORD) -> Page:
    """Register to the end; the browser is signed in and shows the last page of the registration."""
    page = to_password_page(town, browser, person)
    words = {"password": password, "password_again": password}
    return browser.hop(browser.submit(page, page.form("password"), words), town.url("/register/done"))


def sign_in(town: Town, browser: Browser, identifier: str, password: str) -> Page:
    """Sign in as a citizen with a password and settle wherever that leads."""
    page = browser.open(town.url("/login"))
    values = {"identifier": identifier, "password": password}
    return town.settle(browser, browser.submit(page, page.form("identifier", "password"), values))
