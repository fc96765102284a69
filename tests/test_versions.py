"""The pinned packages: versions that close known holes, a hash for every file, and no download address."""

import re
import tomllib
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.source_files import ROOT

# Below these versions a package has a known vulnerability or lacks what the design relies on.
FLOORS = {
    "starlette": "1.3.1",
    "python-multipart": "0.0.27",
    "h11": "0.16",
    "authlib": "1.8",
    "joserfc": "1.8",
    "redis": "4.5.5",
}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,]+\])?==(\S+)", re.ASCII)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?![0-9a-f])", re.ASCII)
ADDRESS = re.compile(r"[a-z+]+://|--(?:extra-)?index-url|--find-links|^-[if] | @ ", re.MULTILINE)


def locked() -> dict[str, str]:
    """Package name to the whole entry of requirements.lock, which runs over several lines."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    return {match[1]: entry for entry in entries if (match := PIN.match(entry))}


def declared() -> list[Requirement]:
    """What pyproject.toml asks for: the product, the development and the benchmark group."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    return [Requirement(line) for line in [*project["project"]["dependencies"], *groups["dev"], *groups["bench"]]]


@pytest.mark.parametrize(("package", "floor"), FLOORS.items())
def test_installed_version_is_not_below_its_floor(package: str, floor: str) -> None:
    """A resolver that falls back to an old version would bring a closed hole back."""
    assert Version(version(package)) >= Version(floor)


def test_every_pin_has_a_hash() -> None:
    """Without its hash a pin says nothing about what is downloaded."""
    entries = locked()
    assert len(entries) > len(declared())
    assert [name for name, entry in entries.items() if not HASH.search(entry)] == []


def test_the_lock_names_no_download_address() -> None:
    """Where packages come from is the operator's decision; the hashes make it harmless."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert ADDRESS.findall(text) == []


def test_every_declared_package_is_locked_and_installed_as_locked() -> None:
    """pyproject.toml, requirements.lock and the environment say the same."""
    entries = locked()
    found = []
    for requirement in declared():
        name = canonicalize_name(requirement.name)
        pin = PIN.match(entries.get(name, ""))
        if pin is None or not requirement.specifier.contains(pin[2]) or version(name) != pin[2]:
            found.append(str(requirement))
    assert found == []


def test_the_installer_is_locked_too() -> None:
    """`make` installs uv by its hash before uv installs the rest."""
    assert HASH.search(locked()["uv"])
