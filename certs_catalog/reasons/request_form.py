"""421xx: the lookup request itself is not well formed, or its request id was used before."""

from foundation.problems import ErrorCode, register

BODY_UNREADABLE = register(
    ErrorCode(
        code="42101",
        status=400,
        title_zh="请求内容无法读取",
        title_en="Unreadable body",
        cause_zh="请求体不是符合要求的 JSON：须为 UTF-8，成员不得重复，嵌套不得过深。",
        cause_en="The body is not acceptable JSON: UTF-8, no repeated members, limited depth.",
        remedy_zh="请检查请求体的编码与格式。",
        remedy_en="Check the encoding and the form of the body.",
    )
)
MEMBERS_INVALID = register(
    ErrorCode(
        code="42102",
        status=400,
        title_zh="请求成员有误",
        title_en="Invalid members",
        cause_zh="请求中至少一个成员缺失、多余或取值不符。",
        cause_en="At least one member of the request is missing, unknown or has a wrong value.",
        remedy_zh="请按 errors 中的位置逐项改正。",
        remedy_en="Correct the members named in errors.",
    )
)
MEDIA_TYPE_UNSUPPORTED = register(
    ErrorCode(
        code="42103",
        status=415,
        title_zh="内容类型不支持",
        title_en="Unsupported media type",
        cause_zh="本接口只接受 application/json（UTF-8）。",
        cause_en="This interface accepts only application/json in UTF-8.",
        remedy_zh="请把 Content-Type 设为 application/json。",
        remedy_en="Send Content-Type: application/json.",
    )
)
BODY_TOO_LARGE = register(
    ErrorCode(
        code="42104",
        status=413,
        title_zh="请求过大",
        title_en="Body too large",
        cause_zh="请求体超过允许的大小。",
        cause_en="The body is larger than allowed.",
        remedy_zh="请缩小请求。",
        remedy_en="Send a smaller request.",
    )
)
REQUEST_ID_INVALID = register(
    ErrorCode(
        code="42105",
        status=400,
        title_zh="请求编号无效",
        title_en="Invalid request id",
        cause_zh="X-Request-Id 须为一个 UUID。",
        cause_en="X-Request-Id has to be one UUID.",
        remedy_zh="请为每次查询生成新的 UUID。",
        remedy_en="Generate a new UUID for each lookup.",
    )
)
REQUEST_ID_REUSED = register(
    ErrorCode(
        code="42106",
        status=409,
        title_zh="请求编号已用于其他请求",
        title_en="Request id used for another request",
        cause_zh="同一个 X-Request-Id 曾用于内容不同的请求。",
        cause_en="The same X-Request-Id was used with another body.",
        remedy_zh="请为新的查询使用新的请求编号。",
        remedy_en="Use a new request id for a new lookup.",
    )
)
REQUEST_IN_FLIGHT = register(
    ErrorCode(
        code="42107",
        status=409,
        title_zh="相同请求正在处理",
        title_en="The same request is being handled",
        cause_zh="使用同一请求编号的请求正在处理。",
        cause_en="A request with this request id is being handled.",
        remedy_zh="请等待其完成后再重试。",
        remedy_en="Wait until it is finished, then repeat.",
    )
)
CATALOG_INVALID = register(
    ErrorCode(
        code="42110",
        status=422,
        title_zh="证照目录有误",
        title_en="Invalid catalogue entry",
        cause_zh="证照目录条目未通过校验。",
        cause_en="A catalogue entry did not pass its checks.",
        remedy_zh="请按提示改正目录文件。",
        remedy_en="Correct the catalogue file as told.",
    )
)
LICENSE_INVALID = register(
    ErrorCode(
        code="42111",
        status=422,
        title_zh="证照数据有误",
        title_en="Invalid license data",
        cause_zh="证照数据未通过校验，未予入库。",
        cause_en="The license data did not pass its checks and was not stored.",
        remedy_zh="请按提示改正后重新报送。",
        remedy_en="Correct the data as told and send it again.",
    )
)
GRANT_INVALID = register(
    ErrorCode(
        code="42112",
        status=422,
        title_zh="授权内容有误",
        title_en="Invalid grant",
        cause_zh="授权内容未通过校验，未予登记。",
        cause_en="The grant did not pass its checks and was not registered.",
        remedy_zh="请按提示改正后重新登记。",
        remedy_en="Correct the grant as told and register it again.",
    )
)
STATUS_CHANGE_IMPOSSIBLE = register(
    ErrorCode(
        code="42113",
        status=409,
        title_zh="证照状态不能这样变更",
        title_en="Impossible status change",
        cause_zh="证照不能从当前状态变为所请求的状态。",
        cause_en="A license cannot go from its present status to the requested one.",
        remedy_zh="请核对证照的当前状态。",
        remedy_en="Check the present status of the license.",
    )
)
