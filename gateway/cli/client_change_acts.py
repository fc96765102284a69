"""What `renzheng client change` does, with the product's own use cases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from gateway.cli.client_acts import ACTOR
from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode
from gateway.cli.surroundings import read_settings
from gateway.composition import open_parts
from idp.provider.clients.metadata import LegacyException
from idp.provider.registration.changes import change_client, registration_of
from idp.provider.registration.document import apply_document, clear_members
from idp.provider.registration.outside import judge_outside
from idp.provider.registration.register import ClientRegistration


@dataclass(frozen=True, slots=True)
class WantedChange:
    """What the operator typed; None leaves as it is."""

    client_id: str
    redirect_uris: tuple[str, ...] | None
    scopes: tuple[str, ...] | None
    policy: str | None
    auth_method: str | None
    jwks: Mapping[str, Any] | None
    jwks_uri: str | None
    document: Mapping[str, Any]
    legacy_exceptions: tuple[str, ...] | None
    legacy_until: datetime | None


async def change_one(wanted: WantedChange) -> str | None:
    """Change the client and return the secret it has from now on and had not before."""
    async with open_parts(read_settings(), background=False) as parts:
        client = parts.provider.clients.find(wanted.client_id)
        if client is None:
            stop(f"没有这个应用 · there is no client {wanted.client_id}", ExitCode.NOT_FOUND)
        registration = _changed(wanted, registration_of(client))
        return await change_client(
            await judge_outside(registration, fetcher=parts.provider.fetcher),
            db=parts.db,
            ledger=parts.ledger,
            entropy=parts.entropy,
            actor=ACTOR,
            now=parts.clock(),
        )


def _changed(wanted: WantedChange, registration: ClientRegistration) -> ClientRegistration:
    """The file goes before the options, as with `renzheng client add`."""
    named: dict[str, Any] = {
        "redirect_uris": None if wanted.redirect_uris is None else list(wanted.redirect_uris),
        "scope": None if wanted.scopes is None else " ".join(wanted.scopes),
        "token_endpoint_auth_method": wanted.auth_method,
        # Keys stand in one place: naming one takes the other out.
        "jwks": wanted.jwks,
        "jwks_uri": wanted.jwks_uri,
    }
    document = {**{name: value for name, value in named.items() if value is not None}, **wanted.document}
    gone = {name for name, value in document.items() if value is None}
    if document.get("jwks") is not None:
        gone.add("jwks_uri")
    if document.get("jwks_uri") is not None:
        gone.add("jwks")
    registration = apply_document(document, clear_members(gone - _given(document), registration))
    policy = wanted.policy or registration.policy
    exceptions = registration.metadata.legacy_exceptions if policy == "legacy" else ()
    until = registration.metadata.legacy_until if policy == "legacy" else None
    if wanted.legacy_exceptions is not None:
        # The rules refuse names they do not know.
        exceptions = cast(tuple[LegacyException, ...], wanted.legacy_exceptions)
    metadata = replace(registration.metadata, legacy_exceptions=exceptions, legacy_until=wanted.legacy_until or until)
    return replace(registration, policy=policy, metadata=metadata)


def _given(document: Mapping[str, Any]) -> set[str]:
    return {name for name, value in document.items() if value is not None}
