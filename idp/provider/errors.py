"""What the provider refuses, by where the refusal may be shown.

    ProtocolError                 a rule of a specification was broken; carries its `Reason`
    ├── ShownError                a page for the person: client or redirect_uri is not trustworthy
    ├── RedirectableError         told to the client at its checked redirect_uri (RFC 6749 §4.1.2.1)
    ├── TokenError                told to the client as JSON (RFC 6749 §5.2)
    └── InvalidClient             client authentication failed (RFC 6749 §5.2, status 401)
    InvalidToken, InsufficientScope   refusals of a protected resource (RFC 6750 §3.1)
    InvalidClientMetadata         a registration breaks a rule (RFC 7591 §3.2.2)

An unchecked `redirect_uri` is never followed: that is why the first two are different types.
"""

from dataclasses import dataclass

from foundation.problems import ErrorCode, RenzhengError, register


@dataclass(frozen=True, slots=True)
class Reason:
    """One stable reason: `error` is the wire name, `entry` the product's own code with its texts."""

    error: str
    entry: ErrorCode


def reason(
    error: str,
    code: str,
    status: int,
    *,
    title: tuple[str, str],
    cause: tuple[str, str],
    remedy: tuple[str, str],
) -> Reason:
    """Register the code and return the reason; texts come as (Chinese, English)."""
    (title_zh, title_en), (cause_zh, cause_en), (remedy_zh, remedy_en) = title, cause, remedy
    entry = ErrorCode(
        code=code,
        status=status,
        title_zh=title_zh,
        title_en=title_en,
        cause_zh=cause_zh,
        cause_en=cause_en,
        remedy_zh=remedy_zh,
        remedy_en=remedy_en,
    )
    return Reason(error, register(entry))


class ProtocolError(RenzhengError):
    """A request breaks a rule. Nothing happened yet; the use case records the refusal and answers."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail, description=reason.entry.cause_zh, description_en=reason.entry.cause_en)
        self.reason = reason
        # Set by whoever has already put the refusal on record, together with what it caused.
        self.recorded = False
        self.code = reason.entry.code
        self.status = reason.entry.status


class ShownError(ProtocolError):
    """Must be shown as a page and never redirected (RFC 6749 §4.1.2.1, first paragraph).

    `client_id` is set when the client is known, so that the page can say whose request went wrong.
    """

    def __init__(self, reason: Reason, detail: str = "", *, client_id: str | None = None) -> None:
        super().__init__(reason, detail)
        self.client_id = client_id


class RedirectableError(ProtocolError):
    """May be told to the client, because client and redirect_uri were checked before."""


class TokenError(ProtocolError):
    """The answer of a back-channel endpoint: JSON with `error` and `error_description`."""


class InvalidClient(TokenError):
    """Client authentication failed; `basic_tried` asks for a `WWW-Authenticate: Basic` header."""

    def __init__(self, reason: Reason, detail: str = "", *, basic_tried: bool = False) -> None:
        super().__init__(reason, detail)
        self.basic_tried = basic_tried


class InvalidToken(RenzhengError):
    """The access token is malformed, expired, revoked, or made for another resource (RFC 6750 §3.1)."""

    error_code = register(
        ErrorCode(
            code="21201",
            status=401,
            title_zh="访问令牌无效",
            title_en="Access token not valid",
            cause_zh="访问令牌缺失、过期、已撤销，或不是为这个接口签发的。",
            cause_en="The access token is missing, expired, revoked, or was issued for another resource.",
            remedy_zh="请重新获取访问令牌后再试。",
            remedy_en="Obtain a new access token and try again.",
        )
    )


class InsufficientScope(RenzhengError):
    """The access token is valid and does not reach this far (RFC 6750 §3.1)."""

    error_code = register(
        ErrorCode(
            code="21202",
            status=403,
            title_zh="访问令牌权限不足",
            title_en="Access token lacks the scope",
            cause_zh="访问令牌没有本次操作需要的权限范围。",
            cause_en="The access token does not carry the scope this operation needs.",
            remedy_zh="请申请并请求所需的权限范围。",
            remedy_en="Apply for the scope and ask for it in the authorization request.",
        )
    )

    def __init__(self, scope: str) -> None:
        super().__init__(f"needs scope {scope}")
        self.scope = scope


class InvalidClientMetadata(RenzhengError):
    """A client registration breaks a rule; `member` names the metadata member (RFC 7591 §3.2.2)."""

    error = "invalid_client_metadata"
    error_code = register(
        ErrorCode(
            code="21401",
            status=400,
            title_zh="应用登记信息有误",
            title_en="Client metadata not acceptable",
            cause_zh="应用登记信息中有一项不符合要求。",
            cause_en="A member of the client registration is not acceptable.",
            remedy_zh="请按提示修改后重新提交。",
            remedy_en="Correct the member that is named and submit again.",
        )
    )

    def __init__(self, member: str, why: str) -> None:
        super().__init__(f"{member}: {why}", description_en=f"{member}: {why}")
        self.member = member


class InvalidRedirectUri(InvalidClientMetadata):
    """A redirect URI that may not be registered (RFC 7591 §3.2.2, RFC 9700 §2.1)."""

    error = "invalid_redirect_uri"
    error_code = register(
        ErrorCode(
            code="21402",
            status=400,
            title_zh="回调地址不可登记",
            title_en="Redirect URI cannot be registered",
            cause_zh="回调地址必须是完整的 https 地址，不得含通配符、片段、用户信息或相对路径。",
            cause_en="A redirect URI is a whole https address without wildcard, fragment, user part or dot segment.",
            remedy_zh="请登记应用实际使用的完整回调地址。",
            remedy_en="Register the exact address that the application uses.",
        )
    )
