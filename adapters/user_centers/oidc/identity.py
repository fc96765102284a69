"""From verified claims to an identity, pure: level by table and ceiling, document by table, names by
configuration.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.user_centers.oidc.settings import OidcCenterSettings
from adapters.user_centers.oidc.wire import MalformedDocument
from foundation.identifiers import (
    InvalidIdentifier,
    canonical_document_number,
    canonical_mobile_number,
    parse_person_name,
)
from idp.ports import CenterEvidence, CenterIdentity
from idp.vocabulary import RealNameLevel


def level_of(settings: OidcCenterSettings, id_token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> RealNameLevel:
    """Return what the center vouches for, capped by what it is trusted for; an unlisted value vouches for
    nothing.
    """
    document = id_token if settings.level_from == "id_token" else userinfo
    value = document.get(settings.level_claim)
    said = settings.levels.get(value, RealNameLevel.NONE) if isinstance(value, str) else RealNameLevel.NONE
    return min(said, settings.ceiling)


def identity_from(
    settings: OidcCenterSettings,
    *,
    subject: str,
    level: RealNameLevel,
    userinfo: Mapping[str, Any],
    now: datetime,
) -> CenterIdentity:
    """Return the person who arrived, or raise MalformedDocument when name or document number is not usable.

    Attributes are taken from userinfo alone: a "verified" flag of one document never vouches for a value of
    another.
    """
    claims = settings.claims
    kind = settings.document_types.get(_text(userinfo, claims.document_type))
    if kind is None:
        raise MalformedDocument("the kind of identity document is not in the table")
    try:
        name = parse_person_name(_text(userinfo, claims.name))
        number = canonical_document_number(kind, _text(userinfo, claims.document_number), today=now.date())
    except InvalidIdentifier as error:
        raise MalformedDocument("name or document number is not valid") from error
    return CenterIdentity(
        center=settings.name,
        subject=subject,
        level=level,
        name=name,
        document_type=kind,
        document_number=number,
        phone=_believed_phone(userinfo, settings),
        evidence=CenterEvidence(
            method=_optional(userinfo, claims.verified_by) or "vouched-by-center",
            source=settings.name,
            at=_instant(userinfo.get(claims.verified_at), now),
        ),
    )


def _believed_phone(userinfo: Mapping[str, Any], settings: OidcCenterSettings) -> str | None:
    """The mobile number, if the center says that it was verified and it is a mainland mobile number."""
    text = userinfo.get(settings.claims.phone)
    if userinfo.get(settings.claims.phone_verified) is not True or not isinstance(text, str):
        return None
    try:
        return canonical_mobile_number(text)
    except InvalidIdentifier:
        return None


def _instant(value: object, now: datetime) -> datetime:
    """A NumericDate that lies in the past, else the present."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= now.timestamp():
        return now
    return datetime.fromtimestamp(value, UTC)


def _optional(userinfo: Mapping[str, Any], name: str) -> str | None:
    value = userinfo.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= 128 else None


def _text(userinfo: Mapping[str, Any], name: str) -> str:
    value = _optional(userinfo, name)
    if value is None:
        raise MalformedDocument("a claim that is needed is missing")
    return value
