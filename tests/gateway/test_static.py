"""The files that pages load: addressed by content, kept for ever, and all accounted for."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.pages.rendering import icon, with_sprite
from gateway.pages.static_files import icon_symbols, static_files, static_route, static_url

FOLDER = Path("gateway/static")
MODES = {
    "light": [],
    "dark": ['[data-theme="dark"]'],
    "contrast": ['[data-theme="contrast"]'],
    "elder": ['[data-mode="elder"]'],
    "elder dark": ['[data-theme="dark"]', '[data-mode="elder"]', '[data-mode="elder"][data-theme="dark"]'],
    "elder contrast": ['[data-theme="contrast"]', '[data-mode="elder"]', '[data-mode="elder"][data-theme="contrast"]'],
}
TEXT_PAIRS = [
    *(
        (text, ground)
        for text in ("--ink", "--ink-2", "--indigo", "--cinnabar")
        for ground in ("--paper", "--sheet", "--sunk")
    ),
    ("--ink", "--indigo-wash"),
    ("--ink", "--pine-wash"),
    ("--ink", "--ochre-wash"),
    ("--ink", "--cinnabar-wash"),
    ("--ink", "--card"),
    ("--ink-2", "--card"),
    ("--indigo", "--card"),
    ("--indigo", "--indigo-wash"),
    ("--pine", "--pine-wash"),
    ("--ochre", "--ochre-wash"),
    ("--cinnabar", "--cinnabar-wash"),
    ("--stone", "--stone-wash"),
    ("--on-indigo", "--indigo"),
    ("--on-cinnabar", "--cinnabar"),
    ("--on-pine", "--pine"),
    ("--paper", "--ink"),
]
CONTROL_PAIRS = [("--line-2", "--paper"), ("--line-2", "--sheet"), ("--focus", "--paper"), ("--focus", "--sheet")]


@pytest.fixture
def client() -> httpx2.AsyncClient:
    """A client of an application that serves nothing but the files."""
    transport = httpx2.ASGITransport(app=Starlette(routes=[static_route()]))
    return httpx2.AsyncClient(transport=transport, base_url="http://files.test")


@pytest.mark.parametrize("name", sorted(static_files()))
async def test_file_is_immutable_and_named_by_its_content(client: httpx2.AsyncClient, name: str) -> None:
    """The address changes with the content, so a browser may keep the file for ever."""
    file = static_files()[name]
    async with client:
        answer = await client.get(file.url, headers={"accept-encoding": "identity"})
        packed = await client.get(file.url, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest()[:12] in file.url
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == file.media_type
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.content == answer.content
    digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
    assert file.integrity == f"sha384-{digest}"
    assert gzip.decompress(file.packed) == answer.content


@pytest.mark.parametrize("name", ["app.css", "tokens.css", "..%2fpages%2fmodes.py", "icons.svg", "manifest.json"])
async def test_other_names_are_not_found(client: httpx2.AsyncClient, name: str) -> None:
    """Only the hashed names exist; no name reaches the disk."""
    async with client:
        assert (await client.get(f"/static/{name}")).status_code == 404


def test_unknown_file_is_refused() -> None:
    """A template with a misspelt file fails at once instead of linking to nothing."""
    with pytest.raises(KeyError):
        static_url("missing.css")


def test_manifest_accounts_for_every_file() -> None:
    """Each drawing and every vendored file is listed with version, licence and hash; our own style and script are named."""
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    hashed = {entry["file"]: entry for entry in manifest["hashed"]}
    present = {path.name for path in FOLDER.iterdir()} - {"manifest.json"}
    assert present == set(hashed) | set(manifest["own"])
    for name, entry in hashed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == entry["sha256"], name
        assert all(entry[key] for key in ("name", "version", "licence", "origin"))


def test_style_sheet_is_whole() -> None:
    """The tokens are joined in, the layers keep their order, nothing is fetched from elsewhere, sizes are rem."""
    sheet = static_files()["app.css"].content.decode()
    assert sheet.startswith("@layer reset, tokens, base, components, utilities, print;")
    assert "@import" not in sheet
    assert "--paper: #faf8f2" in sheet
    for target in re.findall(r'url\("([^"]+)"\)', sheet):
        assert target in {file.url for file in static_files().values()}
    screen = sheet[: sheet.index("@layer print {")]
    assert re.findall(r"(?<![\w.-])[\d.]+px\b", screen) == []


def test_script_is_small() -> None:
    """The pages carry no more script than they need."""
    assert len(static_files()["enhance.js"].content) <= 15 * 1024


def test_page_carries_only_the_icons_it_uses() -> None:
    """Each used symbol once, unused ones not at all."""
    page = with_sprite(f"<!--sprite-->{icon('valid')}{icon('valid')}{icon('eye')}")
    assert page.count("<symbol") == 2
    assert page.count(icon_symbols()["valid"]) == 1
    with pytest.raises(KeyError):
        icon("missing")


@pytest.mark.parametrize("mode", MODES)
def test_colour_pairs_are_legible(mode: str) -> None:
    """WCAG 2.2 §1.4.3, §1.4.6 and §1.4.11: text 4.5:1, in elder mode 7:1, control borders and focus 3:1."""
    tokens = tokens_of(mode)
    least = 7.0 if mode.startswith("elder") else 4.5
    weak = [(pair, contrast(tokens, *pair)) for pair in TEXT_PAIRS if contrast(tokens, *pair) < least]
    weak += [(pair, contrast(tokens, *pair)) for pair in CONTROL_PAIRS if contrast(tokens, *pair) < 3.0]
    assert weak == []


def tokens_of(mode: str) -> dict[str, str]:
    """Return the colours of a mode: the root's, then each block that applies to it, in the order of the file."""
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / "tokens.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    tokens: dict[str, str] = {}
    for selector, body in re.findall(r":root([^{]*)\{([^}]*)\}", text):
        if selector.strip() in ["", *MODES[mode]]:
            tokens.update(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{6})", body))
    return tokens


def contrast(tokens: dict[str, str], text: str, ground: str) -> float:
    """Return the contrast ratio of two tokens (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((luminance(tokens[text]), luminance(tokens[ground])), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``."""
    channels = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
