"""Makes the current schema in an empty database: by the migrations where they exist, else from the tables.

While the first migration is still to be written, every module of the rooms that declares tables is imported
and the tables are created from the shared metadata.
"""

import importlib
import importlib.util
import re
import sys
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from foundation.database import metadata

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("foundation", "idp", "certs_catalog", "adapters", "gateway")
DECLARES_TABLES = re.compile(r"^\w+(?:: Table)? = (?:\w+\.)?Table\(", re.MULTILINE)
SYNCHRONOUS_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def create_schema(database_url: str) -> None:
    """Bring the empty database at an SQLAlchemy URL to the current schema; returns when it is committed."""
    if importlib.util.find_spec("gateway.migrations") is not None:
        importlib.import_module("gateway.migrations").upgrade(database_url)
        return
    for module in table_modules():
        try:
            importlib.import_module(module)
        except Exception as failure:
            # A room that does not import must not hide the results of the others; its own tests fail anyway.
            print(f"schema without {module}: {failure!r}", file=sys.stderr)
    url = make_url(database_url)
    engine = create_engine(url.set(drivername=SYNCHRONOUS_DRIVERS[url.get_backend_name()]))
    try:
        metadata.create_all(engine)
    finally:
        engine.dispose()


def table_modules() -> list[str]:
    """The dotted names of the modules in the rooms that declare tables, in a stable order."""
    files = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in files
        if "migrations" not in file.parts and DECLARES_TABLES.search(file.read_text(encoding="utf-8"))
    ]
