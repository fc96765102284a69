"""33xxx: nothing can be answered, because there is nothing or because the source above fails."""

from foundation.problems import ErrorCode, register

NONE_FOUND = register(
    ErrorCode(
        code="33001",
        status=404,
        title_zh="未找到或不可见",
        title_en="None found or not visible",
        cause_zh="没有找到符合条件且可见的证照。",
        cause_en="No license that matches and is visible was found.",
        remedy_zh="请核对查询条件；如当事人持有纸质证照，可按线下方式办理。",
        remedy_en="Check what you asked for; a paper license can still be handled at the counter.",
    )
)
LIBRARY_UNAVAILABLE = register(
    ErrorCode(
        code="33002",
        status=502,
        title_zh="上级证照库不可用",
        title_en="License library unavailable",
        cause_zh="保存该证照的上级证照库暂时不可用。",
        cause_en="The library that holds this license is temporarily unavailable.",
        remedy_zh="请稍后重试。",
        remedy_en="Please try again later.",
    )
)
LIBRARY_TIMEOUT = register(
    ErrorCode(
        code="33003",
        status=504,
        title_zh="上级证照库超时",
        title_en="License library too slow",
        cause_zh="上级证照库没有在规定时间内应答。",
        cause_en="The library did not answer within its deadline.",
        remedy_zh="请稍后重试。",
        remedy_en="Please try again later.",
    )
)
LIBRARY_MALFORMED = register(
    ErrorCode(
        code="33004",
        status=502,
        title_zh="上级证照库应答有误",
        title_en="License library answered wrongly",
        cause_zh="上级证照库的应答不符合接口规范，未予采用。",
        cause_en="The library's answer does not follow its interface and was not used.",
        remedy_zh="请稍后重试；如持续出现，请联系数据管理部门。",
        remedy_en="Try again later; if it persists, contact the data authority.",
    )
)
LIBRARY_REFUSED = register(
    ErrorCode(
        code="33005",
        status=502,
        title_zh="上级证照库拒绝查询",
        title_en="License library refused",
        cause_zh="上级证照库拒绝了这次查询。",
        cause_en="The library refused this question.",
        remedy_zh="请联系数据管理部门核对上级授权。",
        remedy_en="Ask the data authority to check the authorisation above.",
    )
)
TYPE_UNKNOWN = register(
    ErrorCode(
        code="33006",
        status=422,
        title_zh="证照类型不在目录中",
        title_en="License type not in the catalogue",
        cause_zh="证照目录中没有所请求的证照类型代码。",
        cause_en="The catalogue does not hold the requested license type code.",
        remedy_zh="请从证照目录中选择类型代码。",
        remedy_en="Choose a type code from the catalogue.",
    )
)
TOO_MANY_FOUND = register(
    ErrorCode(
        code="33007",
        status=422,
        title_zh="符合条件的证照过多",
        title_en="Too many licenses match",
        cause_zh="符合条件的证照超过一次可以返回的数量。",
        cause_en="More licenses match than one answer may hold.",
        remedy_zh="请按证照编号或证照标识查询。",
        remedy_en="Ask by license number or identifier.",
    )
)
