"""The world that is measured: who exists, with which secrets, so that every scenario finds its like in it.

Pure data; `populate.py` makes it. It can be kept in a file, because soak users run in processes of their own. All people are
synthetic: valid check characters, born before 1915, an area code of no place.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loadtests.signing import SigningClient


@dataclass(frozen=True, slots=True)
class Secret:
    """A client with its secret."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Applicant:
    """A holder of licenses, and the open case in which they may be looked up."""

    document_number: str
    case: str


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody with an account; `identifier` is what is typed at sign-in."""

    identifier: str
    password: str


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the scenarios know of the running product.

    `backend` asks for tokens and looks licenses up, `resource` serves what the tokens are for and introspects them, `app` signs
    citizens in at `redirect_uri`, and so does `signer`, by policy `high`. `matter`, `license_type` and `fields` are what the backend's department is granted.
    """

    issuer: str
    backend: Secret
    resource: Secret
    app: Secret
    signer: SigningClient
    redirect_uri: str
    work_number: str
    matter: str
    license_type: str
    fields: tuple[str, ...]
    applicants: tuple[Applicant, ...]
    citizens: tuple[Citizen, ...]

    @property
    def port(self) -> int:
        """Return the port of the product."""
        return int(self.issuer.rpartition(":")[2])


def write_world(path: Path, world: World) -> None:
    """Keep the world in a file that its owner alone may read."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(world), ensure_ascii=False, indent=1), encoding="utf-8")


def read_world(path: Path) -> World:
    """Read what `write_world` wrote."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name in ("backend", "resource", "app"):
        raw[name] = Secret(**raw[name])
    raw["signer"] = SigningClient(**raw["signer"])
    raw["fields"] = tuple(raw["fields"])
    raw["applicants"] = tuple(Applicant(**one) for one in raw["applicants"])
    raw["citizens"] = tuple(Citizen(**one) for one in raw["citizens"])
    return World(**raw)
