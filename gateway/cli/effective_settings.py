"""The settings as they are in force, each with its source; secrets are withheld."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from sqlalchemy.engine import make_url

from gateway.settings import DELIMITER, ENV_FILE, PREFIX, Settings

WITHHELD = "(withheld)"


def effective_settings(settings: Settings) -> dict[str, dict[str, str]]:
    """Return every setting by name with its printable value and its source; secrets are withheld."""
    from_file = _names_in_file()
    found: dict[str, dict[str, str]] = {}
    for name, info, value in _leaves(settings, PREFIX):
        found[name] = {
            "value": WITHHELD if is_secret(info) and value else _printable(value),
            "source": _source_of(name, from_file),
        }
    url = make_url(settings.database_url)
    found[f"{PREFIX}DATABASE_URL"]["value"] = url.render_as_string(hide_password=True)
    return found


def is_secret(info: FieldInfo) -> bool:
    """Tell whether a setting must not be printed: its type holds a secret, or it is declared so."""
    declared = info.json_schema_extra
    if isinstance(declared, dict) and declared.get("secret"):
        return True
    return _holds_secret(info.annotation)


def _holds_secret(kind: Any) -> bool:
    if kind is SecretStr:
        return True
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return any(is_secret(info) for info in kind.model_fields.values())
    return any(_holds_secret(part) for part in get_args(kind))


def _leaves(model: BaseModel, prefix: str) -> Iterator[tuple[str, FieldInfo, Any]]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(value, f"{prefix}{name.upper()}{DELIMITER}")
        else:
            yield f"{prefix}{name.upper()}", info, value


def _names_in_file() -> frozenset[str]:
    path = os.environ.get(ENV_FILE)
    return frozenset(name.upper() for name in dotenv_values(Path(path))) if path else frozenset()


def _source_of(name: str, from_file: frozenset[str]) -> str:
    # A section may be given whole, as JSON under the name of the section.
    parts = name.removeprefix(PREFIX).split(DELIMITER)
    names = [PREFIX + DELIMITER.join(parts[:count]) for count in range(len(parts), 0, -1)]
    if any(one in os.environ for one in names):
        return "environment"
    return "file" if any(one in from_file for one in names) else "default"


def _printable(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return WITHHELD if value.get_secret_value() else ""
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(one) for one in value]
    return value.value if isinstance(value, Enum) else value


def _duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:.0f} {name}"
    return f"{seconds:g} s"
