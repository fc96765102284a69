"""The errors of signing and verifying."""

from typing import ClassVar

from foundation.problems import ErrorCode, RenzhengError, ServiceUnavailable, register


class InvalidSignedToken(RenzhengError):
    """A token is malformed, signed by another key or algorithm, altered, or not valid at this time.

    One public text for every reason: the difference would help whoever forges. The reason is in ``detail``,
    for the log.
    """

    error_code: ClassVar[ErrorCode] = register(
        ErrorCode(
            code="10021",
            status=401,
            title_zh="令牌无效",
            title_en="Invalid token",
            cause_zh="令牌的签名、格式或有效期不符合要求。",
            cause_en="The signature, the form or the lifetime of the token is not acceptable.",
            remedy_zh="请重新登录，或由应用重新获取令牌。",
            remedy_en="Sign in again, or let the application obtain a new token.",
        )
    )


class ExpiredSignedToken(InvalidSignedToken):
    """The signature is ours and sound, but the time of the token is over."""

    error_code = register(
        ErrorCode(
            code="10022",
            status=401,
            title_zh="令牌已过期",
            title_en="Token expired",
            cause_zh="令牌的有效期已过。",
            cause_en="The lifetime of the token is over.",
            remedy_zh="请重新登录，或由应用重新获取令牌。",
            remedy_en="Sign in again, or let the application obtain a new token.",
        )
    )


class NoSigningKey(ServiceUnavailable):
    """No key of the wanted purpose and algorithm may sign at this time; the rotation has to make one."""

    error_code = register(
        ErrorCode(
            code="10023",
            status=503,
            title_zh="签名密钥暂不可用",
            title_en="No signing key available",
            cause_zh="当前没有可用的签名密钥，系统不能签发令牌或回执。",
            cause_en="No signing key is available at the moment, so that no token or receipt can be issued.",
            remedy_zh="请稍后重试；运维人员应检查密钥轮换任务。",
            remedy_en="Please try again later. Operators should check the key rotation.",
        )
    )
