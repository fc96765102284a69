"""The arrows between the rooms and the bans of the house style, held by reading the sources."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_files import ROOMS, ROOT, SourceFile, is_within, source_files

ALLOWED = {
    "foundation": {"foundation"},
    "idp": {"idp", "foundation"},
    "certs_catalog": {"certs_catalog", "foundation"},
    "adapters": {"adapters", "idp", "certs_catalog", "foundation"},
    "gateway": set(ROOMS),
    "loadtests": {"loadtests", *ROOMS},
}
OUR_PACKAGES = {*ROOMS, "loadtests", "tests"}

# The domain is told the time and handed its randomness; foundation/clock.py and entropy.py read them.
AMBIENT_MODULES = ("random", "secrets", "time", "uuid")
AMBIENT_CALLS = re.compile(r"(^|\.)(datetime|date)\.(now|utcnow|today)$|(^|\.)time\.(time|time_ns)$|(^|\.)os\.urandom$")
BANNED_PACKAGES = {"authlib.jose": "joserfc does all JOSE work", "httpx": "httpx2 is the HTTP client"}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "service", "base", "misc"}
LONGEST_FILE = 450


def foreign_imports(file: SourceFile, allowed: set[str]) -> Iterator[str]:
    """What a file imports from packages of ours that its room may not know."""
    for line, name in file.imports():
        package = name.partition(".")[0]
        if package in OUR_PACKAGES - allowed:
            yield f"{file.path}:{line} imports {name}"


def ambient_uses(file: SourceFile) -> Iterator[str]:
    """Where a file reads the clock or draws random values by itself."""
    for line, name in file.imports():
        if any(is_within(name, module) for module in AMBIENT_MODULES):
            yield f"{file.path}:{line} imports {name}"
    for line, name in file.attributes():
        if AMBIENT_CALLS.search(name):
            yield f"{file.path}:{line} uses {name}"


def banned_imports(file: SourceFile) -> Iterator[str]:
    """What a file imports of the packages that the project has replaced."""
    for line, name in file.imports():
        for package, reason in BANNED_PACKAGES.items():
            if is_within(name, package):
                yield f"{file.path}:{line} imports {name}: {reason}"


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_its_arrows_allow(room: str) -> None:
    """Imports follow gateway -> adapters -> {idp, certs_catalog} -> foundation, inside functions too."""
    assert [found for file in source_files(room) for found in foreign_imports(file, ALLOWED[room])] == []


def test_tests_import_of_loadtests_only_the_servers() -> None:
    """loadtests is imported by nobody; the server starters are the declared exception for the tests."""
    found = [
        f"{file.path}:{line} imports {name}"
        for file in source_files("tests")
        for line, name in file.imports()
        if is_within(name, "loadtests") and not is_within(name, "loadtests.servers")
        if not file.path.startswith("tests/loadtests/")
    ]
    assert found == []


@pytest.mark.parametrize("room", ["idp", "certs_catalog"])
def test_the_domain_reads_neither_clock_nor_entropy(room: str) -> None:
    """`now` and randomness are parameters, so that a test can fix them and a run can be replayed."""
    assert [found for file in source_files(room) for found in ambient_uses(file)] == []


def test_replaced_packages_are_imported_nowhere() -> None:
    """A second JOSE or HTTP package would be a second set of rules to keep safe."""
    files = source_files(*ROOMS, "loadtests", "tests")
    assert [found for file in files for found in banned_imports(file)] == []


def test_only_the_provider_and_the_adapters_know_authlib() -> None:
    """Authlib's server is synchronous and returns its errors; one folder knows how to live with that."""
    found = [
        f"{file.path}:{line} imports {name}"
        for file in source_files("foundation", "idp", "certs_catalog", "gateway")
        for line, name in file.imports()
        if is_within(name, "authlib") and not file.path.startswith("idp/provider/")
    ]
    assert found == []


def test_file_names_say_a_concept() -> None:
    """A name like `utils` or `manager` means that the concept is not found yet."""
    files = source_files(*ROOMS, "loadtests", "tests")
    found = [file.path for file in files if EMPTY_NAMES & set(Path(file.path).with_suffix("").parts)]
    assert found == []


def test_no_file_tells_a_long_story() -> None:
    """A file holds one concept in 30 to 250 lines; 450 is where even a flat table is split."""
    found = [
        f"{file.path}: {lines} lines"
        for file in source_files(*ROOMS, "loadtests", "tests")
        # A migration is one step, generated from the tables and never edited again: it is as long as the step.
        if "versions" not in Path(file.path).parts
        if (lines := len((ROOT / file.path).read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    ]
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    """Each module begins with a docstring; an empty `__init__.py` needs none."""
    found = [
        file.path
        for file in source_files(*ROOMS, "loadtests", "tests")
        if file.tree.body and "versions" not in Path(file.path).parts
        if not (ast.get_docstring(file.tree) or "").strip()
    ]
    assert found == []


def test_import_linter_finds_no_broken_contract() -> None:
    """The arrows hold along chains of imports too, which reading one file at a time cannot see."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import authlib.jose", 1, id="the package"),
        pytest.param("from authlib import jose", 1, id="the package from its parent"),
        pytest.param("def f():\n    from authlib.jose.util import x", 1, id="inside a function"),
        pytest.param("import httpx2, authlib.josephine", 0, id="names that only begin alike"),
    ],
)
def test_the_ban_sees_every_way_to_import(source: str, expected: int) -> None:
    """The reader itself is tested, since a ban that sees nothing would stay green."""
    assert len(list(banned_imports(_parsed(source)))) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import secrets", 1, id="a generator module"),
        pytest.param("from time import time", 1, id="the clock by name"),
        pytest.param("import datetime as dt\nx = dt.datetime.now(dt.UTC)", 1, id="the clock under an alias"),
        pytest.param("f(default_factory=datetime.now)", 1, id="the clock handed on uncalled"),
        pytest.param("import os\nos.urandom(3)", 1, id="the system's generator"),
        pytest.param("def f(now): return now.time()", 0, id="the time of a given instant"),
    ],
)
def test_the_clock_ban_sees_every_way_to_read_it(source: str, expected: int) -> None:
    """The reader itself is tested, since a ban that sees nothing would stay green."""
    assert len(list(ambient_uses(_parsed(source)))) == expected


def _parsed(source: str) -> SourceFile:
    return SourceFile("example.py", ast.parse(source))
