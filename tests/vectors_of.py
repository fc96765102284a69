"""Reading of the published vectors in tests/vectors."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "vectors"


def vectors(name: str, section: str = "valid") -> list[dict[str, Any]]:
    """Return the rows of one section of tests/vectors/<name>.json."""
    rows: list[dict[str, Any]] = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))[section]
    return rows
