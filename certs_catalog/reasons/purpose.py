"""32xxx: the stated purpose does not hold."""

from foundation.problems import ErrorCode, register

MATTER_NOT_GRANTED = register(
    ErrorCode(
        code="32001",
        status=403,
        title_zh="事项未获授权",
        title_en="Matter not granted",
        cause_zh="授权中不包含所填的事项。",
        cause_en="The stated matter is not a purpose of the grant.",
        remedy_zh="请填写授权中列明的事项。",
        remedy_en="State a matter named in the grant.",
    )
)
CASE_MISSING = register(
    ErrorCode(
        code="32002",
        status=422,
        title_zh="缺少办件编号",
        title_en="Case missing",
        cause_zh="该事项须填写正在办理的办件编号。",
        cause_en="This matter needs the number of the case being handled.",
        remedy_zh="请填写办件编号。",
        remedy_en="State the case number.",
    )
)
CASE_UNKNOWN = register(
    ErrorCode(
        code="32003",
        status=422,
        title_zh="办件不存在",
        title_en="Case unknown",
        cause_zh="办件系统中没有这个办件编号。",
        cause_en="The case system does not know this case number.",
        remedy_zh="请核对办件编号。",
        remedy_en="Check the case number.",
    )
)
CASE_CLOSED = register(
    ErrorCode(
        code="32004",
        status=422,
        title_zh="办件已办结",
        title_en="Case closed",
        cause_zh="该办件已经办结，不能再作为查询依据。",
        cause_en="The case is closed and cannot serve as a purpose any more.",
        remedy_zh="请使用正在办理的办件。",
        remedy_en="Use a case that is being handled.",
    )
)
CASE_OF_OTHER_DEPARTMENT = register(
    ErrorCode(
        code="32005",
        status=403,
        title_zh="办件不属于本单位",
        title_en="Case of another department",
        cause_zh="该办件由其他单位办理。",
        cause_en="The case is handled by another department.",
        remedy_zh="请使用本单位的办件。",
        remedy_en="Use a case of your own department.",
    )
)
CASE_OF_OTHER_HOLDER = register(
    ErrorCode(
        code="32006",
        status=403,
        title_zh="办件与持证主体不符",
        title_en="Case of another holder",
        cause_zh="该办件不涉及所查询的持证主体。",
        cause_en="The case does not concern the holder asked about.",
        remedy_zh="请核对办件编号与证件号码。",
        remedy_en="Check the case number and the document number.",
    )
)
CASE_OF_OTHER_MATTER = register(
    ErrorCode(
        code="32007",
        status=422,
        title_zh="办件与事项不符",
        title_en="Case of another matter",
        cause_zh="该办件办理的不是所填的事项。",
        cause_en="The case handles another matter than the one stated.",
        remedy_zh="请核对事项与办件编号。",
        remedy_en="Check the matter and the case number.",
    )
)
CASES_UNAVAILABLE = register(
    ErrorCode(
        code="32008",
        status=502,
        title_zh="办件系统没有应答",
        title_en="Case system does not answer",
        cause_zh="办件系统暂时没有应答，无法核实用途，未提供任何内容。",
        cause_en="The case system does not answer, so the purpose cannot be checked; nothing was disclosed.",
        remedy_zh="请稍后重试。",
        remedy_en="Please try again later.",
    )
)
