"""What `renzheng client` does, with the product's own use cases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode
from gateway.cli.surroundings import read_settings
from gateway.composition import Parts, open_parts
from idp.people.directory import Department
from idp.provider.clients.initiated_login import initiated_login_url
from idp.provider.clients.legacy_exceptions import standing_exceptions
from idp.provider.clients.metadata import ClientMetadata, LegacyException
from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.metadata import ENDPOINTS
from idp.provider.registration.document import apply_document
from idp.provider.registration.invitations import InvitationTerms, invite_clients
from idp.provider.registration.outside import judge_outside
from idp.provider.registration.oversight import approve_client, renew_registration_token
from idp.provider.registration.register import (
    ClientRegistration,
    register_client,
    rotate_client_secret,
    set_client_status,
)
from idp.provider.resources.audiences import license_audience

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
    resources: tuple[str, ...]
    serves: tuple[str, ...]
    exempt_basis: str | None
    public: bool
    policy: str
    document: Mapping[str, Any]
    legacy_exceptions: tuple[str, ...]
    legacy_until: datetime | None


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """What the operator typed; the department is named by its slug."""

    department: str
    policy: str
    uses: int
    days: int
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    legacy_exceptions: tuple[str, ...]
    legacy_until: datetime | None


async def list_all() -> list[dict[str, Any]]:
    """Return every client, without its secrets."""
    async with open_parts(read_settings(), background=False) as parts:
        departments = {one.department_id: one.slug for one in await parts.directory.all_departments()}
        clients = parts.provider.clients.all()
        legacy = {one.client_id: one for one in standing_exceptions(clients, now=parts.clock())}
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
                "reviewed": client.metadata.is_reviewed,
                "auth_method": client.token_endpoint_auth_method,
                "legacy_exceptions": list(client.metadata.legacy_exceptions),
                "legacy_until": client.metadata.legacy_until,
                "legacy_state": legacy[client.client_id].state if client.client_id in legacy else None,
            }
            for client in clients
        ]


async def add_one(wanted: NewClient) -> str | None:
    """Register the client and return its secret, None for one that signs in without."""
    async with open_parts(read_settings(), background=False) as parts:
        department = await _department(parts, wanted.department)
        registration = apply_document(wanted.document, _template(wanted, department.department_id))
        if not registration.resources and {"client_credentials", TOKEN_EXCHANGE} & set(registration.grant_types):
            registration = replace(registration, resources=(license_audience(parts.settings.issuer),))
        registered = await register_client(
            await judge_outside(registration, fetcher=parts.provider.fetcher),
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor=ACTOR,
            now=parts.clock(),
        )
        return registered.secret


async def invite_some(wanted: NewInvitation) -> dict[str, Any]:
    """Make the invitation and return its token with the address to use it at."""
    async with open_parts(read_settings(), background=False) as parts:
        department = await _department(parts, wanted.department)
        terms = InvitationTerms(
            department_id=department.department_id,
            policy=wanted.policy,
            grant_types=wanted.grant_types,
            scopes=wanted.scopes,
            resources=(license_audience(parts.settings.issuer),) if "client_credentials" in wanted.grant_types else (),
            legacy_exceptions=cast(tuple[LegacyException, ...], wanted.legacy_exceptions),
            legacy_until=wanted.legacy_until,
        )
        now = parts.clock()
        invitation, token = await invite_clients(
            terms,
            uses=wanted.uses,
            expires_at=now + timedelta(days=wanted.days),
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor=ACTOR,
            now=now,
        )
        return {
            "registration_endpoint": parts.settings.issuer + ENDPOINTS.register,
            "initial_access_token": token,
            "invitation_id": invitation.invitation_id,
            "expires_at": invitation.expires_at.isoformat(),
            "uses": invitation.remaining,
        }


async def renew_token(client_id: str) -> str:
    """Give an application that registered itself a new registration access token and return it."""
    async with open_parts(read_settings(), background=False) as parts:
        return await renew_registration_token(
            client_id, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=parts.clock()
        )


async def approve_one(client_id: str) -> None:
    """Record that the registration of an application was looked at."""
    async with open_parts(read_settings(), background=False) as parts:
        await approve_client(client_id, db=parts.db, ledger=parts.ledger, actor=ACTOR, now=parts.clock())


async def find_login_link(client_id: str) -> str:
    """Return where a sign-in to the client begins from elsewhere."""
    async with open_parts(read_settings(), background=False) as parts:
        client = parts.provider.clients.find(client_id)
        link = None if client is None else initiated_login_url(client, parts.settings.issuer)
        if link is None:
            stop(f"该应用没有登记发起登录的地址 · {client_id} registered no initiate_login_uri", ExitCode.NOT_FOUND)
        return link


async def _department(parts: Parts, slug: str) -> Department:
    department = await parts.directory.find_department_by_slug(slug)
    if department is None:
        known = ", ".join(one.slug for one in await parts.directory.all_departments()) or "none yet"
        stop(f"没有这个部门 · there is no department {slug} ({known})", ExitCode.NOT_FOUND)
    return department


def _template(wanted: NewClient, department_id: str) -> ClientRegistration:
    return ClientRegistration(
        client_id=wanted.client_id,
        name_zh=wanted.name_zh,
        name_en=wanted.name_en,
        department_id=department_id,
        application_type="native" if wanted.public else "web",
        token_endpoint_auth_method="none" if wanted.public else "client_secret_basic",
        redirect_uris=wanted.redirect_uris,
        post_logout_redirect_uris=wanted.post_logout_redirect_uris,
        backchannel_logout_uri=wanted.backchannel_logout_uri,
        grant_types=wanted.grant_types,
        scopes=wanted.scopes,
        resources=wanted.resources,
        introspects=wanted.serves,
        consent="ask" if wanted.exempt_basis is None else "exempt",
        consent_basis=wanted.exempt_basis,
        policy=wanted.policy,
        metadata=ClientMetadata(
            # The rules refuse names they do not know.
            legacy_exceptions=cast(tuple[LegacyException, ...], wanted.legacy_exceptions),
            legacy_until=wanted.legacy_until,
        ),
    )


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
