"""A browser without JavaScript: cookies, origins, forms, and no redirect followed unseen.

Cookies are kept as browsers keep them for a loopback address: shared by all ports, and `Secure` ones are
sent because loopback is
trustworthy. `Origin` and `Sec-Fetch-Site` are sent as the Fetch standard says, so that the defences of the
product are met.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2

from gateway.stories.html import Button, Document, Form, read_document
from gateway.stories.story import NotAsTold, expect

TIMEOUT_S = 20.0
MAX_HOPS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Renzheng-Story/1"

Values = Mapping[str, str | Sequence[str] | None]


@dataclass(slots=True)
class Page:
    """One answer; `document` is what can be read on it. A redirect is an answer like any other."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: str
    document: Document
    hops: list[str] = field(default_factory=list)
    """The addresses that led here, oldest first, without their queries."""

    @property
    def location(self) -> str | None:
        """The absolute address that a redirect names, or None when this is no redirect."""
        target = self.headers.get("location")
        return urljoin(self.url, target) if self.status in _REDIRECTS and target else None

    @property
    def text(self) -> str:
        """Everything a reader sees, white space folded."""
        return self.document.text

    def says(self, *words: str) -> bool:
        """Whether all these words are on the page."""
        return all(word in self.text for word in words)

    def form(self, *names: str, action: str | None = None) -> Form:
        """Return the first form with all these fields that leads to this path; else NotAsTold."""
        for found in self.document.forms:
            path = urlsplit(urljoin(self.url, found.action)).path
            if found.names.issuperset(names) and (action is None or path == action):
                return found
        wanted = ", ".join(names) or "any field"
        raise NotAsTold(f"{self.describe()} has no form with {wanted}" + (f" to {action}" if action else ""))

    def has_form(self, *names: str, action: str | None = None) -> bool:
        """Whether `form` would find one."""
        try:
            self.form(*names, action=action)
        except NotAsTold:
            return False
        return True

    def describe(self) -> str:
        """Name the page in one line: status, path, heading; never its query, which may carry codes."""
        heading = self.document.heading or self.document.title
        return f"{self.status} {without_query(self.url)}" + (f" “{heading}”" if heading else "")


def without_query(url: str) -> str:
    """Return the address without query and fragment, which may carry codes."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


class Browser:
    """One person's browser."""

    def __init__(self, *, language: str = "zh-CN") -> None:
        policy = DefaultCookiePolicy(secure_protocols=("http", "https"))
        self._client = httpx2.Client(
            cookies=CookieJar(policy),
            headers={"User-Agent": _USER_AGENT, "Accept-Language": language},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def open(self, url: str) -> Page:
        """Ask for an address as if it were typed in."""
        return self._send("GET", url, None, source=None)

    def follow_link(self, page: Page, path: str) -> Page:
        """Click the first link of the page that leads to this path."""
        for link in page.document.links:
            target = urljoin(page.url, link.href)
            if urlsplit(target).path == path:
                return self._send("GET", target, None, source=page.url)
        raise NotAsTold(f"{page.describe()} has no link to {path}")

    def submit(
        self,
        page: Page,
        form: Form,
        values: Values | None = None,
        *,
        button: str | None = None,
        altered: Values | None = None,
    ) -> Page:
        """Fill the form in and press a button; `button` is its value or text, by default the first one.

        A value of None leaves the field out (an unticked box); several values tick several boxes. `altered` is
        sent as it is, whether the page offers it or not: so asks somebody who edits the page before sending it.
        """
        pairs = [pair for pair in _filled(form, values or {}) if pair[0] not in (altered or {})]
        pairs += _pairs(altered or {})
        pressed = _pressed(form, button)
        if pressed is not None and pressed.name:
            pairs.append((pressed.name, pressed.value))
        action = urljoin(page.url, (pressed.formaction if pressed else None) or form.action or page.url)
        if form.method == "get":
            return self._send("GET", f"{action.partition('?')[0]}?{urlencode(pairs)}", None, source=page.url)
        return self._send("POST", action, urlencode(pairs).encode(), source=page.url)

    def hop(self, page: Page, expected: str) -> Page:
        """Follow one redirect, which has to lead to an address that begins with `expected`."""
        target = page.location
        expect(target is not None, f"expected a redirect to {expected}, got {page.describe()}")
        address = target or ""
        expect(
            without_query(address).startswith(expected),
            f"expected a redirect to {expected}, got one to {without_query(address)}",
        )
        came_from = [*page.hops, without_query(page.url)]
        following = self._send("GET", address, None, source=page.url)
        following.hops = came_from
        return following

    def hops(self, page: Page, *expected: str) -> Page:
        """Follow several redirects, each to an address that begins as given."""
        for address in expected:
            page = self.hop(page, address)
        return page

    def settle(self, page: Page, *, within: Sequence[str]) -> Page:
        """Follow redirects until a page comes; every one has to stay within the given addresses."""
        for _ in range(MAX_HOPS):
            target = page.location
            if target is None:
                return page
            expect(
                any(target.startswith(place) for place in within),
                f"a redirect leads to {without_query(target)}, which is outside the story",
            )
            page = self.hop(page, without_query(target))
        raise NotAsTold(f"more than {MAX_HOPS} redirects, the last at {without_query(page.url)}")

    def json(self, url: str) -> tuple[int, object]:
        """Ask for JSON with this person's cookies, as an application's own page does."""
        answer = self._client.get(url, headers={"Accept": "application/json"})
        return answer.status_code, answer.json() if answer.content else None

    def _send(self, method: str, url: str, body: bytes | None, *, source: str | None) -> Page:
        """Ask; `source` is the page on which the person acted, or None for an address that was typed in."""
        headers = {
            "Accept": "text/html,application/xhtml+xml",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        }
        headers["Sec-Fetch-Site"] = _relation(source, url)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = _origin(source or url)
        answer = self._client.request(method, url, content=body, headers=headers)
        is_html = answer.headers.get("content-type", "").startswith("text/html")
        document = read_document(answer.text) if is_html else Document()
        return Page(url, answer.status_code, answer.headers, answer.text, document)


def _filled(form: Form, values: Values) -> list[tuple[str, str]]:
    unknown = set(values) - form.names
    if unknown:
        raise NotAsTold(f"the form to {form.action or 'its own page'} has no field {', '.join(sorted(unknown))}")
    for name, value in _pairs(values):
        if name in form.choices and value not in form.choices[name]:
            raise NotAsTold(f"the field {name} offers no {value}")
    return [pair for pair in form.fields if pair[0] not in values] + _pairs(values)


def _pairs(values: Values) -> list[tuple[str, str]]:
    return [
        (name, one)
        for name, value in values.items()
        for one in ([value] if isinstance(value, str) else list(value or ()))
    ]


def _pressed(form: Form, wanted: str | None) -> Button | None:
    if wanted is None:
        return form.buttons[0] if form.buttons else None
    for button in form.buttons:
        if wanted in (button.value, button.text, button.name):
            return button
    raise NotAsTold(f"the form to {form.action or 'its own page'} has no button “{wanted}”")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _relation(source: str | None, target: str) -> str:
    """Return the Sec-Fetch-Site of a request (Fetch Metadata §2.3); all ports of a host are one site."""
    if source is None:
        return "none"
    if _origin(source) == _origin(target):
        return "same-origin"
    return "same-site" if urlsplit(source).hostname == urlsplit(target).hostname else "cross-site"
