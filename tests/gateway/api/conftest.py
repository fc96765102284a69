"""A running town of its own for the tests of the license API, and tokens to knock with."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from loadtests.servers import run_redis
from tests.gateway.town import Town, running_town
from tests.servers import PostgresDatabases, SQLiteDatabases, Stack

ZHANG = "370299190805120015"
TITLE = "11100000MB03271699001"
CASE = "QY-2026-000101"
CLERK = "ZJ-0317"


@dataclass(frozen=True)
class Backend:
    """The housing app's backend: its town, its token, and the settings of the product it talks to."""

    town: Town
    settings_file: Path
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def audience(self) -> str:
        """The audience of the license API."""
        return f"{self.town.issuer}/api/v1/licenses"

    def token(self, client_id: str = "gzf") -> str:
        """The application's own access token, asked for once: it lives five minutes and the endpoint counts requests."""
        if client_id not in self.tokens:
            client = next(one for one in self.town.world["clients"] if one["client_id"] == client_id)
            answer = httpx2.post(
                f"{self.town.issuer}/oauth/token",
                data={"grant_type": "client_credentials", "scope": "license.lookup", "resource": self.audience},
                auth=(client_id, client["client_secret"]),
                trust_env=False,
            )
            assert answer.status_code == 200, answer.text
            self.tokens[client_id] = answer.json()["access_token"]
        return self.tokens[client_id]

    def post(
        self,
        body: bytes | None = None,
        *,
        token: str | None = None,
        headers: list[tuple[str, str | bytes]] | None = None,
        **members: Any,
    ) -> httpx2.Response:
        """Post a lookup; without a body, the ordinary question with these members changed (None leaves one out)."""
        sent = body if body is not None else question(**members)
        given = [("authorization", f"Bearer {token or self.token()}"), ("content-type", "application/json")]
        wanted = {name.lower() for name, _ in headers or []}
        return httpx2.post(
            f"{self.audience}/lookup",
            content=sent,
            headers=[
                (name.encode(), value if isinstance(value, bytes) else value.encode())
                for name, value in [*(pair for pair in given if pair[0] not in wanted), *(headers or [])]
            ],
            trust_env=False,
            timeout=20,
        )


def question(**members: Any) -> bytes:
    """张知明's title, masked, for the open case, on behalf of the housing clerk."""
    asked: dict[str, Any] = {
        "by": {"holder": {"type": "111", "code": ZHANG}},
        "license_types": [TITLE],
        "grade": "masked",
        "fields": ["holder_name", "location"],
        "purpose": {"matter": "gzf-apply", "case": CASE},
        "officer": CLERK,
    }
    return json.dumps({name: value for name, value in (asked | members).items() if value is not None}).encode()


def new_id() -> str:
    """A fresh X-Request-Id."""
    return str(uuid.uuid4())


def sha256(octets: bytes) -> str:
    """The digest a receipt names."""
    return hashlib.sha256(octets).hexdigest()


@pytest.fixture(scope="session", params=["sqlite+memory", "postgres+redis"])
def backend(request: pytest.FixtureRequest, worker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The product with its simulators on each stack."""
    folder = tmp_path_factory.mktemp("license_api")
    settings_file = folder / f"{request.param}.env"
    if request.param == "sqlite+memory":
        databases: SQLiteDatabases = request.getfixturevalue("sqlite_databases")
        with databases.fresh() as url, running_town(Stack(request.param, url, None), folder) as town:
            yield Backend(town, settings_file)
        return
    made: PostgresDatabases = request.getfixturevalue("postgres_databases")
    # A Redis of its own: this one lives as long as the session, and the shared one is emptied between tests.
    with (
        made.fresh() as url,
        run_redis() as server,
        running_town(Stack(request.param, url, server.url(0)), folder) as town,
    ):
        yield Backend(town, settings_file)
