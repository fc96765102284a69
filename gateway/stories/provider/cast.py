"""Who plays in the provider's story: a citizen with a browser, a department's developer, and the apps that are registered on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from foundation.clock import Clock, system_clock
from foundation.entropy import Entropy
from gateway.stories.browser import TIMEOUT_S, Browser, Page, without_query
from gateway.stories.provider.app import App
from gateway.stories.story import NotAsTold, expect
from gateway.stories.world import StoryPerson, StoryWorld

LOGIN, CONSENT = "/login", "/consent"


@dataclass(slots=True)
class ProviderCast:
    """The people and programs of the story, and its memory."""

    world: StoryWorld
    entropy: Entropy
    clock: Clock = system_clock
    citizen: Browser = field(default_factory=Browser)
    officer: Browser = field(default_factory=Browser)
    program: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=TIMEOUT_S, trust_env=False))
    metadata: Mapping[str, Any] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    subject: str = ""

    def close(self) -> None:
        """Close every connection."""
        self.citizen.close()
        self.officer.close()
        self.program.close()

    @property
    def resident(self) -> StoryPerson:
        """The citizen of the story: somebody with a password and no post."""
        return next(person for person in self.world.people if person.password and not person.is_officer)

    def come_back(self, page: Page, app: App, *, agree: bool = True) -> str:
        """Sign in, answer what is asked, and return the address at which the browser arrives at the app.

        The last redirect is not followed, because nobody listens there.
        """
        issuer, browser = self.world.issuer, self.citizen
        for _ in range(12):
            target = page.location
            if target is not None:
                if target.startswith(app.redirect_uri):
                    return target
                expect(target.startswith(issuer), f"a redirect leads to {without_query(target)}")
                page = browser.hop(page, without_query(target))
            elif without_query(page.url) == f"{issuer}{LOGIN}":
                page = self.sign_in(page)
            elif without_query(page.url) == f"{issuer}{CONSENT}":
                page = self.answer(page, agree=agree)
            else:
                raise NotAsTold(f"on the way back to the app there is {page.describe()}")
        raise NotAsTold("the way back to the app has no end")

    def sign_in(self, page: Page) -> Page:
        """Fill in the password form of the page."""
        form = page.form("identifier", "password")
        values = {"identifier": self.resident.user_name or "", "password": self.resident.password or ""}
        return self.citizen.submit(page, form, values)

    def answer(self, page: Page, *, agree: bool) -> Page:
        """Agree to everything the page asks, or refuse."""
        form = page.form("claims") if page.has_form("claims") else page.form("transaction")
        if not agree:
            return self.citizen.submit(page, form, button="no")
        everything = {"claims": form.choices["claims"]} if "claims" in form.choices else {}
        return self.citizen.submit(page, form, everything, button="yes")


def parameters_of(address: str) -> dict[str, str]:
    """Return the parameters of an answer's query or fragment; a repeated one is not as told."""
    parts = urlsplit(address)
    found = parse_qs(parts.fragment or parts.query, keep_blank_values=True)
    expect(all(len(values) == 1 for values in found.values()), "a parameter of the answer is repeated")
    return {name: values[0] for name, values in found.items()}
