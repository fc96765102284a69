"""Codes of the certshare wire: the operations that are asked for and the statuses of answers."""

from enum import IntEnum, StrEnum


class Operation(StrEnum):
    """Operations of the wire that we ask for, by the last part of their path."""

    BY_IDENTIFIER = "queryCertInfo"
    BY_HOLDER = "queryCertInfoByHolderCode"


class HeadStatus(IntEnum):
    """`head.status` of an answer; the library's own Chinese meaning is in `MEANINGS`."""

    SUCCESS = 0
    NO_SUCH_SERVICE = 2
    NOT_FOUND = 10
    IDENTITY_CHECK_FAILED = 11
    PARAMETER_MISSING = 12
    TYPE_UNKNOWN = 13
    ABOLISHED_OR_CANCELLED = 21
    EXPIRED = 22
    RESTRICTED = 23
    OTHER = 99
    NO_ACCESS_TO_TYPE = 100
    STATUS_MISCONFIGURED = 101
    PARAMETER_WRONG = 102
    HOLDER_TYPE_WRONG = 103
    CATALOGUE_NOT_FOUND = 105
    CATALOGUE_AMBIGUOUS = 106
    TEMPLATE_NOT_FOUND = 107
    TEMPLATE_AMBIGUOUS = 108
    NUMBER_EMPTY = 109
    HOLDER_CODE_EMPTY = 110
    HOLDER_EMPTY = 111
    TYPE_CODE_WRONG = 113


MEANINGS: dict[HeadStatus, str] = {
    HeadStatus.SUCCESS: "成功",
    HeadStatus.NO_SUCH_SERVICE: "证照源未提供此服务接口",
    HeadStatus.NOT_FOUND: "未找到匹配的证照信息",
    HeadStatus.IDENTITY_CHECK_FAILED: "身份验证不通过",
    HeadStatus.PARAMETER_MISSING: "必填参数为空",
    HeadStatus.TYPE_UNKNOWN: "证照类型不存在或未发布",
    HeadStatus.ABOLISHED_OR_CANCELLED: "已废止或已注销",
    HeadStatus.EXPIRED: "已过期",
    HeadStatus.RESTRICTED: "受限使用",
    HeadStatus.OTHER: "其他异常",
    HeadStatus.NO_ACCESS_TO_TYPE: "该用户无访问该证的权限，请先申请",
    HeadStatus.STATUS_MISCONFIGURED: "证照状态配置错误",
    HeadStatus.PARAMETER_WRONG: "参数值错误(FileType)",
    HeadStatus.HOLDER_TYPE_WRONG: "持证主体代码类型代码不符合规范",
    HeadStatus.CATALOGUE_NOT_FOUND: "未找到目录",
    HeadStatus.CATALOGUE_AMBIGUOUS: "目录无法确定",
    HeadStatus.TEMPLATE_NOT_FOUND: "未找到模板",
    HeadStatus.TEMPLATE_AMBIGUOUS: "模板数大于1",
    HeadStatus.NUMBER_EMPTY: "certNo 为空",
    HeadStatus.HOLDER_CODE_EMPTY: "holderCode 为空",
    HeadStatus.HOLDER_EMPTY: "holder 为空",
    HeadStatus.TYPE_CODE_WRONG: "证照类型代码有误",
}
