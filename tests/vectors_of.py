"""Reading of the published vectors in tests/vectors."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "vectors"


def vectors(name: str, section: str = "valid") -> list[dict[str, Any]]:
    """Return the rows of one section of tests/vectors/<name>.json."""
    rows: list[dict[str, Any]] = vector_file(name)[section]
    return rows


def vector_file(name: str) -> dict[str, Any]:
    """Return the whole of tests/vectors/<name>.json."""
    document: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return document
