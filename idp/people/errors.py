"""Reason codes of persons and accounts (23xxx): why a person, an account or an officer could not be made or changed.

Refusals that leave a mark are returned as outcomes that carry one of these codes; only what never happened is raised.
"""

from foundation.problems import ErrorCode, RenzhengError, register

DETAILS_NOT_ACCEPTED = register(
    ErrorCode(
        code="23001",
        status=403,
        title_zh="无法用这些信息完成登记",
        title_en="These details cannot be registered",
        # One text for "does not agree" and "has an account already": neither may be learnt by trying.
        cause_zh="姓名与号码未能核验一致，或本人已经有账户。出于保护个人信息，我们不说明是哪一种。",
        cause_en="Name and number could not be confirmed, or the person already has an account. "
        "To protect personal data we do not say which.",
        remedy_zh="请核对后重试；如果您已有账户，请直接登录或找回密码；也可以带证件到政务服务窗口办理。",
        remedy_en="Please check and try again. If you have an account, sign in or recover it; or visit a counter with your document.",
    )
)

PROOFING_USED_UP = register(
    ErrorCode(
        code="23002",
        status=429,
        title_zh="身份核验次数已用完",
        title_en="Too many identity checks",
        cause_zh="短时间内核验次数过多，暂时不能再核验。",
        cause_en="There were too many identity checks in a short time.",
        remedy_zh="请在所示时间之后再试，或到政务服务窗口办理。",
        remedy_en="Please try again after the time shown, or visit a service counter.",
    )
)

IDENTITY_CONFLICT = register(
    ErrorCode(
        code="23003",
        status=409,
        title_zh="身份信息不一致，需要人工核实",
        title_en="Identity details conflict and need manual review",
        cause_zh="上级认证平台给出的身份与本系统登记的身份不一致。",
        cause_en="The identity given by the upper platform differs from the one registered here.",
        remedy_zh="请带有效证件到政务服务窗口核实，或换一种登录方式。",
        remedy_en="Please visit a service counter with your document, or choose another way to sign in.",
    )
)

LEVEL_TOO_LOW_TO_LINK = register(
    ErrorCode(
        code="23004",
        status=403,
        title_zh="实名等级不足，不能直接进入已有账户",
        title_en="Real-name level too low to enter an existing account",
        cause_zh="上级认证平台给出的实名等级不足以确认您就是已有账户的本人。",
        cause_en="The level given by the upper platform is too low to confirm that the existing account is yours.",
        remedy_zh="请先在上级认证平台提升实名等级，或用本系统的账户登录。",
        remedy_en="Please raise your level at the upper platform first, or sign in with your account here.",
    )
)

PASSWORD_LENGTH = register(
    ErrorCode(
        code="23011",
        status=400,
        title_zh="密码长度不符合要求",
        title_en="Password has an unsuitable length",
        cause_zh="密码至少8个字符，最多1024个字符。",
        cause_en="A password has at least 8 and at most 1024 characters.",
        remedy_zh="请换一个更长的密码；可以用几个词连成一句。",
        remedy_en="Please choose a longer one; several words in a row work well.",
    )
)

PASSWORD_COMMON = register(
    ErrorCode(
        code="23012",
        status=400,
        title_zh="密码太常见",
        title_en="Password is too common",
        cause_zh="这个密码在常用密码列表中，或只是一个字符、一段顺序的重复。",
        cause_en="This password is on the list of common ones, or merely repeats a character or a sequence.",
        remedy_zh="请换一个不容易猜到的密码。",
        remedy_en="Please choose one that is harder to guess.",
    )
)

PASSWORD_PERSONAL = register(
    ErrorCode(
        code="23013",
        status=400,
        title_zh="密码中含有您的个人信息",
        title_en="Password contains personal details",
        cause_zh="密码中含有您的用户名、手机号码、证件号码、生日或本系统的名称。",
        cause_en="The password contains your user name, phone, document number, birthday or the name of this site.",
        remedy_zh="请去掉这些内容，换一个密码。",
        remedy_en="Please choose one without them.",
    )
)

USER_NAME_UNSUITABLE = register(
    ErrorCode(
        code="23014",
        status=400,
        title_zh="用户名不符合要求",
        title_en="User name is unsuitable",
        cause_zh="用户名为4至32个汉字、英文字母、数字、下划线或连字符，且不能全是数字。",
        cause_en="A user name has 4 to 32 Chinese characters, letters, digits, underscores or hyphens, and not digits alone.",
        remedy_zh="请换一个用户名，或者不填。",
        remedy_en="Please choose another user name or leave it empty.",
    )
)

USER_NAME_TAKEN = register(
    ErrorCode(
        code="23015",
        status=409,
        title_zh="用户名已被使用",
        title_en="User name is taken",
        cause_zh="这个用户名已经被别人使用。",
        cause_en="Somebody else uses this user name.",
        remedy_zh="请换一个用户名，或者不填。",
        remedy_en="Please choose another user name or leave it empty.",
    )
)

CHECK_NOT_AGREED = register(
    ErrorCode(
        code="23016",
        status=400,
        title_zh="需要您同意核验身份信息",
        title_en="Your agreement to the identity check is needed",
        cause_zh="没有您的同意，我们不会把姓名和号码送去核验。",
        cause_en="Without your agreement we do not send your name and number to be checked.",
        remedy_zh="请勾选同意后继续；也可以到政务服务窗口办理。",
        remedy_en="Please tick the agreement to continue, or visit a service counter.",
    )
)


class UnknownRecord(RenzhengError):
    """A person, account, department or officer named by its identifier does not exist; nothing was changed."""

    error_code = register(
        ErrorCode(
            code="23020",
            status=404,
            title_zh="记录不存在",
            title_en="Record not found",
            cause_zh="没有找到指定的人员、账户、部门或工作人员。",
            cause_en="The person, account, department or officer named does not exist.",
            remedy_zh="请核对编号。",
            remedy_en="Please check the identifier.",
        )
    )


class RecordConflict(RenzhengError):
    """Something else already holds a value that must be unique (slug, USCC, work number, user name); nothing was changed."""

    error_code = register(
        ErrorCode(
            code="23021",
            status=409,
            title_zh="与已有记录冲突",
            title_en="Conflict with an existing record",
            cause_zh="编码、工号或用户名已经被另一条记录使用。",
            cause_en="The code, work number or user name is used by another record.",
            remedy_zh="请换一个值，或修改已有记录。",
            remedy_en="Please use another value or change the existing record.",
        )
    )
