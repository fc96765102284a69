"""The scopes of this provider and the claims behind them (OpenID Connect Core §5.4), with the texts of the
consent page.

A scope is *personal* when it releases something about the person: then it needs consent. Being listed among
a client's scopes is the client's entitlement to ask; nobody is ever given a scope that the client does not
hold.
"""

from collections.abc import Iterable
from dataclasses import dataclass

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
LICENSE_LOOKUP = "license.lookup"


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope: its texts, the claims it releases, and who may be given it.

    `optional` says that an app can do without: the person may decline it and still get in.
    """

    name: str
    title_zh: str
    title_en: str
    claims: tuple[str, ...] = ()
    for_persons: bool = True
    for_clients: bool = False
    sensitive: bool = False
    optional: bool = False


SCOPES: dict[str, Scope] = {
    scope.name: scope
    for scope in (
        Scope(OPENID, "确认是您本人", "Confirm that it is you", ("sub",)),
        Scope(
            "profile",
            "称呼与资料更新时间",
            "How to address you, and when your data last changed",
            ("nickname", "updated_at"),
        ),
        Scope(
            "phone",
            "手机号码",
            "Mobile phone number",
            ("phone_number", "phone_number_verified"),
            sensitive=True,
            optional=True,
        ),
        Scope(
            "realname",
            "真实姓名与实名等级",
            "Real name and its level",
            ("name", "realname_level"),
            sensitive=True,
        ),
        Scope(
            "realname.id",
            "证件类型与证件号码",
            "Type and number of your identity document",
            ("document_type", "document_number"),
            sensitive=True,
        ),
        Scope(OFFLINE_ACCESS, "您离开后继续为您办理", "Go on working for you when you have left", optional=True),
        Scope(
            LICENSE_LOOKUP,
            "按授权查询电子证照",
            "Look up e-licenses as authorised",
            for_clients=True,
            sensitive=True,
        ),
    )
}

CLAIM_LABELS: dict[str, tuple[str, str]] = {
    "nickname": ("称呼", "Form of address"),
    "updated_at": ("资料更新时间", "Last change of the data"),
    "phone_number": ("手机号码", "Mobile phone number"),
    "phone_number_verified": ("手机号码已核实", "Whether the number is verified"),
    "name": ("姓名", "Name"),
    "realname_level": ("实名等级", "Real-name level"),
    "document_type": ("证件类型", "Type of document"),
    "document_number": ("证件号码", "Document number"),
}
"""Every claim about a person that can be released, with its label in Chinese and English."""

SCOPE_OF_CLAIM: dict[str, str] = {
    claim: scope.name for scope in SCOPES.values() for claim in scope.claims if claim != "sub"
}


def split_scope(text: str) -> tuple[str, ...]:
    """Return the scope tokens in the order of the request, each once (RFC 6749 §3.3)."""
    return tuple(dict.fromkeys(text.split(" "))) if text else ()


def join_scope(scopes: Iterable[str]) -> str:
    """Render scope tokens for the wire."""
    return " ".join(scopes)


def claims_of(scopes: Iterable[str]) -> frozenset[str]:
    """Return every claim that the scopes release."""
    return frozenset(claim for name in scopes if name in SCOPES for claim in SCOPES[name].claims)


def is_optional(scope: str) -> bool:
    """Tell whether a scope may be declined without refusing the whole."""
    return scope in SCOPES and SCOPES[scope].optional


def is_sensitive(scopes: Iterable[str]) -> bool:
    """Tell whether a token with these scopes reaches real-name data or licenses and therefore lives
    shorter.
    """
    return any(SCOPES[name].sensitive for name in scopes if name in SCOPES)
