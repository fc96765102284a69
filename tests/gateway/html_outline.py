"""Reads a page strictly: every element closed in order, and what the checks of pages ask about."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "input", "img", "br", "wbr", "hr"})


@dataclass
class Element:
    """One element: its name, its attributes, the text inside it, and the names of its ancestors."""

    tag: str
    attributes: dict[str, str]
    ancestors: tuple["Element", ...]
    text: str = ""


@dataclass
class Outline:
    """All elements of a page in document order; `faults` are violations of nesting and repeated attributes."""

    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def all(self, *tags: str) -> list[Element]:
        """Return the elements with one of these names."""
        return [element for element in self.elements if element.tag in tags]


def outline_of(page: str) -> Outline:
    """Parse `page`."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    reader.outline.faults.extend(f"<{element.tag}> is never closed" for element in reader.open)
    return reader.outline


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.outline = Outline()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.outline.faults.append(f"<{tag}> repeats an attribute: {names}")
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open))
        self.outline.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self.outline.faults.append(f"</{tag}> closes {self.open[-1].tag if self.open else 'nothing'}")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
