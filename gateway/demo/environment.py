"""The settings file of a demo: generated keys, addresses of the simulators, and nothing that a person has
to fill in."""

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from adapters.settings import AdapterSettings
from foundation.entropy import Entropy
from gateway.demo.places import Places
from gateway.demo.state import write_private

LEDGER_NAME = "qingyu.example/ledger"
PROOFING_TRIES = 500
"""Everybody in a demo sits behind one address, so the limit per network would end the sixth registration of an afternoon."""
PAGE_REQUESTS = 10_000
"""For the same reason: stories and tests played one after another open more pages than one person does."""

_KEY_OCTETS = 32
_KEY_NAMES = ("RENZHENG_SEALING_KEYS", "RENZHENG_BLIND_INDEX_KEY", "RENZHENG_SUBJECT_KEYS")


def new_keys(entropy: Entropy) -> dict[str, str]:
    """Draw the keys of a new demo: sealing, blind index and pairwise subjects."""

    def key() -> str:
        return base64.b64encode(entropy.octets(_KEY_OCTETS)).decode()

    values = (json.dumps([f"demo-1:A256GCM:{key()}"]), key(), f"1:{key()}")
    return dict(zip(_KEY_NAMES, values, strict=True))


def demo_environment(
    keys: Mapping[str, str],
    *,
    places: Places,
    adapters: AdapterSettings,
    database_url: str,
    redis_url: str | None = None,
    trusted_proxies: tuple[str, ...] = (),
) -> dict[str, str]:
    """Return the variables of the settings file, by name."""
    variables = {
        "RENZHENG_ISSUER": places.issuer,
        "RENZHENG_DATABASE_URL": database_url,
        "RENZHENG_PORT": str(places.base_port),
        "RENZHENG_LEDGER_NAME": LEDGER_NAME,
        "RENZHENG_TRUSTED_PROXIES": json.dumps(trusted_proxies),
        "RENZHENG_SIGNIN__PROOFING_TRIES": str(PROOFING_TRIES),
        "RENZHENG_PAGE_REQUESTS_PER_WINDOW": str(PAGE_REQUESTS),
        "RENZHENG_ADAPTERS": json.dumps(_plain(adapters), ensure_ascii=False),
        **keys,
    }
    if redis_url is not None:
        variables["RENZHENG_REDIS_URL"] = redis_url
    return variables


def write_environment(path: Path, variables: Mapping[str, str]) -> None:
    """Write the settings file, readable by its owner alone."""
    lines = [f"{name}='{_quoted(value)}'" for name, value in variables.items()]
    write_private(path, "\n".join(lines) + "\n")


def read_keys(path: Path) -> dict[str, str] | None:
    """Return the keys of an existing settings file, or None when there is none that is whole."""
    if not path.exists():
        return None
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name in _KEY_NAMES:
            found[name] = value.strip("'")
    return found if len(found) == len(_KEY_NAMES) else None


def _quoted(value: str) -> str:
    # The dotenv form knows these two escapes inside single quotes.
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _plain(value: Any) -> Any:
    """Return a settings model as JSON values with its secrets in clear, leaving out what is default."""
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [_plain(one) for one in value]
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.value if isinstance(value, Enum) else value
