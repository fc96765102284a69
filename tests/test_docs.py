"""The documents keep up with the code: generated pages are current, and what the texts name exists."""

import re
from pathlib import Path

import pytest

from gateway.reference import reference_pages, stale_pages
from tests.conformance_table import PAGE, render_page

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_the_generated_pages_are_current() -> None:
    """Every setting, error code and route is documented; `renzheng reference --write` brings a stale page up to date."""
    assert stale_pages(DOCS) == []


def test_the_conformance_page_is_current() -> None:
    """What the page claims is what the tests cite; `python -m tests.conformance_table` renews it."""
    assert PAGE.read_text(encoding="utf-8") == render_page()


def test_every_route_says_what_it_does() -> None:
    """A route without a sentence would stand in the reference as a riddle."""
    rows = [line.split("|") for line in reference_pages()["routes.md"].splitlines() if line.startswith("| `/")]
    assert [row[1] for row in rows if not row[3].strip()] == []


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_every_path_that_a_document_names_exists(name: str) -> None:
    """A pointer to a file that was moved sends the reader nowhere."""
    text = (ROOT / name).read_text(encoding="utf-8")
    linked = {target for target in re.findall(r"\]\(([^)#:]+)\)", text) if not target.startswith("/")}
    named = set(re.findall(r"`((?:foundation|idp|certs_catalog|adapters|gateway|loadtests|tests|docs)/[\w./]+)`", text))
    missing = [path for path in sorted(linked | named) if not (ROOT / path.rstrip("/")).exists()]
    assert missing == []


def test_every_symbol_that_the_walkthroughs_name_is_defined() -> None:
    """ARCHITECTURE.md walks through functions by name (`module.py:function`); each must still be there."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for path, symbol in re.findall(r"`([\w/]+\.py):(\w+)`", text):
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^\s*(?:async )?(?:def|class) {symbol}\b|^{symbol}\b", source, re.MULTILINE), (
            f"{path}:{symbol}"
        )
