"""Reading a page as a person without JavaScript uses it: its title, texts, links and forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "template", "svg"})
_VOID = frozenset({"input", "br", "hr", "img", "meta", "link", "wbr", "col"})
_BLOCKS = frozenset(
    {
        "p",
        "div",
        "li",
        "tr",
        "td",
        "th",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "section",
        "article",
        "label",
        "button",
    }
)


@dataclass(slots=True)
class Button:
    """A submit button: what it sends when it is pressed, and what is written on it."""

    name: str | None
    value: str
    text: str = ""
    formaction: str | None = None


@dataclass(slots=True)
class Form:
    """A form as it was delivered; `fields` are sent as they are unless the person changes them.

    `choices` has the values of each group of radio buttons, checkboxes or options, ticked or not.
    """

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)


@dataclass(slots=True)
class Link:
    """An anchor: where it leads and what is written on it."""

    href: str
    text: str = ""


@dataclass(slots=True)
class Document:
    """What one page says and offers."""

    title: str = ""
    heading: str = ""
    text: str = ""
    links: list[Link] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    """The texts of the page's articles, in order; an inner article's text is in the outer one's too."""


def read_document(markup: str) -> Document:
    """Parse a page; broken markup gives whatever can be made of it, as in a browser."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.finished()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._document = Document()
        self._words: list[str] = []
        self._open: list[str] = []
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._late: list[tuple[str, str, dict[str, str | None]]] = []
        self._button: Button | None = None
        self._link: Link | None = None
        self._select: str | None = None
        self._option: str | None = None
        self._textarea: str | None = None
        self._text_of_area = ""
        self._articles: list[int] = []

    def finished(self) -> Document:
        """Return the document once everything is read."""
        for form_id, tag, attributes in self._late:
            if form_id in self._by_id:
                self._control(tag, attributes, self._by_id[form_id])
        self._document.text = " ".join("".join(self._words).split())
        self._document.title = " ".join(self._document.title.split())
        self._document.heading = " ".join(self._document.heading.split())
        return self._document

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take up what the tag begins."""
        attributes = dict(attrs)
        if tag not in _VOID:
            self._open.append(tag)
        if tag in _BLOCKS or tag == "br":
            self._words.append(" ")
        if tag == "article":
            self._articles.append(len(self._words))
        if tag == "form":
            method = (attributes.get("method") or "get").lower()
            self._form = Form(attributes.get("action") or "", method)
            self._document.forms.append(self._form)
            if attributes.get("id"):
                self._by_id[attributes["id"] or ""] = self._form
        elif tag == "a" and attributes.get("href") is not None:
            self._link = Link(attributes["href"] or "")
            self._document.links.append(self._link)
        elif tag in ("input", "select", "textarea", "button"):
            owner = attributes.get("form")
            if owner and owner not in self._by_id:
                self._late.append((owner, tag, attributes))
            elif owner:
                self._control(tag, attributes, self._by_id[owner])
            elif self._form is not None:
                self._control(tag, attributes, self._form)
        elif tag == "option" and self._select and self._form is not None:
            self._choose_option(attributes, self._form)

    def handle_endtag(self, tag: str) -> None:
        """Finish what the tag ends."""
        if tag in self._open:
            while self._open and self._open.pop() != tag:
                pass
        if tag in _BLOCKS:
            self._words.append(" ")
        if tag == "article" and self._articles:
            words = "".join(self._words[self._articles.pop() :])
            self._document.articles.append(" ".join(words.split()))
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag == "a":
            self._link = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._textarea and self._form is not None:
            self._form.fields.append((self._textarea, self._text_of_area))
            self._textarea, self._text_of_area = None, ""

    def handle_data(self, data: str) -> None:
        """Take up the text where it belongs."""
        if self._textarea:
            self._text_of_area += data
            return
        if "title" in self._open and "svg" not in self._open:
            self._document.title += data
            return
        if _SILENT.intersection(self._open):
            return
        if "h1" in self._open:
            self._document.heading += data
        if self._button is not None:
            self._button.text = (self._button.text + data).strip()
        if self._link is not None:
            self._link.text = (self._link.text + data).strip()
        self._words.append(data)

    def _control(self, tag: str, attributes: dict[str, str | None], form: Form) -> None:
        name, kind = attributes.get("name"), (attributes.get("type") or "").lower()
        if "disabled" in attributes:
            return
        if name:
            form.names.add(name)
        if tag == "button" or kind in ("submit", "image"):
            if kind in ("", "submit"):
                self._button = Button(name, attributes.get("value") or "", formaction=attributes.get("formaction"))
                form.buttons.append(self._button)
                if tag == "input":
                    self._button.text, self._button = attributes.get("value") or "", None
        elif tag == "select" and name:
            self._select = name
            form.choices[name] = []
        elif tag == "textarea" and name:
            self._textarea = name
        elif tag == "input" and name and kind in ("checkbox", "radio"):
            value = attributes.get("value")
            form.choices.setdefault(name, []).append("on" if value is None else value)
            if "checked" in attributes:
                form.fields.append((name, "on" if value is None else value))
        elif tag == "input" and name and kind not in ("button", "reset", "file"):
            form.fields.append((name, attributes.get("value") or ""))

    def _choose_option(self, attributes: dict[str, str | None], form: Form) -> None:
        name, value = self._select or "", attributes.get("value") or ""
        first = not form.choices[name]
        form.choices[name].append(value)
        # A closed list sends its first option unless another one is marked.
        if "selected" in attributes or first:
            form.fields = [pair for pair in form.fields if pair[0] != name]
            form.fields.append((name, value))
