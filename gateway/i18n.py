"""Translations of everything a user reads.

Chinese is the source text: a template says ``t("登录")`` and that string is also the key of the English catalogue
``locales/en/LC_MESSAGES/renzheng.po`` (GNU gettext format). The catalogue is compiled once, in memory.

A translated text is markup, because sentences carry ``<b>``, ``<wbr>`` and links. Only a text that stands in the
catalogue is trusted as markup; any other string that reaches ``t`` is data, is never used as a format string, and
is escaped. Values that are filled into a text are always escaped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from babel.messages.pofile import read_po
from markupsafe import Markup, escape

Language = Literal["zh-CN", "en"]
SOURCE_LANGUAGE: Language = "zh-CN"

_CATALOGUE = Path(__file__).parent / "locales" / "en" / "LC_MESSAGES" / "renzheng.po"


@dataclass(frozen=True, slots=True)
class EnglishText:
    """The English for one source text; ``other`` is the plural form and equals ``one`` where number does not matter."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Translator:
    """Translates source texts into one language. Instances are shared between requests and hold no state."""

    language: Language
    english: Mapping[str, EnglishText]

    def text(self, message: str, **values: object) -> Markup:
        """Return ``message`` in this language with ``{name}`` places filled; unknown messages are escaped as data."""
        return self._rendered(message, None, values)

    def counted(self, message: str, count: int, **values: object) -> Markup:
        """Like :meth:`text`, choosing the plural form by ``count``, which also fills ``{count}``."""
        return self._rendered(message, count, {"count": count, **values})

    def _rendered(self, message: str, count: int | None, values: Mapping[str, object]) -> Markup:
        found = self.english.get(message)
        if found is None:
            return escape(message)
        if self.language == SOURCE_LANGUAGE:
            chosen = message
        else:
            chosen = found.one if count is None or count == 1 else found.other
        trusted = Markup(chosen)  # noqa: S704 - a text of our own catalogue; `format` escapes what is filled in
        return trusted.format(**values) if values else trusted


def mark(message: str) -> str:
    """Mark a Chinese source text in Python code for the catalogue; it is translated where it is shown."""
    return message


@lru_cache(maxsize=2)
def translator(language: Language) -> Translator:
    """Return the shared translator of ``language``; the first call of a process reads the catalogue."""
    return Translator(language=language, english=load_english())


@lru_cache(maxsize=1)
def load_english() -> Mapping[str, EnglishText]:
    """Read the English catalogue; fuzzy and empty entries stand for themselves so that nothing is ever lost."""
    with _CATALOGUE.open("rb") as source:
        catalogue = read_po(source, locale="en")
    texts: dict[str, EnglishText] = {}
    for entry in catalogue:
        if not entry.id:
            continue
        key = entry.id[0] if isinstance(entry.id, list | tuple) else entry.id
        forms = entry.string if isinstance(entry.string, list | tuple) else (entry.string,)
        filled = [form or key for form in forms] or [key]
        texts[key] = EnglishText(one=filled[0], other=filled[-1])
    return MappingProxyType(texts)
