"""What `renzheng client` does, with the product's own use cases."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode
from gateway.cli.surroundings import read_settings
from gateway.composition import open_parts
from idp.provider.registration import (
    ClientRegistration,
    register_client,
    rotate_client_secret,
    set_client_status,
)
from idp.provider.resources import license_audience

ACTOR = "system:cli"


@dataclass(frozen=True, slots=True)
class NewClient:
    """What the operator typed; the department is named by its slug."""

    client_id: str
    name_zh: str
    name_en: str
    department: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    backchannel_logout_uri: str | None
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    public: bool


async def list_all() -> list[dict[str, Any]]:
    """Return every client, without its secrets."""
    async with open_parts(read_settings(), background=False) as parts:
        departments = {one.department_id: one.slug for one in await parts.directory.all_departments()}
        return [
            {
                "client_id": client.client_id,
                "name_zh": client.name_zh,
                "name_en": client.name_en,
                "department": departments.get(client.department_id, client.department_id),
                "policy": client.policy,
                "status": client.status,
                "redirect_uris": list(client.redirect_uris),
                "scopes": sorted(client.scopes),
                "grant_types": sorted(client.grant_types),
            }
            for client in sorted(parts.provider.clients.all(), key=lambda client: client.client_id)
        ]


async def add_one(wanted: NewClient) -> str | None:
    """Register the client and return its secret, None for a public one."""
    async with open_parts(read_settings(), background=False) as parts:
        department = await parts.directory.find_department_by_slug(wanted.department)
        if department is None:
            known = ", ".join(one.slug for one in await parts.directory.all_departments()) or "none yet"
            stop(f"没有这个部门 · there is no department {wanted.department} ({known})", ExitCode.NOT_FOUND)
        looks_up = "client_credentials" in wanted.grant_types
        registered = await register_client(
            ClientRegistration(
                client_id=wanted.client_id,
                name_zh=wanted.name_zh,
                name_en=wanted.name_en,
                department_id=department.department_id,
                application_type="native" if wanted.public else "web",
                token_endpoint_auth_method="none" if wanted.public else "client_secret_basic",
                redirect_uris=wanted.redirect_uris,
                post_logout_redirect_uris=wanted.post_logout_redirect_uris,
                backchannel_logout_uri=wanted.backchannel_logout_uri,
                grant_types=wanted.grant_types,
                scopes=wanted.scopes,
                resources=(license_audience(parts.settings.issuer),) if looks_up else (),
            ),
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor=ACTOR,
            now=parts.clock(),
        )
        return registered.secret


async def rotate_one(client_id: str, overlap: timedelta) -> str:
    """Give the client a new secret and return it."""
    async with open_parts(read_settings(), background=False) as parts:
        return await rotate_client_secret(
            client_id,
            overlap=overlap,
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor=ACTOR,
            now=parts.clock(),
        )


async def set_status(client_id: str, *, open_again: bool) -> bool:
    """Disable or enable the client; False when there is none."""
    async with open_parts(read_settings(), background=False) as parts:
        if client_id not in {client.client_id for client in parts.provider.clients.all()}:
            return False
        await set_client_status(
            client_id,
            "active" if open_again else "disabled",
            token_lifetime=parts.settings.provider.access_token_lifetime,
            db=parts.db,
            ledger=parts.ledger,
            actor=ACTOR,
            now=parts.clock(),
        )
        return True
