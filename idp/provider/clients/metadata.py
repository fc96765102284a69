"""What a client registers beyond the basic members: keys, algorithms, bindings, addresses (RFC 7591 §2 and the profiles that extend it).

It is one JSON document in the client's row, written and read here alone. Members carry their registered names where the registry of OAuth
client metadata has one; what is absent has the default of its specification.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

AccessTokenFormat = Literal["jwt", "opaque"]
CibaDelivery = Literal["poll", "ping"]
TlsSubjectKind = Literal[
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
]
LegacyException = Literal["implicit", "hybrid", "no_pkce", "none_response", "client_secret_in_body"]


@dataclass(frozen=True, slots=True)
class Encryption:
    """Key management and content algorithm of a JWE for the client (RFC 7518 §4.1, §5.1)."""

    alg: str
    enc: str = "A128CBC-HS256"


@dataclass(frozen=True, slots=True)
class ClientAlgorithms:
    """Algorithms by kind of JWT; None means that this kind is not signed, or not encrypted."""

    id_token_signed_response_alg: str = "ES256"
    id_token_encrypted_response: Encryption | None = None
    userinfo_signed_response_alg: str | None = None
    userinfo_encrypted_response: Encryption | None = None
    authorization_signed_response_alg: str = "ES256"
    authorization_encrypted_response: Encryption | None = None
    introspection_signed_response_alg: str | None = None
    introspection_encrypted_response: Encryption | None = None
    request_object_signing_alg: str | None = None
    request_object_encryption: Encryption | None = None
    token_endpoint_auth_signing_alg: str | None = None
    backchannel_authentication_request_signing_alg: str | None = None


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """Everything else about a client. Sets are tuples in ascending order, so that equal documents are equal text."""

    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    algorithms: ClientAlgorithms = field(default_factory=ClientAlgorithms)
    tls_client_auth_kind: TlsSubjectKind | None = None
    tls_client_auth_value: str | None = None
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    access_token_format: AccessTokenFormat = "jwt"
    response_types: tuple[str, ...] = ("code",)
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_uris: tuple[str, ...] = ()
    authorization_details_types: tuple[str, ...] = ()
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    initiate_login_uri: str | None = None
    sector_identifier_uri: str | None = None
    subject_type: Literal["pairwise"] = "pairwise"
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False
    backchannel_logout_session_required: bool = False
    backchannel_token_delivery_mode: CibaDelivery | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_user_code_parameter: bool = False
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    software_id: str | None = None
    software_version: str | None = None
    legacy_exceptions: tuple[LegacyException, ...] = ()
    """What policy `legacy` lets this client do, one by one."""
    legacy_until: datetime | None = None
    """When the exceptions end; required with any of them."""
    is_reviewed: bool = True
    """Whether an operator looked at this registration: true of what an operator registers, false of what an application says of itself."""
    registrable_scopes: tuple[str, ...] = ()
    registrable_grant_types: tuple[str, ...] = ()
    """The bounds within which an application that registered itself may change its registration (RFC 7592 §2.2)."""


PLAIN = ClientMetadata()
"""What a client has that registered nothing of it."""


def render_metadata(metadata: ClientMetadata) -> dict[str, Any]:
    """Return the JSON document of the column: the members that differ from the default."""
    document = {
        member.name: getattr(metadata, member.name)
        for member in fields(ClientMetadata)
        if getattr(metadata, member.name) != getattr(PLAIN, member.name)
    }
    if "algorithms" in document:
        document["algorithms"] = {
            name: value
            for name, value in asdict(metadata.algorithms).items()
            if value != asdict(PLAIN.algorithms)[name]
        }
    if metadata.legacy_until is not None:
        document["legacy_until"] = metadata.legacy_until.isoformat()
    return document


def parse_metadata(document: Mapping[str, Any]) -> ClientMetadata:
    """Read what `render_metadata` wrote."""
    members: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    algorithms = members.pop("algorithms", {})
    if "legacy_until" in members:
        members["legacy_until"] = datetime.fromisoformat(members["legacy_until"])
    known: dict[str, Any] = {
        name: Encryption(**value) if isinstance(value, Mapping) else value for name, value in algorithms.items()
    }
    return ClientMetadata(**members, algorithms=ClientAlgorithms(**known))
