"""Why the registration endpoints refuse, beyond a member that breaks a rule (RFC 7591 §3.2.2, RFC 7592 §2)."""

from idp.provider.errors import reason

INITIAL_TOKEN_INVALID = reason(
    "invalid_token",
    "21160",
    401,
    title=("登记邀请无效", "Initial access token not valid"),
    cause=(
        "登记应用需要邀请令牌；它缺失、过期或已用完。",
        "Registering an application needs an initial access token; it is missing, expired or used up.",
    ),
    remedy=("请向管理方索取新的邀请令牌。", "Ask the operator for a new initial access token."),
)
REGISTRATION_TOKEN_INVALID = reason(
    "invalid_token",
    "21161",
    401,
    title=("登记管理令牌无效", "Registration access token not valid"),
    cause=(
        "登记管理令牌缺失、已更换，或不属于这个应用；应用也可能已停用。",
        "The registration access token is missing, was replaced, or belongs to another client, or the client is disabled.",
    ),
    remedy=(
        "每次修改后请使用应答中的新令牌；遗失时请联系管理方。",
        "Use the token of the last answer after every update; ask the operator when it is lost.",
    ),
)
REGISTRATION_MALFORMED = reason(
    "invalid_client_metadata",
    "21162",
    400,
    title=("登记请求格式有误", "Registration request malformed"),
    cause=(
        "登记请求应为 application/json 的一个对象。",
        "A registration request is one object of type application/json.",
    ),
    remedy=("请按 RFC 7591 第 3.1 节发送。", "Send it as RFC 7591 section 3.1 describes."),
)
SOFTWARE_STATEMENT_REFUSED = reason(
    "unapproved_software_statement",
    "21163",
    400,
    title=("不接受软件声明", "Software statement not accepted"),
    cause=("本服务不接受 software_statement。", "Software statements are not accepted here."),
    remedy=("请直接提交各项登记信息。", "Send the members of the registration themselves."),
)
TOO_MANY_REGISTRATIONS = reason(
    "temporarily_unavailable",
    "21164",
    429,
    title=("登记请求过于频繁", "Too many registration requests"),
    cause=("同一地址在短时间内的登记请求过多。", "One address sent too many registration requests in a short time."),
    remedy=("请稍后再试。", "Try again later."),
)
