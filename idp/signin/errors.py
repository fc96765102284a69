"""Reason codes of sign-in (22xxx). Refusals are returned and recorded; only overload is raised, because then nothing happened."""

from foundation.problems import ErrorCode, ServiceUnavailable, register


def _code(
    number: str, status: int, title: tuple[str, str], cause: tuple[str, str], remedy: tuple[str, str]
) -> ErrorCode:
    return register(
        ErrorCode(
            code=number,
            status=status,
            title_zh=title[0],
            title_en=title[1],
            cause_zh=cause[0],
            cause_en=cause[1],
            remedy_zh=remedy[0],
            remedy_en=remedy[1],
        )
    )


WRONG_CREDENTIALS = _code(
    "22001",
    401,
    ("账号或密码不正确", "Account or password is wrong"),
    (
        "账号或密码不正确，或该账号不能这样登录。",
        "Account or password is wrong, or the account cannot sign in this way.",
    ),
    ("请核对后重试，或换一种登录方式。", "Please check and try again, or choose another way to sign in."),
)
TOO_MANY_ATTEMPTS = _code(
    "22002",
    429,
    ("尝试次数过多，请稍候", "Too many attempts, please wait"),
    (
        "短时间内失败次数过多，为保护账户暂时不能再试。",
        "There were too many failures; trying is paused to protect the account.",
    ),
    (
        "请在所示时间之后再试，或换一种登录方式。",
        "Please try again after the time shown, or choose another way to sign in.",
    ),
)
WRONG_CODE = _code(
    "22003",
    401,
    ("验证码不正确", "The code is wrong"),
    ("填写的验证码与短信中的不一致。", "The code differs from the one in the message."),
    (
        "请核对短信开头的字母与页面所示一致后再填写。",
        "Please use the message whose first letters match those shown on the page.",
    ),
)
CODE_EXPIRED = _code(
    "22004",
    401,
    ("验证码已失效", "The code is no longer valid"),
    ("验证码已过期、已用过，或错误次数过多。", "The code expired, was used, or was tried too often."),
    ("请重新获取验证码。", "Please ask for a new code."),
)
CODE_SENT_TOO_OFTEN = _code(
    "22005",
    429,
    ("获取验证码过于频繁", "Codes are requested too often"),
    (
        "同一号码或同一网络在短时间内获取验证码过多。",
        "Too many codes were requested for this number or from this network.",
    ),
    (
        "请在所示时间之后再试，或换一种登录方式。",
        "Please try again after the time shown, or choose another way to sign in.",
    ),
)
CODES_SWITCHED_OFF = _code(
    "22006",
    503,
    ("短信验证码暂停使用", "Text message codes are switched off"),
    ("短信验证码服务目前暂停。", "Sending of codes is switched off at the moment."),
    ("请换一种登录方式，或到政务服务窗口办理。", "Please choose another way to sign in or visit a service counter."),
)
FLOW_LOST = _code(
    "22007",
    400,
    ("操作已超时，请重新开始", "This took too long, please start again"),
    (
        "这一步已经过期、已经完成，或不是在这个浏览器中开始的。",
        "This step expired, was completed, or began in another browser.",
    ),
    ("请从头开始。", "Please start again."),
)
WRONG_TOTP = _code(
    "22008",
    401,
    ("动态口令不正确", "The one-time password is wrong"),
    ("动态口令不正确，或刚刚已经用过。", "The one-time password is wrong or was just used."),
    (
        "请等待下一个口令再填写，并检查手机时间是否准确。",
        "Please wait for the next one, and check the clock of your phone.",
    ),
)
ACCOUNT_NOT_OPEN = _code(
    "22009",
    403,
    ("账户已停用", "The account is not active"),
    ("账户已停用或已注销。", "The account is disabled or closed."),
    ("请联系服务热线或到政务服务窗口办理。", "Please call the hotline or visit a service counter."),
)
NETWORK_TOO_BUSY = _code(
    "22010",
    429,
    ("当前网络的请求过多", "Too many requests from this network"),
    ("同一网络在短时间内尝试登录过多。", "There were too many sign-in attempts from this network."),
    ("请在所示时间之后再试。", "Please try again after the time shown."),
)
NOT_AN_OFFICER = _code(
    "22011",
    403,
    ("没有工作人员身份", "Not a member of staff"),
    ("这个账户没有在任何部门任职，不能从工作人员入口登录。", "This account holds no post in a department."),
    (
        "请使用个人登录，或联系本部门管理员。",
        "Please use the citizens' sign-in or ask your department's administrator.",
    ),
)
SECOND_FACTOR_MISSING = _code(
    "22012",
    403,
    ("尚未绑定动态口令", "No second factor is enrolled"),
    (
        "这里需要两种验证方式，而账户还没有绑定动态口令。",
        "Two factors are needed here, and the account has no one-time password enrolled.",
    ),
    (
        "请先绑定动态口令；工作人员请联系本部门管理员。",
        "Please enrol one first; staff ask their department's administrator.",
    ),
)
FRESH_SIGN_IN_NEEDED = _code(
    "22013",
    403,
    ("需要重新验证身份", "Please sign in again"),
    ("这项操作需要您刚刚验证过身份。", "This action needs a sign-in made just before."),
    ("请重新登录后再继续。", "Please sign in again and continue."),
)
PASSWORD_STOPPED = _code(
    "22014",
    429,
    ("密码登录已暂停", "Password sign-in is stopped"),
    (
        "这个账号的密码被连续输错太多次，密码登录已暂停。",
        "The password of this account was wrong too many times in a row.",
    ),
    (
        "请用短信验证码或上级认证平台登录，之后密码登录会恢复。",
        "Please sign in by code or through the upper platform; after that the password works again.",
    ),
)
NO_ACCOUNT_FOR_PHONE = _code(
    "22015",
    404,
    ("这个手机号码还没有账户", "No account with this phone number"),
    (
        "您已证明持有这个号码，但它不是任何账户的登录号码。",
        "You have proved that you hold this number, but no account uses it.",
    ),
    ("请先注册，或换一种登录方式。", "Please register or choose another way to sign in."),
)
IDENTITY_NOT_CONFIRMED = _code(
    "22016",
    403,
    ("身份未能确认", "Identity not confirmed"),
    ("填写的证件号码与这个号码对应的账户不符。", "The document number does not belong to the account of this phone."),
    (
        "如果号码是新办的，请注册自己的账户；也可以到窗口办理。",
        "If the phone number is new to you, register your own account; or visit a counter.",
    ),
)
CENTER_UNKNOWN = _code(
    "22017",
    404,
    ("没有这个认证平台", "Unknown identity platform"),
    ("没有配置所选的上级认证平台。", "The upper identity platform chosen is not configured."),
    ("请从登录页重新选择。", "Please choose again on the sign-in page."),
)
CENTER_IDENTITY_UNUSABLE = _code(
    "22018",
    502,
    ("上级认证平台给出的身份不可用", "The identity from the upper platform is unusable"),
    (
        "上级认证平台没有给出有效的用户标识、姓名或证件号码，或您在那里尚未实名。",
        "The upper platform gave no valid subject, name or document number, or you are not verified there.",
    ),
    (
        "请先在上级认证平台完成实名认证，或换一种登录方式。",
        "Please complete verification there first, or choose another way to sign in.",
    ),
)
RECOVERY_REFUSED = _code(
    "22019",
    403,
    ("无法找回密码", "The password cannot be recovered this way"),
    ("填写的信息不能确认您是账户本人。", "The details given do not confirm that the account is yours."),
    (
        "请核对后重试，或带证件到政务服务窗口办理。",
        "Please check and try again, or visit a counter with your document.",
    ),
)


class HashingBusy(ServiceUnavailable):
    """More password checks wait than can be served soon; nothing was counted or tried."""

    error_code = _code(
        "22020",
        503,
        ("登录人数较多", "Many people are signing in"),
        ("同时登录的人较多，这次没有处理。", "Many people are signing in, and this attempt was not handled."),
        ("请几秒钟后再试。", "Please try again in a few seconds."),
    )
