"""Why an authorization or a sign-out is refused.

Each reason has its wire error, its stable code and its public texts. `error_description` on the wire is the
English title, since RFC 6749 allows printable ASCII alone there; the Chinese and English texts stand on the
error pages and in the help.
"""

from idp.provider.errors import reason

UNKNOWN_CLIENT = reason(
    "invalid_request",
    "21001",
    400,
    title=("应用未登记", "Application not registered"),
    cause=(
        "请求中的 client_id 没有登记，或应用已停用。",
        "The client_id of the request is not registered or the application is disabled.",
    ),
    remedy=("请联系该应用的主办单位。", "Contact the department that runs the application."),
)
REDIRECT_URI_MISSING = reason(
    "invalid_request",
    "21002",
    400,
    title=("缺少回调地址", "Redirect URI missing"),
    cause=("请求没有带 redirect_uri。", "The request carries no redirect_uri."),
    remedy=(
        "请应用开发者在请求中带上已登记的回调地址。",
        "The application has to send one of its registered redirect URIs.",
    ),
)
REDIRECT_URI_NOT_REGISTERED = reason(
    "invalid_request",
    "21003",
    400,
    title=("回调地址未登记", "Redirect URI not registered"),
    cause=(
        "请求中的回调地址与登记的不完全一致，为保护您的信息，系统没有跳转。",
        "The redirect URI differs from the registered ones; to protect you, nobody was redirected.",
    ),
    remedy=(
        "请应用开发者核对回调地址，须逐字符一致。",
        "The application has to use a registered redirect URI, equal character by character.",
    ),
)
MALFORMED_REQUEST = reason(
    "invalid_request",
    "21004",
    400,
    title=("请求格式有误", "Malformed request"),
    cause=(
        "请求参数重复、过长或不是有效的 UTF-8 文本。",
        "The parameters are repeated, too long, or not valid UTF-8.",
    ),
    remedy=("请返回应用重新发起登录。", "Go back to the application and start again."),
)
TRANSACTION_GONE = reason(
    "invalid_request",
    "21005",
    400,
    title=("登录请求已失效", "Sign-in request no longer valid"),
    cause=(
        "本次登录请求已过期、已完成，或不是在这个浏览器中发起的。",
        "The sign-in request has expired, is finished, or was started in another browser.",
    ),
    remedy=("请返回应用重新发起登录。", "Go back to the application and start again."),
)
REPEATED_PARAMETER = reason(
    "invalid_request",
    "21011",
    400,
    title=("参数重复", "Parameter repeated"),
    cause=("请求中的某个参数出现了两次。", "A parameter of the request occurs twice."),
    remedy=("请应用开发者每个参数只发送一次。", "Send every parameter once."),
)
UNSUPPORTED_RESPONSE_TYPE = reason(
    "unsupported_response_type",
    "21012",
    400,
    title=("不支持的 response_type", "Response type not supported"),
    cause=("请求没有带 response_type，或其取值不受支持。", "The response_type is missing or not supported."),
    remedy=("请使用 response_type=code。", "Use response_type=code."),
)
CLIENT_NOT_ALLOWED = reason(
    "unauthorized_client",
    "21013",
    400,
    title=("应用无权使用该方式", "Client not allowed to do this"),
    cause=("该应用没有登记这种授权方式。", "The client is not registered for this way of authorization."),
    remedy=(
        "请在应用登记中申请该授权方式。",
        "Apply for the grant type in the registration of the application.",
    ),
)
INVALID_SCOPE = reason(
    "invalid_scope",
    "21014",
    400,
    title=("权限范围无效", "Scope not valid"),
    cause=(
        "请求的权限范围不存在，或没有批给该应用。",
        "The scope is unknown or not granted to the application.",
    ),
    remedy=("请只请求已批准的权限范围。", "Ask only for scopes that were approved."),
)
PKCE_REQUIRED = reason(
    "invalid_request",
    "21015",
    400,
    title=("缺少或错误的 PKCE 参数", "PKCE missing or wrong"),
    cause=(
        "请求必须带 43 位的 code_challenge，且 code_challenge_method 为 S256。",
        "A code_challenge of 43 characters with code_challenge_method S256 is required.",
    ),
    remedy=("请按 RFC 7636 生成 code_challenge。", "Make the code_challenge as RFC 7636 describes."),
)
UNSUPPORTED_RESPONSE_MODE = reason(
    "invalid_request",
    "21016",
    400,
    title=("不支持的 response_mode", "Response mode not supported"),
    cause=(
        "response_mode 的取值不受支持、不在应用的策略之内，或不能用于所请求的 response_type。",
        "The response_mode is not supported, outside the policy of the application, or not fit for the response_type.",
    ),
    remedy=("请使用受支持的 response_mode。", "Use a supported response_mode."),
)
INVALID_PROMPT = reason(
    "invalid_request",
    "21017",
    400,
    title=("prompt 参数有误", "Prompt not valid"),
    cause=(
        "prompt 的取值不受支持，或 none 与其他值同时出现。",
        "A prompt value is not supported, or none occurs beside another value.",
    ),
    remedy=("请检查 prompt 参数。", "Check the prompt parameter."),
)
INVALID_MAX_AGE = reason(
    "invalid_request",
    "21018",
    400,
    title=("max_age 参数有误", "Max_age not valid"),
    cause=(
        "max_age 必须是不大的非负整数秒。",
        "max_age is a non-negative number of seconds of at most nine digits.",
    ),
    remedy=("请检查 max_age 参数。", "Check the max_age parameter."),
)
INVALID_CLAIMS = reason(
    "invalid_request",
    "21019",
    400,
    title=("claims 参数有误", "Claims parameter not valid"),
    cause=("claims 参数不是有效的 JSON 对象。", "The claims parameter is not a valid JSON object."),
    remedy=(
        "请按 OpenID Connect Core 5.5 构造 claims。",
        "Build the claims parameter as OpenID Connect Core 5.5 describes.",
    ),
)
REGISTRATION_NOT_SUPPORTED = reason(
    "registration_not_supported",
    "21022",
    400,
    title=("不支持 registration 参数", "Registration parameter not supported"),
    cause=("本服务不支持自签发客户端。", "Self-issued registration is not supported."),
    remedy=("请去掉 registration 参数。", "Leave the registration parameter out."),
)
INVALID_TARGET = reason(
    "invalid_target",
    "21023",
    400,
    title=("资源标识无效", "Resource not valid"),
    cause=(
        "请求的资源未知，或没有批给该应用。",
        "The resource is unknown or not granted to the application.",
    ),
    remedy=("请只请求已批准的资源。", "Ask only for resources that were approved."),
)
LOGIN_REQUIRED = reason(
    "login_required",
    "21024",
    400,
    title=("需要登录", "Sign-in required"),
    cause=(
        "需要本人登录，而应用要求不显示页面。",
        "The person has to sign in, and the application asked for no page.",
    ),
    remedy=("请以交互方式重新发起登录。", "Start the sign-in again and allow pages."),
)
CONSENT_REQUIRED = reason(
    "consent_required",
    "21025",
    400,
    title=("需要本人同意", "Consent required"),
    cause=(
        "需要本人同意，而应用要求不显示页面。",
        "The person has to agree, and the application asked for no page.",
    ),
    remedy=("请以交互方式重新发起登录。", "Start the sign-in again and allow pages."),
)
UNMET_AUTHENTICATION = reason(
    "unmet_authentication_requirements",
    "21026",
    400,
    title=("认证强度不足", "Authentication not strong enough"),
    cause=(
        "本次登录的实名等级或认证强度达不到应用的要求。",
        "The real-name level or the strength of the sign-in does not reach what the application asks for.",
    ),
    remedy=("请提升实名等级或换用更强的登录方式。", "Raise the real-name level or sign in with two factors."),
)
REFUSED_BY_PERSON = reason(
    "access_denied",
    "21027",
    400,
    title=("本人未同意", "Refused by the person"),
    cause=("本人没有同意应用的请求。", "The person did not agree to what the application asked for."),
    remedy=("如需办理，请重新发起并同意。", "Start again and agree if you want to go on."),
)
INVALID_ID_TOKEN_HINT = reason(
    "invalid_request",
    "21028",
    400,
    title=("id_token_hint 无效", "ID token hint not valid"),
    cause=(
        "id_token_hint 不是本服务签发给该应用的令牌。",
        "The id_token_hint was not issued by this provider to this client.",
    ),
    remedy=("请使用最近一次登录得到的 ID 令牌。", "Use the ID token of the last sign-in."),
)
INVALID_PARAMETER = reason(
    "invalid_request",
    "21029",
    400,
    title=("参数取值有误", "Parameter value not valid"),
    cause=("请求中的某个参数过长或取值不合规范。", "A parameter is too long or breaks its specification."),
    remedy=("请检查请求参数。", "Check the parameters of the request."),
)
LOGOUT_NOT_CONFIRMED = reason(
    "invalid_request",
    "21301",
    400,
    title=("退出请求未确认", "Sign-out not confirmed"),
    cause=(
        "退出请求已过期、已完成，或不是在这个浏览器中发起的。",
        "The sign-out request has expired, is finished, or was started in another browser.",
    ),
    remedy=("请重新点击退出。", "Choose sign out again."),
)
LOGOUT_REDIRECT_NOT_REGISTERED = reason(
    "invalid_request",
    "21302",
    400,
    title=("退出回跳地址未登记", "Post-logout redirect URI not registered"),
    cause=(
        "退出后的回跳地址没有登记，系统没有跳转。",
        "The post-logout redirect URI is not registered, and nobody was redirected.",
    ),
    remedy=("请应用开发者登记该地址。", "The application has to register the address."),
)
MUST_BE_PUSHED = reason(
    "invalid_request",
    "21030",
    400,
    title=("须使用推送授权请求", "Pushed authorization request needed"),
    cause=(
        "该应用的策略要求先把请求推送到 /oauth/par（RFC 9126）。",
        "The policy of the application requires the request to be pushed to /oauth/par first (RFC 9126).",
    ),
    remedy=(
        "请应用开发者先推送请求，再用返回的 request_uri 发起授权。",
        "The application has to push the request and to start the authorization with the request_uri it gets.",
    ),
)
MUST_BE_SIGNED = reason(
    "invalid_request",
    "21031",
    400,
    title=("须使用签名请求", "Signed request needed"),
    cause=(
        "该应用的策略要求授权请求签名（RFC 9101）。",
        "The policy of the application requires a signed authorization request (RFC 9101).",
    ),
    remedy=(
        "请应用开发者用登记的密钥签名请求对象。",
        "The application has to send a request object signed with its registered key.",
    ),
)
