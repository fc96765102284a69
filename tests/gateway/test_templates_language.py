"""Chinese is the source, English is complete, and nothing a user reads escapes translation."""

import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from gateway.i18n import Translator, load_english, mark, translator
from gateway.pages.rendering import environment

GATEWAY = Path("gateway")
TEMPLATES = sorted((GATEWAY / "templates").rglob("*.html"))
CATALOGUE = GATEWAY / "locales" / "en" / "LC_MESSAGES" / "renzheng.po"
KEYWORDS: dict[str, tuple[int, ...] | None] = {"t": None, "tn": (1, 1), "mark": None}

CHINESE = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3001\u3002]")
TAG = re.compile(r"</?([a-z0-9]+)[^>]*>")
# The one word that stands in its own language on purpose: the button that leads back to Chinese.
OWN_LANGUAGE = "中文"


def source_texts() -> dict[str, bool]:
    """Return every source text of templates and Python code, and whether it is counted."""
    found: dict[str, bool] = {}
    sources = [("jinja2.ext:babel_extract", path) for path in TEMPLATES]
    sources += [("python", path) for path in sorted(GATEWAY.rglob("*.py"))]
    for method, path in sources:
        with path.open("rb") as file:
            for _, message, _, _ in extract(method, file, keywords=KEYWORDS, options={"silent": "false"}):
                key = message if isinstance(message, str) else message[0]
                found[key] = found.get(key, False) or not isinstance(message, str)
    return found


def places(text: str) -> set[str]:
    """Return the names of the places that values fill."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_has_english() -> None:
    """A text without English would show Chinese to a reader who asked for English."""
    english = load_english()
    missing = [text for text in source_texts() if text not in english or english[text].one == text]
    assert missing == []


def test_counted_texts_have_both_forms() -> None:
    """English needs a singular and a plural for whatever is counted."""
    english = load_english()
    counted = {text for text, is_counted in source_texts().items() if is_counted}
    with CATALOGUE.open("rb") as file:
        plural = {entry.id[0] for entry in read_po(file, locale="en") if isinstance(entry.id, list | tuple)}
    assert counted == plural
    assert all(english[text].other for text in counted)


def test_no_stale_or_fuzzy_entries() -> None:
    """The catalogue holds exactly the texts that are used."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="en")
    texts = source_texts()
    ids = {entry.id if isinstance(entry.id, str) else entry.id[0] for entry in catalogue if entry.id}
    assert ids - texts.keys() == set()
    assert [entry.id for entry in catalogue if entry.id and entry.fuzzy] == []


def test_translations_keep_places_and_markup() -> None:
    """A lost place would swallow a value; a lost or foreign tag would break the page."""
    for text, english in load_english().items():
        for form in (english.one, english.other):
            assert places(form) <= places(text) | {"count"}, text
            assert places(text) <= places(form) | {"count"}, text
            source_tags = sorted(tag for tag in TAG.findall(text) if tag != "wbr")
            assert sorted(tag for tag in TAG.findall(form) if tag != "wbr") == source_tags, text
            assert '"' not in TAG.sub("", form), f"a quote would end an attribute: {text}"
            assert not CHINESE.search(form), form


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_chinese_outside_translation(path: Path) -> None:
    """Chinese in the plain text of a template would never be translated."""
    tokens = environment("zh-CN").lex(path.read_text(encoding="utf-8"))
    plain = "".join(value for _, kind, value in tokens if kind == "data")
    assert CHINESE.findall(plain.replace(OWN_LANGUAGE, "")) == []


def test_values_are_escaped_and_unknown_texts_are_data() -> None:
    """Only the catalogue is trusted as markup; anything else may come from outside."""
    words = translator("en")
    assert words.text(mark("{name}，您好"), name="<b>") == "Hello, &lt;b&gt;"
    assert words.text("<script>{name.__class__}</script>", name="x") == "&lt;script&gt;{name.__class__}&lt;/script&gt;"


@pytest.mark.parametrize(("count", "expected"), [(0, "0 times"), (1, "1 time"), (2, "2 times")])
def test_english_counts(count: int, expected: str) -> None:
    """English chooses its form by number; Chinese has one."""
    assert translator("en").counted("{count} 次", count) == expected
    assert translator("zh-CN").counted("{count} 次", count) == f"{count} 次"


def test_translators_are_shared() -> None:
    """The catalogue is read once, not once a request."""
    assert isinstance(translator("en"), Translator)
    assert translator("en") is translator("en")
