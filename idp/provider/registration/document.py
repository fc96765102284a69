"""Client metadata on the wire (RFC 7591 §2 and the registry of OAuth client metadata): JSON members to a registration, and back.

Reading is strict about types and says nothing about meaning, which `registration/rules.py` judges. A member that is absent or null keeps what
the template has; members that nobody here knows are named, since RFC 7591 §2 ignores them and an operator's file may not have them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from idp.provider.clients.metadata import PLAIN, ClientAlgorithms, Encryption, TlsSubjectKind
from idp.provider.clients.registry import Client
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.rules import ClientRegistration
from idp.provider.scopes import join_scope, split_scope

_TEXT, _FLAG, _COUNT, _TEXTS, _OBJECT = "a string", "true or false", "a whole number", "a list of strings", "an object"

# Members of the registration itself, by their wire name: (name there, type).
_BASIC = {
    "application_type": ("application_type", _TEXT),
    "token_endpoint_auth_method": ("token_endpoint_auth_method", _TEXT),
    "redirect_uris": ("redirect_uris", _TEXTS),
    "post_logout_redirect_uris": ("post_logout_redirect_uris", _TEXTS),
    "backchannel_logout_uri": ("backchannel_logout_uri", _TEXT),
    "grant_types": ("grant_types", _TEXTS),
}
# Members of `ClientMetadata`, which carries their registered names.
_FURTHER = {
    "jwks": _OBJECT,
    "jwks_uri": _TEXT,
    "dpop_bound_access_tokens": _FLAG,
    "tls_client_certificate_bound_access_tokens": _FLAG,
    "access_token_format": _TEXT,
    "response_types": _TEXTS,
    "require_pushed_authorization_requests": _FLAG,
    "require_signed_request_object": _FLAG,
    "request_uris": _TEXTS,
    "authorization_details_types": _TEXTS,
    "default_max_age": _COUNT,
    "require_auth_time": _FLAG,
    "default_acr_values": _TEXTS,
    "initiate_login_uri": _TEXT,
    "sector_identifier_uri": _TEXT,
    "subject_type": _TEXT,
    "frontchannel_logout_uri": _TEXT,
    "frontchannel_logout_session_required": _FLAG,
    "backchannel_logout_session_required": _FLAG,
    "backchannel_token_delivery_mode": _TEXT,
    "backchannel_client_notification_endpoint": _TEXT,
    "backchannel_user_code_parameter": _FLAG,
    "client_uri": _TEXT,
    "logo_uri": _TEXT,
    "policy_uri": _TEXT,
    "tos_uri": _TEXT,
    "contacts": _TEXTS,
    "software_id": _TEXT,
    "software_version": _TEXT,
}
_SIGNING = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
    "request_object_signing_alg",
    "token_endpoint_auth_signing_alg",
    "backchannel_authentication_request_signing_alg",
)
_ENCRYPTION = (
    "id_token_encrypted_response",
    "userinfo_encrypted_response",
    "authorization_encrypted_response",
    "introspection_encrypted_response",
    "request_object_encryption",
)
_TLS_SUBJECTS: tuple[TlsSubjectKind, ...] = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
_NAMES = ("client_name", "client_name#zh-CN", "client_name#en")
_SCOPE = "scope"

KNOWN_MEMBERS = frozenset(
    {*_BASIC, *_FURTHER, *_SIGNING, *_TLS_SUBJECTS, *_NAMES, _SCOPE}
    | {f"{member}_{part}" for member in _ENCRYPTION for part in ("alg", "enc")}
)
"""Every member that is read here; whatever else a document holds is ignored or, for operators, a mistake."""


def apply_document(document: Mapping[str, Any], template: ClientRegistration) -> ClientRegistration:
    """Return the template with the members of the document in their places.

    Raises InvalidClientMetadata for a member of another JSON type. Not checked: whether anything of it is allowed.
    """
    given = {name: value for name, value in document.items() if value is not None}
    basic: dict[str, Any] = {
        there: _typed(name, given[name], kind) for name, (there, kind) in _BASIC.items() if name in given
    }
    further: dict[str, Any] = {
        name: _typed(name, given[name], kind) for name, kind in _FURTHER.items() if name in given
    }
    if _SCOPE in given:
        basic["scopes"] = split_scope(str(_typed(_SCOPE, given[_SCOPE], _TEXT)))
    if basic.get("application_type", "web") not in ("web", "native", "service"):
        raise InvalidClientMetadata("application_type", "web, native or service")
    if "response_types" in further:
        # RFC 6749 §3.1.1: the order of the words does not matter.
        further["response_types"] = tuple(sorted({" ".join(sorted(one.split())) for one in further["response_types"]}))
    if "client_uri" in further:
        basic["home_uri"] = further["client_uri"]
    further |= _tls_subject(given)
    algorithms = _algorithms(given, template.metadata.algorithms)
    metadata = replace(template.metadata, **further, algorithms=algorithms)
    return replace(template, **basic, **_names(given), metadata=metadata)


def clear_members(names: Iterable[str], registration: ClientRegistration) -> ClientRegistration:
    """Return the registration with the default in the place of each named member; names without one are ignored."""
    cleared = set(names)
    further = {name: getattr(PLAIN, name) for name in cleared & set(_FURTHER)}
    if cleared & set(_TLS_SUBJECTS):
        further |= {"tls_client_auth_kind": None, "tls_client_auth_value": None}
    chosen = {name: getattr(PLAIN.algorithms, name) for name in cleared & set(_SIGNING)}
    chosen |= {member: None for member in _ENCRYPTION if f"{member}_alg" in cleared}
    algorithms = replace(registration.metadata.algorithms, **chosen)
    metadata = replace(registration.metadata, **further, algorithms=algorithms)
    if "backchannel_logout_uri" in cleared:
        registration = replace(registration, backchannel_logout_uri=None)
    if "post_logout_redirect_uris" in cleared:
        registration = replace(registration, post_logout_redirect_uris=())
    return replace(registration, metadata=metadata)


def render_document(client: Client) -> dict[str, Any]:
    """Return everything registered about a client, as RFC 7591 §3.2.1 sends it back; secrets and tokens are no part of it."""
    metadata, algorithms = client.metadata, client.metadata.algorithms
    document: dict[str, Any] = {
        "client_id": client.client_id,
        "client_name": client.name_zh,
        "client_name#zh-CN": client.name_zh,
        "client_name#en": client.name_en,
        "application_type": client.application_type,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "grant_types": sorted(client.grant_types),
        _SCOPE: join_scope(sorted(client.scopes)),
    }
    for name in _FURTHER:
        value = getattr(metadata, name)
        document[name] = (list(value) or None) if isinstance(value, tuple) else value
    for name in _SIGNING:
        document[name] = getattr(algorithms, name)
    for name in _ENCRYPTION:
        chosen: Encryption | None = getattr(algorithms, name)
        if chosen is not None:
            document |= {f"{name}_alg": chosen.alg, f"{name}_enc": chosen.enc}
    if metadata.tls_client_auth_kind is not None:
        document[metadata.tls_client_auth_kind] = metadata.tls_client_auth_value
    return {name: value for name, value in document.items() if value is not None}


def unknown_members(document: Mapping[str, Any]) -> list[str]:
    """Return the members that nothing here reads, in order."""
    return sorted(set(document) - KNOWN_MEMBERS)


def _typed(name: str, value: object, kind: str) -> Any:
    if kind == _TEXTS:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
    elif kind == _FLAG:
        if isinstance(value, bool):
            return value
    elif kind == _COUNT:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif isinstance(value, str if kind == _TEXT else dict):
        return value
    raise InvalidClientMetadata(name, f"is {kind}")


def _names(given: Mapping[str, Any]) -> dict[str, Any]:
    """OpenID Connect Registration §2.1: a member may come once for each language; the plain one serves where none does."""
    plain, chinese, english = (_typed(name, given[name], _TEXT) if name in given else None for name in _NAMES)
    found = {"name_zh": (chinese, plain, english), "name_en": (english, plain, chinese)}
    return {
        name: next(text for text in texts if text is not None)
        for name, texts in found.items()
        if any(text is not None for text in texts)
    }


def _tls_subject(given: Mapping[str, Any]) -> dict[str, Any]:
    named = [name for name in _TLS_SUBJECTS if name in given]
    if len(named) > 1:
        raise InvalidClientMetadata(named[1], "exactly one subject of the certificate")
    if not named:
        return {}
    return {"tls_client_auth_kind": named[0], "tls_client_auth_value": _typed(named[0], given[named[0]], _TEXT)}


def _algorithms(given: Mapping[str, Any], template: ClientAlgorithms) -> ClientAlgorithms:
    chosen: dict[str, Any] = {name: _typed(name, given[name], _TEXT) for name in _SIGNING if name in given}
    for member in _ENCRYPTION:
        alg, enc = given.get(f"{member}_alg"), given.get(f"{member}_enc")
        if alg is None and enc is not None:
            raise InvalidClientMetadata(f"{member}_enc", f"needs {member}_alg")
        if alg is not None:
            encryption = Encryption(_typed(f"{member}_alg", alg, _TEXT))
            if enc is not None:
                encryption = replace(encryption, enc=_typed(f"{member}_enc", enc, _TEXT))
            chosen[member] = encryption
    return replace(template, **chosen)
