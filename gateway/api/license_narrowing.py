"""Lookups with a token that was narrowed by authorization details (RFC 9396 §9.1): within them, whatever else would be allowed."""

from certs_catalog.lookup.request import LookupRequest
from foundation.problems import ErrorCode, register
from gateway.api.license_callers import NotAccepted
from idp.provider.authorization.details import is_lookup_within
from idp.provider.tokens.access_tokens import VerifiedAccessToken

OUTSIDE_THE_DETAILS = register(
    ErrorCode(
        code="21040",
        status=403,
        title_zh="超出令牌的授权明细",
        title_en="Outside the authorization details",
        cause_zh="访问令牌只限于授权明细中写明的证照类型、等级与字段，本次查询超出了范围。",
        cause_en="The access token is limited to the license types, grade and fields of its authorization details; "
        "the lookup reaches further.",
        remedy_zh="请只查询授权明细之内的内容，或重新申请授权。",
        remedy_en="Ask for what the authorization details cover, or obtain a new authorization.",
    )
)


def check_narrowed(token: VerifiedAccessToken, asked: LookupRequest) -> None:
    """Raise NotAccepted when the token carries authorization details and none of them covers the lookup.

    A lookup that names no license type (a share code, a presentation) shows only afterwards what it was about, so it is outside.
    """
    if token.authorization_details and not is_lookup_within(
        token.authorization_details,
        license_types=asked.license_types,
        grade=asked.grade.word,
        fields=(*asked.fields, *asked.facts),
    ):
        raise NotAccepted(OUTSIDE_THE_DETAILS)
