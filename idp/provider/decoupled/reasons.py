"""Why a request that waits for another device, its answer, or its redemption is refused (RFC 8628 §3.5, OpenID CIBA Core §11, §13)."""

from idp.provider.errors import reason

AUTHORIZATION_PENDING = reason(
    "authorization_pending",
    "21130",
    400,
    title=("等待本人确认", "Waiting for the person"),
    cause=("本人还没有在另一台设备上作出答复。", "The person has not answered on the other device yet."),
    remedy=("请按应答中的间隔继续查询。", "Go on asking at the interval of the answer."),
)
SLOW_DOWN = reason(
    "slow_down",
    "21131",
    400,
    title=("查询过于频繁", "Polling too fast"),
    cause=(
        "应用查询得比规定的间隔快，间隔已延长 5 秒。",
        "The client asked faster than the interval allows; the interval is five seconds longer now.",
    ),
    remedy=("请放慢查询；一再过快，本次请求即作废。", "Ask less often; a client that does not loses the request."),
)
REQUEST_EXPIRED = reason(
    "expired_token",
    "21132",
    400,
    title=("等待确认已超时", "The request expired"),
    cause=(
        "在有效时间内没有完成确认，或应用查询过快，本次请求已作废。",
        "Nobody confirmed in time, or the client asked too fast; the request is void.",
    ),
    remedy=("请重新发起。", "Start again."),
)
REFUSED_ON_OTHER_DEVICE = reason(
    "access_denied",
    "21133",
    400,
    title=("本人未同意", "The person refused"),
    cause=("本人在另一台设备上选择了拒绝。", "The person refused on the other device."),
    remedy=("需要时请由本人重新发起。", "Start again when the person wants to."),
)
INVALID_DEVICE_CODE = reason(
    "invalid_grant",
    "21134",
    400,
    title=("设备代码无效", "Device code not valid"),
    cause=(
        "设备代码不存在、已使用或不属于该应用。",
        "The device code is unknown, used, or belongs to another client.",
    ),
    remedy=("请重新发起设备授权。", "Start the device flow again."),
)
INVALID_AUTH_REQ_ID = reason(
    "invalid_grant",
    "21135",
    400,
    title=("auth_req_id 无效", "auth_req_id not valid"),
    cause=(
        "auth_req_id 不存在、已使用或不属于该应用。",
        "The auth_req_id is unknown, used, or belongs to another client.",
    ),
    remedy=("请重新发起认证请求。", "Send a new authentication request."),
)
AUTHENTICATION_REQUEST_MALFORMED = reason(
    "invalid_request",
    "21136",
    400,
    title=("认证请求有误", "Authentication request malformed"),
    cause=(
        "后台认证请求缺少参数、参数格式不对，或同时给出了几种身份提示。",
        "The backchannel authentication request lacks a parameter, has a malformed one, or gives more than one hint.",
    ),
    remedy=(
        "请按 OpenID CIBA 只给出一种身份提示，并检查每个参数。",
        "Give exactly one hint and check every parameter as OpenID CIBA describes them.",
    ),
)
INVALID_BINDING_MESSAGE = reason(
    "invalid_binding_message",
    "21137",
    400,
    title=("核对信息不可用", "Binding message not acceptable"),
    cause=(
        "核对信息过长，或含有文字、数字和常用标点以外的字符。",
        "The binding message is too long or holds more than letters, digits and common punctuation.",
    ),
    remedy=("请使用不超过 64 个字符的普通文字。", "Use at most 64 characters of plain text."),
)
UNKNOWN_USER_ID = reason(
    "unknown_user_id",
    "21138",
    400,
    title=("身份提示无法识别", "Hint not understood"),
    cause=(
        "身份提示既不是手机号、公民身份号码、用户名，也不是发给该应用的 ID 令牌。",
        "The hint is neither a phone number, resident number or user name, nor an ID token issued to this client.",
    ),
    remedy=("请核对身份提示。", "Check the hint."),
)
MUST_BE_SIGNED_REQUEST = reason(
    "invalid_request",
    "21139",
    400,
    title=("认证请求须签名", "Authentication request must be signed"),
    cause=(
        "该应用须发送签名的认证请求，或签名未通过校验。",
        "The client has to send a signed authentication request, or the signature was not accepted.",
    ),
    remedy=(
        "请把全部参数放入签名的 request 对象，并核对密钥、算法与时间。",
        "Put every parameter into a signed request object, and check key, algorithm and times.",
    ),
)
TOO_MANY_CONFIRMATIONS = reason(
    "temporarily_unavailable",
    "21140",
    429,
    title=("等待确认的请求过多", "Too many requests for one person"),
    cause=(
        "短时间内向同一人发起的确认请求过多。",
        "Too many requests were addressed to the same person in a short time.",
    ),
    remedy=("请稍后再试，或当面办理。", "Try again later, or see the person at the counter."),
)
EXPIRED_LOGIN_HINT_TOKEN = reason(
    "expired_login_hint_token",
    "21141",
    400,
    title=("身份提示令牌已过期", "Hint token expired"),
    cause=("login_hint_token 已过期。", "The login_hint_token has expired."),
    remedy=("请使用新的身份提示令牌。", "Use a fresh hint token."),
)
UNKNOWN_USER_CODE = reason(
    "invalid_request",
    "21142",
    422,
    title=("没有找到这个代码", "Code not found"),
    cause=("没有正在等待的请求使用这个代码，或它已过期。", "No waiting request has this code, or it has expired."),
    remedy=(
        "请对照设备屏幕重新输入；过期时请在设备上重新开始。",
        "Compare it with the screen of the device; if it has expired, start again there.",
    ),
)
TOO_MANY_USER_CODES = reason(
    "temporarily_unavailable",
    "21143",
    429,
    title=("输入代码的次数过多", "Too many codes entered"),
    cause=("短时间内输入的代码过多。", "Too many codes were entered in a short time."),
    remedy=("请稍候再试。", "Please try again later."),
)
CONFIRMATION_GONE = reason(
    "invalid_request",
    "21144",
    400,
    title=("这次确认已经失效", "This confirmation is over"),
    cause=(
        "它已过期、已有答复，或不是向您发出的。",
        "It has expired, has been answered, or was not addressed to you.",
    ),
    remedy=("需要时请在应用或设备上重新开始。", "Start again in the application or on the device if you need to."),
)
