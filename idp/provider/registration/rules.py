"""What may be registered: every member is judged, and the first that breaks a rule is named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.provider.clients.metadata import PLAIN, ClientMetadata
from idp.provider.clients.names import is_plain_name
from idp.provider.clients.policies import CIBA, DEVICE_CODE, TOKEN_EXCHANGE, AtRegistration, check_policy
from idp.provider.clients.redirects import ApplicationType, check_registrable_uri, host_of
from idp.provider.clients.registry import AuthMethod, ConsentRule
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.metadata_rules import MOST_URIS, check_metadata
from idp.provider.scopes import OPENID, SCOPES

_OF_CONFIDENTIAL_CLIENTS = frozenset({"client_credentials", TOKEN_EXCHANGE, CIBA})
_CLIENT_ID = re.compile(r"[a-z][a-z0-9-]{1,39}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistration:
    """What a department asks for. `sector` defaults to the host of the first redirect URI.

    `introspects` are the resources whose tokens the client may introspect, because it serves them.
    """

    client_id: str
    name_zh: str
    name_en: str
    department_id: str
    application_type: ApplicationType = "web"
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"
    redirect_uris: Sequence[str] = ()
    post_logout_redirect_uris: Sequence[str] = ()
    backchannel_logout_uri: str | None = None
    grant_types: Sequence[str] = ("authorization_code",)
    scopes: Sequence[str] = (OPENID, "profile")
    resources: Sequence[str] = ()
    introspects: Sequence[str] = ()
    sector: str | None = None
    consent: ConsentRule = "ask"
    consent_basis: str | None = None
    home_uri: str | None = None
    policy: str = "baseline"
    metadata: ClientMetadata = PLAIN


def check_registration(wanted: ClientRegistration, *, now: datetime) -> None:
    """Raise InvalidClientMetadata at the first member that breaks a rule (RFC 7591 §2, RFC 9700 §2)."""
    # Subjects have 43 characters: a shorter identifier can never be taken for one (RFC 9700 §4.15).
    if not _CLIENT_ID.fullmatch(wanted.client_id):
        raise InvalidClientMetadata("client_id", "2 to 40 lower-case letters, digits and hyphens")
    for member, text in (("name_zh", wanted.name_zh), ("name_en", wanted.name_en)):
        if not 0 < len(text.strip()) <= 128 or not text.isprintable():
            raise InvalidClientMetadata(member, "1 to 128 printable characters")
        if not is_plain_name(text):
            raise InvalidClientMetadata(member, "a name holds no address and no brackets of a signature")
    policy = check_policy(wanted, AtRegistration(), now=now)
    _check_kind(wanted)
    _check_uris(wanted)
    if unknown := [name for name in wanted.scopes if name not in SCOPES]:
        raise InvalidClientMetadata("scopes", f"unknown scope {unknown[0]!r}")
    if wanted.consent == "exempt" and not wanted.consent_basis:
        raise InvalidClientMetadata("consent_basis", "an exemption names its legal basis")
    check_metadata(wanted, policy, now=now)


def _check_kind(wanted: ClientRegistration) -> None:
    grant_types = set(wanted.grant_types)
    through_browser = bool(grant_types & {"authorization_code", "implicit"})
    if wanted.token_endpoint_auth_method == "none":
        # A client that only ever gets tokens through the browser has nothing to prove anywhere.
        if wanted.application_type != "native" and grant_types != {"implicit"}:
            raise InvalidClientMetadata("token_endpoint_auth_method", "only native applications are public")
        if grant_types & _OF_CONFIDENTIAL_CLIENTS or wanted.introspects:
            raise InvalidClientMetadata("grant_types", "a public client acts for persons alone, in their presence")
    if "refresh_token" in grant_types and not grant_types & {"authorization_code", DEVICE_CODE, CIBA}:
        raise InvalidClientMetadata("grant_types", "refresh_token needs a grant type that persons agree to")
    if through_browser != bool(wanted.redirect_uris):
        raise InvalidClientMetadata("redirect_uris", "redirect URIs and the flows through the browser go together")
    for member, uris in (
        ("redirect_uris", wanted.redirect_uris),
        ("post_logout_redirect_uris", wanted.post_logout_redirect_uris),
    ):
        if len(uris) > MOST_URIS or len(set(uris)) != len(uris):
            raise InvalidClientMetadata(member, f"at most {MOST_URIS}, each once")


def _check_uris(wanted: ClientRegistration) -> None:
    for uri in wanted.redirect_uris:
        check_registrable_uri(uri, member="redirect_uris", application_type=wanted.application_type)
    for uri in wanted.post_logout_redirect_uris:
        check_registrable_uri(uri, member="post_logout_redirect_uris", application_type=wanted.application_type)
    for member, single in (
        ("backchannel_logout_uri", wanted.backchannel_logout_uri),
        # An application calls its home `client_uri`; an operator may give it another one.
        ("client_uri" if wanted.home_uri == wanted.metadata.client_uri else "home_uri", wanted.home_uri),
    ):
        if single is not None:
            check_registrable_uri(single, member=member)
    for member, resources in (("resources", wanted.resources), ("introspects", wanted.introspects)):
        for resource in resources:
            check_registrable_uri(resource, member=member)
    # OpenID Connect Core §8.1: several hosts make one sector only on purpose, by naming it.
    hosts = {host_of(uri) for uri in wanted.redirect_uris}
    if wanted.sector is None and wanted.application_type != "native" and len(hosts) > 1:
        raise InvalidClientMetadata("sector", "redirect URIs on several hosts need a sector")
