"""What a browser would run, load, frame or send because of a page: read out of the page and held against its headers."""

import re
from collections.abc import Collection
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx2

_VOID = re.compile(r"^\s*(?:javascript|vbscript|data):", re.IGNORECASE)
_LOADING = frozenset({"src", "srcset", "data", "background", "poster", "manifest"})
EXPECTED_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_DIRECTIVES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


class PageReader(HTMLParser):
    """Collects what is wrong about a page; `texts` is what it shows, `forms` where it sends what."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.forms: list[dict[str, str]] = []
        self.fields: list[set[str]] = []
        self.texts: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and judge its attributes."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self._inside = tag
        if len(given) != len(attrs):
            self.wrong.append(f"<{tag}> repeats an attribute")
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc", "nonce"):
                self.wrong.append(f"<{tag} {name}=…>")
            if name in ("href", "src", "action", "formaction") and _VOID.match(value):
                self.wrong.append(f"<{tag} {name}={value[:30]}>")
            if name in _LOADING and urlsplit(value).netloc and tag != "iframe":
                self.wrong.append(f"<{tag}> loads from elsewhere: {value}")
        if tag in ("object", "embed", "applet", "base", "style"):
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.wrong.append("a script of its own")
        if tag == "link" and not given.get("href", "").startswith("/static/"):
            self.wrong.append(f"a link to {given.get('href')}")
        if tag == "a" and given.get("target") and "noopener" not in given.get("rel", ""):
            self.wrong.append("a new window that knows its opener")
        if tag == "form":
            self.forms.append(given)
            self.fields.append(set())
        if tag in ("input", "button", "select", "textarea") and self.fields:
            self.fields[-1].add(given.get("name", ""))

    def handle_data(self, data: str) -> None:
        """Note what is shown; nothing may stand inside a script."""
        if self._inside == "script" and data.strip():
            self.wrong.append("a script with a text")
        self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._inside = ""


def read_page(answer: httpx2.Response, *, form_origins: Collection[str] = ()) -> PageReader:
    """Return the page; fails when markup or headers let anything of a stranger run, load, frame or be sent.

    `form_origins` are those of the application that this very page answers to.
    """
    assert answer.headers["content-type"].startswith("text/html"), answer.headers["content-type"]
    for name, value in EXPECTED_HEADERS.items():
        assert answer.headers.get_list(name) == [value], name
    assert answer.headers.get_list("permissions-policy")
    assert "access-control-allow-origin" not in answer.headers
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    directives = dict(part.strip().partition(" ")[::2] for part in policies[0].split(";"))
    framed = directives.pop("frame-src", "")
    sent_to = directives.pop("form-action").split(" ")
    assert directives == _DIRECTIVES
    assert sent_to[0] == "'self'"
    assert set(sent_to[1:]) <= set(form_origins), sent_to
    reader = PageReader()
    reader.feed(answer.text)
    assert not reader.wrong, reader.wrong
    for form, fields in zip(reader.forms, reader.fields, strict=True):
        if form.get("method", "get").lower() == "post" and form.get("action", "/").startswith("/"):
            assert "csrf_token" in fields, form
    for _, given in (tag for tag in reader.tags if tag[0] == "iframe"):
        parts = urlsplit(given["src"])
        assert f"{parts.scheme}://{parts.netloc}" in framed
    return reader
