"""Why a back-channel endpoint or a protected resource refuses.

Each reason has its wire error, its stable code and its public texts. `error_description` on the wire is the
English title, since RFC 6749 allows printable ASCII alone there; the Chinese and English texts stand on the
error pages and in the help.
"""

from idp.provider.errors import reason

TOKEN_REQUEST_MALFORMED = reason(
    "invalid_request",
    "21101",
    400,
    title=("令牌请求有误", "Token request malformed"),
    cause=(
        "令牌请求的格式、参数或客户端认证方式不符合规范。",
        "The form, the parameters or the client authentication of the token request break the specification.",
    ),
    remedy=(
        "请按 RFC 6749 以表单方式发送，每个参数一次，只用一种客户端认证方式。",
        "Send a form as RFC 6749 describes, every parameter once, with one way of client authentication.",
    ),
)
CLIENT_NOT_AUTHENTICATED = reason(
    "invalid_client",
    "21102",
    401,
    title=("客户端认证失败", "Client authentication failed"),
    cause=(
        "客户端未知、已停用、密钥不对，或认证方式与登记的不同。",
        "The client is unknown, disabled, its secret is wrong, or the method is not the registered one.",
    ),
    remedy=("请核对 client_id、密钥与认证方式。", "Check client_id, secret and authentication method."),
)
INVALID_CODE = reason(
    "invalid_grant",
    "21103",
    400,
    title=("授权码无效", "Authorization code not valid"),
    cause=(
        "授权码不存在、已过期、已使用或不属于该应用。",
        "The authorization code is unknown, expired, used, or belongs to another client.",
    ),
    remedy=("请重新发起登录。", "Start the sign-in again."),
)
CODE_REPLAYED = reason(
    "invalid_grant",
    "21104",
    400,
    title=("授权码被重复使用", "Authorization code used twice"),
    cause=(
        "授权码被使用了第二次，由它签发的令牌已全部撤销。",
        "The authorization code was presented again; every token issued from it has been revoked.",
    ),
    remedy=(
        "请重新发起登录，并检查应用是否泄露了授权码。",
        "Start the sign-in again, and check whether the application leaks codes.",
    ),
)
REDIRECT_URI_DIFFERS = reason(
    "invalid_grant",
    "21105",
    400,
    title=("回调地址与授权时不同", "Redirect URI differs"),
    cause=(
        "令牌请求中的 redirect_uri 与授权请求中的不同。",
        "The redirect_uri of the token request differs from that of the authorization request.",
    ),
    remedy=("请两处使用同一个回调地址。", "Use one redirect URI in both requests."),
)
PKCE_FAILED = reason(
    "invalid_grant",
    "21106",
    400,
    title=("PKCE 校验失败", "PKCE check failed"),
    cause=(
        "code_verifier 缺失或与 code_challenge 不匹配。",
        "The code_verifier is missing or does not match the code_challenge.",
    ),
    remedy=(
        "请使用生成 code_challenge 时的 code_verifier。",
        "Use the code_verifier that the code_challenge was made from.",
    ),
)
INVALID_REFRESH_TOKEN = reason(
    "invalid_grant",
    "21107",
    400,
    title=("刷新令牌无效", "Refresh token not valid"),
    cause=(
        "刷新令牌不存在、已过期、已撤销或不属于该应用。",
        "The refresh token is unknown, expired, revoked, or belongs to another client.",
    ),
    remedy=("请重新发起登录。", "Start the sign-in again."),
)
REFRESH_TOKEN_REUSED = reason(
    "invalid_grant",
    "21108",
    400,
    title=("刷新令牌被重复使用", "Refresh token used twice"),
    cause=(
        "已轮换的刷新令牌被再次使用，同一系列的令牌已全部撤销。",
        "A rotated refresh token was presented again; the whole family has been revoked.",
    ),
    remedy=(
        "请重新发起登录，并检查应用是否泄露了令牌。",
        "Start the sign-in again, and check whether the application leaks tokens.",
    ),
)
UNSUPPORTED_GRANT_TYPE = reason(
    "unsupported_grant_type",
    "21109",
    400,
    title=("不支持的 grant_type", "Grant type not supported"),
    cause=("本服务不支持这种 grant_type。", "This grant_type is not supported."),
    remedy=("请使用服务元数据中列出的方式。", "Use a grant type listed in the metadata."),
)
GRANT_TYPE_NOT_ALLOWED = reason(
    "unauthorized_client",
    "21110",
    400,
    title=("应用无权使用该 grant_type", "Grant type not allowed"),
    cause=("该应用没有登记这种 grant_type。", "The client is not registered for this grant_type."),
    remedy=("请在应用登记中申请。", "Apply for it in the registration of the application."),
)
SCOPE_TOO_BROAD = reason(
    "invalid_scope",
    "21111",
    400,
    title=("权限范围超出授权", "Scope exceeds the grant"),
    cause=("请求的权限范围超出已授权的范围。", "The scope exceeds what was granted."),
    remedy=("请只请求已授权的范围。", "Ask only for what was granted."),
)
RESOURCE_NOT_GRANTED = reason(
    "invalid_target",
    "21112",
    400,
    title=("资源超出授权", "Resource exceeds the grant"),
    cause=("请求的资源未知或超出已授权的范围。", "The resource is unknown or exceeds what was granted."),
    remedy=("请只请求已授权的资源。", "Ask only for granted resources."),
)
TOO_MANY_TOKEN_REQUESTS = reason(
    "temporarily_unavailable",
    "21113",
    429,
    title=("请求过于频繁", "Too many requests"),
    cause=("该应用在短时间内的令牌请求过多。", "The client sent too many token requests in a short time."),
    remedy=("请稍后再试，并缓存令牌直至过期。", "Try again later, and keep tokens until they expire."),
)
GRANT_ENDED = reason(
    "invalid_grant",
    "21114",
    400,
    title=("授权已结束", "Grant has ended"),
    cause=(
        "本人已退出登录、撤回同意，或账户、应用已停用。",
        "The person signed out or withdrew consent, or the account or application was disabled.",
    ),
    remedy=("请重新发起登录。", "Start the sign-in again."),
)
UNSUPPORTED_TOKEN_TYPE = reason(
    "unsupported_token_type",
    "21115",
    400,
    title=("不支持的令牌类型", "Token type not supported"),
    cause=("token_type_hint 的取值不受支持。", "The token_type_hint is not supported."),
    remedy=(
        "请使用 access_token 或 refresh_token，或不带该参数。",
        "Use access_token or refresh_token, or leave the hint out.",
    ),
)
TOKEN_MUST_BE_BOUND = reason(
    "invalid_request",
    "21116",
    400,
    title=("令牌须绑定密钥或证书", "Token must be bound"),
    cause=(
        "该应用的策略要求令牌绑定 DPoP 密钥或客户端证书，请求没有出示。",
        "The policy of the client requires tokens bound to a DPoP key or a client certificate; the request showed neither.",
    ),
    remedy=(
        "请按 RFC 9449 附上 DPoP 证明，或按 RFC 8705 使用客户端证书。",
        "Send a DPoP proof (RFC 9449) or use a client certificate (RFC 8705).",
    ),
)
