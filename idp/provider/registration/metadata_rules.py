"""What a client may register beyond the basic members: keys, algorithms, bindings, flows, addresses, exceptions.

What its policy allows is judged before, by the one function of `policies.py`; here stands what holds whatever the policy is.
Each rule stands in one function that names the member and raises InvalidClientMetadata; `check_metadata` is their order. Nothing is fetched
here: what needs a fetch is judged in `registration_sectors.py`.
"""

import re
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

from idp.provider.authorization.details import AUTHORIZATION_DETAILS_TYPES
from idp.provider.clients.jwk_sets import (
    CONTENT_ENCRYPTION,
    ENCRYPTING_ALGS,
    PublishedKey,
    UnusableJwkSet,
    check_jwk_set,
    encrypting_keys,
    verifying_keys,
)
from idp.provider.clients.metadata import (
    PLAIN,
    AccessTokenFormat,
    CibaDelivery,
    ClientAlgorithms,
    ClientMetadata,
    Encryption,
    LegacyException,
    TlsSubjectKind,
)
from idp.provider.clients.policies import CIBA, HYBRID, IMPLICIT, ClientPolicy
from idp.provider.clients.redirects import check_registrable_uri, host_of, origin_of
from idp.provider.clients.request_uris import check_request_uri
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.certificate_names import is_certificate_name
from idp.vocabulary import ALL_ACR_VALUES

if TYPE_CHECKING:
    from idp.provider.registration.rules import ClientRegistration

LONGEST_LEGACY = timedelta(days=366)
"""An exception of policy `legacy` is granted for a year at most; then somebody looks at it again."""
MOST_URIS = 50
LONGEST_MAX_AGE_S = 366 * 24 * 3_600

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+", re.ASCII)
_SIGNED_BY_CLIENT = (
    "request_object_signing_alg",
    "token_endpoint_auth_signing_alg",
    "backchannel_authentication_request_signing_alg",
)


def check_metadata(wanted: "ClientRegistration", policy: ClientPolicy, *, now: datetime) -> None:
    """Raise InvalidClientMetadata at the first member that breaks a rule."""
    metadata = wanted.metadata
    keys = _check_keys(wanted, metadata)
    _check_certificates(wanted, metadata)
    _check_algorithms(metadata, policy, keys)
    _check_bindings(metadata)
    _check_flows(wanted, metadata)
    _check_exceptions(metadata, now)
    _check_ciba(wanted, metadata)
    _check_addresses(wanted, metadata)
    _check_logout(wanted, metadata)
    _check_sector(wanted, metadata)
    _check_wishes(metadata)


def _refuse_unless(holds: bool, member: str, why: str) -> None:
    if not holds:
        raise InvalidClientMetadata(member, why)


def _check_keys(wanted: "ClientRegistration", metadata: ClientMetadata) -> tuple[PublishedKey, ...] | None:
    """RFC 7591 §2: `jwks` and `jwks_uri` never together; returns the registered keys, None when they are published elsewhere."""
    _refuse_unless(metadata.jwks is None or metadata.jwks_uri is None, "jwks", "not together with jwks_uri")
    has_keys = metadata.jwks is not None or metadata.jwks_uri is not None
    method = wanted.token_endpoint_auth_method
    if method in ("private_key_jwt", "self_signed_tls_client_auth"):
        _refuse_unless(has_keys, "jwks", f"{method} needs jwks or jwks_uri")
    if metadata.jwks_uri is not None:
        check_registrable_uri(metadata.jwks_uri, member="jwks_uri")
        return None
    if metadata.jwks is None:
        return ()
    try:
        return check_jwk_set(metadata.jwks)
    except UnusableJwkSet as unusable:
        raise InvalidClientMetadata("jwks", str(unusable)) from unusable


def _check_certificates(wanted: "ClientRegistration", metadata: ClientMetadata) -> None:
    """RFC 8705 §2.1.2: a client of the PKI method names exactly one subject, and no other client names one."""
    kind, value = metadata.tls_client_auth_kind, metadata.tls_client_auth_value
    if wanted.token_endpoint_auth_method != "tls_client_auth":
        _refuse_unless(kind is None and value is None, kind or "tls_client_auth_subject_dn", "needs tls_client_auth")
        return
    member = kind or "tls_client_auth_subject_dn"
    _refuse_unless(kind in get_args(TlsSubjectKind), member, "tls_client_auth names exactly one subject")
    _refuse_unless(value is not None and 0 < len(value) <= 512 and value.isprintable(), member, "1 to 512 characters")
    _refuse_unless(
        kind is not None and value is not None and is_certificate_name(kind, value),
        member,
        "not as certificates have it",
    )


def _check_algorithms(metadata: ClientMetadata, policy: ClientPolicy, keys: tuple[PublishedKey, ...] | None) -> None:
    for member in fields(ClientAlgorithms):
        chosen = getattr(metadata.algorithms, member.name)
        if isinstance(chosen, Encryption):
            _check_encryption(member.name, chosen, keys)
        elif chosen is not None and member.name in _SIGNED_BY_CLIENT and keys is not None:
            _refuse_unless(bool(verifying_keys(keys, kid=None, alg=chosen)), member.name, "no registered key fits")
    if metadata.require_signed_request_object or policy.requires_signed_request:
        _refuse_unless(keys is None or bool(keys), "jwks", "signed requests need keys")


def _check_encryption(member: str, chosen: Encryption, keys: tuple[PublishedKey, ...] | None) -> None:
    _refuse_unless(chosen.alg in ENCRYPTING_ALGS, f"{member}_alg", "not supported")
    _refuse_unless(chosen.enc in CONTENT_ENCRYPTION, f"{member}_enc", "not supported")
    # What the client encrypts goes to our key; everything else goes to one of its own.
    if member != "request_object_encryption" and keys is not None:
        _refuse_unless(bool(encrypting_keys(keys, alg=chosen.alg)), f"{member}_alg", "no registered key fits")


def _check_bindings(metadata: ClientMetadata) -> None:
    """A token has one confirmation: RFC 9449 §5.2 or RFC 8705 §3.4."""
    both = metadata.dpop_bound_access_tokens and metadata.tls_client_certificate_bound_access_tokens
    _refuse_unless(not both, "dpop_bound_access_tokens", "a token is bound to a key or to a certificate")
    _refuse_unless(metadata.access_token_format in get_args(AccessTokenFormat), "access_token_format", "jwt or opaque")


def _check_flows(wanted: "ClientRegistration", metadata: ClientMetadata) -> None:
    """OpenID Connect Registration §2: each response type has its grant types, and the other way round."""
    grant_types, response_types = set(wanted.grant_types), metadata.response_types
    _refuse_unless(len(set(response_types)) == len(response_types), "response_types", "one is named twice")
    through_browser = grant_types & {"authorization_code", "implicit"}
    if not through_browser:
        _refuse_unless(
            response_types in ((), PLAIN.response_types), "response_types", "need authorization_code or implicit"
        )
        return
    with_code = [one for one in response_types if "code" in one.split(" ")]
    _refuse_unless(
        bool(with_code) == ("authorization_code" in grant_types), "response_types", "code and its grant type"
    )
    from_front = set(response_types) & (IMPLICIT | HYBRID)
    _refuse_unless(bool(from_front) == ("implicit" in grant_types), "response_types", "implicit and its grant type")
    if from_front and wanted.application_type == "web":
        # OpenID Connect Registration §2, application_type: tokens in an address need TLS and a host of their own.
        for uri in wanted.redirect_uris:
            _refuse_unless(uri.startswith("https://"), "redirect_uris", "implicit and hybrid need https")


def _check_exceptions(metadata: ClientMetadata, now: datetime) -> None:
    exceptions, until = metadata.legacy_exceptions, metadata.legacy_until
    _refuse_unless(set(exceptions) <= set(get_args(LegacyException)), "legacy_exceptions", "unknown exception")
    _refuse_unless(bool(exceptions) == (until is not None), "legacy_until", "exceptions and their end go together")
    if until is not None:
        _refuse_unless(until <= now + LONGEST_LEGACY, "legacy_until", "at most one year ahead")


def _check_ciba(wanted: "ClientRegistration", metadata: ClientMetadata) -> None:
    """CIBA §4: a delivery mode, and for ping an address."""
    mode, endpoint = metadata.backchannel_token_delivery_mode, metadata.backchannel_client_notification_endpoint
    asks = CIBA in wanted.grant_types
    _refuse_unless((mode is not None) == asks, "backchannel_token_delivery_mode", "CIBA clients name one, others none")
    _refuse_unless(mode is None or mode in get_args(CibaDelivery), "backchannel_token_delivery_mode", "poll or ping")
    _refuse_unless(
        (endpoint is not None) == (mode == "ping"), "backchannel_client_notification_endpoint", "goes with mode ping"
    )
    _refuse_unless(
        not asks or wanted.token_endpoint_auth_method != "none", "grant_types", "a public client may not use CIBA"
    )
    _refuse_unless(
        not metadata.backchannel_user_code_parameter, "backchannel_user_code_parameter", "people have no user code here"
    )
    if endpoint is not None:
        check_registrable_uri(endpoint, member="backchannel_client_notification_endpoint")


def _check_addresses(wanted: "ClientRegistration", metadata: ClientMetadata) -> None:
    for member in ("initiate_login_uri", "client_uri", "logo_uri", "policy_uri", "tos_uri"):
        uri = getattr(metadata, member)
        if uri is not None:
            check_registrable_uri(uri, member=member)
    _refuse_unless(
        metadata.initiate_login_uri is None or bool(wanted.redirect_uris), "initiate_login_uri", "needs redirect_uris"
    )
    _refuse_unless(len(metadata.request_uris) <= MOST_URIS, "request_uris", f"at most {MOST_URIS}")
    for uri in metadata.request_uris:
        check_request_uri(uri)


def _check_logout(wanted: "ClientRegistration", metadata: ClientMetadata) -> None:
    """Front-Channel Logout §2: the frame has the origin of a redirect URI. A required session needs its address."""
    frame = metadata.frontchannel_logout_uri
    if frame is not None:
        check_registrable_uri(frame, member="frontchannel_logout_uri")
        origins = {origin_of(uri) for uri in wanted.redirect_uris}
        _refuse_unless(origin_of(frame) in origins, "frontchannel_logout_uri", "has the origin of a redirect URI")
    _refuse_unless(
        frame is not None or not metadata.frontchannel_logout_session_required,
        "frontchannel_logout_session_required",
        "needs frontchannel_logout_uri",
    )
    _refuse_unless(
        wanted.backchannel_logout_uri is not None or not metadata.backchannel_logout_session_required,
        "backchannel_logout_session_required",
        "needs backchannel_logout_uri",
    )


def _check_sector(wanted: "ClientRegistration", metadata: ClientMetadata) -> None:
    """OpenID Connect Core §8.1: the sector is the host of the document that lists the redirect URIs."""
    _refuse_unless(metadata.subject_type == "pairwise", "subject_type", "pairwise is the only one")
    uri = metadata.sector_identifier_uri
    if uri is not None:
        check_registrable_uri(uri, member="sector_identifier_uri")
        _refuse_unless(wanted.sector == host_of(uri), "sector_identifier_uri", "its document was not judged")


def _check_wishes(metadata: ClientMetadata) -> None:
    age = metadata.default_max_age
    _refuse_unless(age is None or 0 <= age <= LONGEST_MAX_AGE_S, "default_max_age", "seconds of at most a year")
    _refuse_unless(
        set(metadata.default_acr_values) <= set(ALL_ACR_VALUES), "default_acr_values", "not all are supported"
    )
    _refuse_unless(
        len(metadata.contacts) <= 10 and all(_EMAIL.fullmatch(one) for one in metadata.contacts),
        "contacts",
        "at most ten e-mail addresses",
    )
    for member in ("software_id", "software_version"):
        text = getattr(metadata, member)
        _refuse_unless(text is None or (0 < len(text) <= 128 and text.isprintable()), member, "1 to 128 characters")
    _refuse_unless(
        set(metadata.authorization_details_types) <= set(AUTHORIZATION_DETAILS_TYPES),
        "authorization_details_types",
        "not all are supported",
    )
